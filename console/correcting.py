"""What a finding's form of correction asks: one input a question, shaped by what the question takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from console.acts.wishes import Change
from console.answers import Answer, Where
from console.wording import DeskWording
from schemas.fields import Field, Form
from schemas.findings import Finding

Kind = Literal["text", "number", "date", "one", "many"]
PREFIX = "value:"


@dataclass(frozen=True, slots=True)
class Input:
    """One question that can be corrected.

    Attributes:
        name: of the form's field; former: what the question holds now, as it is stored.
        choices: code, label and whether it is chosen now; a stored code of no list comes last.
    """

    name: str
    question: str
    row_id: str
    label: str
    kind: Kind
    former: str
    choices: tuple[tuple[str, str, bool], ...] = ()


def read_inputs(
    form: Form,
    finding: Finding,
    named: Mapping[Where, Answer],
    words: DeskWording,
    *,
    with_personal: bool,
) -> list[Input]:
    """The inputs of a finding: its questions that people answer; personal ones only for whoever sees them."""
    fields = {field.name: field for field in form.fields()}
    found = []
    for name in finding.variables:
        field = fields.get(name)
        if field is None or not field.control or field.calculation or (field.personal and not with_personal):
            continue
        # A check over rows of a repeat may name questions of the interview itself.
        row_id = finding.row_id if field.table != "main" else ""
        if field.table != "main" and not row_id:
            continue
        answer = named.get((row_id, name))
        found.append(_input(field, row_id, "" if answer is None else answer.raw, words))
    return found


def read_bulk_inputs(form: Form, variables: Sequence[str], words: DeskWording, *, with_personal: bool) -> list[Input]:
    """The inputs for one answer to be given in every finding of a rule; nothing of any interview stands in them."""
    fields = {field.name: field for field in form.fields()}
    found = [fields[name] for name in variables if name in fields]
    asked = [one for one in found if one.control and not one.calculation and (with_personal or not one.personal)]
    return [_input(field, "", "", words) for field in asked]


def _input(field: Field, row_id: str, former: str, words: DeskWording) -> Input:
    kind: Kind = "text"
    choices: tuple[tuple[str, str, bool], ...] = ()
    if field.is_select and field.choices:
        kind = "many" if field.is_multiple else "one"
        held = former.split() if field.is_multiple else [former]
        listed = [(choice.value, words.pick(choice.label) or choice.value) for choice in field.choices]
        unlisted = [(code, code) for code in held if code and code not in {value for value, _ in listed}]
        choices = tuple((code, label, code in held) for code, label in [*listed, *unlisted])
    elif field.type in {"int", "decimal"}:
        kind = "number"
    elif field.type == "date":
        kind = "date"
    label = words.pick(field.label) or field.name
    return Input(f"{PREFIX}{row_id}:{field.name}", field.name, row_id, label, kind, former, choices)


def read_changes(inputs: Sequence[Input], posted: Mapping[str, tuple[str, ...]]) -> tuple[Change, ...]:
    """The questions whose posted answer isn't what they hold; an empty one is blank."""
    found = []
    for one in inputs:
        if one.name not in posted and one.kind != "many":
            continue
        value = " ".join(part.strip() for part in posted.get(one.name, ()) if part.strip())
        if value != one.former:
            found.append(Change(one.question, value or None, one.row_id))
    return tuple(found)
