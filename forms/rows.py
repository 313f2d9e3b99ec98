"""Submissions of one form version -> typed tables, personal answers kept apart, and findings of what can't be read.

Speed matters here: a batch is walked once in Python, text by text, and cast column by column by Polars.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from lxml import etree

from forms.envelopes import MESSAGES, read_submission
from forms.rows_findings import (
    DUPLICATE_NODE,
    MISSING_ATTACHMENT,
    NO_INSTANCE_ID,
    UNKNOWN_NODE,
    WRONG_VERSION,
    structure_finding,
    type_finding,
)
from forms.rows_plan import IGNORED, Plan, Section, plan_form
from forms.rows_types import cast_texts
from forms.xml_bytes import local_name, new_parser
from schemas.errors import SubmissionError
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
MAX_NAMED_NODES: Final = 10
_TEMPLATE: Final = "{http://openrosa.org/javarosa}template"

Cells = list[str | None]


@dataclass(slots=True)
class _TableRows:
    """Rows of one table as they are met: keys beside the cells."""

    cells: list[Cells] = field(default_factory=list)
    submissions: list[int] = field(default_factory=list)
    row_ids: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)


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
    reader = _BatchReader(form, batch)
    for index in range(len(batch)):
        reader.read(index)
    frames: dict[str, pl.DataFrame] = {}
    personal: list[PersonalAnswer] = []
    for table, rows in zip(form.tables, reader.rows, strict=True):
        frames[table.name] = _build_frame(form, table, rows, batch, personal_key, personal, reader.findings)
    return ParsedBatch(frames, tuple(personal), tuple(reader.findings), reader.failed)


class _BatchReader:
    """Walks submissions and collects rows of text."""

    def __init__(self, form: Form, batch: Sequence[RawSubmission]) -> None:
        self.form = form
        self.batch = batch
        self.plan: Plan = plan_form(form)
        self.widths = [len(table.fields) for table in form.tables]
        self.rows = [_TableRows() for _ in form.tables]
        self.findings: list[Finding] = []
        self.failed: dict[int, str] = {}
        self.parser = new_parser()
        self.unknown: dict[str, list[str]] = {}
        self.doubled: dict[str, list[str]] = {}

    def read(self, index: int) -> None:
        """Read one submission; a failure is noted and leaves no rows."""
        raw = self.batch[index]
        try:
            root = read_submission(raw.xml, self.parser)
        except SubmissionError as error:
            self.failed[raw.submission_id] = MESSAGES[error.code]["es"]
            return
        if root.get("encrypted") == "yes":
            self.failed[raw.submission_id] = MESSAGES["SUB-011"]["es"]
            return
        if local_name(root) != self.form.root.name or root.get("id") != self.form.form_id:
            self.failed[raw.submission_id] = MESSAGES["SUB-010"]["es"]
            return
        self._walk(root, self.plan.root, self._new_row(0, index, "", "", 0), index, "")
        self._judge(root, raw)

    def _new_row(self, table: int, index: int, row_id: str, parent: str, position: int) -> Cells:
        rows = self.rows[table]
        cells: Cells = [None] * self.widths[table]
        rows.cells.append(cells)
        rows.submissions.append(index)
        rows.row_ids.append(row_id)
        rows.parents.append(parent)
        rows.positions.append(position)
        return cells

    def _walk(self, element: etree._Element, section: Section, row: Cells, index: int, row_id: str) -> None:
        entries = section.entries
        counts: dict[str, int] = {}
        for child in element:
            tag = str(child.tag)  # always a text: the parser drops comments and instructions
            entry = entries.get(tag)
            if entry is None:
                entry = section.resolve(tag)
            if isinstance(entry, int):
                if entry >= 0:
                    text = child.text
                    if text is not None and not text.isspace():
                        if row[entry] is None:
                            row[entry] = text
                        else:
                            self.doubled.setdefault(row_id, []).append(f"{section.path}/{local_name(child)}")
                    if len(child):
                        self._note_unknown(child[0], f"{section.path}/{local_name(child)}", row_id)
                elif entry != IGNORED:
                    self._note_unknown(child, section.path, row_id)
            elif entry.repeat is None:
                self._walk(child, entry, row, index, row_id)
            elif child.get(_TEMPLATE) is None:
                self._walk_repeat(child, entry, counts, index, row_id)

    def _walk_repeat(
        self, element: etree._Element, section: Section, counts: dict[str, int], index: int, parent: str
    ) -> None:
        position = counts[section.name] = counts.get(section.name, 0) + 1
        row_id = f"{parent}/{section.name}[{position}]" if parent else f"{section.name}[{position}]"
        row = self._new_row(section.repeat or 0, index, row_id, parent, position)
        self._walk(element, section, row, index, row_id)

    def _note_unknown(self, element: etree._Element, path: str, row_id: str) -> None:
        self.unknown.setdefault(row_id, []).append(f"{path}/{local_name(element)}"[:200])

    def _judge(self, root: etree._Element, raw: RawSubmission) -> None:
        """Findings about the shape of the submission just walked."""
        form, findings = self.form, self.findings
        for rule_id, noted in ((UNKNOWN_NODE, self.unknown), (DUPLICATE_NODE, self.doubled)):
            for row_id, paths in noted.items():
                names = [path.rpartition("/")[2] for path in paths[:MAX_NAMED_NODES]]
                findings.append(structure_finding(form, raw, row_id, rule_id, paths[0], names))
            noted.clear()
        if root.get("version", "") != form.version:
            findings.append(structure_finding(form, raw, "", WRONG_VERSION, form.root.path))
        if not _has_instance_id(root):
            findings.append(structure_finding(form, raw, "", NO_INSTANCE_ID, f"{form.root.path}/meta/instanceID"))


def _has_instance_id(root: etree._Element) -> bool:
    for meta in reversed(root):  # it is the last child nearly always
        if local_name(meta) == "meta":
            return any(local_name(child) == "instanceID" and (child.text or "").strip() for child in meta)
    return False


def _build_frame(
    form: Form,
    table: Table,
    rows: _TableRows,
    batch: Sequence[RawSubmission],
    personal_key: bytes,
    personal: list[PersonalAnswer],
    findings: list[Finding],
) -> pl.DataFrame:
    """The typed frame of one table; personal answers and findings are added to the lists given."""
    columns: list[pl.Series] = []
    has_personal = [False] * len(rows.cells)
    texts = list(zip(*rows.cells, strict=True)) if rows.cells else [()] * len(table.fields)
    for question, cells in zip(table.fields, texts, strict=True):
        series = pl.Series(question.column, cells, dtype=pl.String)
        if question.is_select:
            series = series.str.strip_chars()
        typed, bad = cast_texts(series, question.type)
        if bad is not None:
            for position in bad.arg_true():
                raw = batch[rows.submissions[position]]
                findings.append(type_finding(form, raw, rows.row_ids[position], question))
        if question.personal:
            for position in series.is_not_null().arg_true():
                has_personal[position] = True
            typed = pl.Series(question.column, [None if cell is None else PRESENT for cell in cells], dtype=pl.String)
        columns.append(typed)
    ids = _personal_ids(rows, batch, personal_key, has_personal)
    personal.extend(_personal_answers(table, rows, batch, ids))
    findings.extend(_missing_attachments(form, table, rows, batch))
    return pl.DataFrame([*_keys(table, rows, batch, ids), *columns])


def _keys(table: Table, rows: _TableRows, batch: Sequence[RawSubmission], ids: Sequence[str | None]) -> list[pl.Series]:
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
    rows: _TableRows, batch: Sequence[RawSubmission], key: bytes, present: Sequence[bool]
) -> list[str | None]:
    """One id a row that has personal answers, null for the others."""
    return [
        hmac.digest(key, f"{batch[index].instance_id}/{row_id}".encode(), "sha256").hex()[:PERSONAL_ID_DIGITS]
        if has
        else None
        for index, row_id, has in zip(rows.submissions, rows.row_ids, present, strict=True)
    ]


def _personal_answers(
    table: Table, rows: _TableRows, batch: Sequence[RawSubmission], ids: Sequence[str | None]
) -> list[PersonalAnswer]:
    """The personal answers of a table, row by row."""
    marked = [(slot, question) for slot, question in enumerate(table.fields) if question.personal]
    return [
        PersonalAnswer(person, batch[index].instance_id, row_id, question.name, question.personal or "other", text)
        for cells, index, row_id, person in zip(rows.cells, rows.submissions, rows.row_ids, ids, strict=True)
        if person is not None
        for slot, question in marked
        if (text := cells[slot]) is not None
    ]


def _missing_attachments(form: Form, table: Table, rows: _TableRows, batch: Sequence[RawSubmission]) -> list[Finding]:
    """One finding a row that names files which didn't come with the submission."""
    uploads = [(slot, question) for slot, question in enumerate(table.fields) if question.type == "binary"]
    found: list[Finding] = []
    if not uploads:
        return found
    for cells, index, row_id in zip(rows.cells, rows.submissions, rows.row_ids, strict=True):
        attachments = batch[index].attachments
        missing: list[Field] = [
            question for slot, question in uploads if (name := cells[slot]) and name.strip() not in attachments
        ]
        if missing:
            names = [question.name for question in missing]
            found.append(structure_finding(form, batch[index], row_id, MISSING_ATTACHMENT, missing[0].path, names))
    return found
