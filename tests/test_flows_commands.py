"""The command line reads as documentation, and answers bad use with one message, a code and what to do."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from flows.cli import app
from schemas.settings import Settings, read_settings

ROOT = Path(__file__).resolve().parents[1]


def commands() -> Iterator[tuple[str, object]]:
    """Every command with its full name."""
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}", body) for inner, body in command.commands.items())
        else:
            yield name, command


def comunal(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments], capture_output=True, text=True, cwd=cwd or ROOT, timeout=120
    )


COMMANDS = dict(commands())
WITHOUT_DATA = {
    *("estimate", "cleaning apply", "disclosure anonymity", "disclosure audit", "quality verify"),
    *("release panel", "release profile"),
    *("sample size", "sample units", "sample households", "sample check"),
}
"""Commands on files of anybody's: they open no store."""


def test_the_promised_commands_exist() -> None:
    promised = {
        *("forms check", "forms build", "forms add", "forms list", "forms sheets"),
        *("serve", "up", "people add", "import", "run ingest", "run check", "run release"),
        *("findings", "tables", "rehearse", "eval", "score", "demo"),
    }
    assert promised <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_documented_and_takes_data_and_json(name: str) -> None:
    command = COMMANDS[name]
    assert len(command.help or "") > 60, name  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts}  # type: ignore[attr-defined]
    assert ({"--json"} if name in WITHOUT_DATA else {"--data", "--json"}) <= options
    undocumented = [
        parameter.name
        for parameter in command.params  # type: ignore[attr-defined]
        if not getattr(parameter, "help", None)
    ]
    assert not undocumented


@pytest.mark.parametrize("name", COMMANDS)
def test_readme_names_the_command(name: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = {"forms build", "forms list", "people list", "demo", "serve", "tables", "eval"}  # told by --help
    assert name in told or f"comunal {name}" in readme or f"$comunal {name}" in readme, name


def test_help_is_quick_and_imports_no_heavy_library() -> None:
    heavy = "('prefect', 'great_expectations', 'svy', 'altair')"
    code = f"import sys, flows.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_unregistered_form_is_one_message_with_code_and_advice(tmp_path: Path) -> None:
    done = comunal("tables", "nowhere", "--out", str(tmp_path / "out"), "--data", str(tmp_path / "data"), "--json")
    assert done.returncode == 6
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "STO-011"
    assert error["advice"]
    assert "Traceback" not in done.stderr


def test_unreachable_database_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMUNAL_DATABASE_URL", "postgresql+psycopg://nobody:secret-word@127.0.0.1:1/none")
    done = comunal("forms", "list", "--data", str(tmp_path))
    assert done.returncode == 6
    assert "STO-001" in done.stderr
    assert "secret-word" not in done.stderr + done.stdout


def test_missing_file_is_wrong_use() -> None:
    assert comunal("forms", "check", "no_such_form.xlsx").returncode == 2


def test_folder_that_cannot_be_made_is_one_message() -> None:
    done = comunal("forms", "list", "--data", "/proc/nowhere")  # no file system lets a folder be made there
    assert done.returncode == 2
    assert "CMD-050" in done.stderr
    assert "Traceback" not in done.stderr


def test_setting_that_cannot_be_read_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMUNAL_IDLE_SECONDS", "soon")
    done = comunal("forms", "list", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "COMUNAL_IDLE_SECONDS" in done.stderr


def test_port_in_use_is_one_message(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = comunal("serve", "--port", str(taken.getsockname()[1]), "--data", str(tmp_path))
    assert done.returncode == 2
    assert "CMD-020" in done.stderr


def test_damaged_workbook_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "form.xlsx").write_bytes(b"PK no workbook at all")
    done = comunal("forms", "check", str(tmp_path / "form.xlsx"), "--json")
    assert done.returncode == 1
    (problem,) = (json.loads(line) for line in done.stdout.splitlines())
    assert (problem["severity"], problem["code"], problem["file"]) == ("error", "FRM-005", "form.xlsx")
    assert problem["advice"]


def test_damaged_workbook_is_not_registered(tmp_path: Path) -> None:
    (tmp_path / "form.xlsx").write_bytes(b"PK no workbook at all")
    done = comunal("forms", "add", str(tmp_path / "form.xlsx"), "--data", str(tmp_path / "data"))
    assert done.returncode == 3
    assert "FRM-005" in done.stderr


def test_one_code_has_one_meaning() -> None:
    """A code that is raised in two rooms would stand for two things; only rooms that hand it on may name it too."""
    raised: dict[str, set[str]] = {}
    for room in (
        "schemas",
        "expressions",
        "forms",
        "store",
        "openrosa",
        "validation",
        "estimation",
        "reports",
        "flows",
    ):
        for path in (ROOT / room).rglob("*.py"):
            for code in re.findall(
                r"(?:Error|fail|problem)\(\s*\"([A-Z]{3}-\d{3})\"", path.read_text(encoding="utf-8")
            ):
                raised.setdefault(code, set()).add(room)
    assert len(raised) > 60
    assert {code: rooms for code, rooms in raised.items() if len(rooms) > 1} == {
        "CMD-020": {"flows", "openrosa"},  # a port is in use
        "EST-018": {"estimation", "flows"},  # a table is empty
        "REL-001": {"flows", "reports"},  # the folder exists already
    }


def test_every_setting_stands_in_the_example_with_its_default() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(told) == {f"COMUNAL_{field.name.upper()}" for field in fields(Settings)}
    assert read_settings(told) == read_settings({})
