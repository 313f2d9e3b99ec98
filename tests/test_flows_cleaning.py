"""`comunal cleaning apply`, as a statistician with somebody else's data uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import Workbook
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
    assert clean.decode("cp1252").splitlines()[1] == "1;a;18;niñera;x"


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
