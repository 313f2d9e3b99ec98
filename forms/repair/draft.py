"""A workbook while it is repaired: cells that can be changed, and a log of every change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from forms.headers import NAME_ALIASES, Header, read_header
from forms.lint.problems import problem
from schemas.errors import Problem
from schemas.workbook import Row, Sheet, Workbook


@dataclass(slots=True)
class DraftRow:
    """A row whose cells may change; `origin` is where it stood, for the log."""

    origin: Row
    cells: dict[str, str]

    def get(self, base: str) -> str:
        """The text under the column with that canonical name and no language, "" if empty."""
        header = self.header(base)
        return self.cells.get(header, "").strip()

    def header(self, base: str) -> str:
        """The header, as written in this row, of the column with that canonical name; `base` if it has none."""
        if base in self.cells:
            return base
        found = next((header for header in self.cells if read_header(header) == Header(base)), None)
        if found is None and base == "name":
            found = next((alias for alias in NAME_ALIASES if alias in self.cells), None)
        return found or base

    def texts(self, base: str) -> dict[str, str]:
        """Header -> text of a translated column."""
        return {header: text for header, text in self.cells.items() if read_header(header).base == base}


@dataclass(slots=True)
class Draft:
    """The workbook being repaired.

    Attributes:
        headers: sheet -> headers in order.
        rows: sheet -> rows in order.
        log: one information per change, FRM-5xx, with the row as it was numbered before the repair.
    """

    workbook: Workbook
    headers: dict[str, list[str]]
    rows: dict[str, list[DraftRow]]
    log: list[Problem] = field(default_factory=list)

    def change(self, code: str, sheet: str, row: DraftRow, header: str, new: str, why: str) -> None:
        """Write a cell ("" empties it) and log it."""
        old = row.cells.get(header, "")
        if new:
            row.cells[header] = new
            if header not in self.headers[sheet]:
                self.headers[sheet].append(header)
        else:
            row.cells.pop(header, None)
        self.note(code, sheet, row, header, f"'{old}' became '{new}': {why}")

    def remove(self, code: str, sheet: str, row: DraftRow, why: str) -> None:
        """Delete a row and log it."""
        self.rows[sheet].remove(row)
        shown = ", ".join(f"{header}: {text}" for header, text in list(row.cells.items())[:3])
        self.note(code, sheet, row, "", f"The row ({shown}) was deleted: {why}")

    def insert(self, code: str, sheet: str, position: int, cells: dict[str, str], why: str) -> None:
        """Put a new row at a position and log it at the row before it."""
        rows = self.rows[sheet]
        before = rows[position - 1] if position else None
        origin = before.origin if before else Row(2, {}, "", 2)
        rows.insert(position, DraftRow(replace(origin, cells={}), dict(cells)))
        shown = ", ".join(f"{header}: {text}" for header, text in cells.items())
        self.log.append(
            problem(
                self.workbook, "info", code, sheet, origin, "", f"After this row, a row ({shown}) was put in: {why}", ""
            )
        )

    def note(self, code: str, sheet: str, row: DraftRow | None, header: str, message: str) -> None:
        """Log a change."""
        advice = "Look whether this is what was meant."
        origin = row.origin if row else None
        self.log.append(problem(self.workbook, "info", code, sheet, origin, header, message, advice))

    def finish(self) -> Workbook:
        """The repaired workbook. Rows keep their numbers unless rows were put in before them."""
        sheets = {name: self._finish_sheet(sheet) for name, sheet in self.workbook.sheets.items()}
        for name in self.rows:
            if name not in sheets:
                sheets[name] = self._finish_sheet(Sheet(name, (), ()))
        return replace(self.workbook, sheets=sheets)

    def _finish_sheet(self, sheet: Sheet) -> Sheet:
        rows: list[Row] = []
        shift, shifts = 0, dict[str, int]()
        last = 1
        for draft in self.rows[sheet.name]:
            origin = draft.origin
            number, file_shift = origin.number + shift, shifts.get(origin.file, 0)
            if number <= last:  # put in, or pushed by one that was
                shift += last + 1 - number
                file_shift += last + 1 - number
                shifts[origin.file] = file_shift
                number = last + 1
            last = number
            rows.append(Row(number, draft.cells, origin.file, (origin.line or origin.number) + file_shift))
        return replace(sheet, headers=tuple(self.headers[sheet.name]), rows=tuple(rows))


def open_draft(workbook: Workbook) -> Draft:
    """A draft of a workbook, unchanged."""
    return Draft(
        workbook,
        {name: list(sheet.headers) for name, sheet in workbook.sheets.items()},
        {name: [DraftRow(row, dict(row.cells)) for row in sheet.rows] for name, sheet in workbook.sheets.items()},
    )
