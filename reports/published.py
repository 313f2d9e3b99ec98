"""A release as an intruder reads it: its files and nothing else.

`tables/estimates.csv` (or `estimates.csv`) has one row a cell: `indicator`, `domain` ("total", "breakdown=code",
several with "&"), `category`, `estimate`, `unit`, `n` and `suppressed` (not empty where the cell is hidden; without
that column a cell without estimate and n counts as hidden). `indicators.csv` beside it, if there is one, tells what
an indicator counts (`kind`, `table`, `universe`, `denominator`, `numerator`, `value`); else it is guessed from unit and
category. `datapackage.json` one folder up tells the threshold.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reports.quantities import Layout, Meaning, Nested, Place, lay_out, tidy
from reports.rules import nested_of
from schemas.errors import ReleaseError

_NEEDED: Final = ("indicator", "domain", "estimate", "n")
_WEIGHTED: Final = frozenset({"reliable", "weakly_reliable", "not_reliable"})
_PERCENT: Final = "percent"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the files say of a cell.

    Attributes:
        estimate, n: null where they aren't shown.
        is_hidden: withheld by disclosure control.
    """

    estimate: float | None
    n: int | None
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Published:
    """The figures of a release.

    Attributes:
        name: of its folder.
        survey: short name of the survey, "" if unsaid.
        places, shown: of each cell.
        layout: the quantities behind the cells.
        meanings: of the indicators.
        half: half of the last decimal that figures are printed with.
        is_weighted: whether figures are of weighted rows, so that n times a share isn't a number of rows.
        threshold, protection: rows below which a cell is hidden, and the width it is owed; null if unsaid.
        incomplete: (indicator, breakdown) whose domains leave somebody out; of a distribution whose categories aren't
            parts of its base the breakdown is "".
        is_rehearsal: whether it is about nobody.
    """

    name: str
    survey: str
    places: tuple[Place, ...]
    shown: tuple[Shown, ...]
    layout: Layout
    meanings: Mapping[str, Meaning]
    half: float
    is_weighted: bool
    threshold: int | None
    protection: int | None
    incomplete: frozenset[tuple[str, str]] = frozenset()
    is_rehearsal: bool = False

    def known(self, at: int) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        """What cell `at` tells of its base and of its rows: least and greatest value, null for nothing."""
        cell, meaning = self.shown[at], self.meanings[self.places[at].indicator]
        if cell.is_hidden:
            return None, None
        base = None if cell.n is None else (float(cell.n), float(cell.n))
        if meaning.kind == "count" and not self.is_weighted and cell.estimate is not None:
            counted = round(cell.estimate)
            return (float(counted), float(counted)), None
        if meaning.kind not in {"share", "distribution"} or cell.estimate is None or cell.n is None:
            return base, None
        if self.is_weighted:
            ends = {0.0: (0.0, 0.0), 100.0: (float(cell.n), float(cell.n))}
            return base, ends.get(cell.estimate)
        low = math.ceil((cell.estimate - self.half) * cell.n / 100 - 1e-9)
        high = math.floor((cell.estimate + self.half) * cell.n / 100 + 1e-9)
        nearest = round(cell.estimate * cell.n / 100)
        return base, (float(max(0, min(low, nearest))), float(min(cell.n, max(high, nearest))))


def read_published(folder: Path) -> Published:
    """Reads a release folder, or a folder with an `estimates.csv`.

    Raises:
        ReleaseError: REL-053, there is no such table, it lacks a column, or a row can't be read.
    """
    path = next(
        (each for each in (folder / "tables" / "estimates.csv", folder / "estimates.csv") if each.is_file()), None
    )
    if path is None:
        raise ReleaseError(
            "REL-053",
            f"{folder} holds neither tables/estimates.csv nor estimates.csv.",
            "Give the folder of a release; for any other table use --table.",
        )
    rows = _rows(path)
    package = _package(folder)
    return published_from(
        folder.resolve().name,
        rows,
        _rows(path.with_name("indicators.csv")),
        package,
        _rows(path.with_name("domains.csv")),
    )


