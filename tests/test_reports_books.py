"""The workbooks for people: one a language, whole, linked, with numbers that are numbers and nothing withheld."""

from __future__ import annotations

import importlib.util
import io
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook as Book
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from reports.books.book import write_books
from reports.books.layout import SheetNames
from reports.disclosure import protect
from reports.wording import Wording
from schemas.estimates import SafeTable


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()


@cache
def written() -> dict[str, bytes]:
    return write_books("sample-2026-1", *sample.build())


def book(language: str, files: dict[str, bytes] | None = None) -> Book:
    return load_workbook(io.BytesIO((files or written())[f"tables/results_{language}.xlsx"]))


def column(sheet: Worksheet, at: int = 0) -> list[object]:
    return [row[at].value for row in sheet.iter_rows()]


def block(sheet: Worksheet, label: str) -> list[list[object]]:
    """The rows of an indicator's table: from its head to the next blank row."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    start = next(at for at, row in enumerate(rows) if row[0] == label) + 2
    end = next((at for at in range(start, len(rows)) if rows[at][0] is None), len(rows))
    return [row[: max(at for at, cell in enumerate(rows[start]) if cell) + 1] for row in rows[start:end]]


def test_there_is_one_workbook_a_language_with_cover_topics_all_figures_and_notes() -> None:
    assert list(written()) == ["tables/results_es.xlsx", "tables/results_ht.xlsx", "tables/results_en.xlsx"]
    spanish = book("es").sheetnames
    assert (spanish[0], spanish[-2:]) == ("Portada", ["Todas las cifras", "Notas"])
    assert book("ht").sheetnames[0] == "Paj devan"
    assert len(spanish) == len(book("en").sheetnames) > 4


def test_the_cover_tells_the_survey_and_that_it_is_a_rehearsal() -> None:
    cover = column(book("es")["Portada"])
    assert cover[0] == "Encuesta de muestra"
    assert any(str(text).startswith("DATOS DE ENSAYO") for text in cover)
    assert any("1.021" in str(text) for text in cover)


def test_every_link_of_the_cover_leads_to_a_table_of_that_name() -> None:
    for language in ("es", "ht", "en"):
        read = book(language)
        cover = read.worksheets[0]
        links = [(cell.value, cell.hyperlink.location) for row in cover.iter_rows() for cell in row if cell.hyperlink]
        assert len(links) > 8
        for text, target in links:
            name, address = re.fullmatch(r"'(.*)'!([A-Z]+\d+)", target).groups()  # type: ignore[union-attr]
            assert name in read.sheetnames
            if str(text).startswith("  "):
                assert read[name][address].value == str(text).strip()


def test_figures_are_numbers_and_withheld_ones_a_word() -> None:
    table, _ = sample.build()
    read = book("es")
    rows = [row for name in read.sheetnames[1:-2] for row in read[name].iter_rows(values_only=True)]
    hidden = sum(row.count("oculto") for row in rows)
    assert hidden == sum(1 for cell in table.cells if cell.suppressed) > 0
    shown = sorted(round(cell.estimate, 6) for cell in table.cells if cell.estimate is not None)
    numbers = sorted(round(float(cell), 6) for row in rows for cell in row if isinstance(cell, int | float))
    for figure in shown:
        assert figure in numbers


def test_the_sheet_of_all_figures_has_one_row_a_cell_as_a_table() -> None:
    table, _ = sample.build()
    sheet = book("en")["All figures"]
    (found,) = sheet.tables.values()
    first, last = (int(re.sub(r"\D", "", end)) for end in found.ref.split(":"))
    assert last - first == len(table.cells)
    assert sheet.freeze_panes == f"C{first + 1}"


def test_a_distribution_stands_as_categories_by_groups() -> None:
    table, contents = sample.build()
    spread = next(each for each in contents.specs.indicators if each.kind == "distribution")
    label = spread.label["es"]
    read = book("es")
    sheet = next(sheet for sheet in read.worksheets[1:-2] if label in column(sheet))
    head, total, *_ = block(sheet, label)
    cells = [cell for cell in table.cells if cell.indicator == spread.name and cell.domain == "total"]
    assert len(head) == len(cells) + 2
    assert (total[0], total[1]) == ("Total", pytest.approx(cells[0].estimate))


def test_sampling_errors_have_columns_only_where_there_are_any() -> None:
    table, contents = sample.build()
    precise = tuple(
        replace(cell, se=1.0, ci_low=cell.estimate - 2, ci_high=cell.estimate + 2, cv=0.125, label="weakly_reliable")
        if cell.estimate is not None
        else cell
        for cell in table.cells
    )
    files = write_books("x", replace(table, cells=precise), contents)
    heads = [value for sheet in book("es", files).worksheets[1:-2] for value in column(sheet, 2)]
    plain = [value for sheet in book("es").worksheets[1:-2] for value in column(sheet, 2)]
    low = Wording("es").text("sheet.low")
    assert low in heads
    assert low not in plain
    marked = [
        cell.number_format
        for sheet in book("es", files).worksheets[1:-2]
        for row in sheet.iter_rows(min_col=2, max_col=2)
        for cell in row
        if isinstance(cell.value, int | float)
    ]
    assert marked and all(text.endswith('"¹"') for text in marked)


def test_the_same_figures_give_the_same_bytes_and_other_moments_other_ones() -> None:
    table, contents = sample.build()
    assert write_books("sample-2026-1", table, contents) == written()
    later = replace(contents, made_at=contents.made_at + timedelta(days=1))
    assert write_books("sample-2026-1", table, later) != written()


def test_a_table_without_figures_is_still_a_workbook() -> None:
    _, contents = sample.build()
    files = write_books("x", SafeTable((), 10, 0, 0), contents)
    assert book("es", files).sheetnames == ["Portada", "Todas las cifras", "Notas"]


def test_nothing_that_protection_withholds_can_be_read_in_any_sheet() -> None:
    _, contents = sample.build()
    secret = [
        replace(figure, estimate=77_123.456, n=5, cell_n=5) if figure.indicator == "rent" else figure
        for figure in sample.estimates()
    ]
    files = write_books("x", protect(secret, 10), contents)
    values = [str(cell) for sheet in book("es", files) for row in sheet.iter_rows(values_only=True) for cell in row]
    assert not [value for value in values if "77123" in value]


@given(st.lists(st.text(max_size=50), max_size=8))
def test_names_of_sheets_are_such_as_spreadsheets_take(texts: list[str]) -> None:
    names = SheetNames()
    taken = [names.take(text) for text in texts]
    assert len({name.lower() for name in taken}) == len(taken)
    for name in taken:
        assert 1 <= len(name) <= 31
        assert not re.search(r"[\[\]:*?/\\]", name)
        assert name[0] != "'" and name[-1] != "'"


def test_libreoffice_opens_each_workbook_and_prints_it(tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("no LibreOffice on this machine: the workbooks are read by openpyxl alone")
    file = tmp_path / "results_ht.xlsx"
    file.write_bytes(written()["tables/results_ht.xlsx"])
    command = [office, f"-env:UserInstallation=file://{tmp_path / 'profile'}", "--headless", "--convert-to", "pdf"]
    subprocess.run([*command, "--outdir", str(tmp_path), str(file)], check=True, capture_output=True, timeout=120)
    assert file.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")
