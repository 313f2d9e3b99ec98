"""Evaluate rules over the typed tables of one form version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from schemas.fields import FORM_VERSION, INSTANCE_ID, MAIN_TABLE, ROW_ID, Form
from schemas.findings import Finding, Rule, RuleSummary
from validation.chunks import Chunk, split_by_submission
from validation.compiled import Compiler
from validation.evaluation import (
    FAILURES,
    RULE,
    VERSION,
    VIOLATIONS_SCHEMA,
    Evaluation,
    Findings,
    NotChecked,
    describe_failure,
)
from validation.judges import NEED_RELEVANCE, Judges, make_judge
from validation.personal import place_personal
from validation.relevance import Judged, apply_relevance, plan_relevance
from validation.rules import rule_path
from validation.unreadable import Unreadable
from validation.verdicts import Judge, Verdict

CHUNK_ROWS = 50_000
"""Submissions judged at a time."""

PASS = 100
"""Rules whose values are made in one pass."""

_OWNER = "_owner"
_AT = "_at"


def evaluate_rules(
    form: Form,
    rules: Sequence[Rule],
    tables: Mapping[str, pl.DataFrame],
    *,
    chunk_rows: int = CHUNK_ROWS,
    personal: pl.DataFrame | None = None,
    parsed: Sequence[Finding] = (),
    zone: str = "UTC",
) -> Evaluation:
    """Judge every row by every rule.

    A question that isn't relevant counts as blank for all rules but its own `relevant` rule. A rule that can't be
    evaluated gets the reason in `not_checked`, and no finding. A rule that rests on an answer which could not be read
    finds nothing in that record: the finding of the reader stands, and the rest is judged once it is mended.

    Args:
        form: the form version with which the interviews were made.
        rules: those of `form_rules` and `check_rules`, in any order.
        tables: the frames of `ParsedBatch.tables`. Rows may be in any order.
        chunk_rows: submissions judged at a time; the result is the same whatever it is.
        personal: answers kept apart: columns instance_id, row_id, question, value. They are used in memory and
            reach no finding. Without them rules about personal answers are not checked.
        parsed: findings made while the answers were read; they are passed on and counted under their rule.

        zone: time zone in which the day of a moment is told (`timezone` of the design sheet).

    Returns:
        Findings in the order of `parsed`, then of the rows of the main table, then of the rules.
    """
    run = _Run(form, tuple(rules), has_personal=personal is not None, parsed=tuple(parsed), zone=zone)
    for chunk in split_by_submission(form, tables, chunk_rows):
        run.judge(chunk, tables[MAIN_TABLE], personal)
    return run.finish(tables[MAIN_TABLE].height)


@dataclass(slots=True)
class _Tally:
    checked: int = 0
    failed: int = 0


class _Run:
    """One evaluation: compiled once, fed chunk by chunk."""

    def __init__(
        self, form: Form, rules: tuple[Rule, ...], *, has_personal: bool, parsed: tuple[Finding, ...], zone: str
    ) -> None:
        self.form, self.rules, self.parsed = form, rules, parsed
        self.compiler = Compiler(form, has_personal=has_personal, zone=zone)
        self.plan = plan_relevance(form, self.compiler)
        judges = Judges(form, self.plan, self.compiler)
        self.columns = {node.path: node for node in form.fields()}
        self.judges: dict[int, Judge] = {}
        self.reasons: dict[int, str] = {}
        for number, rule in enumerate(rules):
            if rule.kind == "type" and not rule.not_checked:
                continue
            judge = make_judge(rule, judges)
            if isinstance(judge, NotChecked):
                self.reasons[number] = judge.reason
            else:
                self.judges[number] = judge
        self.tallies = [_Tally() for _ in rules]
        self.violations: list[pl.DataFrame] = []
        self.unknown = len(self.plan.unknown)
        self.unreadable = Unreadable(form, parsed)

    def judge(self, chunk: Chunk, main: pl.DataFrame, personal: pl.DataFrame | None) -> None:
        tables = chunk.tables if personal is None else place_personal(chunk, self.form, self.compiler, personal)
        judged = apply_relevance(self.plan, chunk, tables)
        self._give_up_where_relevance_is_unknown()
        found: list[pl.DataFrame] = []
        for some in _passes(list(self.judges.items())):
            judged.prepare(need for _, judge in some for need in judge.needs)
            for number, judge in some:
                found += self._judge_rule(number, judge, judged)
        for number, rule in enumerate(self.rules):
            if rule.kind == "type" and number not in self.reasons:
                self.tallies[number].checked += self._answers(rule, chunk)
        if found:
            self.violations.append(_in_order(pl.concat(found), main))

    def _judge_rule(self, number: int, judge: Judge, judged: Judged) -> list[pl.DataFrame]:
        try:
            verdict = judge.verdict(judged)
        except FAILURES as error:
            self._give_up(number, describe_failure(error))
            return []
        self.tallies[number].checked += int(np.count_nonzero(verdict.applies))
        return [self._broken(number, verdict, judged)] if verdict.fails.any() else []

    def _give_up(self, number: int, reason: str) -> None:
        self.reasons[number] = reason
        self.judges.pop(number, None)

    def _give_up_where_relevance_is_unknown(self) -> None:
        """Some relevance expression failed over these answers: rules that need to know it can't be checked."""
        if len(self.plan.unknown) == self.unknown:
            return
        self.unknown = len(self.plan.unknown)
        for number in list(self.judges):
            rule = self.rules[number]
            reason = self.plan.reason_unknown(rule_path(rule)) if rule.kind in NEED_RELEVANCE else ""
            if reason:
                self._give_up(number, reason)

    def _broken(self, number: int, verdict: Verdict, judged: Judged) -> pl.DataFrame:
        """One row per broken row: rule, number of the submission, number and id of the row."""
        rule = self.rules[number]
        at = np.flatnonzero(verdict.fails)
        if verdict.original:
            frame, owners = judged.chunk.tables[rule.table], judged.chunk.owners[rule.table]
        else:
            frame, owners = judged.tables[rule.table], judged.owners(rule.table)
        rows = pl.DataFrame(
            {
                RULE: pl.repeat(number, at.size, dtype=pl.UInt32, eager=True),
                _OWNER: owners[at],
                _AT: at,
                INSTANCE_ID: frame[INSTANCE_ID][at],
                ROW_ID: frame[ROW_ID][at],
            }
        )
        for keys, lost in self.unreadable.rests_on(rule):
            rows = rows.join(lost, on=keys, how="anti")
        self.tallies[number].failed += rows.height
        return rows

    def _answers(self, rule: Rule, chunk: Chunk) -> int:
        node = self.columns.get(rule_path(rule))
        frame = chunk.tables.get(rule.table)
        if node is None or frame is None or node.column not in frame.columns:
            return 0
        return int(frame[node.column].count())

    def finish(self, submissions: int) -> Evaluation:
        """Close the books: drop what a rule found before it turned out not to be evaluable."""
        given = pl.DataFrame(schema=VIOLATIONS_SCHEMA)
        violations = pl.concat([given, *self.violations])
        judged = [number for number in self.judges if number not in self.reasons]
        if len(judged) < len(self.rules):
            violations = violations.filter(pl.col(RULE).is_in(judged))
        rules = tuple(
            replace(rule, not_checked=self.reasons[number]) if number in self.reasons else rule
            for number, rule in enumerate(self.rules)
        )
        paths = [rule_path(rule) or self.form.table(rule.table).path if rule.table else "" for rule in rules]
        summaries = [
            RuleSummary(rule, 0, 0) if number in self.reasons else RuleSummary(rule, tally.checked, tally.failed)
            for number, (rule, tally) in enumerate(zip(rules, self.tallies, strict=True))
        ]
        return Evaluation(
            findings=Findings(self.form.form_id, rules, paths, violations, self.parsed),
            summaries=tuple(_count_parsed(summaries, self.parsed, submissions)),
        )


