"""`comunal explain INSTANCE`: one interview's rules, and the answers that decided them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands_explain import LANGUAGES
from flows.explained_texts import Words
from flows.output import DataOption, JsonOption, Output
from flows.places import open_data
from schemas.errors import CommandError

if TYPE_CHECKING:
    from flows.explaining import Explanation
    from validation.explaining import Explained, ShownValue


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explain")(explain)


def explain(
    instance: Annotated[
        str, typer.Argument(metavar="INSTANCE", help="The interview's id, as findings name it: uuid:…")
    ],
    form: Annotated[
        str | None, typer.Option("--form", metavar="FORM", help="Its form, if several have that id.")
    ] = None,
    rule: Annotated[
        str | None, typer.Option("--rule", metavar="RULE", help="Only this rule, or rules of this question or kind.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also rules that hold or have nothing to judge.")] = False,
    language: Annotated[str, typer.Option("--language", metavar="LANG", help="es, ht or en.")] = "es",
    person: Annotated[
        int | None, typer.Option("--person", metavar="ID", help="Who looks; without, only names of answers are shown.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What for; it is written down.")] = "",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Show which rules one interview breaks, in words, with the answers that decided each.

    It is judged by the form version and the engine that it was made with; an edited one by the edit that counts.
    Answers are shown to a person with the right to see interviews, personal ones to a person with the right to see
    those: `--person ID --reason TEXT`, both kept in the logs. Without, the names of the questions are shown.
    """
    if language not in LANGUAGES:
        raise CommandError("CMD-140", f"There are no sentences in '{language}'.", "Choose es, ht or en.")
    if (person is None) != (not reason.strip()):
        raise CommandError(
            "CMD-147",
            "--person and --reason go together: who looks at answers, and what for.",
            "Give both, or neither.",
        )
    from flows.explaining import explain as explain_stored

    output = Output(json_lines)
    with open_data(data) as store:
        found = explain_stored(store, instance, form_id=form, language=language, person_id=person, reason=reason)
    words = Words(found, language)
    chosen = list(_chosen(found, rule, every))
    if rule is not None and not chosen:
        raise CommandError(
            "CMD-148",
            f"The version {found.interview.version} of the form '{found.form_id}' has no rule '{rule}'.",
            "Name a rule as findings do (constraint:/data/age), or a question, or a kind; --all shows every rule.",
        )
    output.say(words.heading())
    for one in chosen:
        output.record(_plain(one, words), "\n" + "\n".join(words.rule(one)))
    for finding in found.others if rule is None else ():
        output.record(
            {"rule": finding.rule_id, "state": "broken", "row": finding.row_id, "message": finding.message[language]},
            "\n" + "\n".join(words.other(finding)),
        )


def _chosen(found: Explanation, rule: str | None, every: bool) -> Iterator[Explained]:
    for one in found.rules:
        kind, _, at = one.rule.rule_id.partition(":")
        if rule is not None:
            if rule in {one.rule.rule_id, kind, at, at.rpartition("/")[2]}:
                yield one
        elif every or one.state in {"broken", "not_checked"}:
            yield one


def _plain(one: Explained, words: Words) -> dict[str, Any]:
    """A rule for machines."""
    return {
        "rule": one.rule.rule_id,
        "state": one.state,
        "severity": one.rule.severity,
        "path": one.path,
        "row": one.row_id,
        "rows": one.rows,
        "sentence": words.sentence(one),
        "message": one.finding.message[words.language] if one.finding else "",
        "reason": one.reason,
        "engines": {profile.value: fails for profile, fails in one.engines.items()},
        "values": [_value(value) for value in one.values],
    }


def _value(value: ShownValue) -> dict[str, str]:
    names = ("question", "label", "row_id", "kind", "value", "choice")
    return {name: getattr(value, name) for name in names if getattr(value, name) or name == "question"}
