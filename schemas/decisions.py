"""What people decide about records: the rows of a log that only grows, and what holds of them now.

    accept      the finding stands and is right: it no longer blocks
    correct     a question gets another value      blank       it gets none
    exclude     the interview counts nowhere, once a second person says so too      include     it counts again
    send_back   the enumerator is asked to correct it
    undo        an earlier row is taken back       second      a second person confirms an exclusion

Nothing is ever changed or taken out: undoing is another row, undoing that one is the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Action = Literal["accept", "correct", "blank", "exclude", "include", "send_back", "undo", "second"]
Source = Literal["desk", "import", "bulk", "script", "answer", "imputation", "recalculated"]

ACTIONS: tuple[str, ...] = get_args(Action)
SOURCES: tuple[str, ...] = get_args(Source)
CHANGING = frozenset({"correct", "blank"})
"""Actions that give a question another answer."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the log. Its repr hides old and new value.

    Attributes:
        row_id: the row of a repeat, "" for the interview's own.
        rule_id: the finding that was decided is (rule_id, instance_id, row_id); "" where none was.
        question: name of the question that gets another answer, "" for other actions.
        value, old: new and old answer as an answer's text, null for blank, other actions, and personal questions.
        person: the name of whoever decided, as it was then; person_id: their number, null for programs.
        table: the typed table of `question`.
        source: where the decision was taken; `recalculated` rows follow from others.
        undoes: id of the row that an `undo` takes back.
        seconds: id of the exclusion that a `second` confirms.
        seconded_by: who confirmed an exclusion, where both are told by the same row.
        cause: id of the decision of which this row is part, or from which it follows; it holds as long as that one.
        is_personal: whether the values are kept apart, under `id`, in the store of personal answers.
        id: number in the log, null before it is written.
    """

    form_id: str
    instance_id: str
    action: str
    reason: str
    person: str
    row_id: str = ""
    rule_id: str = ""
    question: str = ""
    value: str | None = field(default=None, repr=False)
    at: datetime | None = None
    table: str = ""
    old: str | None = field(default=None, repr=False)
    person_id: int | None = None
    source: str = "desk"
    undoes: int | None = None
    seconds: int | None = None
    seconded_by: str | None = None
    cause: int | None = None
    is_personal: bool = False
    id: int | None = None


@dataclass(frozen=True, slots=True)
class CellChange:
    """One answer of one interview that changes; null is blank. Its repr hides both."""

    instance_id: str
    table: str
    row_id: str
    question: str
    old: str | None = field(repr=False)
    new: str | None = field(repr=False)
    is_personal: bool = False


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds of a log.

    Attributes:
        decisions: the rows that nobody took back, in order of the log, without `undo` and `second`.
        excluded: interviews that count nowhere.
        pending: exclusions that wait for a second person.
        accepted: findings accepted, as (rule_id, instance_id, row_id).
        sent_back: the latest sending back of each interview, by instance id.
    """

    decisions: tuple[Decision, ...] = ()
    excluded: frozenset[str] = frozenset()
    pending: tuple[Decision, ...] = ()
    accepted: frozenset[tuple[str, str, str]] = frozenset()
    sent_back: dict[str, Decision] = field(default_factory=dict)

    @property
    def changes(self) -> tuple[Decision, ...]:
        """The corrections and blanks."""
        return tuple(row for row in self.decisions if row.action in CHANGING)


def taken_back(log: Sequence[Decision]) -> frozenset[int]:
    """Ids of the rows that don't hold: undone by a row that holds, or following from one that doesn't."""
    off: set[int] = set()
    # An undo can only name an earlier row, so that whether it holds itself is known before its target is met.
    for row in reversed(log):
        if row.action == "undo" and row.id not in off and row.undoes is not None:
            off.add(row.undoes)
    for row in log:
        if row.cause in off and row.id is not None:
            off.add(row.id)
    return frozenset(off)


def in_force(log: Iterable[Decision]) -> InForce:
    """What holds of a log.

    Args:
        log: rows of one form with their ids, oldest first.
    """
    log = list(log)
    off = taken_back(log)
    standing = [row for row in log if row.id is None or row.id not in off]
    by_id = {row.id: row for row in standing}
    confirmed = {
        row.seconds
        for row in standing
        if row.action == "second" and (first := by_id.get(row.seconds)) is not None and not is_same_person(first, row)
    }
    excluded: dict[str, bool] = {}
    pending: dict[str, list[Decision]] = {}
    sent_back: dict[str, Decision] = {}
    for row in standing:
        if row.action == "exclude":
            if row.id in confirmed or row.seconded_by:
                excluded[row.instance_id] = True
            else:
                pending.setdefault(row.instance_id, []).append(row)
        elif row.action == "include":
            excluded[row.instance_id] = False
            pending.pop(row.instance_id, None)
        elif row.action == "send_back":
            sent_back[row.instance_id] = row
    return InForce(
        decisions=tuple(row for row in standing if row.action not in {"undo", "second"}),
        excluded=frozenset(name for name, is_out in excluded.items() if is_out),
        pending=tuple(row for name, rows in pending.items() if not excluded.get(name) for row in rows),
        accepted=frozenset((row.rule_id, row.instance_id, row.row_id) for row in standing if row.action == "accept"),
        sent_back=sent_back,
    )


def is_same_person(one: Decision, other: Decision) -> bool:
    """Whether two rows are one person's: by number, or by name where a row has none."""
    if one.person_id is not None and other.person_id is not None:
        return one.person_id == other.person_id
    return one.person == other.person
