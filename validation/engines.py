"""The engines behind the programs that people answer in, and on which findings they disagree.

The same expression may mean another thing in ODK Collect, ODK Web Forms and Enketo. An interview is judged by the
engine that made it; a row that breaks a rule there is then judged by the others too, and where one of them would have
let it pass the finding says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from expressions.alike import means_the_same
from expressions.profiles import Profile
from schemas.fields import CLIENT, INSTANCE_ID, MAIN_TABLE, Form
from schemas.findings import Rule
from validation.asking import Again, Questions
from validation.chunks import Flags, Numbers
from validation.compiled import Compiler, as_field
from validation.disagreement import is_engine_dependent
from validation.distinct import Columns
from validation.evaluation import AT, ENGINES, FAILURES, NotChecked
from validation.judges import Judges, make_judge
from validation.relevance import Judged, Place, RelevancePlan
from validation.rules import rule_path
from validation.verdicts import Judge

PROFILES: Mapping[str, Profile] = {"webforms": Profile.WEBFORMS, "enketo": Profile.ENKETO}
"""Engine of the programs whose engine isn't JavaRosa, by what `schemas.fields.CLIENT` calls them."""

COMPARED = frozenset(("required", "constraint", "choice_filter", "calculation", "relevant"))
"""Rules that programs evaluate by an expression (by the first word of their id)."""

MOST_INTERVIEWS = 2_000
"""Interviews of a chunk that are judged again for a rule that may depend on the engine; more aren't compared."""


Broken = tuple[Rule, pl.DataFrame]
"""A rule, and the rows that break it: `_instance_id`, `_row_id`, and their numbers (`AT`) in the judged tables;
for rules of the kind "relevant" in the chunk's own."""

_Outcome = Callable[[], Flags]
"""Gives, once all values are found, whether each row that was asked about breaks its rule."""


def split_by_engine(tables: Mapping[str, pl.DataFrame]) -> list[tuple[Profile, pl.Series]]:
    """The engines that made the interviews, each with the numbers of its rows in the main table; JavaRosa first."""
    main = tables[MAIN_TABLE]
    numbers = pl.int_range(main.height, dtype=pl.Int64, eager=True)
    clients = main.get_column(CLIENT) if CLIENT in main.columns else None
    if clients is None or not clients.is_in(list(PROFILES)).any():
        return [(Profile.JAVAROSA, numbers)]
    others = [(profile, numbers.filter(clients == client)) for client, profile in PROFILES.items()]
    first = (Profile.JAVAROSA, numbers.filter(~clients.is_in(list(PROFILES)).fill_null(value=False)))
    return [(profile, found) for profile, found in (first, *others) if len(found)]


@dataclass(slots=True)
class _Other:
    """One of the other engines: its compiler, and what it has compiled so far."""

    compiler: Compiler
    judges: dict[str, Judge | NotChecked] = field(default_factory=dict)
    conditions: dict[str, Columns | NotChecked] = field(default_factory=dict)


