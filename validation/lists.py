"""Whether answers are in the lists they were chosen from."""

from __future__ import annotations

import re

import polars as pl

from schemas.fields import Field, Form
from validation.chunks import Flags
from validation.compiled import Compiler
from validation.evaluation import NotChecked
from validation.relevance import Judged
from validation.verdicts import Judge, Verdict

_RANDOMIZE = re.compile(r"^\s*randomize\((.*)\)\s*$", re.DOTALL)


_UNKNOWN_LIST = NotChecked("its list is in a file that was not given")


def judge_choice(field: Field, form: Form, compiler: Compiler) -> Judge | NotChecked:
    """Judge whether every code of an answer is in the unfiltered list, or among the rows of a repeat that it lists."""
    codes = list_codes(field, form)
    if codes is None:
        return (
            _judge_items(field, compiler, None) if "instance(" not in (field.itemset or "instance(") else _UNKNOWN_LIST
        )

    def judge(judged: Judged) -> Verdict:
        answers = _answers(judged, field)
        applies: Flags = answers.is_not_null().to_numpy()
        return Verdict(applies, applies & ~_are_codes(answers, codes, multiple=field.is_multiple))

    return Judge(judge)


def list_codes(field: Field, form: Form) -> frozenset[str] | None:
    """The codes of a question's list before any filter; null if they aren't known from the form."""
    if field.choices:
        return frozenset(choice.value for choice in field.choices)
    instance = form.instances.get(field.list_name or "")
    if instance is None or not instance.items:
        return None
    return frozenset(item.get(field.value_ref, "") for item in instance.items)


def judge_choice_filter(field: Field, form: Form, compiler: Compiler) -> Judge | NotChecked:
    """Judge whether every code of an answer passes the list's filter; codes outside the list are left to `choice`."""
    codes = list_codes(field, form)
    return _UNKNOWN_LIST if codes is None else _judge_items(field, compiler, codes)


def _judge_items(field: Field, compiler: Compiler, codes: frozenset[str] | None) -> Judge | NotChecked:
    """Judge an answer by an expression over it: how many items of the (filtered) list it names.

    Args:
        codes: of the whole list; other answers are left alone. Null leaves none.
    """
    nodeset = field.itemset or ""
    wrapped = _RANDOMIZE.match(nodeset)
    if wrapped:
        nodeset = _first_argument(wrapped[1])
    answer = f"current()/../{field.name}"
    if field.is_multiple:
        text = f"count({nodeset}[selected({answer}, {field.value_ref})]) = count-selected(../{field.name})"
    else:
        text = f"count({nodeset}[{field.value_ref} = {answer}]) > 0"
    passes = compiler.compile(text, field.table, field, of_itself=True, judged_by=nodeset)
    if isinstance(passes, NotChecked):
        return passes

    def judge(judged: Judged) -> Verdict:
        answers = _answers(judged, field)
        applies: Flags = answers.is_not_null().to_numpy()
        if codes is not None:
            applies = applies & _are_codes(answers, codes, multiple=field.is_multiple)
        if not applies.any():
            return Verdict(applies, applies)
        return Verdict(applies, applies & ~judged.holds(passes))

    return Judge(judge, ((passes, "boolean"),))


def _answers(judged: Judged, field: Field) -> pl.Series:
    """The column of a question, all blank if the frame lacks it."""
    frame = judged.tables[field.table]
    if field.column not in frame.columns:
        return pl.Series(field.column, [None] * frame.height, dtype=pl.String)
    return frame[field.column].cast(pl.String)


def _first_argument(arguments: str) -> str:
    """The first of a call's arguments, whose own calls and predicates may hold commas."""
    depth = 0
    for at, character in enumerate(arguments):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            return arguments[:at]
    return arguments


def _are_codes(answers: pl.Series, codes: frozenset[str], *, multiple: bool) -> Flags:
    """Whether each answer consists of codes of the list; blank is undefined. Judged once a distinct answer."""
    if not multiple:
        found: Flags = answers.is_in(sorted(codes)).fill_null(value=False).to_numpy()
        return found
    wrong = [text for text in answers.drop_nulls().unique().to_list() if not codes.issuperset(text.split())]
    good: Flags = (~answers.is_in(wrong)).fill_null(value=False).to_numpy()
    return good
