"""Decisions from the command line, for scripts: `comunal decide`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.errors import CommandError

if TYPE_CHECKING:
    from console.acts.wishes import Change, Outlook

app = typer.Typer(no_args_is_help=True, help="Decide about findings and interviews; every decision stays in the log.")
FormId = Annotated[str, typer.Argument(metavar="FORM_ID", help="The form, as `comunal forms list` shows it.")]
PersonOption = Annotated[
    int, typer.Option("--person", metavar="NUMBER", help="Who decides, as `comunal people list` shows them.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence.")]
Action = Literal["accept", "correct", "blank", "exclude", "include", "send_back"]
ActionArgument = Annotated[Action, typer.Argument(metavar="ACTION", help="What is decided.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="QUESTION=VALUE", help="Of `correct`: the answer wanted; QUESTION alone to blank it."
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Though it opens an error.")]


def register(parent: typer.Typer) -> None:
    """Adds the command group."""
    parent.add_typer(app, name="decide")


@app.command("one")
def decide_one(
    form_id: FormId,
    instance_id: Annotated[str, typer.Argument(metavar="INSTANCE_ID", help="The interview.")],
    action: ActionArgument,
    person: PersonOption,
    reason: ReasonOption,
    rule: Annotated[str, typer.Option("--rule", metavar="RULE_ID", help="The rule of the finding decided.")] = "",
    row: Annotated[str, typer.Option("--row", metavar="ROW_ID", help="The row of a repeat, e.g. person[2].")] = "",
    changes: SetOption = None,
    force: ForceOption = False,
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what would come of it.")] = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Decide about one interview; a correction runs the form's logic again before it is taken."""
    from console.acts import deciding
    from console.acts.wishes import Wish
    from store.people import get_person

    output = Output(json_lines)
    wish = Wish(action, instance_id, reason, rule, row, read_changes(changes, row))
    with open_data(data) as store:
        with store.read() as connection:
            who = get_person(connection, person)
        if preview:
            _tell(output, deciding.preview(store, who, form_id, wish), ())
            return
        decided = deciding.decide(store, who, form_id, wish, force=force, source="script")
    _tell(output, decided.outlook, decided.ids)
    if decided.pending:
        output.say(f"  It counts once a second person confirms it: comunal decide second {form_id} {decided.ids[0]}")


@app.command("all")
def decide_all(
    form_id: FormId,
    rule: Annotated[str, typer.Argument(metavar="RULE_ID", help="The rule whose open findings are decided.")],
    action: ActionArgument,
    person: PersonOption,
    reason: ReasonOption,
    changes: SetOption = None,
    force: ForceOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would come of it.")] = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Decide all open findings of a rule in the same way; what can't be decided so is counted by its reason."""
    from console.acts.bulk import bulk
    from console.acts.wishes import Wish
    from store.people import get_person

    output = Output(json_lines)
    wish = Wish(action, "", reason, rule, changes=read_changes(changes, ""))
    with open_data(data) as store:
        with store.read() as connection:
            who = get_person(connection, person)
        outcome = bulk(store, who, form_id, wish, rule_id=rule, force=force, dry_run=dry_run)
    output.record(outcome, f"{outcome.decided} findings decided{' (nothing written)' if dry_run else ''}.")
    for why, number in outcome.refused.items():
        output.say(f"  left: {number} [{why}]")


@app.command("undo")
def undo_one(
    form_id: FormId,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Of the decision in the log.")],
    person: PersonOption,
    reason: ReasonOption,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Take a decision back, or an undoing of one. What follows from it falls with it; the log keeps every row."""
    from console.acts.deciding import undo
    from store.people import get_person

    output = Output(json_lines)
    with open_data(data) as store:
        with store.read() as connection:
            who = get_person(connection, person)
        decided = undo(store, who, form_id, number, reason)
    _tell(output, decided.outlook, decided.ids)


@app.command("second")
def confirm(
    form_id: FormId,
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Of exclusions that wait.")],
    person: PersonOption,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Confirm exclusions that somebody else asked for: from then on the interviews count nowhere."""
    from console.acts.deciding import second
    from store.people import get_person

    output = Output(json_lines)
    with open_data(data) as store:
        with store.read() as connection:
            who = get_person(connection, person)
        for number in numbers:
            decided = second(store, who, form_id, number)
            output.record({"confirmed": number, "id": decided.ids[0]}, f"Exclusion {number} confirmed.")


@app.command("log")
def show_log(
    form_id: FormId,
    person: PersonOption,
    instance_id: Annotated[
        str | None, typer.Option("--instance", metavar="INSTANCE_ID", help="Only of this interview.")
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List the decisions about a survey, oldest first; values of personal questions are hidden."""
    from console.acts.deciding import list_log
    from schemas.decisions import in_force
    from store.people import get_person

    output = Output(json_lines)
    with open_data(data) as store:
        with store.read() as connection:
            who = get_person(connection, person)
        log = list_log(store, who, form_id, instance_id)
    now = in_force(log)
    holds, waits = {row.id for row in now.decisions}, {row.id for row in now.pending}
    for row in log:
        state = "waits" if row.id in waits else "holds" if row.id in holds else ""
        what = f"{row.question} {row.row_id}".strip() if row.question else row.rule_id
        other = row.undoes or row.seconds
        told = f"{row.action} {other}" if other else row.action
        output.record(row, f"{row.id:>6} {told:<14} {state:<6} {row.instance_id} {what}  {row.person}: {row.reason}")
    if not log:
        output.say("Nothing was decided.")


def read_changes(texts: list[str] | None, row: str) -> tuple[Change, ...]:
    """Changes as options write them: QUESTION=VALUE, or ROW/QUESTION=VALUE for another row than `row`.

    Raises:
        CommandError: CMD-134, one names no question.
    """
    from console.acts.wishes import Change

    found = []
    for text in texts or ():
        name, _, value = text.partition("=")
        place, _, question = name.rpartition("/")
        if not question.strip():
            message = "A --set names no question before its =."
            raise CommandError("CMD-134", message, "Write --set age=31, or --set 'person[2]/age=31' for a row.")
        found.append(Change(question.strip(), value or None, place or row))
    return tuple(found)


def _tell(output: Output, outlook: Outlook, numbers: tuple[int, ...]) -> None:
    rows = {
        "ids": numbers,
        "closes": sorted({row.rule_id for row in outlook.closes}),
        "opens": sorted({row.rule_id for row in outlook.opens}),
        "derived": [f"{row.row_id}/{row.question}".lstrip("/") for row in outlook.derived],
        "needs_force": outlook.needs_force,
    }
    said = f"Decision {numbers[0]} written" if numbers else "Nothing written"
    output.record(rows, f"{said}; {len(outlook.closes)} findings close, {len(outlook.opens)} open.")
    for name in ("closes", "opens", "derived"):
        for one in rows[name]:  # type: ignore[attr-defined]
            output.say(f"  {name:<8} {one}")
