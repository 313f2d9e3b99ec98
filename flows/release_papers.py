"""What a release tells beside its figures: which one it follows, what cleaning did, and what computed it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from console.acts.edited import EditedSurvey
from reports.contents import CleaningRow
from reports.differences import Snapshot, read_snapshot
from schemas.decisions import CHANGING
from schemas.errors import ReleaseError
from schemas.estimates import TOTAL
from schemas.workbook import Specs
from store.releases import ReleaseRow
from validation.fieldwork.parameters import GENERAL, GENERAL_DEFAULTS, read_parameters
from validation.imputation.rates import Rate

_LIBRARIES: Final = ("polars", "numpy", "scipy", "svy", "pyxform", "lxml", "xlsxwriter", "altair", "vl-convert-python")
"""Those whose version may change a figure or a file."""

_ROOMS: Final = ("schemas", "expressions", "forms", "store", "validation", "estimation", "reports", "console", "flows")
_SOURCES: Final = frozenset({".py", ".csv", ".html", ".css", ".txt"})
"""What a figure or a page follows from."""

_STANDING: Final = ("approved", "draft")
"""States of a release that a new one may follow, the better one first."""


def find_former(rows: Sequence[ReleaseRow], rehearsal: bool) -> tuple[str, Snapshot | None]:
    """Id and contents of the release that a new one follows: the newest approved one, else the newest draft.

    Rehearsed releases follow rehearsed ones, and real ones real ones. The contents are null where the folder is gone.

    Args:
        rows: releases of the form, oldest first.
        rehearsal: whether the new one is rehearsed.
    """
    for state in _STANDING:
        for row in reversed(rows):
            if row.state != state:
                continue
            found = read_snapshot(Path(row.folder))
            if found is None or found.is_rehearsal == rehearsal:
                return row.release_id, found
    return "", None


def tell_cleaning(survey: EditedSurvey) -> tuple[CleaningRow, ...]:
    """Decisions in force by kind and rule, and the answers they changed by question."""
    edited = survey.edited
    decisions = Counter(
        (row.action, row.rule_id, *((row.table, row.question) if row.action in CHANGING else ("", "")))
        for row in edited.log.decisions
        if row.source != "recalculated"
    )
    answers: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for row in edited.applied:
        code = "recalculated" if row.source == "recalculated" else "changed"
        answers.setdefault((code, row.table, row.question), set()).add((row.instance_id, row.row_id))
    return (
        *(
            CleaningRow("decision", action, number, rule=rule, table=table, question=question)
            for (action, rule, table, question), number in sorted(decisions.items())
        ),
        *(
            CleaningRow("edit", code, len(cells), edited.tables[table].height, table=table, question=question)
            for (code, table, question), cells in sorted(answers.items())
        ),
    )


def tell_imputation(rates: Sequence[Rate], threshold: int) -> tuple[CleaningRow, ...]:
    """Imputed answers by question and method, and by question and class ("class:sex=1"); no class of few people."""
    told = []
    for rate in rates:
        if rate.domain == TOTAL:
            told += [
                CleaningRow("imputation", method, count, rate.of, table=rate.table, question=rate.question)
                for method, count in rate.methods.items()
            ]
        elif rate.of >= threshold:
            code = f"class:{rate.domain}"
            told.append(
                CleaningRow("imputation", code, rate.imputed, rate.of, table=rate.table, question=rate.question)
            )
    return tuple(told)


def list_missing_codes(specs: Specs) -> frozenset[str]:
    """Codes of choices that mean that an answer isn't known, as sheet `monitoring` or its default has them."""
    told = read_parameters(specs.monitoring, {GENERAL: GENERAL_DEFAULTS})
    return frozenset(told.names(GENERAL, "dont_know", GENERAL_DEFAULTS))


@cache
def hash_code() -> str:
    """SHA-256 of the program itself: of `SHA-256  path` lines of its modules, texts and templates, in order of path."""
    root = Path(__file__).resolve().parents[1]
    files = (path for room in _ROOMS for path in (root / room).rglob("*") if _is_source(path, room))
    named = sorted((path.relative_to(root).as_posix(), path) for path in files)
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n" for name, path in named)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _is_source(path: Path, room: str) -> bool:
    # Room forms holds workbooks too: a survey, not the program.
    return path.suffix == ".py" or (path.suffix in _SOURCES and room != "forms")


def list_libraries() -> dict[str, str]:
    """Name -> version of the language and the libraries that make the figures and files."""
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


def describe_release(folder: Path) -> list[tuple[str, int, str]]:
    """Path, size and title of each file of a release that its data package describes.

    Raises:
        ReleaseError: REL-070, the folder isn't there.
    """
    file = folder / "datapackage.json"
    if not file.is_file():
        raise ReleaseError("REL-070", f"The folder isn't at {folder}.", "Bring it back from the archive or a backup.")
    package = json.loads(file.read_text("utf-8"))
    return [(each["path"], each["bytes"], each.get("title", "")) for each in package["resources"]]
