"""A release's figures as one workbook a language: cover, a sheet a topic, all figures, notes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import xlsxwriter

from reports.books.layout import Formats, SheetNames, add_formats
from reports.books.listing import write_communes, write_listing
from reports.books.topics import Block, set_up_page, write_topic
from reports.contents import ReleaseContents
from reports.places import Comparison, Place, compare_places, list_places
from reports.results import Result, results_by_commune
from reports.wording import Wording
from schemas.communes import find_commune
from schemas.estimates import SafeTable
from schemas.workbook import Topic

_NOTES = (40, 64, 16, 30)
"""Widths of the columns of the notes, in characters."""

_LINE = 15.0


class BookWording(Wording):
    """The texts of the workbooks, beside those of the site."""

    def __init__(self, language: str) -> None:
        super().__init__(language)
        self._texts = {**self._texts, **_read_texts()}


@dataclass(frozen=True, slots=True)
class _Told:
    """What the workbooks of all languages tell."""

    release_id: str
    table: SafeTable
    contents: ReleaseContents
    topics: tuple[tuple[Topic, tuple[Result, ...]], ...]
    places: tuple[Place, ...]
    comparisons: tuple[Comparison, ...]


def book_path(language: str) -> str:
    """Path of a language's workbook within a release."""
    return f"tables/results_{language}.xlsx"


def write_books(release_id: str, table: SafeTable, contents: ReleaseContents) -> dict[str, bytes]:
    """Path -> bytes of each language's workbook; the same table and contents give the same bytes.

    Args:
        release_id: name of the release.
        table: the only figures that are written.
        contents: names, titles and the warning of a rehearsal.
    """
    by_commune = results_by_commune(table, contents.specs, contents.form)
    places = list_places(by_commune, contents.specs)
    told = _Told(
        release_id,
        table,
        contents,
        _by_topic(by_commune[""], contents.specs.topics),
        places,
        compare_places(by_commune, places),
    )
    return {book_path(language): _write_book(told, BookWording(language)) for language in contents.languages}


def _by_topic(results: Sequence[Result], topics: Sequence[Topic]) -> tuple[tuple[Topic, tuple[Result, ...]], ...]:
    """Topics in the order of the sheet, then those that only indicators name; none without results."""
    named = {topic.name: topic for topic in topics}
    order = dict.fromkeys([*named, *(result.indicator.topic for result in results)])
    found = ((name, tuple(each for each in results if each.indicator.topic == name)) for name in order)
    return tuple((named.get(name) or Topic(name, {"default": name}), those) for name, those in found if those)


def _write_book(told: _Told, wording: Wording) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    title = wording.pick(told.contents.specs.design.title) or told.contents.form.title
    made = told.contents.made_at.replace(tzinfo=None)
    book.set_properties({"title": title, "author": told.contents.publisher, "created": made})
    formats, names = add_formats(book), SheetNames()
    cover_name = names.take(wording.text("book.cover"))
    cover = book.add_worksheet(cover_name)
    sections: list[tuple[str, str, list[Block]]] = []
    for topic, results in told.topics:
        label = wording.pick(topic.label)
        name = names.take(label)
        intro = wording.pick(topic.intro)
        blocks = write_topic(book.add_worksheet(name), name, label, intro, results, formats, wording, cover_name)
        sections.append((label, name, blocks))
    if told.places:
        name = names.take(wording.text("book.communes"))
        write_communes(book.add_worksheet(name), told.comparisons, told.places, formats, wording, cover_name)
        sections.append((wording.text("book.communes"), name, []))
    name = names.take(wording.text("book.data"))
    groups = [(wording.pick(topic.label), results) for topic, results in told.topics]
    write_listing(book.add_worksheet(name), groups, formats, wording, cover_name, _about_all(told, wording))
    sections.append((wording.text("book.data"), name, []))
    name = names.take(wording.text("book.notes"))
    _write_notes(book.add_worksheet(name), told, formats, wording, cover_name)
    sections.append((wording.text("book.notes"), name, []))
    _write_cover(cover, title, told, sections, formats, wording)
    book.close()
    return target.getvalue()


def _about_all(told: _Told, wording: Wording) -> str:
    listed = sum(sum(1 for _ in result.all_cells()) for _, results in told.topics for result in results)
    others = len(told.table.cells) - listed
    text = wording.text("book.all_text")
    return f"{text} {wording.text('book.too_many', n=wording.number(others))}" if others and told.places else text


