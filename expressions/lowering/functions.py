"""Functions over columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from expressions.exact import exactly
from expressions.lowered import (
    Lowered,
    boolean,
    choose,
    is_blank,
    is_blank_or_nan,
    number,
    to_boolean,
    to_number,
)
from expressions.lowering import dates as lowering_dates
from expressions.lowering import repeats as lowering_repeats
from expressions.lowering import text as lowering_text
from expressions.lowering.round import round_half_up
from expressions.registry_names import argument_error, is_known
from expressions.syntax import Call, Filter, Negation, Number, Path, Reference
from expressions.targets import Target, fail
from expressions.values import LARGEST, SMALLEST
from schemas.errors import ExpressionError

if TYPE_CHECKING:
    from expressions.lowering import Plan

Lower = Callable[["Plan", Call], Lowered]


def lower_call(plan: Plan, call: Call) -> Lowered:
    """A function call over columns.

    Raises:
        ExpressionError: EXP-020 no such function; EXP-021 a wrong number of arguments; EXP-107 no form over columns;
            EXP-108 lists and files; EXP-110 chance.
    """
    wrong = argument_error(call)
    if wrong is not None:
        raise wrong
    lower = _FUNCTIONS.get(call.name)
    if lower is None:
        raise _refuse(call)
    return lower(plan, call)


def _refuse(call: Call) -> ExpressionError:
    if call.name in {"instance", "pulldata", "jr:choice-name", "jr:itext", "current", "randomize"}:
        what = "reads lists or files, which aren't columns"
        return fail("EXP-108", call.position, f"{call.name}() {what}.", "Compute it in the form instead.")
    if call.name in {"random", "uuid"}:
        return fail("EXP-110", call.position, f"{call.name}() differs each time.", "Refer to the stored answer.")
    known = "has no form over columns" if is_known(call.name) else "doesn't exist"
    return fail("EXP-107", call.position, f"{call.name}() {known}.", "Compute it in the form instead.")


def _arguments(plan: Plan, call: Call) -> list[Lowered]:
    return [plan.lower(argument) for argument in call.arguments]


def _numbers(plan: Plan, call: Call) -> list[pl.Expr]:
    return [to_number(argument) for argument in _arguments(plan, call)]


def _if(plan: Plan, call: Call) -> Lowered:
    condition, yes, no = _arguments(plan, call)
    return choose(to_boolean(condition), yes, no)


def _coalesce(plan: Plan, call: Call) -> Lowered:
    first, second = _arguments(plan, call)
    return choose(is_blank_or_nan(first), second, first)


def _once(plan: Plan, call: Call) -> Lowered:
    if plan.place.field is None:
        raise fail("EXP-107", call.position, "once() needs a question that keeps the value.", "Leave it out.")
    own = Target(plan.place.table, plan.place.table, plan.place.field, (), call.position, plan.place.field.name)
    stored = plan.answer(plan.place.field, own)
    return choose(is_blank(stored), plan.lower(call.arguments[0]), stored)


def _selected(plan: Plan, call: Call) -> Lowered:
    return lowering_text.lower_selected(plan, call)


def _checklist(plan: Plan, call: Call) -> Lowered:
    arguments = _arguments(plan, call)
    low, high = (to_number(argument).fill_null(0.0) for argument in arguments[:2])
    count = pl.sum_horizontal([to_boolean(factor).cast(pl.Float64) for factor in arguments[2:]] or [pl.lit(0.0)])
    return boolean(((low < 0) | (count >= low)) & ((high < 0) | (count <= high)))


def _weighted(plan: Plan, call: Call) -> Lowered:
    arguments = _arguments(plan, call)
    low, high = (to_number(argument) for argument in arguments[:2])
    pairs = zip(arguments[2::2], arguments[3::2], strict=False)
    terms = [pl.when(to_boolean(flag)).then(to_number(weight)).otherwise(0.0) for flag, weight in pairs]
    # A weight that isn't known leaves the total unknown.
    total = pl.sum_horizontal(terms or [pl.lit(0.0)], ignore_nulls=False)
    return boolean(((low <= total) & (total <= high)).fill_null(False))


def _extreme(plan: Plan, call: Call) -> Lowered:
    if len(call.arguments) == 1 and isinstance(call.arguments[0], Path | Reference | Filter):
        return lowering_repeats.lower_extreme_of_rows(plan, call)
    numbers = _numbers(plan, call)
    if call.name == "min":
        return number(pl.min_horizontal(numbers).clip(upper_bound=LARGEST))
    return number(pl.max_horizontal(numbers).clip(lower_bound=SMALLEST))


def _round(plan: Plan, call: Call) -> Lowered:
    places = 0
    if len(call.arguments) == 2:
        argument = call.arguments[1]
        written = argument.operand if isinstance(argument, Negation) else argument
        if not isinstance(written, Number):
            raise fail("EXP-107", argument.position, "the places of round() must be a number.", "Write one, as 2.")
        places = int(written.value) if written is argument else -int(written.value)
    return number(round_half_up(to_number(plan.lower(call.arguments[0])), places))


def _int(plan: Plan, call: Call) -> Lowered:
    return number(to_number(plan.lower(call.arguments[0])).truncate())


def _mathematics(apply: Callable[[pl.Expr], pl.Expr]) -> Lower:
    return lambda plan, call: number(apply(to_number(plan.lower(call.arguments[0]))))


def _pow(plan: Plan, call: Call) -> Lowered:
    base, exponent = _numbers(plan, call)
    return number(exactly(np.power, base, exponent))


def _constant(expr: pl.Expr) -> Lower:
    return lambda plan, call: boolean(expr)


def _count(plan: Plan, call: Call) -> Lowered:
    argument = call.arguments[0]
    if isinstance(argument, Path) and isinstance(argument.base, Call) and argument.base.name == "instance":
        from expressions.lowering.lists import lower_count_items

        return lower_count_items(plan, argument)
    return lowering_repeats.lower_count(plan, call)


def _choice_name(plan: Plan, call: Call) -> Lowered:
    from expressions.lowering.lists import lower_choice_name

    return lower_choice_name(plan, call)


def _pulldata(plan: Plan, call: Call) -> Lowered:
    from expressions.lowering.lists import lower_pulldata

    return lower_pulldata(plan, call)


_FUNCTIONS: dict[str, Lower] = {
    "jr:choice-name": _choice_name,
    "pulldata": _pulldata,
    "if": _if,
    "coalesce": _coalesce,
    "once": _once,
    "true": _constant(pl.lit(True)),
    "false": _constant(pl.lit(False)),
    "not": lambda plan, call: boolean(~to_boolean(plan.lower(call.arguments[0]))),
    "boolean": lambda plan, call: boolean(to_boolean(plan.lower(call.arguments[0]))),
    "selected": _selected,
    "checklist": _checklist,
    "weighted-checklist": _weighted,
    "number": lambda plan, call: number(to_number(plan.lower(call.arguments[0]))),
    "int": _int,
    "round": _round,
    "abs": _mathematics(lambda expr: expr.abs()),
    "sqrt": _mathematics(lambda expr: expr.sqrt()),
    "exp": _mathematics(lambda expr: expr.exp()),
    "log": _mathematics(lambda expr: expr.log()),
    "log10": _mathematics(lambda expr: expr.log10()),
    "pow": _pow,
    "min": _extreme,
    "max": _extreme,
    "count": _count,
    "count-non-empty": lowering_repeats.lower_count_non_empty,
    "sum": lowering_repeats.lower_sum,
    "position": lowering_repeats.lower_position,
    "indexed-repeat": lowering_repeats.lower_indexed_repeat,
    **lowering_text.FUNCTIONS,
    **lowering_dates.FUNCTIONS,
}
