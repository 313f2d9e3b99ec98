"""The sheets that list: all figures one a row, and the main figure of each indicator in each commune."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from reports.books.layout import Formats, is_whole, write_figure
from reports.books.topics import set_up_page
from reports.places import Comparison, Place
from reports.results import Result
from reports.sentences import category_label, domain_label, grouping_label
from reports.wording import Wording
from schemas.estimates import TOTAL, SafeCell

_WIDTHS: Final = (24, 44, 24, 30, 26, 12, 14, 9, 11, 11, 11, 11, 9, 18, 12)
_AMOUNTS: Final = 5
"""First column with a number."""


def write_listing(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    groups: Sequence[tuple[str, Sequence[Result]]],
    formats: Formats,
    wording: Wording,
    cover: str,
    note: str,
) -> None:
    """One row a figure, as a table that filters.

    Args:
        groups: name of the topic, its results.
        cover: name of the sheet to go back to.
        note: what stands above it.
    """
    title = wording.text("book.data")
    sheet.write_string(0, 0, title, formats.heading)
    sheet.write_url(1, 0, f"internal:'{cover}'!A1", formats.link, wording.text("book.back"))
    sheet.write_string(2, 0, note, formats.note)
    heads, top = _heads(wording), 4
    rows = [row for topic, results in groups for result in results for row in _rows(topic, result, wording)]
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    for number, (names, cell) in enumerate(rows, start=top + 1):
        _write_row(sheet, number, names, cell, formats, wording)
    if rows:
        sheet.add_table(
            top,
            0,
            top + len(rows),
            len(heads) - 1,
            {
                "name": "Comunal",
                "columns": [{"header": head, "header_format": formats.head} for head in heads],
                "style": "Table Style Light 1",
                "banded_rows": False,
            },
        )
    sheet.set_row(top, 45)
    sheet.freeze_panes(top + 1, 2)
    sheet.repeat_rows(top)
    set_up_page(sheet, wording, title)


def write_communes(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    comparisons: Sequence[Comparison],
    places: Sequence[Place],
    formats: Formats,
    wording: Wording,
    cover: str,
) -> None:
    """One row a commune, one column an indicator."""
    title = wording.text("book.communes")
    sheet.write_string(0, 0, title, formats.heading)
    sheet.write_url(1, 0, f"internal:'{cover}'!A1", formats.link, wording.text("book.back"))
    sheet.write_string(2, 0, wording.text("book.communes_text"), formats.note)
    top = 4
    for column, head in enumerate((wording.text("book.region"), wording.text("book.commune"))):
        sheet.write_string(top, column, head, formats.head)
    for column, each in enumerate(comparisons, start=2):
        sheet.write_string(top, column, each.label(wording), formats.head_right)
    sheet.set_row(top, 90)
    figures = [
        ({place.cut: cell for place, cell in each.cells}, is_whole(cell for _, cell in each.cells))
        for each in comparisons
    ]
    for row, place in enumerate(places, start=top + 1):
        sheet.write_string(row, 0, place.region, formats.row)
        sheet.write_string(row, 1, place.name, formats.total)
        for column, (cells, whole) in enumerate(figures, start=2):
            write_figure(sheet, row, column, cells.get(place.cut), whole, formats, wording)
    sheet.set_column(0, 1, 22)
    sheet.set_column(2, 1 + len(comparisons), 14)
    sheet.freeze_panes(top + 1, 2)
    sheet.repeat_rows(top)
    set_up_page(sheet, wording, title)


def _heads(wording: Wording) -> list[str]:
    return [
        *(wording.text(f"sheet.{key}") for key in ("topic", "indicator", "breakdown")),
        wording.text("result.group"),
        wording.text("sheet.category"),
        wording.text("result.value"),
        wording.text("sheet.unit"),
        wording.text("result.n"),
        *(wording.text(f"sheet.{key}") for key in ("se", "low", "high", "cv", "df")),
        wording.text("result.label"),
        wording.text("sheet.suppressed"),
    ]


def _rows(topic: str, result: Result, wording: Wording) -> Iterator[tuple[list[str], SafeCell]]:
    indicator = wording.pick(result.indicator.label)
    groups = [(TOTAL, "", wording.text("result.total"))]
    for grouping in result.groupings:
        name = grouping_label(grouping, wording)
        groups += [(domain, name, domain_label(grouping, codes, wording)) for codes, domain in grouping.groups]
    for domain, name, group in groups:
        for code, cell in result.cells[domain].items():
            yield [topic, indicator, name, group, category_label(result, code, wording) if code else ""], cell


def _write_row(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    row: int,
    names: list[str],
    cell: SafeCell,
    formats: Formats,
    wording: Wording,
) -> None:
    for column, name in enumerate(names):
        sheet.write_string(row, column, name, formats.plain)
    sheet.write_string(row, 6, wording.unit(cell.unit), formats.plain)
    if cell.suppressed:
        sheet.write_string(row, 14, wording.text("result.hidden"), formats.plain)
        return
    whole = is_whole([cell])
    amounts = (
        (_AMOUNTS, cell.estimate, whole),
        (7, cell.n, True),
        (8, cell.se, False),
        (9, cell.ci_low, False),
        (10, cell.ci_high, False),
        (12, cell.df, True),
    )
    for column, amount, is_integer in amounts:
        if amount is not None:
            sheet.write_number(row, column, amount, formats.numbers[is_integer, "", False])
    if cell.cv is not None:
        sheet.write_number(row, 11, cell.cv, formats.share)
    sheet.write_string(row, 13, wording.maybe(f"quality.{cell.label}", cell.label), formats.plain)