def published_from(
    name: str,
    rows: Sequence[Mapping[str, str]],
    indicators: Sequence[Mapping[str, str]],
    package: Mapping[str, object],
    domains: Sequence[Mapping[str, str]] = (),
) -> Published:
    """The same from the rows of its files.

    Raises:
        ReleaseError: REL-053.
    """
    if not rows or any(column not in rows[0] for column in _NEEDED):
        raise ReleaseError(
            "REL-053",
            f"The table of {name} has {len(rows)} rows and columns {', '.join(rows[0]) if rows else 'unknown'}.",
            f"It needs {', '.join(_NEEDED)}; see docs/methods/disclosure.md.",
        )
    places = tuple(Place(row["indicator"], row["domain"], row.get("category") or "") for row in rows)
    shown = tuple(_shown(row, number) for number, row in enumerate(rows))
    groups = {tidy(row.get("value")): row.get("breakdown", "") for row in reversed(domains)}
    meanings = {
        row["indicator"]: Meaning(
            row.get("kind", "") or "share",
            row.get("table", ""),
            **{column: tidy(row.get(column)) for column in ("universe", "denominator", "numerator", "value")},
            same_as=groups.get(tidy(row.get("value")), "") if row.get("kind") == "distribution" else "",
        )
        for row in indicators
    }
    kinds = _kinds(rows, shown)
    everything = {each: meanings.get(each) or Meaning(kinds[each], f"{each}:") for each in kinds}
    told = package.get("comunal")
    disclosure = told.get("disclosure", {}) if isinstance(told, dict) else {}
    keywords = package.get("keywords")
    return Published(
        name=name,
        survey=str(keywords[-1]) if isinstance(keywords, list) and keywords else "",
        places=places,
        shown=shown,
        layout=lay_out(places, everything, kinds, _nested(told)),
        meanings=everything,
        half=0.5 * 10.0 ** -max((_decimals(row["estimate"]) for row in rows), default=0),
        is_weighted=_weighted(rows, shown, everything),
        threshold=disclosure.get("threshold"),
        protection=disclosure.get("protection"),
        incomplete=frozenset((each[0], each[1]) for each in disclosure.get("incomplete", ())),
        is_rehearsal=isinstance(told, dict) and bool(told.get("rehearsal")),
    )


def _nested(told: object) -> Nested:
    """Breakdowns that divide others, as the package tells."""
    names = (told.get("communes"), told.get("regions")) if isinstance(told, dict) else ("", "")
    return nested_of(str(names[0] or ""), str(names[1] or ""))


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def _package(folder: Path) -> dict[str, object]:
    path = folder / "datapackage.json"
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _shown(row: Mapping[str, str], number: int) -> Shown:
    try:
        estimate = float(row["estimate"]) if row["estimate"].strip() else None
        n = round(float(row["n"])) if row["n"].strip() else None
    except ValueError:
        raise ReleaseError(
            "REL-053",
            f"Data row {number + 1} of the table of figures holds text where a number should stand.",
            "Hidden cells are empty and marked in column suppressed.",
        ) from None
    marked = row.get("suppressed")
    return Shown(estimate, n, (estimate is None and n is None) if marked is None else bool(marked.strip()))


def _kinds(rows: Sequence[Mapping[str, str]], shown: Sequence[Shown]) -> dict[str, str]:
    kinds: dict[str, str] = {}
    for row, cell in zip(rows, shown, strict=True):
        if row.get("category"):
            kinds[row["indicator"]] = "distribution"
        elif kinds.get(row["indicator"]) in (None, "count"):
            if (row.get("unit") or _PERCENT) == _PERCENT:
                kinds[row["indicator"]] = "share"
            else:
                counts = cell.is_hidden or cell.estimate == cell.n
                kinds[row["indicator"]] = "count" if counts else "mean"
    return kinds


def _weighted(rows: Sequence[Mapping[str, str]], shown: Sequence[Shown], meanings: Mapping[str, Meaning]) -> bool:
    return any(row.get("label") in _WEIGHTED or (row.get("se") or "").strip() for row in rows) or any(
        meanings[row["indicator"]].kind == "count" and cell.estimate is not None and cell.estimate != cell.n
        for row, cell in zip(rows, shown, strict=True)
    )


def _decimals(text: str) -> int:
    digits = text.strip().lower().partition("e")[0].partition(".")[2].rstrip("0")
    return min(len(digits), 6)
