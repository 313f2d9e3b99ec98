"""Functions of text over columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from expressions.lowered import Column, Either, Lowered, boolean, number, string, to_number, to_string
from expressions.lowering.choices import count_words, holds_choice
from expressions.patterns import compile_pattern
from expressions.syntax import Call, Filter, Path, Reference, Text
from expressions.targets import Target, fail

if TYPE_CHECKING:
    from expressions.lowering import Plan

Lower = Callable[["Plan", Call], Lowered]


def text_of(plan: Plan, call: Call, index: int) -> pl.Expr:
    """An argument as text without nulls."""
    return to_string(plan.lower(call.arguments[index])).fill_null("")


def lower_selected(plan: Plan, call: Call) -> Lowered:
    """`selected(answer, choice)`: whether the choice is one of the answer's words."""
    choice = plan.lower(call.arguments[1])
    if isinstance(choice, Column) and choice.kind in {"number", "boolean"}:
        raise fail(
            "EXP-023",
            call.arguments[1].position,
            "the choice in selected() must be a text in quotes.",
            "Write it as in selected(${question}, '1').",
        )
    answers = _answer(plan, call)
    if isinstance(choice, Column) and choice.text is not None and answers.kind == "string":
        quick = holds_choice(plan, answers.expr, choice.text)
        if quick is not None:
            return boolean(quick)
    padded = pl.lit(" ") + to_string(answers).fill_null("") + pl.lit(" ")
    if isinstance(choice, Column) and choice.text is not None:
        return boolean(padded.str.contains(f" {choice.text.strip()} ", literal=True))
    wanted = pl.lit(" ") + to_string(choice).fill_null("").str.strip_chars() + pl.lit(" ")
    return boolean(padded.str.contains(wanted, literal=True))


def _choices(plan: Plan, call: Call) -> pl.Expr:
    """The answer to a select as text without nulls."""
    return to_string(_answer(plan, call)).fill_null("")


def _answer(plan: Plan, call: Call) -> Column:
    """The answer to a select; JavaRosa stops at numbers and dates here."""
    answer = plan.lower(call.arguments[0])
    if isinstance(answer, Either) or answer.kind not in {"string", "personal"}:
        raise fail(
            "EXP-023",
            call.arguments[0].position,
            f"{call.name}() needs the answer to a select, found what may be a number, date or truth.",
            "Give it a select question; compare numbers by '='.",
        )
    return answer


def _words(plan: Plan, call: Call) -> pl.Expr:
    return _choices(plan, call).str.extract_all(r"\S+")


def _count_selected(plan: Plan, call: Call) -> Lowered:
    answer = _answer(plan, call)
    quick = count_words(plan, answer.expr) if answer.kind == "string" else None
    if quick is not None:
        return number(quick)
    return number(to_string(answer).fill_null("").str.count_matches(r"\S+").cast(pl.Float64))


def _selected_at(plan: Plan, call: Call) -> Lowered:
    # A place that isn't known is the first, as a Java cast makes it.
    index = to_number(plan.lower(call.arguments[1])).fill_null(0.0).truncate()
    usable = index >= 0
    place = pl.when(usable).then(index).otherwise(0).cast(pl.Int64)
    found = _words(plan, call).list.get(place, null_on_oob=True)
    return string(pl.when(usable).then(found).otherwise(pl.lit("")).fill_null(""))


def _concat(plan: Plan, call: Call) -> Lowered:
    if len(call.arguments) == 1 and _is_set(plan, call):
        from expressions.lowering.repeats import lower_join_of_rows

        return lower_join_of_rows(plan, "", call.arguments[0])
    if not call.arguments:
        return string(pl.lit(""))
    return string(pl.concat_str([text_of(plan, call, index) for index in range(len(call.arguments))]))


def _is_set(plan: Plan, call: Call) -> bool:
    from expressions.lowering.repeats import find_rows

    last = call.arguments[-1]
    if not isinstance(last, Path | Reference | Filter):
        return False
    target: Target = find_rows(plan, last)
    return not target.is_single


def _join(plan: Plan, call: Call) -> Lowered:
    separator = call.arguments[0]
    if len(call.arguments) == 2 and _is_set(plan, call):
        from expressions.lowering.repeats import lower_join_of_rows

        if not isinstance(separator, Text):
            raise fail("EXP-107", separator.position, "the separator of join() must be a text.", "Write it in quotes.")
        return lower_join_of_rows(plan, separator.value, call.arguments[1])
    parts: list[pl.Expr] = []
    for index in range(1, len(call.arguments)):
        parts.extend(([text_of(plan, call, 0)] if parts else []) + [text_of(plan, call, index)])
    return string(pl.concat_str(parts) if parts else pl.lit(""))


