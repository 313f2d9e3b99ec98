"""Whether stored calculations are those that the stored answers give."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

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
_MIDNIGHT = r"T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:?\d\d)?$"
_MOMENT = r"^\d{4}-\d\d-\d\dT"


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
    sources = [name for name in formula.names if name != field.name]

    def judge(judged: Judged) -> Verdict:
        frame = judged.tables[field.table]
        mask = judged.relevant_now(field.path, field.table)
        applies = np.ones(frame.height, dtype=np.bool_) if mask is None else mask
        if not applies.any():
            return Verdict(applies, applies)
        absent = pl.Series(field.column, [None] * frame.height, dtype=pl.String)
        stored = frame[field.column] if field.column in frame.columns else absent
        computed = judged.value(formula, "string")
        same = _same(stored, computed, whole=field.type == "int")
        if not same.all():
            applies = applies & ~(_is_blank(computed) & _holds_moments(frame, sources))
        return Verdict(applies, applies & ~same)

    return Judge(judge, ((formula, "string"),))


def _same(stored: pl.Series, computed: pl.Series, *, whole: bool) -> Flags:
    """Whether two writings mean the same.

    Clients write a truth as `1` or `true`, a day with or without its hour, a number with or without decimals, and drop
    blanks at the ends.

    Args:
        whole: whether clients drop the decimals.
    """
    texts = stored.cast(pl.String)
    same: Flags = (texts.fill_null("") == computed).to_numpy()
    if same.all():
        return same
    # Most are written alike; only of the others it is asked what they mean.
    at = np.flatnonzero(~same)
    left, right = _plain(texts[at]), _plain(computed[at])
    same = same.copy()
    same[at] = left.eq_missing(right).to_numpy()
    unlike = ~same[at]
    if not unlike.any():
        return same
    at, left, right = at[unlike], left.filter(pl.Series(unlike)), right.filter(pl.Series(unlike))
    one = left.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    other = right.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    same[at] = np.isclose(one, np.trunc(other) if whole else other, rtol=TOLERANCE, atol=1e-12)
    return same


def _plain(texts: pl.Series) -> pl.Series:
    """Texts as they are compared; blank, and what is no number, are null."""
    texts = texts.str.strip_chars().str.replace(_MIDNIGHT, "")
    return texts.replace({"true": "1", "false": "0", "": None, "NaN": None})


def _is_blank(computed: pl.Series) -> Flags:
    found: Flags = _plain(computed).is_null().to_numpy()
    return found


def _holds_moments(frame: pl.DataFrame, names: list[str]) -> Flags:
    """Whether some text among the named columns is a moment.

    A client holds a calculated day as a day and reckons with it; once stored in a question without type it is a text,
    with which nothing can be reckoned.
    """
    found = np.zeros(frame.height, dtype=np.bool_)
    for name in names:
        if name in frame.columns and frame[name].dtype == pl.String:
            found |= frame[name].str.contains(_MOMENT).fill_null(value=False).to_numpy()
    return found


def calculated_text(computed: str, bind_type: str) -> str | None:
    """What a client would have stored of a recalculated value; null for blank.

    >>> calculated_text("3.7", "int"), calculated_text("true", "string"), calculated_text("NaN", "decimal")
    ('3', '1', None)
    """
    text = computed.strip()
    if text in {"", "NaN"}:
        return None
    if bind_type in {"string", "", "boolean"} and text in {"true", "false"}:
        return "1" if text == "true" else "0"
    if bind_type == "date":
        return text[:10]
    if bind_type == "int" and "." in text:
        return text.partition(".")[0]
    return text
