"""Workbooks in and out: formats, bounds, and the round trip without loss."""

from __future__ import annotations

import datetime
import io
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forms.sheets import read_workbook, read_workbook_bytes, workbook_from_markdown, write_folder, write_xlsx
from forms.sheets.csv import write_lines
from schemas.errors import FormError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "forms"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real forms are not at {SHARED}")

MARKDOWN = r"""
| survey  |            |      |                    |
|         | type       | name | label::Español (es)|
|---------|------------|------|--------------------|
|         | integer    | age  | Edad \| años       |
|         |            |      |                    |
|         | text       | name | Nombre             |
| choices |            |      |                    |
|         | list_name  | name | label              |
|         | yn         | 1    | Sí                 |
"""


def write_files(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def code_of(excinfo: pytest.ExceptionInfo[FormError]) -> str:
    return excinfo.value.code


def test_markdown_tables_are_a_workbook() -> None:
    workbook = workbook_from_markdown(MARKDOWN)
    assert [row.cells for row in workbook.rows("survey")] == [
        {"type": "integer", "name": "age", "label::Español (es)": "Edad | años"},
        {"type": "text", "name": "name", "label::Español (es)": "Nombre"},
    ]
    assert [row.number for row in workbook.rows("survey")] == [2, 3]
    assert workbook.rows("choices")[0].cells["name"] == "1"


def test_cells_of_a_spreadsheet_become_text_as_xlsform_writes_them() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Survey"
    sheet.append(["type", "name", None, "default", "required", " label "])
    sheet.append(["integer", 15.0, "no header", datetime.datetime(2026, 11, 24), True, " \u00a0Edad\r\n"])
    sheet.append([None, None, None, None, None, None])
    sheet.append(["decimal", 0.5, None, datetime.datetime(2026, 11, 24, 9, 30), False, "=1+1"])
    sheet["F4"].data_type = "s"
    out = io.BytesIO()
    book.save(out)
    rows = read_workbook_bytes("form.xlsx", out.getvalue()).rows("survey")
    assert rows[0].cells == {
        "type": "integer",
        "name": "15",
        "default": "2026-11-24",
        "required": "TRUE",
        "label": "Edad",
    }
    assert (rows[1].number, rows[1].cells["default"], rows[1].cells["required"]) == (4, "2026-11-24 09:30:00", "FALSE")
    assert rows[1].cells["label"] == "=1+1"


def test_both_layouts_of_a_single_csv_are_read(tmp_path: Path) -> None:
    several = "survey,,\n,type,name\n,integer,age\n\nchoices,,\n,list_name,name\n,yn,1\n"
    workbook = read_workbook_bytes("form.csv", several.encode())
    assert workbook.rows("survey")[0].cells == {"type": "integer", "name": "age"}
    assert workbook.rows("choices")[0].cells == {"list_name": "yn", "name": "1"}
    plain = read_workbook_bytes("form.csv", b"\xef\xbb\xbftype,name\ninteger,age\n")
    assert plain.rows("survey")[0].cells == {"type": "integer", "name": "age"}


def test_a_header_that_stands_twice_is_kept_apart() -> None:
    workbook = read_workbook_bytes("form.csv", b"type,name,label,label\nnote,a,A,B\n")
    assert workbook.rows("survey")[0].cells == {"type": "note", "name": "a", "label": "A", "label #2": "B"}


def test_written_spreadsheet_has_the_same_bytes_every_time_and_holds_texts_only() -> None:
    workbook = workbook_from_markdown(MARKDOWN + "| | no | =1+1 | 007 |\n")
    data = write_xlsx(workbook)
    assert data == write_xlsx(workbook)
    sheet = openpyxl.load_workbook(io.BytesIO(data))["choices"]
    assert [cell.value for cell in sheet[3]] == ["no", "=1+1", "007"]
    assert sheet.freeze_panes == "A2"
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}


FILES = {
    "settings.csv": "form_id,version\nprueba,1\n",
    "survey/00_portada.csv": 'type,name,label::es\ninteger,age,Edad\n,,\nnote,n,"línea\nsegunda, con coma"\n',
    "survey/01_hogar.csv": "name,type,relevant,empty\nwork,text,${age} > 5,\n",
    "survey/02_vacio.csv": "type,name\n",
    "choices/a.csv": "list_name,name,label::es\nyn,1,Sí\n",
    "media/list.csv": "name\r\nx\r\n",
}


