"""Whether stored calculations are those that the stored answers give."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

from expressions.columns import ColumnExpr
from schemas.fields import Field
from schemas.findings import Rule
from validation.chunks import Flags
from validation.compiled import Compiler
from validation.evaluation import NotChecked
from validation.relevance import Judged
from validation.verdicts import Judge, Verdict

TOLERANCE = 1e-9
"""Relative difference up to which two numbers are the same: clients add up in another order than we do."""

_CHANGING = re.compile(r"(?<![\w.-])(now|today|random|randomize|uuid|once|version|device-id)\s*\(")
_LAST_SAVED = re.compile(r"\blast-saved\b")
_EXACT_TYPES = {"date", "time", "dateTime", "geopoint", "geotrace", "geoshape", "boolean"}


def judge_calculation(rule: Rule, field: Field, compiler: Compiler) -> Judge | NotChecked:
    """Judge whether the recalculated value is the stored one, wherever the calculation is relevant.

    Values that change from one moment to the next can't be recalculated; rules about them are not checked.
    """
    changing = _CHANGING.search(rule.expression) or _LAST_SAVED.search(rule.expression)
    if changing:
        return NotChecked(f"{changing[0].rstrip('( ')}() gives another value each time")
    if field.type in {"dateTime", "time"}:
        return NotChecked(f"a calculated {field.type} is written differently by each client")
    formula = compiler.compile(rule.expression, rule.table, field, of_itself=bool(field.personal))
    if isinstance(formula, NotChecked):
        return formula

    def judge(judged: Judged) -> Verdict:
        frame = judged.tables[field.table]
        mask = judged.relevant_now(field.path, field.table)
        applies = np.ones(frame.height, dtype=np.bool_) if mask is None else mask
        if field.column not in frame.columns:
            return Verdict(applies, applies)
        return Verdict(applies, applies & ~_same(field, frame[field.column], formula, judged))

    return judge


def _same(field: Field, stored: pl.Series, formula: ColumnExpr, judged: Judged) -> Flags:
    if field.type in {"int", "decimal"}:
        return _same_numbers(stored, formula.number(judged.tables))
    computed = formula.string(judged.tables).cast(pl.String)
    # Clients store nothing where a calculation gives no number.
    computed = computed.set(computed.is_in(["", "NaN"]), None)
    as_text = stored.cast(pl.String)
    same: Flags = as_text.eq_missing(computed).to_numpy()
    if field.type in _EXACT_TYPES or same.all():
        return same
    # Text calculations often hold numbers, and clients write them differently ("3", "3.0").
    differing = ~same
    numbers = _same_numbers(
        as_text.filter(differing).cast(pl.Float64, strict=False),
        computed.filter(differing).cast(pl.Float64, strict=False),
    )
    both = as_text.filter(differing).is_not_null() & computed.filter(differing).is_not_null()
    readable = as_text.filter(differing).cast(pl.Float64, strict=False).is_not_null()
    same = same.copy()
    same[np.flatnonzero(differing)] = numbers & both.to_numpy() & readable.to_numpy()
    return same


def _same_numbers(stored: pl.Series, computed: pl.Series) -> Flags:
    """Equal up to `TOLERANCE`, or both blank (NaN is blank)."""
    left = stored.cast(pl.Float64).fill_null(np.nan).to_numpy()
    right = computed.cast(pl.Float64).fill_null(np.nan).to_numpy()
    blank = np.isnan(left) & np.isnan(right)
    same: Flags = blank | np.isclose(left, right, rtol=TOLERANCE, atol=1e-12)
    return same