def _string(plan: Plan, call: Call) -> Lowered:
    if not call.arguments:
        raise fail("EXP-107", call.position, "string() needs an argument over columns.", "Write string(.).")
    return string(to_string(plan.lower(call.arguments[0])))


def _length(plan: Plan, call: Call) -> Lowered:
    if not call.arguments:
        raise fail("EXP-107", call.position, "string-length() needs an argument.", "Write string-length(.).")
    return number(text_of(plan, call, 0).str.len_chars().cast(pl.Float64))


def _substr(plan: Plan, call: Call) -> Lowered:
    text = text_of(plan, call, 0)
    length = text.str.len_chars().cast(pl.Int64)
    start = _place(to_number(plan.lower(call.arguments[1])), length)
    end = _place(to_number(plan.lower(call.arguments[2])), length) if len(call.arguments) == 3 else length
    return string(text.str.slice(start, (end - start).clip(lower_bound=0)))


def _place(index: pl.Expr, length: pl.Expr) -> pl.Expr:
    whole = index.fill_null(0.0).truncate().clip(-1e9, 1e9).cast(pl.Int64)
    return pl.min_horizontal(pl.when(whole < 0).then(whole + length).otherwise(whole).clip(lower_bound=0), length)


def _before(plan: Plan, call: Call) -> Lowered:
    return string(_split(plan, call, "before"))


def _after(plan: Plan, call: Call) -> Lowered:
    return string(_split(plan, call, "after"))


def _split(plan: Plan, call: Call, side: str) -> pl.Expr:
    mark = call.arguments[1]
    if not isinstance(mark, Text):
        raise fail("EXP-107", mark.position, f"the mark of {call.name}() must be a text.", "Write it in quotes.")
    text = text_of(plan, call, 0)
    if not mark.value:
        return pl.lit("") if side == "before" else text
    parts = text.str.splitn(mark.value, 2)
    found = parts.struct.field("field_0" if side == "before" else "field_1")
    return pl.when(text.str.contains(mark.value, literal=True)).then(found).otherwise(pl.lit(""))


def _contains(plan: Plan, call: Call) -> Lowered:
    text, part = text_of(plan, call, 0), text_of(plan, call, 1)
    match call.name:
        case "starts-with":
            return boolean(text.str.starts_with(part))
        case "ends-with":
            return boolean(text.str.ends_with(part))
        case _:
            return boolean(text.str.contains(part, literal=True))


def _normalize(plan: Plan, call: Call) -> Lowered:
    if not call.arguments:
        raise fail("EXP-107", call.position, "normalize-space() needs an argument.", "Write normalize-space(.).")
    return string(text_of(plan, call, 0).str.replace_all(r"\s+", " ").str.strip_chars())


def _regex(plan: Plan, call: Call) -> Lowered:
    """The whole text must match; evaluated on distinct texts by the same patterns as for one record."""
    pattern = call.arguments[1]
    if not isinstance(pattern, Text):
        raise fail("EXP-109", pattern.position, "the pattern of regex() must be a text.", "Write it in quotes.")
    compiled = compile_pattern(pattern.value, call.position)

    def match(texts: pl.Series) -> pl.Series:
        listed = texts.to_list()
        # Polars may try the function on a column of nulls, whatever was filled before.
        known = {text: compiled.fullmatch(text or "") is not None for text in set(listed)}
        return pl.Series(texts.name, [known[text] for text in listed], dtype=pl.Boolean)

    return boolean(text_of(plan, call, 0).map_batches(match, return_dtype=pl.Boolean, is_elementwise=True))


def _translate(plan: Plan, call: Call) -> Lowered:
    """Letter by letter; letters without counterpart go."""
    old, new = call.arguments[1:]
    if not isinstance(old, Text) or not isinstance(new, Text):
        raise fail("EXP-107", call.position, "translate() over columns needs letters in quotes.", "Write them out.")
    pairs: dict[str, str] = {}
    for at, letter in enumerate(old.value):
        pairs.setdefault(letter, new.value[at : at + 1])
    text = text_of(plan, call, 0)
    return string(text.str.replace_many(list(pairs), list(pairs.values())) if pairs else text)


def _from_string(plan: Plan, call: Call) -> Lowered:
    text = text_of(plan, call, 0).str.to_lowercase()
    return boolean((text == "true") | (text == "1"))


FUNCTIONS: dict[str, Lower] = {
    "count-selected": _count_selected,
    "selected-at": _selected_at,
    "concat": _concat,
    "join": _join,
    "string": _string,
    "string-length": _length,
    "substr": _substr,
    "substring-before": _before,
    "substring-after": _after,
    "contains": _contains,
    "starts-with": _contains,
    "ends-with": _contains,
    "normalize-space": _normalize,
    "translate": _translate,
    "regex": _regex,
    "boolean-from-string": _from_string,
}