def test_folder_comes_back_from_the_spreadsheet_byte_for_byte(tmp_path: Path) -> None:
    source = write_files(tmp_path / "prueba", FILES)
    workbook = read_workbook(source)
    assert workbook.name == "prueba"
    (tmp_path / "prueba.xlsx").write_bytes(write_xlsx(workbook))
    back = read_workbook(tmp_path / "prueba.xlsx")
    write_folder(back, tmp_path / "back")
    expected = snapshot(source)
    expected.pop("media/list.csv")  # the spreadsheet carries no media
    assert snapshot(tmp_path / "back") == expected
    assert read_workbook(tmp_path / "back").sheets == workbook.sheets


def test_rows_of_a_folder_know_their_file_line_and_spreadsheet_row(tmp_path: Path) -> None:
    workbook = read_workbook(write_files(tmp_path / "prueba", FILES))
    places = [(row.number, row.file, row.line) for row in workbook.rows("survey")]
    assert places == [
        (2, "survey/00_portada.csv", 2),
        (4, "survey/00_portada.csv", 4),
        (5, "survey/01_hogar.csv", 2),
    ]
    sheet = openpyxl.load_workbook(io.BytesIO(write_xlsx(workbook)))["survey"]
    assert [sheet.cell(row, 1).value for row in (1, 2, 3, 4, 5)] == [
        "module",
        "00_portada",
        None,
        "00_portada",
        "01_hogar",
    ]


def test_an_edited_spreadsheet_changes_only_the_file_of_the_edited_row(tmp_path: Path) -> None:
    source = write_files(tmp_path / "prueba", FILES)
    book = openpyxl.load_workbook(io.BytesIO(write_xlsx(read_workbook(source))))
    sheet = book["survey"]
    sheet.append([None, "decimal", "income", None, None, None])
    column = [cell.value for cell in sheet[1]].index("name") + 1
    sheet.cell(sheet.max_row, column).value = "income"
    book.save(tmp_path / "edited.xlsx")
    write_folder(read_workbook(tmp_path / "edited.xlsx"), source)
    changed = {name for name, data in snapshot(source).items() if data != FILES[name].encode()}
    assert changed == {"survey/01_hogar.csv"}
    assert (source / "survey/01_hogar.csv").read_text().splitlines()[-1] == "income,decimal,,"


def test_modules_out_of_order_are_refused_with_the_row(tmp_path: Path) -> None:
    workbook = workbook_from_markdown("| survey |\n| | module | name |\n| | b | x |\n| | a | y |\n")
    with pytest.raises(FormError, match="row 3") as excinfo:
        write_folder(workbook, tmp_path / "out")
    assert code_of(excinfo) == "FRM-012"


def test_names_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    good = workbook_from_markdown(MARKDOWN)
    bad_media = replace(good, media={"../evil.csv": b""})
    bad_sheet = replace(good, sheets={**good.sheets, "../evil": replace(good.sheets["choices"], name="../evil")})
    hidden = replace(good.sheets["survey"], files={"../../evil.csv": ("type",)})
    bad_file = read_workbook_bytes("f.xlsx", write_xlsx(replace(good, sheets={**good.sheets, "survey": hidden})))
    for workbook in (bad_media, bad_sheet, bad_file):
        with pytest.raises(FormError) as excinfo:
            write_folder(workbook, tmp_path / "a" / "b")
        assert code_of(excinfo) == "FRM-014"
    assert not list(tmp_path.rglob("evil*"))


def test_files_that_the_workbook_no_longer_has_are_removed(tmp_path: Path) -> None:
    source = write_files(tmp_path / "prueba", FILES)
    workbook = workbook_from_markdown(MARKDOWN)
    write_folder(workbook, source)
    assert sorted(snapshot(source)) == ["choices.csv", "media/list.csv", "survey.csv"]


CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=12)
HEADER = st.from_regex(r"[a-z][a-z0-9_:]{0,10}( \([a-z]{2}\))?", fullmatch=True).filter(lambda name: name != "module")


