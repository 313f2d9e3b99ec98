"""Spoil a stated share of a rehearsal in known ways, and tell the truth about it: what the checks must find.

N interviews stay clean in content. To these come `round(N * share)` spoiled acts, split evenly over the kinds that the
form allows: sendings of some of the N that go wrong on their way (`duplicate_send`, `late_attachment`: nothing should
come of them), and additional interviews with one error each (all other kinds: a finding should name it).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from forms.rehearsal import rehearse
from forms.rehearsal_interviews import RehearsedInterview, Send
from forms.rehearsal_times import PER_DAY
from forms.spoiling_answers import Spoiler, copy_person

if TYPE_CHECKING:
    from forms.compile import CompiledForm

DUPLICATE_SEND, LATE_ATTACHMENT = "duplicate_send", "late_attachment"
TRANSPORT = (DUPLICATE_SEND, LATE_ATTACHMENT)
DUPLICATE_PERSON = "duplicate_person"
CONTENT = (
    "out_of_range",
    "skip_rule_broken",
    DUPLICATE_PERSON,
    "impossible_duration",
    "missing_required",
    "unlisted_choice",
)
OTHER_SEED = 1_000_003
"""Added to the seed for the additional interviews, so that they aren't copies of the clean ones."""

TRIES = 40
"""Interviews into which an error is tried to be planted before its kind counts as not possible in this form."""


MOST_LOOKED_AT = 60
"""Interviews looked through for one whose respondent is surely told."""

DISTANCE = 40
"""Sendings between an interview and its copy, so that the copy comes after it even with many phones at once."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One spoiled act. Names questions, never answers.

    Attributes:
        kind: see `TRANSPORT` and `CONTENT`.
        questions: names of the questions involved; none if the whole interview is meant.
        expected: "finding" where the checks must find it, "nothing" where the server must simply cope.
    """

    instance_id: str
    kind: str
    questions: tuple[str, ...]
    note: str
    expected: str = "finding"

    def line(self) -> str:
        """As one line of a truth file."""
        return json.dumps(
            {
                "instance_id": self.instance_id,
                "kind": self.kind,
                "questions": list(self.questions),
                "expected": self.expected,
                "note": self.note,
            },
            ensure_ascii=False,
        )


@dataclass(frozen=True, slots=True)
class SpoiledPlan:
    """What to send, in order, and what is wrong with it.

    Attributes:
        sends: all of round 0, then all of round 1.
        not_possible: kinds that this form gives no room for.
    """

    sends: tuple[Send, ...]
    truth: tuple[Truth, ...]
    not_possible: tuple[str, ...] = ()


def plan_spoiling(
    compiled: CompiledForm, interviews: Iterable[RehearsedInterview], share: float, seed: int, start: datetime
) -> SpoiledPlan:
    """Plan the sendings of a rehearsal of which a share is spoiled.

    Args:
        interviews: the clean ones; all of them are kept in memory.
        share: spoiled acts for each clean interview, 0 to 1.
        start: first field day of the clean ones; the additional ones follow theirs.

    Raises:
        ExpressionError: see `forms.rehearsal.rehearse`.
    """
    clean = list(interviews)
    chance = random.Random(f"{seed}/spoiling")  # noqa: S311 - a rehearsal, not a secret
    total = round(len(clean) * share)
    if not total or not clean:
        return SpoiledPlan(tuple(map(_send, clean)), ())
    planter = _Planter(compiled, clean, total, seed, start, chance)
    return planter.plan()


def spare_interviews(total: int) -> int:
    """Additional interviews at hand for so many spoiled acts: not every interview has room for every error."""
    return 2 * total + TRIES


