"""The figures as a workbook for people: one sheet a language, with names in place of codes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from reports.contents import ReleaseContents
from reports.results import Result, gather_results
from reports.sentences import category_label, domain_label, grouping_label
from reports.wording import PERCENT, Wording
from schemas.estimates import TOTAL, SafeCell, SafeTable

_WIDTHS = (30, 52, 22, 26, 24, 12, 14, 10, 12, 12, 12, 12, 10, 18, 44)


@dataclass(frozen=True, slots=True)
class _Formats:
    """Cell formats of one workbook."""

    title: Any
    warning: Any
    note: Any
    head: Any
    text: Any
    hidden: Any
    whole: Any
    decimal: Any


def write_spreadsheet(table: SafeTable, contents: ReleaseContents) -> bytes:
    """The workbook's bytes; the same table and contents give the same bytes.

    Args:
        table: the only figures that are written.
        contents: names, titles and the warning of a rehearsal.
    """
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(target, options)
    book.set_properties({"title": contents.form.title, "created": contents.made_at.replace(tzinfo=None)})
    formats = _add_formats(book)
    results = gather_results(table, contents.specs, contents.form)
    for language in contents.languages:
        _add_sheet(book, formats, Wording(language), results, table, contents)
    book.close()
    return target.getvalue()


def _add_sheet(
    book: xlsxwriter.Workbook,
    formats: _Formats,
    wording: Wording,
    results: tuple[Result, ...],
    table: SafeTable,
    contents: ReleaseContents,
) -> None:
    sheet = book.add_worksheet(f"{wording.text('sheet.results')} ({wording.language})")
    title = wording.pick(contents.specs.design.title) or contents.form.title
    sheet.write_string(0, 0, title, formats.title)
    if contents.rehearsal:
        warning = f"{wording.text('rehearsal.title')}. {wording.text('rehearsal.text')}"
        sheet.write_string(1, 0, warning, formats.warning)
    sheet.write_string(2, 0, wording.pick(table.statement), formats.note)
    top = 4
    heads = _heads(wording)
    for column, (head, width) in enumerate(zip(heads, _WIDTHS, strict=True)):
        sheet.write_string(top, column, head, formats.head)
        sheet.set_column(column, column, width)
    rows = [row for result in results for row in _rows(result, wording, contents)]
    for number, (names, cell) in enumerate(rows, start=top + 1):
        _write_row(sheet, number, names, cell, formats, wording, table.threshold)
    sheet.freeze_panes(top + 1, 2)
    if rows:
        sheet.autofilter(top, 0, top + len(rows), len(heads) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(top)


def _heads(wording: Wording) -> list[str]:
    keys = ("topic", "indicator", "breakdown")
    return [
        *(wording.text(f"sheet.{key}") for key in keys),
        wording.text("result.group"),
        wording.text("sheet.category"),
        wording.text("result.value"),
        wording.text("sheet.unit"),
        wording.text("result.n"),
        *(wording.text(f"sheet.{key}") for key in ("se", "low", "high", "cv", "df")),
        wording.text("result.label"),
        wording.text("sheet.suppressed"),
    ]


def _rows(result: Result, wording: Wording, contents: ReleaseContents) -> list[tuple[list[str], SafeCell]]:
    topics = {topic.name: wording.pick(topic.label) for topic in contents.specs.topics}
    topic = topics.get(result.indicator.topic, result.indicator.topic)
    indicator = wording.pick(result.indicator.label)
    groups = [(TOTAL, "", wording.text("result.total"))]
    for grouping in result.groupings:
        name = grouping_label(grouping, wording)
        groups += [(domain, name, domain_label(grouping, code, wording)) for code, domain in grouping.groups]
    return [
        ([topic, indicator, name, group, category_label(result, code, wording) if code else ""], cell)
        for domain, name, group in groups
        for code, cell in result.cells[domain].items()
    ]


def _write_row(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    row: int,
    names: list[str],
    cell: SafeCell,
    formats: _Formats,
    wording: Wording,
    threshold: int,
) -> None:
    for column, name in enumerate(names):
        if name:
            sheet.write_string(row, column, name, formats.text)
    unit = wording.unit(cell.unit)
    if cell.suppressed:
        sheet.write_string(row, 5, wording.text("result.hidden"), formats.hidden)
        sheet.write_string(row, 6, unit, formats.text)
        reason = wording.text(f"result.hidden_{cell.suppressed}", threshold=threshold)
        sheet.write_string(row, 14, reason, formats.hidden)
        return
    number = formats.decimal if cell.unit == PERCENT or (cell.estimate or 0) % 1 else formats.whole
    figures = (
        (5, cell.estimate, number),
        (7, cell.n, formats.whole),
        (8, cell.se, formats.decimal),
        (9, cell.ci_low, formats.decimal),
        (10, cell.ci_high, formats.decimal),
        (11, cell.cv, formats.decimal),
        (12, cell.df, formats.whole),
    )
    for column, figure, written in figures:
        if figure is not None:
            sheet.write_number(row, column, figure, written)
    sheet.write_string(row, 6, unit, formats.text)
    sheet.write_string(row, 13, wording.maybe(f"quality.{cell.label}", cell.label), formats.text)


def _add_formats(book: xlsxwriter.Workbook) -> _Formats:
    top = {"valign": "top"}
    return _Formats(
        title=book.add_format({"bold": True, "font_size": 15}),
        warning=book.add_format({"bold": True, "font_color": "#9a4a12"}),
        note=book.add_format({"font_color": "#52606b"}),
        head=book.add_format({"bold": True, "text_wrap": True, "valign": "bottom", "bottom": 2, "bg_color": "#dcebeb"}),
        text=book.add_format({**top, "text_wrap": True}),
        hidden=book.add_format({**top, "italic": True, "font_color": "#6a5f4b", "align": "right"}),
        whole=book.add_format({**top, "num_format": "#,##0"}),
        decimal=book.add_format({**top, "num_format": "#,##0.0"}),
    )
