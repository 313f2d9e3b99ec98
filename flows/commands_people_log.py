"""`comunal people log`: who did what, and whether the log is whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data

if TYPE_CHECKING:
    from store.audit import AuditRow


def register(group: typer.Typer) -> None:
    """Adds the command to the group."""
    group.command("log")(log)


def log(
    check: Annotated[bool, typer.Option("--check", help="Verify that no row was changed, removed or slipped in.")] = (
        False
    ),
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help="The latest so many rows.")] = 50,
    person: Annotated[int | None, typer.Option("--person", metavar="ID", help="Only what this person did.")] = None,
    act: Annotated[
        str, typer.Option("--act", help="Only these acts: login, person (all of person.add and so on), ...")
    ] = "",
    since: Annotated[datetime | None, typer.Option("--since", help="Only from this UTC day or time on.")] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Print the audit log: people, keys, logins, forms, decisions, releases, exports, readings of personal answers.

    Each row seals the one before it; `--check` verifies that from the first to the last (exit 1 if it is broken) and
    prints the digest of the last row. Keep that elsewhere: a later check that doesn't come by it tells of a cut.
    """
    from store.audit import check_log, list_log
    from store.people import list_people

    output = Output(json_lines)
    with open_data(data) as store, store.read() as connection:
        if check:
            found = check_log(connection)
        else:
            who = "" if person is None else f"person {person}"
            at = None if since is None else since.replace(tzinfo=UTC)
            rows = list_log(connection, who=who, act=act, since=at, last=last)
            names = {f"person {row.id}": row.name for row in list_people(connection)}
    if not check:
        _print(output, rows, names)
        return
    if found.broken_at is not None:
        text = f"The log is broken at row {found.broken_at} of {found.rows}: rows before it are as they were written."
        output.record(found, text)
        raise typer.Exit(1)
    output.record(found, f"{found.rows} rows, each sealing the one before it. Digest of the last: {found.sha256}")


def _print(output: Output, rows: Sequence[AuditRow], names: dict[str, str]) -> None:
    for row in rows:
        at = row.at.strftime("%Y-%m-%d %H:%M:%S")
        what = f"{row.kind} {row.object}".strip()
        who, what = (f"{text} ({names[text]})" if text in names else text for text in (row.who, what))
        outcome = "" if row.outcome == "done" else row.outcome.upper()
        words = (f"{row.id:>6}  {at}", who, row.act, what, row.note, outcome, row.client and f"[{row.client}]")
        output.record(row, "  ".join(filter(None, words)))