def _passes(judges: list[tuple[int, Judge]]) -> Iterator[list[tuple[int, Judge]]]:
    for start in range(0, len(judges), PASS):
        yield judges[start : start + PASS]


def _in_order(rows: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    """Sorted by submission, rule and row, with the version of the submission."""
    rows = rows.sort(_OWNER, RULE, _AT)
    versions = main[FORM_VERSION][rows[_OWNER]] if FORM_VERSION in main.columns else pl.Series([""] * rows.height)
    return rows.select(RULE, versions.cast(pl.String).alias(VERSION), INSTANCE_ID, ROW_ID)


def _count_parsed(summaries: list[RuleSummary], parsed: Sequence[Finding], submissions: int) -> list[RuleSummary]:
    """Count what was found while reading: under its rule, or under a rule of its own if none was given."""
    at = {summary.rule.rule_id: number for number, summary in enumerate(summaries)}
    for finding in parsed:
        if finding.rule_id not in at:
            at[finding.rule_id] = len(summaries)
            summaries.append(RuleSummary(_rule_of(finding), submissions, 0))
        number = at[finding.rule_id]
        before = summaries[number]
        # An unreadable answer is blank in the tables, so it was not yet counted among those judged.
        more = 1 if before.rule.kind == "type" and number < len(summaries) else 0
        summaries[number] = replace(before, checked=before.checked + more, failed=before.failed + 1)
    return summaries


def _rule_of(finding: Finding) -> Rule:
    return Rule(
        rule_id=finding.rule_id,
        kind=finding.kind,
        table="",
        severity=finding.severity,
        expression="",
        message=finding.message,
        advice=finding.advice,
        variables=finding.variables,
    )
