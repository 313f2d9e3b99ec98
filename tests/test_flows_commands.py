"""The command line reads as documentation, and answers bad use with one message, a code and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from flows.cli import app

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
    assert {"--data", "--json"} <= options
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
