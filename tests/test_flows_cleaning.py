"""`comunal cleaning apply`, as a statistician with somebody else's data uses it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner

from flows.cli import app

RAW = 'start,uuid,edad,trabajo,edad\n1,a,180,"cocina, aseo",x\n2,b,23,,y\n3,c,45,"dice ""hola""",z\n'
LOG = "uuid,question,old_value,new_value,change_type\na,edad,180,18,change_response\nc,trabajo,,,blank_response\n"


def apply(tmp_path: Path, raw: bytes, log: bytes, *options: str) -> tuple[int, str, bytes]:
    (tmp_path / "raw.csv").write_bytes(raw)
    (tmp_path / "log.csv").write_bytes(log)
    out = tmp_path / "clean.csv"
    names = [str(tmp_path / name) for name in ("raw.csv", "log.csv")]
    result = CliRunner().invoke(app, ["cleaning", "apply", *names, "--id", "uuid", "--out", str(out), *options])
    return result.exit_code, result.output, out.read_bytes() if out.exists() else b""


def test_only_the_named_cells_change_and_every_other_byte_stays(tmp_path: Path) -> None:
    status, output, clean = apply(tmp_path, RAW.encode(), LOG.encode())
    assert status == 0, output
    assert clean.decode() == RAW.replace("180", "18").replace('"dice ""hola"""', "")
    assert "change_response  1" in output and "blank_response   1" in output and "2 cells changed" in output


def test_the_semicolons_and_letters_of_a_spanish_excel_come_out_as_they_went_in(tmp_path: Path) -> None:
    raw = RAW.replace(",", ";").replace("cocina; aseo", "niñera").encode("cp1252")
    status, output, clean = apply(tmp_path, raw, LOG.replace(",", ";").encode())
    assert status == 0, output
    assert clean == raw.replace(b"180", b"18").replace(b'"dice ""hola"""', b"")


def test_refused_rows_are_told_and_listed_and_fail_a_strict_run(tmp_path: Path) -> None:
    log = LOG + "zz,edad,1,2,change_response\nb,edad,99,24,change_response\n"
    report = tmp_path / "refused.csv"
    status, output, clean = apply(tmp_path, RAW.encode(), log.encode(), "--report", str(report), "--strict")
    assert status == 1
    assert "[unknown_key]" in output and "[stale_old_value]" in output
    assert [line.split(",")[0] for line in report.read_text("utf-8").splitlines()] == ["row", "4", "5"]
    assert clean.decode() == RAW.replace("180", "18").replace('"dice ""hola"""', "")


def test_a_machine_reads_one_object_a_line(tmp_path: Path) -> None:
    status, output, _ = apply(tmp_path, RAW.encode(), (LOG + "q,,,,remove_survey\n").encode(), "--json")
    summary, refused = map(json.loads, output.splitlines())
    assert status == 0
    assert summary["applied"] == {"change_response": 1, "blank_response": 1, "remove_survey": 0, "no_action": 0}
    assert (summary["refused"], refused["reason"], refused["number"]) == ({"unknown_key": 1}, "unknown_key", 4)


def test_blanks_are_written_as_the_table_writes_them(tmp_path: Path) -> None:
    raw = "uuid,age,job\na,18,cook\nb,NA,NA\nc,4,NA\n"
    status, _, clean = apply(tmp_path, raw.encode(), b"uuid,question,new_value,change_type\na,job,,blank_response\n")
    assert (status, clean.decode()) == (0, raw.replace("cook", "NA"))


