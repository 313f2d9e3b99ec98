"""The sheets of topics: one block an indicator, everybody first, then the groups of each breakdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.books.layout import Formats, is_whole, write_amount, write_figure
from reports.figure_tables import is_precise
from reports.results import Result
from reports.sentences import category_label, domain_label, grouping_label, tell_withheld
from reports.wording import Wording
from schemas.estimates import TOTAL, SafeCell

_FIRST, _OTHER = 36.0, 12.0
"""Widths of the column of names and of the others, in characters."""

_HEAD_CHARACTERS = 11
_LINE_POINTS = 15.0


@dataclass(frozen=True, slots=True)
class Block:
    """Where the table of an indicator stands: name of the sheet, row from 0."""

    label: str
    sheet: str
    row: int


def write_topic(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    name: str,
    title: str,
    intro: str,
    results: Sequence[Result],
    formats: Formats,
    wording: Wording,
    cover: str,
) -> list[Block]:
    """Fills the sheet of one topic.

    Args:
        name: of the sheet.
        title, intro: of the topic.
        cover: name of the sheet to go back to.

    Returns:
        Where each indicator's table begins.
    """
    sheet.write_string(0, 0, title, formats.heading)
    sheet.write_url(1, 0, f"internal:'{cover}'!A1", formats.link, wording.text("book.back"))
    row = 2
    if intro:
        sheet.write_string(row, 0, intro, formats.note)
        row += 1
    widest, blocks = 2, []
    for result in results:
        row += 1
        label = wording.pick(result.indicator.label)
        blocks.append(Block(label, name, row))
        row, columns = _write_block(sheet, row, label, result, formats, wording)
        widest = max(widest, columns)
    sheet.set_column(0, 0, _FIRST)
    sheet.set_column(1, widest, _OTHER)
    sheet.freeze_panes(2, 1)
    set_up_page(sheet, wording, title)
    return blocks


def set_up_page(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    wording: Wording,
    title: str,
) -> None:
    """A4, landscape, as wide as the paper, with page numbers."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    written = title.replace("&", "&&")
    sheet.set_footer(f"&L&9{written}&R&9{wording.text('book.page')}")
    sheet.hide_gridlines(2)


def _write_block(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    row: int,
    label: str,
    result: Result,
    formats: Formats,
    wording: Wording,
) -> tuple[int, int]:
    """The row after the block, and how many columns of figures it has."""
    sheet.write_string(row, 0, label, formats.label)
    about = [wording.pick(result.indicator.description), wording.unit(result.indicator.unit) + "."]
    sheet.write_string(row + 1, 0, " ".join(part for part in about if part), formats.note)
    row += 2
    precise, spread = is_precise(result), result.indicator.kind == "distribution"
    whole = is_whole(result.all_cells())
    heads = list(_heads(result, precise, spread, wording))
    sheet.write_string(row, 0, wording.text("result.group"), formats.head)
    for column, head in enumerate(heads, start=1):
        sheet.write_string(row, column, head, formats.head_right)
    lines = max(-(-len(head) // _HEAD_CHARACTERS) for head in heads)
    sheet.set_row(row, max(lines, 1) * _LINE_POINTS)
    row += 1
    for domain, name in _rows(result, wording):
        if not domain:
            sheet.write_string(row, 0, f"{wording.text('book.by')}: {name}", formats.group)
            for column in range(1, len(heads) + 1):
                sheet.write_blank(row, column, None, formats.group)
            row += 1
            continue
        total = domain == TOTAL
        sheet.write_string(row, 0, name, formats.total if total else formats.row)
        cells = result.cells[domain]
        if spread:
            _write_spread(sheet, row, result, cells, whole, total, formats, wording)
        else:
            _write_single(sheet, row, cells.get(""), precise, whole, total, formats, wording)
        row += 1
    if told := tell_withheld(result, wording):
        sheet.write_string(row, 0, told, formats.note)
        row += 1
    return row, len(heads)


def _heads(result: Result, precise: bool, spread: bool, wording: Wording) -> Iterator[str]:
    if spread:
        yield from (category_label(result, code, wording) for code in result.categories)
    else:
        yield wording.text("result.value")
        if precise:
            yield from (wording.text(f"sheet.{key}") for key in ("low", "high", "cv"))
    yield wording.text("result.n")


def _rows(result: Result, wording: Wording) -> Iterator[tuple[str, str]]:
    """(domain, name) of each row; a breakdown's own name stands before its groups, without a domain."""
    yield TOTAL, wording.text("result.total")
    for grouping in result.groupings:
        yield "", grouping_label(grouping, wording)
        for codes, domain in grouping.groups:
            yield domain, domain_label(grouping, codes, wording)


def _write_spread(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    row: int,
    result: Result,
    cells: Mapping[str, SafeCell],
    whole: bool,
    total: bool,
    formats: Formats,
    wording: Wording,
) -> None:
    column = 0
    for column, code in enumerate(result.categories, start=1):
        write_figure(sheet, row, column, cells.get(code), whole, formats, wording, total)
    known = {cell.n for cell in cells.values() if cell.n is not None}
    write_amount(sheet, row, column + 1, max(known) if len(known) == 1 else None, True, formats)


def _write_single(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    row: int,
    cell: SafeCell | None,
    precise: bool,
    whole: bool,
    total: bool,
    formats: Formats,
    wording: Wording,
) -> None:
    write_figure(sheet, row, 1, cell, whole, formats, wording, total)
    column = 2
    if precise:
        for amount in (None, None) if cell is None else (cell.ci_low, cell.ci_high):
            write_amount(sheet, row, column, amount, False, formats)
            column += 1
        if cell is None or cell.cv is None:
            sheet.write_blank(row, column, None, formats.share)
        else:
            sheet.write_number(row, column, cell.cv, formats.share)
        column += 1
    write_amount(sheet, row, column, None if cell is None else cell.n, True, formats)