def _write_cover(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    title: str,
    told: _Told,
    sections: Sequence[tuple[str, str, list[Block]]],
    formats: Formats,
    wording: Wording,
) -> None:
    contents = told.contents
    commune = find_commune(contents.specs.design.commune)
    lines = [
        _where(commune.name if commune else "", contents.specs.design.period),
        wording.text("book.release", release=told.release_id, date=wording.date(contents.made_at)),
        wording.counted("book.rests_on", contents.counts.accepted),
        wording.text("book.licence", licence=contents.licence),
    ]
    sheet.write_string(0, 0, title, formats.title)
    sheet.set_row(0, 32)
    row = 1
    for line in filter(None, lines):
        sheet.write_string(row, 0, line, formats.plain)
        row += 1
    if contents.rehearsal:
        warning = f"{wording.text('rehearsal.title')}. {wording.text('rehearsal.text')}"
        sheet.write_string(row, 0, warning, formats.warning)
        sheet.set_row(row, 50)
        row += 1
    sheet.write_string(row + 1, 0, wording.text("book.contents"), formats.heading)
    row += 2
    for label, name, blocks in sections:
        sheet.write_url(row, 0, f"internal:'{_quoted(name)}'!A1", formats.link, label)
        row += 1
        for block in blocks:
            sheet.write_url(
                row, 0, f"internal:'{_quoted(name)}'!A{block.row + 1}", formats.plain, f"     {block.label}"
            )
            row += 1
    sheet.write_string(row + 1, 0, wording.text("book.read"), formats.heading)
    row += 2
    for key in ("hidden", "nothing", "weak", "unreliable", "n"):
        sheet.write_string(row, 0, wording.text(f"book.sign_{key}"), formats.plain)
        row += 1
    sheet.set_column(0, 0, 92)
    set_up_page(sheet, wording, title)
    sheet.set_portrait()


def _write_notes(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    told: _Told,
    formats: Formats,
    wording: Wording,
    cover: str,
) -> None:
    design, threshold = told.contents.specs.design, told.table.threshold
    title = wording.text("book.notes")
    sheet.write_string(0, 0, title, formats.heading)
    sheet.write_url(1, 0, f"internal:'{cover}'!A1", formats.link, wording.text("book.back"))
    shown = wording.text("method.disclosure_text", threshold=threshold)
    paragraphs = [
        ("method.sample", [wording.text("method.probability" if design.probability else "method.not_probability")]),
        ("method.figures", [wording.text("method.share"), _weights(design.weight, wording)]),
        (
            "method.disclosure",
            [shown, wording.pick(told.table.statement), wording.text("method.personal")]
            if threshold
            else [wording.text("method.no_disclosure"), wording.text("method.personal")],
        ),
    ]
    row = 3
    for heading, texts in paragraphs:
        sheet.write_string(row, 0, wording.text(heading), formats.label)
        row += 1
        for text in filter(None, texts):
            sheet.merge_range(row, 0, row, 3, text, formats.wrapped)
            sheet.set_row(row, _LINE * _lines(text, sum(_NOTES) - 20))
            row += 1
        row += 1
    sheet.write_string(row, 0, wording.text("book.indicators"), formats.label)
    row += 1
    for column, key in enumerate(("sheet.indicator", "book.description", "sheet.unit", "book.source")):
        sheet.write_string(row, column, wording.text(key), formats.head)
    row += 1
    for one in (each.indicator for _, results in told.topics for each in results):
        cells = (wording.pick(one.label), wording.pick(one.description), wording.unit(one.unit), one.source)
        for column, text in enumerate(cells):
            sheet.write_string(row, column, text, formats.wrapped)
        sheet.set_row(row, _LINE * max(_lines(text, width) for text, width in zip(cells, _NOTES, strict=True)))
        row += 1
    for column, width in enumerate(_NOTES):
        sheet.set_column(column, column, width)
    set_up_page(sheet, wording, title)


def _lines(text: str, width: int) -> int:
    """Lines that a text takes in a column of so many characters; spreadsheets don't all find out by themselves."""
    return max(1, -(-len(text) // (width - 4)))


def _where(commune: str, period: str) -> str:
    """Where and when, each said once: a period may name the commune itself."""
    return ", ".join(part for part in ("" if commune in period else commune, period) if part)


def _weights(expression: str | None, wording: Wording) -> str:
    if expression is None:
        return wording.text("method.no_weights")
    return wording.text("method.weights", expression=expression)


def _quoted(name: str) -> str:
    """A sheet's name within an address."""
    return name.replace("'", "''")


@cache
def _read_texts() -> Mapping[str, Mapping[str, str]]:
    text = files("reports.books").joinpath("texts.csv").read_text(encoding="utf-8")
    return {row.pop("key"): row for row in csv.DictReader(text.splitlines())}
