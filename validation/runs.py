"""One evaluation of rules over the interviews that one engine made: compiled once, fed chunk by chunk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from expressions.profiles import Profile
from schemas.fields import INSTANCE_ID, ROW_ID, Form
from schemas.findings import Finding, Rule
from validation.chunks import Chunk, Numbers
from validation.compiled import Compiler
from validation.engines import COMPARED, Comparison
from validation.evaluation import AT, ENGINES, FAILURES, RULE, NotChecked, describe_failure
from validation.judges import NEED_RELEVANCE, Judges, make_judge
from validation.personal import place_personal
from validation.relevance import Judged, RelevancePlan, apply_relevance, plan_relevance
from validation.rules import rule_path
from validation.unreadable import Unreadable
from validation.verdicts import Judge, Verdict

PASS = 100
"""Rules whose values are made in one pass."""

KEPT_PROGRAMS = 8
"""Compiled rules that are kept for the next evaluation."""

OWNER = "_owner"


@dataclass(frozen=True, slots=True)
class Program:
    """The rules of a form version, compiled for one engine; the same for every evaluation.

    Attributes:
        judges: number of the rule -> its judge.
        reasons: number of the rule -> why it can't be checked.
    """

    form: Form
    rules: tuple[Rule, ...]
    compiler: Compiler
    plan: RelevancePlan
    judges: dict[int, Judge]
    reasons: dict[int, str]
    comparison: Comparison


_PROGRAMS: OrderedDict[tuple[int, bool, str, Profile], Program] = OrderedDict()
"""By the form's identity; each holds its form, so that no other takes its id."""


def make_program(form: Form, rules: tuple[Rule, ...], *, has_personal: bool, zone: str, profile: Profile) -> Program:
    """The rules compiled; the same form and rules again: the same program."""
    key = (id(form), has_personal, zone, profile)
    program = _PROGRAMS.get(key)
    if program is None or program.rules != rules:
        program = _PROGRAMS[key] = _compile(form, rules, has_personal=has_personal, zone=zone, profile=profile)
        while len(_PROGRAMS) > KEPT_PROGRAMS:
            _PROGRAMS.popitem(last=False)
    return program


def _compile(form: Form, rules: tuple[Rule, ...], *, has_personal: bool, zone: str, profile: Profile) -> Program:
    compiler = Compiler(form, has_personal=has_personal, zone=zone, profile=profile)
    plan = plan_relevance(form, compiler)
    judges = Judges(form, plan, compiler)
    made: dict[int, Judge] = {}
    reasons: dict[int, str] = {}
    for number, rule in enumerate(rules):
        if rule.kind == "type" and not rule.not_checked:
            continue
        judge = make_judge(rule, judges)
        if isinstance(judge, NotChecked):
            reasons[number] = judge.reason
        else:
            made[number] = judge
    comparison = Comparison(form, profile, plan, has_personal=has_personal, zone=zone)
    return Program(form, rules, compiler, plan, made, reasons, comparison)


@dataclass(slots=True)
class Tally:
    """How a rule fared: rows it applied to, rows that broke it, and those that another engine would let pass."""

    checked: int = 0
    failed: int = 0
    engine_dependent: int = 0


