"""`comunal entities`: lists of what interviews are about, and the conflicts that wait for a person."""

from __future__ import annotations

import csv
import io
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.errors import CommandError

if TYPE_CHECKING:
    from store.open import Store

ListArgument = Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")]


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Lists of entities that forms fill: list, csv, settle, apply.")
    group.command("list")(list_lists)
    group.command("csv")(write_csv)
    group.command("settle")(settle)
    group.command("apply")(apply)
    app.add_typer(group, name="entities")


def list_lists(json_lines: JsonOption = False, data: DataOption = None) -> None:
    """List the lists: entities, conflicts that wait for a person, changes that wait for an earlier one."""
    from store.entities import list_entities, list_names
    from store.entity_changes import count_waiting

    output = Output(json_lines)
    table = Table("list", "entities", "conflicts", "waiting", box=None)
    with open_data(data) as store, store.read() as connection:
        names = list_names(connection)
        for name in names:
            rows = list_entities(connection, name)
            conflicts = [
                {"uuid": row.uuid, "version": row.version, "conflict": row.conflict} for row in rows if row.conflict
            ]
            waiting = count_waiting(connection, name)
            output.record({"list": name, "entities": len(rows), "conflicts": conflicts, "waiting": waiting})
            table.add_row(name, str(len(rows)), str(len(conflicts)), str(waiting))
            for conflict in conflicts:
                table.add_row("", f"  {conflict['uuid']}", f"{conflict['conflict']}, version {conflict['version']}", "")
    if not names:
        output.say("No form with a sheet 'entities' is registered.")
    elif not json_lines:
        output.console.print(table)


def write_csv(name: ListArgument, json_lines: JsonOption = False, data: DataOption = None) -> None:
    """Write a list to standard output, as phones get it: id, label, version and properties of each entity.

    With --json one object an entity. What is deleted isn't in it.
    """
    from store.entities import entity_list_csv

    output = Output(json_lines)
    with open_data(data) as store:
        _require_list(store, name)
        with store.read() as connection:
            content = entity_list_csv(connection, name).decode()
    if not json_lines:
        sys.stdout.write(content)
        return
    for row in csv.DictReader(io.StringIO(content)):
        output.record(row)


def settle(
    name: ListArgument,
    entity: Annotated[str, typer.Argument(metavar="UUID", help="Id of the entity.")],
    keep: Annotated[int, typer.Option("--keep", metavar="VERSION", help="The version that is right.")],
    person: Annotated[str, typer.Option("--person", help="Who decides.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence without personal data.")],
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """End the conflict of an entity by choosing a version; an older one is repeated as a new version."""
    from store.entities import settle_conflict

    output = Output(json_lines)
    with open_data(data) as store, store.begin() as connection:
        version = settle_conflict(
            connection, name, entity, keep=keep, person=person, reason=reason, at=datetime.now(UTC)
        )
    output.record({"list": name, "uuid": entity, "version": version}, f"{entity} is settled as version {version}.")


def apply(
    name: ListArgument,
    days: Annotated[
        int,
        typer.Option("--days", min=0, metavar="N", help="Changes that have waited so many days for an earlier one."),
    ] = 5,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Apply changes made without a network whose predecessor never came, each as a hard conflict."""
    from store.entity_changes import apply_waiting

    output = Output(json_lines)
    with open_data(data) as store:
        _require_list(store, name)
        with store.begin() as connection:
            count = apply_waiting(connection, name, datetime.now(UTC) - timedelta(days=days))
    output.record({"list": name, "applied": count}, f"{count} changes of {name} applied as conflicts.")


def _require_list(store: Store, name: str) -> None:
    from store.entities import list_names

    with store.read() as connection:
        names = list_names(connection)
    if name not in names:
        message = f"There is no list {name!r}; there are: {', '.join(names) or 'none'}."
        raise CommandError("CMD-127", message, "List them: comunal entities list")
