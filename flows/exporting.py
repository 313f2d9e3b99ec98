"""Tables and findings taken out of the store for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from console.acts.edited import edit_survey
from flows.registering import list_registered, load_form
from forms.audit import AUDIT_TABLE, section_times
from schemas.fields import INSTANCE_ID
from schemas.findings import Finding
from store import findings as finding_rows
from store.audit import record
from store.communes import list_within
from store.open import Store
from store.tables import read_tables


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """One file that was written; `rows` and `columns` count what it holds."""

    table: str
    path: str
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        tables: one file each.
        cells: answers that decisions changed; excluded: interviews that they left out; stale: corrections that no
            longer apply. All 0 of raw tables.
    """

    tables: tuple[WrittenTable, ...]
    cells: int = 0
    excluded: int = 0
    stale: int = 0


def export_tables(
    store: Store,
    form_id: str,
    out: Path,
    file_format: Literal["csv", "parquet"],
    *,
    raw: bool = False,
    commune: str | None = None,
) -> Exported:
    """Writes every typed table of a form, one file each; where phones logged events, the time by section too.

    Args:
        store: where the form is.
        form_id: of the form.
        out: folder, made if it isn't there.
        file_format: of the files.
        raw: as received; else as people's decisions left them, without excluded interviews.
        commune: CUT; only its interviews, in a survey of many communes. Null for all.

    Raises:
        StoreError: STO-011, when the form is not registered.
    """
    form = load_form(store, form_id).form
    tables = dict(read_tables(store, form_id, form))
    cells = excluded = stale = 0
    if not raw:
        survey = edit_survey(store, form, tables, reader="comunal tables")
        tables = dict(survey.tables)
        cells, excluded, stale = survey.edited.cells, len(survey.edited.excluded), len(survey.edited.stale)
    if commune is not None:
        with store.read() as connection:
            mine = pl.Series(sorted(list_within(connection, form_id, [commune])), dtype=pl.String).implode()
        tables = {name: frame.filter(pl.col(INSTANCE_ID).is_in(mine)) for name, frame in tables.items()}
    if AUDIT_TABLE in tables:
        tables[f"{AUDIT_TABLE}_sections"] = section_times(tables[AUDIT_TABLE])
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in tables.items():
        path = out / f"{name}.{file_format}"
        if file_format == "csv":
            frame.with_columns(pl.selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")).write_csv(path)
        else:
            frame.write_parquet(path)
        written.append(WrittenTable(name, str(path), frame.height, frame.width))
    with store.begin() as connection:
        note = f"{len(written)} {'raw' if raw else 'edited'} tables as {file_format} {commune or ''}".rstrip()
        record(connection, "export.tables", "form", form_id, note=note)
    return Exported(tuple(written), cells, excluded, stale)


def open_findings(store: Store, form_id: str | None, commune: str | None = None) -> list[Finding]:
    """The open findings of one form, or of every registered form; of interviews of one commune alone, if given."""
    forms = [form_id] if form_id is not None else sorted({row.form_id for row in list_registered(store)})
    mine = None if commune is None else [commune]
    with store.read() as connection:
        return [finding for form in forms for finding in finding_rows.list_findings(connection, form, communes=mine)]
