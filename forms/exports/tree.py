"""Rows of an export linked to their parents, and written as submissions in the form's own shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from expressions.instance import Element
from forms.exports.columns import Columns
from forms.exports.sheets import Cell, ExportSheet
from forms.exports.values import answer_text, is_chosen, plain_text
from forms.rehearsal.writing import write_submission
from schemas.fields import MAIN_TABLE, Field, Form, Group, Repeat

_OWN = ("KEY", "_index")
_PARENT = ("PARENT_KEY", "_parent_index")


@dataclass(slots=True)
class Record:
    """One row with the rows below it.

    Attributes:
        cells: header -> value as in the sheet.
        answers: path -> text.
        rows: table -> rows of the repeats directly below.
    """

    cells: Mapping[str, Cell]
    answers: dict[str, str]
    rows: dict[str, list[Record]] = field(default_factory=dict)

    def content(self) -> list[object]:
        """Everything in it, as JSON knows it, link columns and all."""
        cells = {header: plain_text(cell) for header, cell in self.cells.items()}
        return [cells, {table: [row.content() for row in rows] for table, rows in self.rows.items()}]


def link_key(headers: Iterable[str], parent: bool) -> str | None:
    """The column that links a sheet's rows (to their parents, or their children to them), null if it has none."""
    present = set(headers)
    return next((name for name in (_PARENT if parent else _OWN) if name in present), None)


def build_records(
    form: Form, sheets: Mapping[str, ExportSheet], columns: Mapping[str, Columns], orphans: Counter[str]
) -> list[Record]:
    """The main table's rows with all rows of repeats under their parents, in the order of the sheets.

    Args:
        orphans: counts, by table, rows whose parent isn't there.
    """
    by_key: dict[str, dict[str, Record]] = {}
    mains: list[Record] = []
    for table in form.tables:
        sheet = sheets.get(table.name)
        if sheet is None:
            continue
        own, up = link_key(sheet.headers, parent=False), link_key(sheet.headers, parent=True)
        known = by_key.setdefault(table.name, {})
        for number, cells in enumerate(sheet.rows, start=1):
            record = Record(cells, _answers(cells, columns[table.name]))
            known[plain_text(cells.get(own)) if own else str(number)] = record
            if table.name == MAIN_TABLE:
                mains.append(record)
            else:
                parents = by_key.get(table.parent or MAIN_TABLE, {})
                parent = parents.get(plain_text(cells.get(up)) if up else "")
                if parent is None:
                    orphans[table.name] += 1
                else:
                    parent.rows.setdefault(table.name, []).append(record)
    return mains


def _answers(cells: Mapping[str, Cell], columns: Columns) -> dict[str, str]:
    answers: dict[str, str] = {}
    for header, question in columns.answers.items():
        if text := answer_text(question, cells.get(header)):
            answers[question.path] = text
    chosen: dict[str, list[str]] = {}
    for header, (question, code) in columns.choices.items():
        if is_chosen(cells.get(header)):
            chosen.setdefault(question.path, []).append(code)
    for path, codes in chosen.items():
        answers.setdefault(path, " ".join(codes))  # the column with all codes knows their order, and wins
    places: dict[str, list[str]] = {}
    for header, (question, part) in columns.places.items():
        places.setdefault(question.path, ["", "", "0.0", "0.0"])[part] = plain_text(cells.get(header)) or "0.0"
    for path, parts in places.items():
        if plain_text(parts[0]) != "" and parts[:2] != ["0.0", "0.0"]:
            answers.setdefault(path, " ".join(parts))
    return answers


def write_record(form: Form, record: Record, instance_id: str, version: str) -> bytes:
    """The submission's XML: every question of the form in its order, blank where the export has no answer."""
    attributes = {"id": form.form_id} | ({"version": version} if version else {})
    root = Element(form.root.name, attributes=attributes)
    tables = {table.path: table.name for table in form.tables}
    _write_group(form.root, root, record, tables)
    meta = root.child("meta") or root.append(Element("meta"))
    identity = meta.child("instanceID") or meta.append(Element("instanceID"))
    identity.text = instance_id
    return write_submission(root, form.namespace)


def _write_group(group: Group | Repeat, element: Element, record: Record, tables: Mapping[str, str]) -> None:
    for child in group.children:
        if isinstance(child, Field):
            element.append(Element(child.name, record.answers.get(child.path, "")))
        elif isinstance(child, Group):
            _write_group(child, element.append(Element(child.name)), record, tables)
        else:
            for row in record.rows.get(tables[child.path], ()):
                _write_group(child, element.append(Element(child.name)), row, tables)
