"""Tables and findings taken out of the store for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from flows.registering import list_registered, load_form
from forms.audit import AUDIT_TABLE, section_times
from schemas.findings import Finding
from store import findings as finding_rows
from store.audit import record
from store.open import Store
from store.tables import read_tables


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """One file that was written; `rows` and `columns` count what it holds."""

    table: str
    path: str
    rows: int
    columns: int


def export_tables(store: Store, form_id: str, out: Path, file_format: Literal["csv", "parquet"]) -> list[WrittenTable]:
    """Writes every typed table of a form, one file each; where phones logged events, the time by section too.

    Raises:
        StoreError: STO-011, when the form is not registered.
    """
    tables = read_tables(store, form_id, load_form(store, form_id).form)
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
        record(connection, "export.tables", "form", form_id, note=f"{len(written)} tables as {file_format}")
    return written


def open_findings(store: Store, form_id: str | None) -> list[Finding]:
    """The open findings of one form, or of every registered form."""
    forms = [form_id] if form_id is not None else sorted({row.form_id for row in list_registered(store)})
    with store.read() as connection:
        return [finding for form in forms for finding in finding_rows.list_findings(connection, form)]
