"""Rehearsed interviews with answers miskeyed, so many and no more: what a cleaning log must put right again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from expressions.instance import Element
from forms.rehearsal.interviews import RehearsedInterview
from forms.rehearsal.plan import Question
from forms.rehearsal.spoiling_answers import Spoiler
from schemas.fields import Field

if TYPE_CHECKING:
    from forms.compile import CompiledForm


@dataclass(frozen=True, slots=True)
class Miskeyed:
    """An interview as it was meant and as it came in; `changes`: how many answers differ."""

    meant: RehearsedInterview
    came: RehearsedInterview
    changes: int


class Miskeyer(Spoiler):
    """Changes answers of interviews: other codes, numbers with a digit too many, other days, lost answers."""

    def miskey(self, interview: RehearsedInterview, most: int, table: str | None = None) -> Miskeyed:
        """Change up to so many answers that are neither personal nor calculated, each to one of its type.

        Of one table, or of all.
        """
        root, _ = self._open(interview)
        changes = 0
        for _, node, wrong in self._candidates(root, table):
            if changes == most:
                break
            node.text = wrong
            changes += 1
        return Miskeyed(interview, replace(interview, xml=self._close(root)), changes)

    def _candidates(self, root: Element, table: str | None) -> list[tuple[Question, Element, str]]:
        found = []
        for question in self.plan.questions:
            field = question.field
            if field.personal or field.calculation or field.preload or not field.control or field.name == "instanceID":
                continue
            if table not in {None, field.table}:
                continue
            for node in self._nodes(root, field.path):
                wrong = self._wrong(field, node.text) if node.text else self._needless(field)
                if wrong != node.text:
                    found.append((question, node, wrong))
        self._chance.shuffle(found)
        return found

    def _needless(self, field: Field) -> str:
        """An answer to a question that was left blank; mostly none."""
        if self._chance.random() > 0.3:
            return ""
        if field.is_select:
            return self._chance.choice(field.choices).value if field.choices else ""
        return {"int": "1", "decimal": "1.5", "string": "x"}.get(field.type, "")

    def _wrong(self, field: Field, text: str) -> str:
        if self._chance.random() < 0.05:
            return ""
        if field.is_select:
            others = [choice.value for choice in field.choices if choice.value not in text.split()]
            return self._chance.choice(others) if others else text
        match field.type:
            case "int":
                return str(int(text) + self._chance.choice((1, 9, 90))) if text.lstrip("-").isdecimal() else text
            case "decimal":
                return repr(float(text) + 10.5)
            case "date":
                return (date.fromisoformat(text[:10]) - timedelta(days=365)).isoformat()
            case "string":
                return f"{text} x"
            case _:
                return text


def miskey(
    compiled: CompiledForm,
    interviews: Sequence[RehearsedInterview],
    changes: int,
    seed: int,
    table: str | None = None,
) -> list[Miskeyed]:
    """Miskey exactly so many answers, spread over the interviews; fewer only if they don't hold as many.

    Args:
        table: the only table whose answers are miskeyed, null for all.
    """
    chance = random.Random(f"{seed}/miskeying")  # noqa: S311 - a rehearsal, not a secret
    miskeyer = Miskeyer(compiled, chance)
    found = []
    for at, interview in enumerate(interviews):
        # What earlier ones had no room for is spread over those that are left.
        share = -(-changes // (len(interviews) - at))
        found.append(miskeyer.miskey(interview, min(share, changes), table))
        changes -= found[-1].changes
    return found