@dataclass(slots=True)
class Run:
    """The state of one evaluation.

    Attributes:
        violations: frames of rule, owner (number of the submission in the main table), row's number, keys, engines.
    """

    program: Program
    parsed: Sequence[Finding]
    judges: dict[int, Judge] = field(init=False)
    reasons: dict[int, str] = field(init=False)
    plan: RelevancePlan = field(init=False)
    tallies: list[Tally] = field(init=False)
    unreadable: Unreadable = field(init=False)
    violations: list[pl.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.judges, self.reasons = dict(self.program.judges), dict(self.program.reasons)
        self.plan = replace(self.program.plan, unknown=dict(self.program.plan.unknown))
        self.tallies = [Tally() for _ in self.program.rules]
        self.unreadable = Unreadable(self.program.form, self.parsed)

    def judge(self, chunk: Chunk, numbers: Numbers, personal: pl.DataFrame | None) -> None:
        """Judge a chunk by every rule.

        Args:
            numbers: for each submission of the run, its number in the whole main table.
        """
        program = self.program
        tables = chunk.tables
        if personal is not None:
            tables = place_personal(chunk, program.form, program.compiler, personal)
        unknown = len(self.plan.unknown)
        judged = apply_relevance(self.plan, chunk, tables)
        if len(self.plan.unknown) > unknown:
            self._give_up_where_relevance_is_unknown()
        broken: dict[int, pl.DataFrame] = {}
        for some in _passes(list(self.judges.items())):
            judged.prepare(need for _, judge in some for need in judge.needs)
            for number, judge in some:
                self._judge_rule(number, judge, judged, numbers, broken)
        judged.ready.clear()
        self._compare(broken, judged)
        columns = {node.path: node for node in program.form.fields()}
        for number, rule in enumerate(program.rules):
            node = columns.get(rule_path(rule))
            frame = chunk.tables.get(rule.table)
            if rule.kind == "type" and number not in self.reasons and node is not None and frame is not None:
                answered = frame[node.column].count() if node.column in frame.columns else 0
                self.tallies[number].checked += answered

    def _judge_rule(
        self, number: int, judge: Judge, judged: Judged, numbers: Numbers, broken: dict[int, pl.DataFrame]
    ) -> None:
        """Count the rows that a rule applies to and those that break it, and put the latter into `broken`."""
        try:
            verdict = judge.verdict(judged)
        except FAILURES as error:
            self._give_up(number, describe_failure(error))
            return
        tally = self.tallies[number]
        tally.checked += int(np.count_nonzero(verdict.applies))
        if not verdict.fails.any():
            return
        rule = self.program.rules[number]
        rows = self._broken(number, rule, verdict, judged, numbers)
        if rows.height:
            tally.failed += rows.height
            broken[number] = rows

    def _compare(self, broken: dict[int, pl.DataFrame], judged: Judged) -> None:
        """Have what broke a rule judged by the other engines too, and keep it."""
        comparison, rules = self.program.comparison, self.program.rules
        asked = [number for number in broken if rules[number].rule_id.partition(":")[0] in COMPARED]
        labelled = comparison.label([(rules[number], broken[number]) for number in asked], judged)
        for number, rows in zip(asked, labelled, strict=True):
            self.tallies[number].engine_dependent += comparison.count_dependent(rows)
            broken[number] = rows
        self.violations += broken.values()

    def _give_up(self, number: int, reason: str) -> None:
        self.reasons[number] = reason
        self.judges.pop(number, None)

    def _give_up_where_relevance_is_unknown(self) -> None:
        """Some relevance expression failed over these answers: rules that need to know it can't be checked."""
        for number in list(self.judges):
            rule = self.program.rules[number]
            reason = self.plan.reason_unknown(rule_path(rule)) if rule.kind in NEED_RELEVANCE else ""
            if reason:
                self._give_up(number, reason)

    def _broken(self, number: int, rule: Rule, verdict: Verdict, judged: Judged, numbers: Numbers) -> pl.DataFrame:
        """One row per broken row: rule, number of the submission, number and id of the row."""
        at = np.flatnonzero(verdict.fails)
        if verdict.original:
            frame, owners = judged.chunk.tables[rule.table], judged.chunk.owners[rule.table]
        else:
            frame, owners = judged.tables[rule.table], judged.owners(rule.table)
        rows = pl.DataFrame(
            {
                RULE: pl.repeat(number, at.size, dtype=pl.UInt32, eager=True),
                OWNER: numbers[owners[at]],
                AT: at,
                INSTANCE_ID: frame[INSTANCE_ID][at],
                ROW_ID: frame[ROW_ID][at],
                ENGINES: pl.repeat("", at.size, dtype=pl.String, eager=True),
            }
        )
        for keys, lost in self.unreadable.rests_on(rule):
            rows = rows.join(lost, on=keys, how="anti")
        return rows


def _passes(judges: list[tuple[int, Judge]]) -> Iterator[list[tuple[int, Judge]]]:
    for start in range(0, len(judges), PASS):
        yield judges[start : start + PASS]
