"""Answers exported by another system, back as submissions: KoboToolbox, ODK Central, a plain table, or the XML itself.

The rows of repeats are found by the columns with which exporters link them: `_index` and `_parent_index`, or `KEY` and
`PARENT_KEY`. Nothing is dropped in silence: see the attributes of `Export`.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from forms.envelopes import read_envelope
from forms.exports.columns import Columns, match_columns
from forms.exports.sheets import ExportSheet, read_sheets
from forms.exports.tree import Record, build_records, link_key, write_record
from forms.exports.values import plain_text
from schemas.errors import FormError, SubmissionError
from schemas.fields import MAIN_TABLE, Form

NAMESPACE = uuid.UUID("6f0d7f5e-7a1c-5b0e-9d55-1d6a5f3c9b21")
"""Under which instance ids are derived from rows that have none."""

_ID_COLUMNS = ("meta/instanceID", "meta-instanceID", "meta.instanceID", "instanceID", "KEY")
_VERSION_COLUMNS = ("FormVersion", "__version__")
_LONGEST_SHEET = 31
"""Characters that a spreadsheet allows for the name of a sheet."""


class Export:
    """The submissions of an export; iterate it for (instance id, XML), any number of times.

    Attributes:
        unknown_columns: "sheet: header" of columns that are nothing of the form, in order.
        unknown_sheets: names of sheets that are no table of the form.
        orphans: table -> rows of a repeat whose parent isn't in the export.
        unreadable: names of files that are no submission, in an export of XML files.
    """

    def __init__(self, form: Form, path: Path) -> None:
        self._form = form
        self._path = path
        self.unknown_columns: list[str] = []
        self.unknown_sheets: list[str] = []
        self.orphans: Counter[str] = Counter()
        self.unreadable: list[str] = []
        self._files = sorted(path.rglob("*.xml")) if path.is_dir() else []
        self._records: list[Record] = []
        if not self._files:
            self._records = self._read()

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        if self._files:
            yield from self._read_files()
            return
        seen: Counter[str] = Counter()
        for record in self._records:
            instance_id = _stated_id(record) or self._derived_id(record, seen)
            version = next((plain_text(record.cells[name]) for name in _VERSION_COLUMNS if name in record.cells), "")
            yield instance_id, write_record(self._form, record, instance_id, version or self._form.version)

    def _read_files(self) -> Iterator[tuple[str, bytes]]:
        self.unreadable.clear()
        for file in self._files:
            xml = file.read_bytes()
            try:
                envelope = read_envelope(xml)
            except SubmissionError:
                self.unreadable.append(file.name)
                continue
            yield envelope.instance_id or f"uuid:{uuid.uuid5(NAMESPACE, xml.hex())}", xml

    def _read(self) -> list[Record]:
        sheets = read_sheets(self._path)
        tables = self._assign(sheets)
        if MAIN_TABLE not in tables:
            names = ", ".join(sheet.name for sheet in sheets) or "none"
            raise FormError(
                "FRM-603",
                f"{self._path.name} has no sheet with the interviews of {self._form.form_id!r} (sheets: {names}).",
                "Export the whole form, with one sheet for the interviews and one for each repeat.",
            )
        columns: dict[str, Columns] = {}
        for name, sheet in tables.items():
            columns[name] = match_columns(self._form, self._form.table(name), sheet.headers)
            self.unknown_columns += [f"{sheet.name}: {header}" for header in columns[name].unknown]
        self._check_any_known(columns)
        return build_records(self._form, tables, columns, self.orphans)

    def _assign(self, sheets: list[ExportSheet]) -> dict[str, ExportSheet]:
        """Table -> its sheet: repeats by name, the interviews are the first sheet that is left and has no parent."""
        tables: dict[str, ExportSheet] = {}
        rest: list[ExportSheet] = []
        for sheet in sheets:
            name = self._repeat_of(sheet)
            if name is not None and name not in tables:
                tables[name] = sheet
            else:
                rest.append(sheet)
        for sheet in rest:
            if MAIN_TABLE not in tables and link_key(sheet.headers, parent=True) is None and sheet.headers:
                tables[MAIN_TABLE] = sheet
            elif sheet.headers:
                self.unknown_sheets.append(sheet.name)
        return {table.name: tables[table.name] for table in self._form.tables if table.name in tables}

    def _repeat_of(self, sheet: ExportSheet) -> str | None:
        for table in self._form.tables[1:]:
            last = table.path.rpartition("/")[2]
            names = {table.name, last, table.name[:_LONGEST_SHEET], last[:_LONGEST_SHEET]}
            if sheet.name in names or any(sheet.name.endswith(f"-{name}") for name in (table.name, last)):
                return table.name
        return None

    def _check_any_known(self, columns: Mapping[str, Columns]) -> None:
        if not any(each.answers or each.choices or each.places for each in columns.values()):
            raise FormError(
                "FRM-604",
                f"No column of {self._path.name} is a question of {self._form.form_id!r}.",
                "Give the export of this form, with names (not labels) as headers.",
            )

    def _derived_id(self, record: Record, seen: Counter[str]) -> str:
        """An id from the row's content; rows that are alike are told apart by their count."""
        content = json.dumps([self._form.form_id, record.content()], sort_keys=True, ensure_ascii=False)
        seen[content] += 1
        return f"uuid:{uuid.uuid5(NAMESPACE, f'{content}#{seen[content]}')}"


def read_export(form: Form, path: Path) -> Export:
    """The submissions of an export, as an iterable of (instance id, submission XML).

    Args:
        path: an .xlsx with a sheet for each repeat, a .csv, a folder of such CSVs, or a folder of submissions in XML.

    Raises:
        FormError: FRM-601 and FRM-602 from `read_sheets`; FRM-603, no sheet with interviews; FRM-604, no column is a
            question of the form.
    """
    return Export(form, path)


def _stated_id(record: Record) -> str:
    for name in _ID_COLUMNS:
        if text := plain_text(record.cells.get(name)):
            return text
    kobo = plain_text(record.cells.get("_uuid"))
    return kobo if not kobo or kobo.startswith("uuid:") else f"uuid:{kobo}"
