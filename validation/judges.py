"""How each kind of rule is judged over the rows of its table: to which rows it applies, and which of them break it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from schemas.fields import Field, Form, Repeat
from schemas.findings import Rule
from validation.calculations import judge_calculation
from validation.compiled import Compiler
from validation.evaluation import NotChecked
from validation.lists import judge_choice, judge_choice_filter
from validation.relevance import Judged, RelevancePlan
from validation.rules import rule_path
from validation.verdicts import Judge, Verdict

NEED_RELEVANCE = frozenset(("relevant", "required", "calculation", "repeat"))
"""Kinds of rules that can't be judged where it isn't known whether the question was to be asked."""


@dataclass(frozen=True, slots=True)
class Judges:
    """What judges need to be made."""

    form: Form
    plan: RelevancePlan
    compiler: Compiler


def make_judge(rule: Rule, judges: Judges) -> Judge | NotChecked:
    """The judge of a rule, or why there can be none. Type rules have none: reading the answers judged them."""
    if rule.not_checked:
        return NotChecked(rule.not_checked)
    if rule.kind == "check":
        return _judge_check(rule, judges)
    place = judges.plan.places.get(rule_path(rule))
    if place is None:
        return NotChecked("the form has no such question")
    unknown = judges.plan.reason_unknown(place.node.path) if rule.kind in NEED_RELEVANCE else ""
    if unknown:
        return NotChecked(unknown)
    if isinstance(place.node, Repeat):
        return _judge_repeat(rule, place.node, judges)
    if not isinstance(place.node, Field):
        return NotChecked("the rule is not about a question")
    maker = _MAKERS.get(rule.rule_id.partition(":")[0])
    return maker(rule, place.node, judges) if maker else NotChecked(f"no judge for rules of the kind {rule.kind}")


def _judge_check(rule: Rule, judges: Judges) -> Judge | NotChecked:
    holds = judges.compiler.compile(rule.expression, rule.table)
    if isinstance(holds, NotChecked):
        return _judge_within_bounds(rule, None, judges) or holds

    def judge(judged: Judged) -> Verdict:
        found = judged.holds(holds)
        return Verdict(np.ones_like(found), ~found)

    return Judge(judge, ((holds, "boolean"),))


def _judge_relevant(rule: Rule, field: Field, judges: Judges) -> Judge | NotChecked:
    """Applies where the question isn't relevant; judged on the chunk as it came, and so counted over its rows."""

    def judge(judged: Judged) -> Verdict:
        answered = judged.answered(field, original=True)
        mask = judged.relevant(field.path)
        applies = np.zeros_like(answered) if mask is None else ~mask
        return Verdict(applies, applies & answered, original=True)

    return Judge(judge)


def _judge_required(rule: Rule, field: Field, judges: Judges) -> Judge | NotChecked:
    always = rule.expression.strip() == "true()"
    needed = None if always else judges.compiler.compile(rule.expression, rule.table, field)
    if isinstance(needed, NotChecked):
        return needed

    def judge(judged: Judged) -> Verdict:
        answered = judged.answered(field)
        applies = np.ones_like(answered) if needed is None else judged.holds(needed)
        mask = judged.relevant_now(field.path, field.table)
        applies = applies if mask is None else applies & mask
        return Verdict(applies, applies & ~answered)

    return Judge(judge, () if needed is None else ((needed, "boolean"),))


def _judge_constraint(rule: Rule, field: Field, judges: Judges) -> Judge | NotChecked:
    holds = judges.compiler.compile(rule.expression, rule.table, field, of_itself=True)
    if isinstance(holds, NotChecked):
        return _judge_within_bounds(rule, field, judges) or holds

    def judge(judged: Judged) -> Verdict:
        applies = judged.answered(field)
        if not applies.any():
            return Verdict(applies, applies)
        return Verdict(applies, applies & ~judged.holds(holds))

    return Judge(judge, ((holds, "boolean"),))


def _judge_within_bounds(rule: Rule, field: Field | None, judges: Judges) -> Judge | None:
    """Judge a condition on today() without knowing the day: where the verdict is the same on every possible one."""
    bounds = judges.compiler.within_bounds(rule.expression, rule.table, field)
    if bounds is None:
        return None
    first, last = bounds

    def judge(judged: Judged) -> Verdict:
        answered = (
            np.ones(judged.tables[rule.table].height, dtype=np.bool_) if field is None else judged.answered(field)
        )
        fails = answered & ~judged.holds(last)
        return Verdict(fails | (answered & judged.holds(first)), fails)

    return Judge(judge, ((first, "boolean"), (last, "boolean")))


def _judge_choice(rule: Rule, field: Field, judges: Judges) -> Judge | NotChecked:
    return judge_choice(field, judges.form, judges.compiler)


def _judge_choice_filter(rule: Rule, field: Field, judges: Judges) -> Judge | NotChecked:
    return judge_choice_filter(field, judges.form, judges.compiler)


def _judge_calculation(rule: Rule, field: Field, judges: Judges) -> Judge | NotChecked:
    return judge_calculation(rule, field, judges.compiler)


def _judge_repeat(rule: Rule, repeat: Repeat, judges: Judges) -> Judge | NotChecked:
    """Rows of the repeat under each row of the table above, against the declared count (blank is none)."""
    count = judges.compiler.compile(repeat.count or "", rule.table, repeat)
    shown = judges.compiler.compile(repeat.relevant, rule.table, repeat) if repeat.relevant else None
    if isinstance(count, NotChecked):
        return count
    if isinstance(shown, NotChecked):
        return shown

    def judge(judged: Judged) -> Verdict:
        above = judged.tables[rule.table]
        declared = np.nan_to_num(judged.value(count, "number").fill_null(0).to_numpy(), nan=0.0)
        rows = np.zeros(judged.chunk.tables[rule.table].height, dtype=np.int64)
        if repeat.table in judged.tables:
            kept = judged.kept.get(repeat.table)
            parents = judged.chunk.parents[repeat.table]
            np.add.at(rows, parents if kept is None else parents[kept], 1)
        kept_above = judged.kept.get(rule.table)
        rows = rows if kept_above is None else rows[kept_above]
        applies = np.ones(above.height, dtype=np.bool_)
        mask = judged.relevant_now(judges.plan.places[repeat.path].parent or "", rule.table)
        applies = applies if mask is None else applies & mask
        applies = applies if shown is None else applies & judged.holds(shown)
        return Verdict(applies, applies & (rows != np.maximum(np.trunc(declared), 0)))

    return Judge(judge, ((count, "number"), *(((shown, "boolean"),) if shown else ())))


_MAKERS: dict[str, Callable[[Rule, Field, Judges], Judge | NotChecked]] = {
    "choice": _judge_choice,
    "choice_filter": _judge_choice_filter,
    "relevant": _judge_relevant,
    "required": _judge_required,
    "constraint": _judge_constraint,
    "calculation": _judge_calculation,
}