def test_a_log_kept_in_a_workbook_is_read(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["X_uuid", "questions", "issue", "old_value", "new_value", "change_type"],
        ["a", "edad", "?", 180, 18.0, "Change_Response "],
    ):
        sheet.append(row)
    book.save(tmp_path / "log.xlsx")
    (tmp_path / "raw.csv").write_text(RAW)
    names = [str(tmp_path / name) for name in ("raw.csv", "log.xlsx")]
    result = CliRunner().invoke(app, ["cleaning", "apply", *names, "--out", str(tmp_path / "clean.csv")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "clean.csv").read_text() == RAW.replace("180", "18")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_quotes_marks_and_encoding_stay(tmp_path: Path, encoding: str, end: str, last: bool) -> None:
    lines = [
        '"uuid","edad","nota"',
        '"a",180,"ñandú, y"',
        '"b",23,"dos\nlíneas ""así"""',
        '"c",  7 ,NA',
        '"d",9,"fin"',
    ]
    raw = end.join(lines) + (end if last else "")
    log = "uuid,question,old_value,new_value,change_type\na,edad,180,18,change_response\nd,,,,remove_survey\n"
    log += "c,nota,,sí,change_response\nb,nota,,,blank_response\nd,edad,9,8,change_response\n"
    status, output, clean = apply(tmp_path, raw.encode(encoding), log.encode())
    assert status == 0, output
    assert "[removed]" in output
    wanted = [lines[0], '"a",18,"ñandú, y"', '"b",23,NA', '"c",  7 ,sí']
    assert clean == (end.join(wanted) + end).encode(encoding)


def test_a_log_as_impact_wrote_it_before_the_change_types_is_read(tmp_path: Path) -> None:
    log = (
        "_uuid;index;question.name;issue;feedback;changed;old.value;new.value;enumerator\n"
        "a;1;grupo/edad;too old;checked;Yes;180;18,0;7\n"
        "b;2;edad;fine;checked;No;23;;7\n"
        "c;3;trabajo;mistake;checked;Yes;;;8\n"
        "b;4;edad;odd;checked;perhaps;23;24;8\n"
    )
    status, output, clean = apply(tmp_path, RAW.replace("edad,trabajo", "grupo/edad,trabajo").encode(), log.encode())
    assert status == 0, output
    assert clean.decode().splitlines()[1:] == ['1,a,18,"cocina, aseo",x', "2,b,23,,y", "3,c,45,,z"]
    assert "[unknown_change_type]" in output and "no_action        1" in output


def test_kobos_ids_without_their_beginning_find_the_instance(tmp_path: Path) -> None:
    log = LOG.replace("\na,", "\nuuid:a,")
    assert apply(tmp_path, RAW.encode(), log.encode())[2].decode().splitlines()[1].startswith("1,a,18,")
    raw = RAW.replace("1,a,", "1,uuid:a,")
    assert apply(tmp_path, raw.encode(), LOG.encode())[2].decode().splitlines()[1].startswith("1,uuid:a,18,")


def test_a_row_with_a_separator_that_is_not_quoted_is_refused_alone(tmp_path: Path) -> None:
    log = "uuid,question,old_value,new_value,change_type,issue\n"
    log += "a,edad,180,18,change_response,too old, he said\n"
    log += "b,edad,23,24,change_response,fine\nc,edad,45,46,change_response\n"
    status, output, clean = apply(tmp_path, RAW.encode(), log.encode())
    assert status == 0, output
    assert "[broken_row]" in output
    assert [line.split(",")[2] for line in clean.decode().splitlines()[1:]] == ["180", "24", "46"]


def test_numbers_and_days_are_written_as_their_column_writes_them(tmp_path: Path) -> None:
    raw = "uuid,n,share,day,code\na,1,0.5,2026-03-02,007\nb,2,0.25,2026-03-03,008\nc,3,1,2026-03-04,009\n"
    log = "uuid,question,old_value,new_value,change_type\n"
    log += 'a,n,1.0,4.0,change_response\nb,share,"0,25","0,75",change_response\n'
    log += "c,day,2026-03-04 00:00:00,2026-03-05 00:00:00,change_response\nb,day,,02/03/2026,change_response\n"
    status, output, clean = apply(tmp_path, raw.encode(), log.encode())
    assert status == 0, output
    assert clean.decode().splitlines()[1:] == [
        "a,4,0.5,2026-03-02,007",
        "b,2,0.75,2026-03-03,008",
        "c,3,1,2026-03-05,009",
    ]
    assert "[wrong_type]" in output


def test_a_workbook_keeps_its_numbers_formats_and_other_sheets(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "data"
    for row in (
        ["uuid", "edad", "dia", "nota"],
        ["a", 180, datetime(2026, 3, 2), "x"],
        ["b", 23, None, "y"],
        ["c", 4, None, "z"],
    ):
        sheet.append(row)
    sheet["C2"].number_format = "dd/mm/yyyy"
    book.create_sheet("leer").append(["nada"])
    book.save(tmp_path / "raw.xlsx")
    log = Workbook()
    notes = log.active
    assert notes is not None
    notes.append(["Read me first"])
    rows = log.create_sheet("cleaning_log")
    for row in (
        ["uuid", "question", "old_value", "new_value", "change_type"],
        ["a", "edad", 180, 18, "change_response"],
        ["a", "dia", "2026-03-02", datetime(2026, 3, 9), "change_response"],
        ["b", None, None, None, "remove_survey"],
    ):
        rows.append(row)
    log.save(tmp_path / "log.xlsx")
    out = tmp_path / "clean.xlsx"
    names = [str(tmp_path / name) for name in ("raw.xlsx", "log.xlsx")]
    result = CliRunner().invoke(app, ["cleaning", "apply", *names, "--out", str(out)])
    assert result.exit_code == 0, result.output
    cleaned = load_workbook(out)
    assert cleaned.sheetnames == ["data", "leer"]
    assert list(cleaned["data"].iter_rows(values_only=True))[1:] == [
        ("a", 18, datetime(2026, 3, 9), "x"),
        ("c", 4, None, "z"),
    ]
    assert cleaned["data"]["C2"].number_format == "dd/mm/yyyy"


def test_a_loops_table_has_an_id_column_of_its_own(tmp_path: Path) -> None:
    raw = "loop_uuid,uuid,age\na1,a,1\na2,a,2\nb1,b,3\n"
    log = "uuid,loop_uuid,question,old_value,new_value,change_type\na,a2,age,2,9,change_response\n"
    (tmp_path / "raw.csv").write_text(raw)
    (tmp_path / "log.csv").write_text(log)
    names = [str(tmp_path / name) for name in ("raw.csv", "log.csv")]
    out = tmp_path / "clean.csv"
    result = CliRunner().invoke(app, ["cleaning", "apply", *names, "--id", "loop_uuid", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert out.read_text() == raw.replace("a2,a,2", "a2,a,9")
    removal = "uuid,question,old_value,new_value,change_type\na,,,,remove_survey\n"
    (tmp_path / "log.csv").write_text(removal)
    result = CliRunner().invoke(app, ["cleaning", "apply", *names, "--id", "uuid", "--out", str(out)])
    assert out.read_text() == "loop_uuid,uuid,age\nb1,b,3\n"


def test_a_step_said_again_after_it_was_taken_back_is_a_step_of_its_own(tmp_path: Path) -> None:
    there, back = "a,edad,180,18,change_response\n", "a,edad,18,180,change_response\n"
    head = LOG.splitlines()[0] + "\n"
    status, output, clean = apply(tmp_path, RAW.encode(), (head + there + back + there).encode())
    assert (status, clean.decode()) == (0, RAW.replace("180", "18")), output
    again = apply(tmp_path, clean, (head + there + back + there).encode())
    assert again[2] == clean
    _, output, clean = apply(tmp_path, RAW.encode(), (head + there + there).encode())
    assert "[twice]" in output and clean.decode() == RAW.replace("180", "18")


@pytest.mark.parametrize(
    ("raw", "log", "code"),
    [
        ("id,edad\n1,2\n", LOG, "CMD-132"),
        (RAW, "uuid,edad\na,1\n", "CMD-133"),
        ("", LOG, "CMD-130"),
        ("uuid,edad\na,1,2\n", LOG, "CMD-131"),
    ],
)
def test_a_table_that_cannot_be_used_gets_a_coded_message(tmp_path: Path, raw: str, log: str, code: str) -> None:
    (tmp_path / "raw.csv").write_text(raw)
    (tmp_path / "log.csv").write_text(log)
    names = [str(tmp_path / name) for name in ("raw.csv", "log.csv")]
    result = CliRunner().invoke(app, ["cleaning", "apply", *names, "--out", str(tmp_path / "clean.csv")])
    assert getattr(result.exception, "code", None) == code
    assert not (tmp_path / "clean.csv").exists()