@st.composite
def folders(draw: st.DrawFn) -> dict[str, list[list[str]]]:
    """Sheets as files: headers, then rows; the last row of a file isn't blank."""
    files: dict[str, list[list[str]]] = {}
    for sheet in ["survey", *draw(st.lists(st.sampled_from(["choices", "checks", "notas"]), unique=True))]:
        stems = draw(st.lists(st.from_regex(r"[0-9]{2}_[a-z]{1,4}", fullmatch=True), max_size=3, unique=True))
        for name in [f"{sheet}/{stem}.csv" for stem in stems] or [f"{sheet}.csv"]:
            headers = draw(st.lists(HEADER, min_size=1, max_size=4, unique=True))
            rows = draw(st.lists(st.lists(CELL, min_size=len(headers), max_size=len(headers)), max_size=4))
            while rows and not any(cell.strip() for cell in rows[-1]):
                rows.pop()
            files[name] = [headers, *rows]
    return files


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(folders())
def test_any_folder_survives_the_spreadsheet(files: dict[str, list[list[str]]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for file, lines in files.items():
            (base / "f" / file).parent.mkdir(parents=True, exist_ok=True)
            (base / "f" / file).write_bytes(write_lines(lines))
        first = read_workbook(base / "f")
        back = read_workbook_bytes("f.xlsx", write_xlsx(first))
        write_folder(back, base / "g")
        again = read_workbook(base / "g")
        assert again.sheets == first.sheets
        write_folder(again, base / "h")
        assert snapshot(base / "h") == snapshot(base / "g")


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from([".xlsx", ".xls", ".csv", ".md"]))
def test_bytes_that_are_no_workbook_raise_only_form_errors(data: bytes, suffix: str) -> None:
    try:
        read_workbook_bytes(f"form{suffix}", data)
    except FormError as error:
        assert error.code.startswith("FRM-0")


@settings(deadline=None)
@given(st.integers(0, 8_000), st.binary(min_size=1, max_size=40))
def test_a_damaged_spreadsheet_raises_only_form_errors(place: int, noise: bytes) -> None:
    data = write_xlsx(workbook_from_markdown(MARKDOWN))
    damaged = data[: place % len(data)] + noise + data[place % len(data) + len(noise) :]
    try:
        read_workbook_bytes("form.xlsx", damaged)
    except FormError as error:
        assert error.code.startswith("FRM-0")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forms.sheets.excel.MAX_UNPACKED_BYTES", 1 << 22)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/workbook.xml", "w") as entry:
        entry.write(b"\0" * ((1 << 22) + 1))
    with pytest.raises(FormError) as excinfo:
        read_workbook_bytes("form.xlsx", out.getvalue())
    assert code_of(excinfo) == "FRM-004"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"notes.txt": "x"}, "FRM-006"),
        ({"survey.csv": "type\nnote,a\n"}, "FRM-007"),
        ({"survey.csv": "type\nno\0te\n"}, "FRM-009"),
        ({"survey.csv": 'type\n"note\n'}, "FRM-005"),
        ({"survey.csv": "type\n", "survey/a.csv": "type\n"}, "FRM-010"),
        ({"survey/a.csv": "type,module\nnote,a\n"}, "FRM-011"),
    ],
)
def test_text_sheets_that_cannot_be_read_say_why(tmp_path: Path, files: dict[str, str], code: str) -> None:
    with pytest.raises(FormError) as excinfo:
        read_workbook(write_files(tmp_path / "f", files))
    assert code_of(excinfo) == code
    assert excinfo.value.advice


def test_missing_and_foreign_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(FormError) as excinfo:
        read_workbook(tmp_path / "none.xlsx")
    assert code_of(excinfo) == "FRM-001"
    with pytest.raises(FormError) as excinfo:
        read_workbook_bytes("form.pdf", b"%PDF")
    assert code_of(excinfo) == "FRM-002"
    with pytest.raises(FormError) as excinfo:
        read_workbook_bytes("form.csv", "año".encode("latin-1"))
    assert code_of(excinfo) == "FRM-008"


def test_media_beside_a_workbook_are_those_it_names(tmp_path: Path) -> None:
    files = {
        "form.csv": "type,name,calculation\nselect_one_from_file comunas.csv,c,\n"
        "calculate,p,\"pulldata('precios','a','b','c')\"\n",
        "comunas.csv": "name,label\n",
        "precios.csv": "b,a\n",
        "other.csv": "x\n",
        "form-media/foto.png": "png",
    }
    workbook = read_workbook(write_files(tmp_path, files) / "form.csv")
    assert sorted(workbook.media) == ["comunas.csv", "foto.png", "precios.csv"]


@needs_shared
@pytest.mark.parametrize("path", sorted(SHARED.glob("*.xls*")), ids=lambda path: path.name)
def test_real_workbooks_survive_being_written(path: Path) -> None:
    workbook = read_workbook(path)
    assert read_workbook_bytes("again.xlsx", write_xlsx(workbook)).sheets == workbook.sheets