class Comparison:
    """Judges what broke a rule under one engine by the others.

    A rule that means the same in every engine isn't asked about again (`expressions.alike`). Of the rest only the rows
    that broke it are, those of all rules together, so that each interview is rebuilt once.

    Args:
        own: the engine by which the interviews were judged.
        plan: that engine's relevance.
    """

    def __init__(self, form: Form, own: Profile, plan: RelevancePlan, *, has_personal: bool, zone: str) -> None:
        self._form, self._own, self._plan = form, own, plan
        self._others = {
            profile: _Other(Compiler(form, has_personal=has_personal, zone=zone, profile=profile, distinct=False))
            for profile in Profile
            if profile is not own
        }
        self._alike: dict[str, bool] = {}

    def label(self, broken: Sequence[Broken], judged: Judged) -> list[pl.DataFrame]:
        """The rows with the engines under which they break their rule, separated by spaces; "" if not compared.

        Args:
            judged: the chunk they come from.
        """
        everywhere = " ".join(profile.value for profile in Profile)
        labels: list[list[str]] = [[everywhere] * rows.height for _, rows in broken]
        asked = [at for at, (rule, _) in enumerate(broken) if not self._is_alike(rule)]
        compared = {at: _rows_of_first_interviews(broken[at][1]) for at in asked}
        parts = {at: (broken[at][0], broken[at][1][compared[at]]) for at in asked}
        if parts:
            instances = pl.concat([rows[INSTANCE_ID] for _, rows in parts.values()]).unique().to_list()
            again = Again(self._form, self._plan, judged, instances)
            fails = {profile: self._fails(other, parts, again) for profile, other in self._others.items()}
        for at in asked:
            labels[at] = [""] * len(labels[at])
            for number, row in enumerate(compared[at]):
                # An engine that can't tell isn't named as one that would let the row pass.
                found = ((p, None if p is self._own else fails[p].get(at)) for p in Profile)
                labels[at][row] = " ".join(p.value for p, flags in found if flags is None or flags[number])
        return [
            rows.with_columns(pl.Series(ENGINES, found, dtype=pl.String))
            for (_, rows), found in zip(broken, labels, strict=True)
        ]

    @staticmethod
    def count_dependent(rows: pl.DataFrame) -> int:
        """How many of the labelled rows another engine would let pass."""
        counted = rows.get_column(ENGINES).value_counts()
        return sum(count for engines, count in counted.iter_rows() if is_engine_dependent(engines))

    # -- what can't differ -------------------------------------------------------------------------------------------
    def _is_alike(self, rule: Rule) -> bool:
        """Whether it is certain that every engine judges the rule alike, whatever the answers."""
        if rule.rule_id not in self._alike:
            self._alike[rule.rule_id] = self._prove_alike(rule)
        return self._alike[rule.rule_id]

    def _prove_alike(self, rule: Rule) -> bool:
        kind = rule.rule_id.partition(":")[0]
        if kind == "relevant":
            return all(self._is_condition_alike(path, place) for path, place in self._conditions(rule))
        if kind not in {"required", "constraint"}:
            return False
        node = as_field(self._plan.places[rule_path(rule)].node, rule.table)
        return means_the_same(rule.expression, self._form, rule.table, node)

    def _is_condition_alike(self, path: str, place: Place) -> bool:
        if path not in self._alike:
            node = as_field(place.node, place.table)
            self._alike[path] = means_the_same(place.node.relevant or "", self._form, place.table, node)
        return self._alike[path]

    def _conditions(self, rule: Rule) -> Iterator[tuple[str, Place]]:
        """The nodes that decide whether a question is asked: itself and all above it, if they have a condition."""
        at: str | None = rule_path(rule)
        while at is not None:
            place = self._plan.places[at]
            if place.node.relevant:
                yield at, place
            at = place.parent

    # -- what can ----------------------------------------------------------------------------------------------------
    def _fails(self, other: _Other, parts: Mapping[int, Broken], again: Again) -> dict[int, Flags]:
        """For each rule that the engine can judge, whether each of its rows breaks it there."""
        questions = Questions(again)
        outcomes: dict[int, _Outcome] = {}
        for at, (rule, rows) in parts.items():
            ask = self._ask_relevance if rule.kind == "relevant" else self._ask_judge
            outcome = ask(other, rule, rows, questions)
            if outcome is not None:
                outcomes[at] = outcome
        questions.answer()
        told: dict[int, Flags] = {}
        for at, outcome in outcomes.items():
            try:
                told[at] = outcome()
            except FAILURES:
                continue
        return told

    def _ask_judge(self, other: _Other, rule: Rule, rows: pl.DataFrame, questions: Questions) -> _Outcome | None:
        if rule.rule_id not in other.judges:
            other.judges[rule.rule_id] = make_judge(rule, Judges(self._form, self._plan, other.compiler))
        judge = other.judges[rule.rule_id]
        if isinstance(judge, NotChecked):
            return None
        numbers = questions.again.numbers(rule.table, rows)
        for expr, kind in judge.needs:
            questions.ask(expr, kind, numbers)
        return lambda: judge.verdict(questions.prepared(judge.needs)).fails[numbers]

    def _ask_relevance(self, other: _Other, rule: Rule, rows: pl.DataFrame, questions: Questions) -> _Outcome | None:
        """A question isn't relevant where its own condition or one above it doesn't hold.

        Conditions that mean the same everywhere were evaluated already.
        """
        again = questions.again
        holds = np.ones(rows.height, dtype=np.bool_)
        asked: list[tuple[Columns, Numbers]] = []
        numbers = again.numbers(rule.table, rows, whole=True)
        for path, place in self._conditions(rule):
            if self._is_condition_alike(path, place) and path in again.judged.own:
                above = again.above_in_chunk(rule.table, place.table, rows[AT].to_numpy())
                holds &= again.judged.own[path][above]
                continue
            if path not in other.conditions:
                other.conditions[path] = other.compiler.compile(place.node.relevant or "", place.table, place.node)
            condition = other.conditions[path]
            if isinstance(condition, NotChecked):
                return None
            above = again.above(rule.table, place.table, numbers)
            questions.ask(condition, "boolean", above, whole=True)
            asked.append((condition, above))

        def outcome() -> Flags:
            still = holds
            for condition, above in asked:
                still = still & (above >= 0) & questions.holds_whole(condition).to_numpy()[above]
            return ~still

        return outcome


def _rows_of_first_interviews(rows: pl.DataFrame) -> list[int]:
    """Numbers of the rows of the first so many interviews."""
    keys = rows.select(INSTANCE_ID).unique().sort(INSTANCE_ID).head(MOST_INTERVIEWS)
    chosen = rows.get_column(INSTANCE_ID).is_in(keys.get_column(INSTANCE_ID).implode())
    found: list[int] = chosen.arg_true().to_list()
    return found