def last_day(interviews: int, share: float) -> int:
    """Field days that a rehearsal with that share of spoiled acts may take."""
    spare = spare_interviews(round(interviews * share)) if share else 0
    return -(-interviews // PER_DAY) + -(-spare // PER_DAY)


class _Planter:
    def __init__(
        self,
        compiled: CompiledForm,
        clean: Sequence[RehearsedInterview],
        total: int,
        seed: int,
        start: datetime,
        chance: random.Random,
    ) -> None:
        self.clean = clean
        self.total = total
        self.chance = chance
        self.spoiler = Spoiler(compiled, chance)
        # After the clean ones, lest an enumerator be at two doors at once.
        after = start + timedelta(days=last_day(len(clean), 0.0))
        self.fresh = rehearse(compiled, spare_interviews(total), seed + OTHER_SEED, after)
        self.spare: list[RehearsedInterview] = []
        self.truth: list[Truth] = []
        self.added: list[tuple[int, Send]] = []
        self.copied: set[int] = set()
        self.again: list[Send] = []
        self.late: set[str] = set()
        self.untouched = list(range(len(clean)))
        self.chance.shuffle(self.untouched)

    def plan(self) -> SpoiledPlan:
        kinds = [kind for kind in (*CONTENT, *TRANSPORT) if self._allows(kind)]
        not_possible = [kind for kind in (*CONTENT, *TRANSPORT) if kind not in kinds]
        planted = 0
        turn = 0
        while planted < self.total and kinds:
            kind = kinds[turn % len(kinds)]
            if self._plant(kind):
                planted += 1
                turn += 1
            else:
                kinds.remove(kind)
                not_possible.append(kind)
        return SpoiledPlan((*self._first_round(), *self.again), tuple(self.truth), tuple(not_possible))

    def _allows(self, kind: str) -> bool:
        if kind == LATE_ATTACHMENT:
            return any(interview.attachments for interview in self.clean)
        return kind == DUPLICATE_SEND or self.spoiler.allows(kind)

    def _plant(self, kind: str) -> bool:
        if kind in TRANSPORT:
            return self._plant_transport(kind)
        if kind == DUPLICATE_PERSON:
            return self._plant_duplicate()
        return self._plant_error(kind)

    def _plant_transport(self, kind: str) -> bool:
        for place, index in enumerate(self.untouched):
            interview = self.clean[index]
            if kind == LATE_ATTACHMENT and not interview.attachments:
                continue
            del self.untouched[place]
            if kind == LATE_ATTACHMENT:
                self.late.add(interview.instance_id)
            self.again.append(_send(interview, sending=1))
            note = "Sent twice, byte for byte." if kind == DUPLICATE_SEND else "Its files arrived after its answers."
            self.truth.append(Truth(interview.instance_id, kind, (), note, "nothing"))
            return True
        return False

    def _plant_duplicate(self) -> bool:
        index = self._most_identified()
        if index is None:
            return False
        original = self.clean[index]
        copy = copy_person(original, self.spoiler, self.chance)
        note = f"The respondent of {original.instance_id}, entered again."
        return self._add(copy, DUPLICATE_PERSON, (), note, after=index)

    def _most_identified(self) -> int | None:
        """An interview whose respondent is surely told, not copied before; null if none tells who it is about."""
        indexes = [index for index in range(len(self.clean)) if index not in self.copied]
        self.chance.shuffle(indexes)
        ranks = {index: self.spoiler.identity(self.clean[index]) for index in indexes[:MOST_LOOKED_AT]}
        told = [(rank, index) for index, rank in ranks.items() if rank is not None]
        if not told:
            return None
        _, index = min(told, key=lambda each: each[0])
        self.copied.add(index)
        return index

    def _plant_error(self, kind: str) -> bool:
        spoil: Callable[[RehearsedInterview], tuple[bytes, tuple[str, ...], str] | None]
        spoil = getattr(self.spoiler, kind)
        for _ in range(TRIES):
            interview = self.spare.pop() if self.spare else next(self.fresh, None)
            if interview is None:
                return False
            spoiled = spoil(interview)
            if spoiled is not None:
                xml, questions, note = spoiled
                changed = RehearsedInterview(interview.instance_id, xml, interview.attachments)
                return self._add(changed, kind, questions, note)
        return False

    def _add(
        self, interview: RehearsedInterview, kind: str, questions: tuple[str, ...], note: str, after: int = -DISTANCE
    ) -> bool:
        earliest = min(after + DISTANCE, len(self.clean))
        self.added.append((self.chance.randint(earliest, len(self.clean)), _send(interview)))
        self.truth.append(Truth(interview.instance_id, kind, questions, note))
        return True

    def _first_round(self) -> list[Send]:
        """The clean interviews in their order, the additional ones strewn among them."""
        sends = [
            Send(interview.instance_id, interview.xml, {}, incomplete=True)
            if interview.instance_id in self.late
            else _send(interview)
            for interview in self.clean
        ]
        # From behind, so that the places of those before stay what they are.
        for place, send in sorted(self.added, key=lambda each: each[0], reverse=True):
            sends.insert(place, send)
        return sends


def _send(interview: RehearsedInterview, sending: int = 0) -> Send:
    return Send(interview.instance_id, interview.xml, interview.attachments, sending)
