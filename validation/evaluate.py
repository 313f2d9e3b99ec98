"""Evaluate rules over the typed tables of one form version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from schemas.fields import FORM_VERSION, INSTANCE_ID, MAIN_TABLE, Form
from schemas.findings import Finding, Rule, RuleSummary
from validation.chunks import split_by_submission
from validation.clocks import split_by_clock
from validation.engines import split_by_engine
from validation.evaluation import AT, RULE, VERSION, VIOLATIONS_SCHEMA, Evaluation, Findings
from validation.rules import rule_path
from validation.runs import OWNER, Run, make_program

CHUNK_ROWS = 50_000
"""Submissions judged at a time."""


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

    Each interview is judged by the engine that made it (JavaRosa where that is unknown). What breaks a rule is judged
    by the other engines too, and the finding says so where they disagree. A question that is not relevant is blank
    for all rules but its own `relevant` rule. A rule that can't be evaluated gets the reason in `not_checked`, and no
    finding. A rule that rests on an answer which could not be read finds nothing in that record: the finding of the
    reader stands, and the rest is judged once it is mended.

    Args:
        form: the form version with which the interviews were made.
        rules: those of `form_rules` and `check_rules`, in any order.
        tables: the frames of `ParsedBatch.tables`, with `_audit` if there is one. Rows may be in any order.
        chunk_rows: submissions judged at a time; the result is the same whatever it is.
        personal: answers kept apart: columns instance_id, row_id, question, value. They are used in memory and
            reach no finding. Without them rules about personal answers are not checked.
        parsed: findings made while the answers were read; they are passed on and counted under their rule.

        zone: time zone in which the day of a moment is told (`timezone` of the design sheet).

    Returns:
        Findings in the order of `parsed`, then of the rows of the main table, then of the rules.
    """
    runs = []
    tables, parts = split_by_clock(form, tables)
    for clocked, some in parts:
        part = tables if len(some) == tables[MAIN_TABLE].height else _of_interviews(tables, some)
        for profile, numbers in split_by_engine(part):
            program = make_program(clocked, tuple(rules), has_personal=personal is not None, zone=zone, profile=profile)
            runs.append(Run(program, parsed))
            theirs = part if len(numbers) == part[MAIN_TABLE].height else _of_interviews(part, numbers)
            for chunk in split_by_submission(clocked, theirs, chunk_rows):
                runs[-1].judge(chunk, some[numbers].to_numpy(), personal)
    return _finish(form, tuple(rules), runs, tables[MAIN_TABLE], tuple(parsed))


def _of_interviews(tables: Mapping[str, pl.DataFrame], numbers: pl.Series) -> dict[str, pl.DataFrame]:
    """The tables with those rows of the main table, and the rows of repeats that belong to them."""
    main = tables[MAIN_TABLE][numbers]
    keys = main.select(INSTANCE_ID).unique()
    below = {
        name: frame.join(keys, on=INSTANCE_ID, how="semi", maintain_order="left") for name, frame in tables.items()
    }
    return below | {MAIN_TABLE: main}


def _finish(
    form: Form, rules: tuple[Rule, ...], runs: Sequence[Run], main: pl.DataFrame, parsed: tuple[Finding, ...]
) -> Evaluation:
    """Close the books: a run's findings by a rule that turned out not to be evaluable there don't count.

    A rule that some engine can't evaluate counts as checked if another could; over that one's interviews alone.
    """
    found = [pl.DataFrame(schema=VIOLATIONS_SCHEMA)]
    summaries = []
    for run in runs:
        if run.violations:
            rows = pl.concat(run.violations).filter(~pl.col(RULE).is_in(list(run.reasons)))
            found.append(_with_versions(rows, main))
    for number, rule in enumerate(rules):
        tallies = [run.tallies[number] for run in runs if number not in run.reasons]
        if runs and not tallies:
            rule = replace(rule, not_checked=runs[0].reasons[number])
        checked, failed, dependent = (
            sum(getattr(tally, name) for tally in tallies) for name in ("checked", "failed", "engine_dependent")
        )
        summaries.append(RuleSummary(rule, checked, failed, dependent))
    judged = tuple(summary.rule for summary in summaries)
    paths = [rule_path(rule) or (form.table(rule.table).path if rule.table else "") for rule in judged]
    rows = pl.concat(found, how="diagonal")
    if len(found) > 1:
        rows = rows.sort(OWNER, RULE, AT)
    violations = rows.select(list(VIOLATIONS_SCHEMA))
    return Evaluation(
        findings=Findings(form.form_id, judged, paths, violations, parsed),
        summaries=tuple(_count_parsed(summaries, parsed, main.height)),
    )


def _with_versions(rows: pl.DataFrame, main: pl.DataFrame) -> pl.DataFrame:
    if FORM_VERSION not in main.columns:
        return rows.with_columns(pl.lit("").alias(VERSION))
    return rows.with_columns(main[FORM_VERSION][rows[OWNER]].cast(pl.String).alias(VERSION))


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
