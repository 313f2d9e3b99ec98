"""Faults of field work: what no rule of the form forbids, and only looking at many interviews tells."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from expressions.instance import Element
from forms.rehearsal.calculation import moment_text
from forms.rehearsal.interviews import RehearsedInterview
from forms.rehearsal.plan import Question
from forms.rehearsal.spoiling_answers import Spoiled, Spoiler, copy_person, shift_events
from forms.rehearsal.writing import write_submission
from schemas.fields import Field

if TYPE_CHECKING:
    from forms.compile import CompiledForm

FIELDWORK = (
    "misspelt_duplicate",
    "fabricated",
    "clock_drift",
    "no_consent",
    "abandoned",
    "outlier",
    "roster_size",
    "outside_commune",
    "long_duration",
)
"""Kinds of spoiled acts of this module."""

CONSENT = ("consent", "consentimiento", "consentement")
FEWEST_CHOICES = 15
"""Free choices that a form needs for a made-up interview to look made up."""
SPELLINGS: tuple[tuple[str, str], ...] = (
    *(("ph", "f"), ("z", "s"), ("v", "b"), ("ll", "y"), ("qu", "k"), ("h", ""), ("th", "t"), ("ie", "i")),
    *(("nn", "n"), ("w", "v"), ("y", "i"), ("s", "z"), ("f", "ph"), ("b", "v"), ("t", "th"), ("n", "nn")),
)
DEGREES = 0.25
"""About 25 km: in no commune's margin of doubt."""


