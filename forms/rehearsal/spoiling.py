"""Spoil a stated share of a rehearsal in known ways, and tell the truth about it: what the checks must find.

N interviews stay clean in content. To these come `round(N * share)` spoiled acts, split evenly over the kinds that the
form allows: sendings of some of the N that go wrong on their way (`duplicate_send`, `late_attachment`: nothing should
come of them), and additional interviews with one error each (all other kinds: a finding should name it).
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from forms.rehearsal import rehearse
from forms.rehearsal.interviews import RehearsedInterview, Send
from forms.rehearsal.spoiling_answers import copy_person
from forms.rehearsal.spoiling_fieldwork import FIELDWORK, FieldworkSpoiler
from forms.rehearsal.times import PER_DAY

if TYPE_CHECKING:
    from forms.compile import CompiledForm

DUPLICATE_SEND, LATE_ATTACHMENT = "duplicate_send", "late_attachment"
TRANSPORT = (DUPLICATE_SEND, LATE_ATTACHMENT)
DUPLICATE_PERSON, MISSPELT, DRIFT = "duplicate_person", "misspelt_duplicate", "clock_drift"
BLOCKING = (
    "out_of_range",
    "skip_rule_broken",
    DUPLICATE_PERSON,
    "impossible_duration",
    "missing_required",
    "unlisted_choice",
)
"""Errors that keep an interview out of a release until somebody decides; those of field work mostly ask for a look."""
CONTENT = (*BLOCKING, *FIELDWORK)
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
        touched: where no question is named, those whose answers are wrong; none if any may be.
        original: the interview that this one copies, "" if it is no copy.
        unit: who should be told besides the interview, as findings name it ("enumerator:7"), "" if nobody.
    """

    instance_id: str
    kind: str
    questions: tuple[str, ...]
    note: str
    expected: str = "finding"
    touched: tuple[str, ...] = ()
    original: str = ""
    unit: str = ""

    def line(self) -> str:
        """As one line of a truth file."""
        return json.dumps(
            {
                "instance_id": self.instance_id,
                "kind": self.kind,
                "questions": list(self.questions),
                "expected": self.expected,
                "note": self.note,
                **({"touched": list(self.touched)} if self.touched else {}),
                **({"original": self.original} if self.original else {}),
                **({"unit": self.unit} if self.unit else {}),
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
    """All sendings of a rehearsal of which a share is spoiled, kept in memory; `Spoiling` makes them as they go.

    Args:
        interviews: the clean ones.
        share: spoiled acts for each clean interview, 0 to 1.
        start: first field day of the clean ones; the additional ones follow theirs.

    Raises:
        ExpressionError: see `forms.rehearsal.rehearse`.
    """
    clean = list(interviews)
    spoiling = Spoiling(compiled, clean, len(clean), share, seed, start)
    return SpoiledPlan(tuple(spoiling), tuple(spoiling.truth), tuple(spoiling.not_possible))


def spare_interviews(total: int) -> int:
    """Additional interviews at hand for so many spoiled acts: not every interview has room for every error."""
    return 2 * total + TRIES


def last_day(interviews: int, share: float) -> int:
    """Field days that a rehearsal with that share of spoiled acts may take."""
    spare = spare_interviews(round(interviews * share)) if share else 0
    return -(-interviews // PER_DAY) + -(-spare // PER_DAY)


class Spoiling:
    """The sendings of a rehearsal of which a share is spoiled, one after the other. Iterate it once.

    Args:
        interviews: the clean ones; no more than some dozens are kept at a time.
        count: how many they are.
        share, seed, start: see `plan_spoiling`.
        kinds: what may be spoiled, of `CONTENT` and `TRANSPORT`.

    Attributes:
        truth: complete once all sendings were taken.
        not_possible: kinds that this form gives no room for, likewise.
    """

    def __init__(
        self,
        compiled: CompiledForm,
        interviews: Iterable[RehearsedInterview],
        count: int,
        share: float,
        seed: int,
        start: datetime,
        kinds: Collection[str] = (*CONTENT, *TRANSPORT),
    ) -> None:
        self.truth: list[Truth] = []
        self.not_possible: list[str] = []
        self.total = round(count * share)
        self._count = count
        self._interviews = interviews
        self._chance = random.Random(f"{seed}/spoiling")  # noqa: S311 - a rehearsal, not a secret
        self._spoiler = FieldworkSpoiler(compiled, self._chance)
        # After the clean ones, lest an enumerator be at two doors at once.
        after = start + timedelta(days=last_day(count, 0.0))
        self._fresh = rehearse(compiled, spare_interviews(self.total), seed + OTHER_SEED, after)
        wanted = [kind for kind in (*CONTENT, *TRANSPORT) if kind in kinds]
        self._kinds = [kind for kind in wanted if self._spoiler.allows(kind)]
        self.not_possible += [kind for kind in wanted if kind not in self._kinds]
        self._turn = 0
        self._recent: deque[RehearsedInterview] = deque(maxlen=MOST_LOOKED_AT)
        self._copied: set[str] = set()
        self._transport: list[str] = []
        self._again: list[Send] = []
        self._delayed: deque[tuple[int, Send]] = deque()

    def __iter__(self) -> Iterator[Send]:
        due = deque(self._moments())
        for index, interview in enumerate(self._interviews):
            self._recent.append(interview)
            yield self._first_sending(interview)
            while due and due[0] <= index:
                due.popleft()
                yield from self._act(index)
            while self._delayed and self._delayed[0][0] <= index:
                yield self._delayed.popleft()[1]
        yield from self._catch_up()
        yield from (send for _, send in self._delayed)
        yield from self._again

    def _moments(self) -> list[int]:
        """After which clean interview each act is done: one in each of as many equal parts.

        The last few interviews are in none, since what goes wrong on its way needs one that comes after.
        """
        part = max(self._count - 4, 0) / max(self.total, 1)
        return [int((act + self._chance.random()) * part) for act in range(self.total)]

    def _first_sending(self, interview: RehearsedInterview) -> Send:
        """The clean interview's own sending; it may be the one whose transport goes wrong."""
        kind = next((kind for kind in self._transport if interview.attachments or kind == DUPLICATE_SEND), None)
        if kind is None:
            return _send(interview)
        self._transport.remove(kind)
        self._again.append(_send(interview, sending=1))
        note = "Sent twice, byte for byte." if kind == DUPLICATE_SEND else "Its files arrived after its answers."
        self.truth.append(Truth(interview.instance_id, kind, (), note, "nothing"))
        return (
            _send(interview) if kind == DUPLICATE_SEND else Send(interview.instance_id, interview.xml, incomplete=True)
        )

    def _act(self, index: int) -> Iterator[Send]:
        """One act of the kind whose turn it is; kinds that the interviews give no room for are left out from then."""
        while self._kinds:
            kind = self._kinds[self._turn % len(self._kinds)]
            if kind in TRANSPORT:
                self._transport.append(kind)  # of the next clean interview
                self._turn += 1
                return
            if kind in {DUPLICATE_PERSON, MISSPELT}:
                planted = self._copy(index, kind)
            else:
                send = self._error(kind)
                planted = send is not None
                if send is not None:
                    yield send
            if planted:
                self._turn += 1
                return
            self._kinds.remove(kind)
            self.not_possible.append(kind)

    def _catch_up(self) -> Iterator[Send]:
        """Acts of transport for which no clean interview came any more are done as others."""
        owed = len(self._transport)
        for kind in dict.fromkeys(self._transport):
            if not any(act.kind == kind for act in self.truth):
                self.not_possible.append(kind)
        self._transport.clear()
        self._kinds = [kind for kind in self._kinds if kind not in TRANSPORT]
        for _ in range(owed):
            yield from self._act(self._count)

    def _copy(self, index: int, kind: str) -> bool:
        """Enter a recent respondent again, some sendings later; false if none of them tells who it is about."""
        told = [
            (rank, place, interview)
            for place, interview in enumerate(self._recent)
            if interview.instance_id not in self._copied and (rank := self._spoiler.identity(interview)) is not None
        ]
        if not told:
            return False
        _, _, original = min(told, key=lambda each: each[:2])
        self._copied.add(original.instance_id)
        if kind == MISSPELT:
            copy, how = self._spoiler.misspell(original), "entered again, written otherwise"
        else:
            copy, how = copy_person(original, self._spoiler, self._chance), "entered again"
        self._delayed.append((index + DISTANCE, _send(copy)))
        note = f"The respondent of {original.instance_id}, {how}."
        touched = self._spoiler.touched(kind)
        self.truth.append(Truth(copy.instance_id, kind, (), note, touched=touched, original=original.instance_id))
        return True

    def _error(self, kind: str) -> Send | None:
        """An additional interview with an error of that kind; null if none could be planted."""
        if kind == DRIFT:
            return self._drift()
        spoil: Callable[[RehearsedInterview], tuple[bytes, tuple[str, ...], str] | None]
        spoil = getattr(self._spoiler, kind)
        for _ in range(TRIES):
            interview = next(self._fresh, None)
            if interview is None:
                return None
            spoiled = spoil(interview)
            if spoiled is not None:
                xml, questions, note = spoiled
                touched = () if questions else self._spoiler.touched(kind)
                unit = self._spoiler.unit(kind)
                self.truth.append(Truth(interview.instance_id, kind, questions, note, touched=touched, unit=unit))
                return Send(interview.instance_id, xml, interview.attachments)
        return None

    def _drift(self) -> Send | None:
        """An additional interview on a phone with a wrong clock; null if the form records no times."""
        interview = next(self._fresh, None)
        drifted = None if interview is None else self._spoiler.drift(interview)
        if drifted is None:
            return None
        touched = self._spoiler.touched(DRIFT)
        self.truth.append(Truth(drifted[0].instance_id, DRIFT, (), drifted[1], touched=touched))
        return _send(drifted[0])


def _send(interview: RehearsedInterview, sending: int = 0) -> Send:
    return Send(interview.instance_id, interview.xml, interview.attachments, sending)
