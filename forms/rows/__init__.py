"""Submissions of one form version -> typed tables, personal answers kept apart, and findings of what can't be read.

Speed matters here: a batch is walked once in Python, text by text, and cast column by column by Polars.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

import polars as pl

from expressions.casting import cast_columns
from forms.rows.findings import MISSING_ATTACHMENT, structure_finding, type_finding
from forms.rows.walk import TableRows, Walker
from schemas.fields import (
    CLIENT,
    FORM_VERSION,
    INSTANCE_ID,
    MAIN_TABLE,
    PARENT_ROW_ID,
    PERSONAL_ID,
    POSITION,
    PRESENT,
    RECEIVED_AT,
    ROW_ID,
    Field,
    Form,
    Table,
)
from schemas.findings import Finding
from schemas.submissions import ParsedBatch, PersonalAnswer, RawSubmission

PERSONAL_ID_DIGITS: Final = 32
CHUNK: Final = 1_000
"""Submissions turned into columns at a time: few enough that their texts are still in the processor's cache."""


def read_rows(form: Form, batch: Sequence[RawSubmission], personal_key: bytes) -> ParsedBatch:
    """Read a batch of submissions of one form version.

    Args:
        form: the version's field tree.
        batch: the submissions, in the order in which their rows shall stand.
        personal_key: secret from which the random ids of personal answers are derived, so that the same submission
            gets the same ids when it is read again.

    Returns:
        The tables (each of the form's, also without rows), personal answers, findings and failures; see
        `ParsedBatch`. Rules: `type:<path>` (error); `structure:unknown_node`, `structure:duplicate_node`,
        `structure:version`, `structure:no_instance_id` and `attachment:missing` (warnings, one a row).
    """
    frames: dict[str, list[pl.DataFrame]] = {table.name: [] for table in form.tables}
    personal: list[PersonalAnswer] = []
    walker = Walker(form, batch)
    for start in range(0, max(len(batch), 1), CHUNK):
        for index in range(start, min(start + CHUNK, len(batch))):
            walker.read(index)
        for table, rows in zip(form.tables, walker.take_rows(), strict=True):
            frames[table.name].append(_build_frame(form, table, rows, batch, personal_key, personal, walker.findings))
    tables = {name: pl.concat(parts, rechunk=True) for name, parts in frames.items()}
    return ParsedBatch(tables, tuple(personal), tuple(walker.findings), walker.failed)


def _build_frame(
    form: Form,
    table: Table,
    rows: TableRows,
    batch: Sequence[RawSubmission],
    personal_key: bytes,
    personal: list[PersonalAnswer],
    findings: list[Finding],
) -> pl.DataFrame:
    """The typed frame of one table; personal answers and findings are added to the lists given."""
    columns: list[pl.Series] = []
    has_personal = [False] * len(rows.cells)
    texts = list(zip(*rows.cells, strict=True)) if rows.cells else [()] * len(table.fields)
    given = pl.DataFrame([pl.Series(str(at), cells, dtype=pl.String) for at, cells in enumerate(texts)])
    cast = cast_columns(given, [question.type for question in table.fields])
    for question, cells, (typed, bad) in zip(table.fields, texts, cast, strict=True):
        if bad is not None:
            for position in bad.arg_true():
                raw = batch[rows.submissions[position]]
                findings.append(type_finding(form, raw, rows.row_ids[position], question))
        if question.personal:
            typed = mark_present(cells, question.column)
            for position in typed.is_not_null().arg_true():
                has_personal[position] = True
        columns.append(typed.alias(question.column))
    ids = _personal_ids(rows, batch, personal_key, has_personal)
    personal.extend(_personal_answers(table, rows, batch, ids))
    findings.extend(_missing_attachments(form, table, rows, batch))
    return pl.DataFrame([*_keys(table, rows, batch, ids), *columns])


def mark_present(cells: Sequence[str | None], name: str) -> pl.Series:
    """The column of a personal question: `PRESENT` where it was answered."""
    marks = [None if not text or text.isspace() else PRESENT for text in cells]
    return pl.Series(name, marks, dtype=pl.String)


def _keys(table: Table, rows: TableRows, batch: Sequence[RawSubmission], ids: Sequence[str | None]) -> list[pl.Series]:
    raws = [batch[index] for index in rows.submissions]
    instance = pl.Series(INSTANCE_ID, [raw.instance_id for raw in raws], dtype=pl.String)
    row_id = pl.Series(ROW_ID, rows.row_ids, dtype=pl.String)
    personal = pl.Series(PERSONAL_ID, ids, dtype=pl.String)
    if table.name != MAIN_TABLE:
        parent = pl.Series(PARENT_ROW_ID, rows.parents, dtype=pl.String)
        return [instance, row_id, parent, pl.Series(POSITION, rows.positions, dtype=pl.Int64), personal]
    return [
        instance,
        row_id,
        personal,
        pl.Series(FORM_VERSION, [raw.version for raw in raws], dtype=pl.String),
        pl.Series(RECEIVED_AT, [raw.received_at for raw in raws], dtype=pl.Datetime("ms", "UTC")),
        pl.Series(CLIENT, [raw.client for raw in raws], dtype=pl.String),
    ]


def _personal_ids(
    rows: TableRows, batch: Sequence[RawSubmission], key: bytes, present: Sequence[bool]
) -> list[str | None]:
    """One id a row that has personal answers, null for the others."""
    return [
        hmac.digest(key, f"{batch[index].instance_id}/{row_id}".encode(), "sha256").hex()[:PERSONAL_ID_DIGITS]
        if has
        else None
        for index, row_id, has in zip(rows.submissions, rows.row_ids, present, strict=True)
    ]


def _personal_answers(
    table: Table, rows: TableRows, batch: Sequence[RawSubmission], ids: Sequence[str | None]
) -> list[PersonalAnswer]:
    """The personal answers of a table, row by row."""
    marked = [(slot, question) for slot, question in enumerate(table.fields) if question.personal]
    return [
        PersonalAnswer(person, batch[index].instance_id, row_id, question.name, question.personal or "other", text)
        for cells, index, row_id, person in zip(rows.cells, rows.submissions, rows.row_ids, ids, strict=True)
        if person is not None
        for slot, question in marked
        if (text := (cells[slot] or "").strip())
    ]


def _missing_attachments(form: Form, table: Table, rows: TableRows, batch: Sequence[RawSubmission]) -> list[Finding]:
    """One finding a row that names files which didn't come with the submission."""
    uploads = [(slot, question) for slot, question in enumerate(table.fields) if question.type == "binary"]
    found: list[Finding] = []
    if not uploads:
        return found
    for cells, index, row_id in zip(rows.cells, rows.submissions, rows.row_ids, strict=True):
        attachments = batch[index].attachments
        missing: list[Field] = [
            question for slot, question in uploads if (name := (cells[slot] or "").strip()) and name not in attachments
        ]
        if missing:
            names = [question.name for question in missing]
            found.append(structure_finding(form, batch[index], row_id, MISSING_ATTACHMENT, missing[0].path, names))
    return found