class FieldworkSpoiler(Spoiler):
    """Plants faults of field work in interviews of one form, besides those of `Spoiler`."""

    def __init__(self, compiled: CompiledForm, chance: random.Random) -> None:
        super().__init__(compiled, chance)
        settings = {(row.name, row.parameter): row.value for row in compiled.specs.monitoring}
        by_name = {question.field.name: question for question in self.plan.questions}
        self._main = self.plan.form.table("main").fields
        main = {field.name: field for field in self._main}
        consent = (settings.get(("no_consent", "question"), "").split() or list(CONSENT)) if main else []
        self._consent = next((main[name] for name in consent if name in main), None)
        roster = (settings.get(("roster_size", "rosters"), "").split() or [""])[0].partition("=")[0]
        self._declared = main.get(roster)
        who = settings.get(("general", "enumerator")) or compiled.specs.design.settings.get("enumerator", "")
        self._enumerator = main.get(who) or next((each for each in main.values() if each.preload == _USER), None)
        named = (("general", "enumerator"), ("general", "psu"), ("duplicate_id", "questions"))
        self._naming = {who, *" ".join(settings.get(key, "") for key in named).split()}
        self._today = next((each for each in main.values() if each.preload == "date/today"), None)
        self._places = [each for each in self.plan.form.fields() if each.type == "geopoint"]
        self._free = [each for each in by_name.values() if self._is_unread(each) and each.field.control == "select1"]
        self._fabricator = ""
        self._position = ""
        self._positions = {each.path: self._known_position(compiled, each.name) for each in self._places}

    def allows(self, kind: str) -> bool:
        """Whether the form gives room for that kind at all."""
        timed = self.start is not None and self.end is not None
        room: Mapping[str, bool] = {
            "misspelt_duplicate": "name" in self._identifying.values(),
            "fabricated": timed and self._enumerator is not None and len(self._free) >= FEWEST_CHOICES,
            "clock_drift": timed,
            "no_consent": self._consent is not None,
            "abandoned": len(self._asked_main()) >= FEWEST_CHOICES,
            "outlier": any(self._may_be_far(question) for question in self.plan.questions),
            "roster_size": self._declared is not None,
            "outside_commune": bool(self._places),
            "long_duration": timed,
        }
        return room[kind] if kind in room else super().allows(kind)

    def touched(self, kind: str) -> tuple[str, ...]:
        """Questions whose answers are wrong by that kind of fault; none if any may be."""
        times = [field.name for field in (self.start, self.end) if field is not None]
        if kind in {"impossible_duration", "long_duration"}:
            return tuple(times)
        if kind == "clock_drift":
            preloads = {"date/today", "property/deviceid"}
            return (*times, *(field.name for field in self._main if field.preload in preloads))
        if kind == "outside_commune":
            return tuple(field.name for field in self._places)
        if kind in {"duplicate_person", "misspelt_duplicate"}:
            personal = [field.name for field in self.plan.form.fields() if field.personal]
            return (*personal, *sorted(self._naming - {""}))
        return ()

    def unit(self, kind: str) -> str:
        """Who should be told besides the interview: all made-up ones are one enumerator's."""
        return f"enumerator:{self._fabricator}" if kind == "fabricated" and self._fabricator else ""

    # -- the faults ------------------------------------------------------------------------------------------------
    def fabricated(self, interview: RehearsedInterview) -> Spoiled | None:
        """Made up at a table: quickly, mostly the first choices, round numbers, one place, one enumerator."""
        root, scope = self._open(interview)
        changed = 0
        for question in self._free:
            for node in self._nodes(root, question.field.path):
                if node.text and self._chance.random() < _LAZINESS and question.choices is not None:
                    codes = question.choices.codes(node, scope)
                    node.text = codes[0] if codes else node.text
                    changed += 1
        if changed < FEWEST_CHOICES or self._enumerator is None or self.start is None or self.end is None:
            return None
        for question in self.plan.questions:
            if question.field.type == "int" and self._is_unread(question) and question.constraint is None:
                for node in self._nodes(root, question.field.path):
                    if node.text and node.text.lstrip("-").isdigit():
                        node.text = str(round(int(node.text), -1))
        self._fabricator = self._fabricator or self._text(root, self._enumerator)
        self._set(root, self._enumerator, self._fabricator)
        for place in self._places:
            self._position = self._position or self._text(root, place)
            if self._text(root, place) and self._position:
                self._set(root, place, self._position)
        begun = datetime.fromisoformat(self._text(root, self.start))
        self._set(root, self.end, moment_text(begun + timedelta(seconds=self._chance.randrange(540, 840))))
        note = f"Made up: {changed} choices are the first of their lists, in a quarter of an hour."
        return self._close(root), (), note

    def no_consent(self, interview: RehearsedInterview) -> Spoiled | None:
        """Consent blank or refused, with all answers there."""
        root, _ = self._open(interview)
        if self._consent is None or not self._text(root, self._consent):
            return None
        if sum(bool(node.text) for node in root.walk() if not node.children) < 3 * FEWEST_CHOICES:
            return None
        self._set(root, self._consent, self._chance.choice(("", "no")))
        return self._close(root), (self._consent.name,), "There are answers, and no consent."

    def abandoned(self, interview: RehearsedInterview) -> Spoiled | None:
        """Everything from some place on is blank."""
        root, _ = self._open(interview)
        asked = self._asked_main()
        answered = [field for field in asked if self._text(root, field)]
        if len(answered) < 2 * FEWEST_CHOICES:
            return None
        keep = round(len(asked) * self._chance.uniform(0.5, 0.75))
        for field in asked[keep:]:
            self._set(root, field, "")
        return self._close(root), (), "Broken off: the last questions are blank."

    def outlier(self, interview: RehearsedInterview) -> Spoiled | None:
        """A number with zeros too many that the form's own constraint lets pass."""
        root, scope = self._open(interview)
        for question, node in self._answered(root, self._may_be_far):
            before = node.text
            for factor in (1000, 100, 30):
                text = str(round(float(before or 0) * factor))
                if float(text) < factor:
                    continue
                node.text = text
                if question.constraint is None or not self._breaks(question, node, scope):
                    return self._close(root), (question.field.name,), "A number with zeros too many."
            node.text = before
        return None

    def roster_size(self, interview: RehearsedInterview) -> Spoiled | None:
        """More people declared than listed."""
        root, _ = self._open(interview)
        if self._declared is None or not self._text(root, self._declared).isdigit():
            return None
        more = int(self._text(root, self._declared)) + self._chance.randrange(1, 4)
        self._set(root, self._declared, str(more))
        return self._close(root), (self._declared.name,), "More people are declared than listed."

    def outside_commune(self, interview: RehearsedInterview) -> Spoiled | None:
        """A position tens of kilometres away."""
        root, _ = self._open(interview)
        for place in self._places:
            if not self._nodes(root, place.path):
                continue
            parts = (self._text(root, place) or self._positions[place.path]).split()
            if len(parts) >= 2:
                moved = [f"{float(parts[0]) + DEGREES:.6f}", f"{float(parts[1]) + DEGREES:.6f}", *parts[2:]]
                self._set(root, place, " ".join(moved))
                return self._close(root), (), "The position is tens of kilometres away."
        return None

    def long_duration(self, interview: RehearsedInterview) -> Spoiled | None:
        """A form left open for hours."""
        root, _ = self._open(interview)
        if self.start is None or self.end is None or not self._text(root, self.end):
            return None
        ended = datetime.fromisoformat(self._text(root, self.end))
        self._set(root, self.end, moment_text(ended + timedelta(minutes=self._chance.randrange(260, 900))))
        return self._close(root), (), "It stayed open for hours."

    # -- faults that change more than the answers ------------------------------------------------------------------
    def drift(self, interview: RehearsedInterview) -> tuple[RehearsedInterview, str] | None:
        """The same on a phone whose clock is wrong: years behind, weeks ahead, or hours off; its log too."""
        if self.start is None or self.end is None:
            return None
        days = self._chance.choice((-1500, -2600, 45, 90, -0.25, 0.125))
        shift = timedelta(days=days)
        root, _ = self._open(interview)
        for field in (self.start, self.end):
            if not self._text(root, field):
                return None
            self._set(root, field, moment_text(datetime.fromisoformat(self._text(root, field)) + shift))
        if self._today is not None:
            self._set(root, self._today, self._text(root, self.start)[:10])
        files = shift_events(interview.attachments, shift)
        note = f"The phone's clock is off by {days:g} days."
        return replace(interview, xml=self._close(root), attachments=files), note

    def misspell(self, original: RehearsedInterview) -> RehearsedInterview:
        """The same household entered again by somebody who writes names otherwise and heard some answers otherwise."""
        copy = copy_person(original, self, self._chance)
        root, scope = self._open(copy)
        for field in self.plan.form.fields():
            if field.personal in {"name", "address"}:
                for node in self._nodes(root, field.path):
                    node.text = respell(node.text, self._chance) if field.personal == "name" else node.text
            elif field.personal == "document":
                for node in self._nodes(root, field.path):
                    node.text = ""
        for question in self._free:
            for node in self._nodes(root, question.field.path):
                if node.text and self._chance.random() < _HEARD_OTHERWISE and question.choices is not None:
                    node.text = self._chance.choice(question.choices.codes(node, scope) or [node.text])
        return replace(copy, xml=write_submission(root, self.plan.form.namespace))

    # -- what may be spoiled ---------------------------------------------------------------------------------------
    def _is_unread(self, question: Question) -> bool:
        """Asked, and nothing else hangs on its answer."""
        field = question.field
        return (
            question.asked
            and not question.small
            and not field.personal
            and field.path not in self.plan.triggers.readers
        )

    def _may_be_far(self, question: Question) -> bool:
        number = question.field.type in {"int", "decimal"} and question.field.name not in self._naming
        return number and self._is_unread(question)

    def _asked_main(self) -> list[Field]:
        fields = [question.field for question in self.plan.questions if question.asked]
        return [field for field in fields if field.table == "main"]

    @staticmethod
    def _known_position(compiled: CompiledForm, name: str) -> str:
        """The first position that the `rehearsal` sheet gives a question, for interviews that have none."""
        values = (row.value for row in compiled.specs.rehearsal if row.question == name)
        return next((value for value in values if len(value.split()) >= 2), "")

    def _text(self, root: Element, field: Field) -> str:
        nodes = self._nodes(root, field.path)
        return nodes[0].text or "" if nodes else ""

    def _set(self, root: Element, field: Field, text: str) -> None:
        for node in self._nodes(root, field.path):
            node.text = text


def respell(name: str, chance: random.Random) -> str:
    """The name as somebody else might write it by ear.

    >>> respell("Joseph", random.Random(1))
    'Josef'
    """
    lower = name.lower()
    changes = [(old, new) for old, new in SPELLINGS if old in lower[1:]]
    if not changes:
        return name + chance.choice(("s", "e", "h")) if name else name
    old, new = chance.choice(changes[:3])
    place = lower.index(old, 1)
    return name[:place] + new + name[place + len(old) :]


_USER = "property/username"
_LAZINESS = 0.92
_HEARD_OTHERWISE = 0.15
