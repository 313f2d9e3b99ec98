"""What a command prints: sentences and bars for people, one JSON object a line for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.errors import ComunalError

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Folder that holds everything Comunal stores (default: COMUNAL_DATA, else var/)."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for machines.")]

Advance = Callable[[int, int | None], None]
"""Called with how much is done, and of how much in all (null while unknown)."""


def plain(value: object) -> object:
    """A value as JSON knows it: dataclasses as objects, dates in ISO 8601, paths as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(item) for key, item in asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return value


class Output:
    """The two ways in which one command speaks.

    Args:
        json_lines: whether a machine reads. Then sentences are left out, and progress isn't shown.
    """

    def __init__(self, json_lines: bool = False) -> None:
        self.json_lines = json_lines
        self.console = Console(highlight=False, soft_wrap=True)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """A sentence for people."""
        if not self.json_lines:
            self.console.print(text, markup=False)

    def record(self, value: object, text: str | None = None) -> None:
        """One result: a JSON object for machines, `text` for people (nothing if null)."""
        if self.json_lines:
            sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        elif text is not None:
            self.say(text)

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator[Advance]:
        """A bar on standard error while long work runs; yields the function that moves it."""
        bar = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.errors,
            disable=self.json_lines or not self.errors.is_terminal,
        )
        with bar:
            task = bar.add_task(label, total=total)

            def advance(done: int, of: int | None = None) -> None:
                bar.update(task, completed=done, total=of if of is not None else total)

            yield advance
        if not self.json_lines and not self.errors.is_terminal:
            self.errors.print(f"  {label}: done", markup=False)


def report_error(error: ComunalError, json_lines: bool) -> None:
    """One clear message on standard error: code, what was found, what to do."""
    if json_lines:
        row: dict[str, Any] = {"error": {"code": error.code, "message": error.message, "advice": error.advice}}
        sys.stderr.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(f"{error.code}  {error.message}", markup=False, style="bold red")
    if error.advice:
        errors.print(f"  {error.advice}", markup=False)
