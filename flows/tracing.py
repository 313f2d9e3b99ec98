"""From a published figure back to the bytes that phones sent: release, definition, weights, rows, digests."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from console.acts.edited import edit_survey
from console.acts.imputed import RECORD, read_record, replay_record
from estimation.trace import TracedFigure, trace_figure
from expressions.sentences.rules import explain_form
from flows.registering import load_form
from flows.releasing import SOURCES
from forms.compile import CompiledForm
from reports.contents import combine_digests
from reports.release_signing import is_intact
from schemas.domains import parts
from schemas.errors import ReleaseError
from schemas.fields import INSTANCE_ID, Field
from schemas.text import pick
from store import releases
from store.digests import list_digests
from store.open import Store
from store.releases import ReleaseRow
from store.tables import read_tables

_NAME = re.compile(r"\$\{\s*([^}\s]+)\s*\}")
_PATH_NAME = re.compile(r"/([A-Za-z_][\w.\-]*)(?![\w.\-/(])")


@dataclass(frozen=True, slots=True)
class Definition:
    """One expression on the way to the figure.

    Attributes:
        part: universe, denominator, numerator, value, or breakdown.
        expression: as the workbook has it.
        sentence: in words.
        questions: name -> text of each question it reads; "= ..." for what the form calculates, whose own questions
            follow.
    """

    part: str
    expression: str
    sentence: str
    questions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of one published figure.

    Attributes:
        release: the row of the store.
        intact: whether every file of the folder still has the digest it was published with.
        published: the figure's row in `tables/estimates.csv`, column -> text.
        figure: the rows behind it and the figure computed anew; null where it is withheld or can't be computed now.
        same: whether the figure computed anew is the published one; null without one, or where it differs because
            interviews were edited, withdrawn or set aside since.
        definitions: the expressions it follows from.
        sources: digests of the interviews behind the release, as it was made.
        source_list_matches: whether their combined digest is the one that the release names.
        replaced: of these, interviews that were edited, withdrawn or set aside since; their bytes are still there.
        behind: instance id -> digest, of the interviews in the figure's denominator.
        verified: of these, interviews whose stored bytes were read and have their digest.
    """

    release: ReleaseRow
    intact: bool
    published: Mapping[str, str]
    figure: TracedFigure | None
    same: bool | None
    definitions: tuple[Definition, ...]
    sources: tuple[str, ...]
    source_list_matches: bool
    replaced: int
    behind: Mapping[str, str]
    verified: int


def trace(
    store: Store, release_id: str, indicator: str, domain: str, category: str = "", language: str = "es"
) -> Trace:
    """Follows one figure back.

    Args:
        domain: "total", or "breakdown=code", with "&" between the parts of a crossing.
        category: of a distribution, else "".

    Raises:
        StoreError: STO-018, no such release; STO-012, bytes behind the figure are missing or were changed.
        ReleaseError: REL-070, its folder isn't there; REL-071, it publishes no such figure; REL-072, it was made
            before sources were kept.
        EstimationError: EST-080 to EST-082.
    """
    with store.read() as connection:
        row = releases.get_release(connection, release_id)
    folder = Path(row.folder)
    published = _published(folder, release_id, indicator, domain, category)
    sources = _sources(store, row)
    with store.read() as connection:
        digests = list_digests(connection, row.form_id)
    compiled = load_form(store, row.form_id, str(row.details.get("form_version") or "") or None)
    listed = set(sources)
    still = {instance: digest for instance, digest in digests.items() if digest in listed}
    figure = None
    behind: dict[str, str] = {}
    if not published["suppressed"]:
        tables = _tables_of(store, row, compiled, still)
        figure = trace_figure(compiled.specs, compiled.form, tables, indicator, domain, category)
        behind = {instance: still[instance] for instance in figure.instances}
    same = None if figure is None else _is_same(published["estimate"], figure.estimate.estimate)
    with store.read() as connection:
        verified = len(store.blobs.read_many(connection, list(behind.values()))) if behind else 0
    return Trace(
        release=row,
        intact=is_intact(folder, row.sha256),
        published=published,
        figure=figure,
        same=same if same or len(sources) == len(still) else None,
        definitions=_definitions(compiled, indicator, domain, language),
        sources=sources,
        source_list_matches=combine_digests(sources) == row.details.get(SOURCES),
        replaced=len(sources) - len(still),
        behind=behind,
        verified=verified,
    )


def _published(folder: Path, release_id: str, indicator: str, domain: str, category: str) -> dict[str, str]:
    path = folder / "tables" / "estimates.csv"
    if not path.is_file():
        raise ReleaseError(
            "REL-070", f"The folder of {release_id} isn't at {folder}.", "Bring it back from the archive or a backup."
        )
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["indicator"] == indicator]
    for row in rows:
        if (row["domain"], row["category"]) == (domain, category):
            return row
    known = sorted({row["domain"] for row in rows if row["category"] == category} or {row["category"] for row in rows})
    raise ReleaseError(
        "REL-071",
        f"{release_id} publishes no «{indicator}» for {domain}" + (f", category {category}." if category else "."),
        f"It has: {', '.join(known[:20])}." if known else "comunal trace needs the name of an indicator as published.",
    )


def _sources(store: Store, row: ReleaseRow) -> tuple[str, ...]:
    digest = row.details.get(SOURCES)
    if not digest:
        raise ReleaseError(
            "REL-072",
            f"{row.release_id} was made before the digests of its interviews were kept.",
            "Make the release again; its figures will be the same if nothing else changed.",
        )
    with store.read() as connection:
        return tuple(store.blobs.read(connection, str(digest)).decode("ascii").split())


def _tables_of(
    store: Store, row: ReleaseRow, compiled: CompiledForm, instances: Mapping[str, str]
) -> dict[str, pl.DataFrame]:
    """The tables of these interviews as the release had them: decided about until then, and imputed."""
    kept = sorted(instances)
    received = read_tables(store, row.form_id, compiled.form)
    tables = edit_survey(store, compiled.form, received, reader="comunal trace", until=row.created_at).tables
    imputed = replay_record(compiled, tables, read_record(store, row.details.get(RECORD)))
    return {name: frame.filter(pl.col(INSTANCE_ID).is_in(kept)) for name, frame in imputed.items()}


def _is_same(published: str, computed: float | None) -> bool:
    if not published or computed is None:
        return not published and computed is None
    return abs(float(published) - computed) <= 1e-6  # six decimals are published


def _definitions(compiled: CompiledForm, indicator: str, domain: str, language: str) -> tuple[Definition, ...]:
    fields = {field.name: field for field in compiled.form.fields()}
    wanted = {("indicators", indicator), *(("breakdowns", name) for name, _ in parts(domain))}
    return tuple(
        Definition(
            part="breakdown" if rule.sheet == "breakdowns" else rule.kind,
            expression=rule.expression,
            sentence=rule.sentence,
            questions=_questions(fields, rule.expression, language),
        )
        for rule in explain_form(compiled.form, compiled.specs, language)
        if (rule.sheet, rule.name) in wanted
    )


def _questions(fields: Mapping[str, Field], expression: str, language: str) -> dict[str, str]:
    """The questions that an expression reads, down through what the form calculates: name -> text or calculation."""
    found: dict[str, str] = {}
    waiting = _NAME.findall(expression)
    while waiting:
        name = waiting.pop(0)
        field = fields.get(name)
        if field is None or name in found:
            continue
        found[name] = pick(field.label, language) or (f"= {field.calculation}" if field.calculation else name)
        waiting += _NAME.findall(field.calculation or "") + _PATH_NAME.findall(field.calculation or "")
    return found
