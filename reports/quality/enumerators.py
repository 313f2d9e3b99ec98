"""How much answers depend on who asked: the intra-interviewer correlation of each question, with its interval.

Method: docs/methods/quality_report.md, section 2 (one-way analysis of variance; exact F interval, approximate where
enumerators have different numbers of interviews).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import f as f_distribution

from schemas.fields import MAIN_TABLE, Field, Form

LEAST_INTERVIEWS = 30
LEAST_EACH = 2
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class EnumeratorEffect:
    """One question.

    Attributes:
        question: its name.
        category: code whose share was compared, "" where the mean of a number was.
        enumerators, interviews: that were compared.
        rho: intra-interviewer correlation; low, high: its 95 % interval.
        deff: factor by which the variance of a mean grows for it: 1 + (m - 1) rho, with m the interviews that an
            enumerator made on average, and rho 0 where it is negative.
        is_sure: whether rho isn't nought, with the false discovery rate over all questions held at 5 %.
    """

    question: str
    category: str
    enumerators: int
    interviews: int
    rho: float
    low: float
    high: float
    deff: float
    is_sure: bool = False


def enumerator_effects(form: Form, main: pl.DataFrame, who: str) -> list[EnumeratorEffect]:
    """The effect of enumerators on each question of the main table that is a number or one choice of a list.

    Questions answered in fewer than `LEAST_INTERVIEWS` interviews, or by one enumerator's people only, or all in the
    same way, are left out. Of a choice, the commonest answer is compared.

    Args:
        main: interviews that count.
        who: column that tells the enumerator.

    Returns:
        Largest correlation first.
    """
    found: list[EnumeratorEffect] = []
    chances: list[float] = []
    for field in form.table(MAIN_TABLE).fields:
        if field.column == who or field.column not in main.columns or not _is_compared(field):
            continue
        values, category = _values(main, field, who)
        counted = values.group_by("who").len().filter(pl.col("len") >= LEAST_EACH)
        values = values.join(counted.select("who"), on="who", how="semi")
        if values.height < LEAST_INTERVIEWS or counted.height < 2:
            continue
        told = _effect(field.name, category, values)
        if told is not None:
            found.append(told[0])
            chances.append(told[1])
    sure = _discovered(np.array(chances), 1 - LEVEL)
    effects = [
        EnumeratorEffect(
            *(row.question, row.category, row.enumerators, row.interviews, row.rho, row.low, row.high, row.deff),
            is_sure=bool(is_sure),
        )
        for row, is_sure in zip(found, sure, strict=True)
    ]
    return sorted(effects, key=lambda row: (-row.rho, row.question))


def _is_compared(field: Field) -> bool:
    asked = bool(field.control) and not field.personal and not field.calculation
    return asked and (field.type in {"int", "decimal"} or field.control == "select1")


def _values(main: pl.DataFrame, field: Field, who: str) -> tuple[pl.DataFrame, str]:
    frame = main.select(pl.col(who).cast(pl.String).alias("who"), pl.col(field.column).alias("value")).drop_nulls()
    if field.control != "select1":
        return frame.with_columns(pl.col("value").cast(pl.Float64)), ""
    frame = frame.with_columns(pl.col("value").cast(pl.String))
    commonest = frame.group_by("value").len().sort("len", "value", descending=[True, False])
    if commonest.is_empty():
        return frame.with_columns(pl.lit(0.0).alias("value")), ""
    category = str(commonest["value"][0])
    return frame.with_columns((pl.col("value") == category).cast(pl.Float64)), category


def _effect(question: str, category: str, values: pl.DataFrame) -> tuple[EnumeratorEffect, float] | None:
    groups = values.group_by("who").agg(
        pl.len().alias("n"),
        pl.col("value").mean().alias("mean"),
        ((pl.col("value") - pl.col("value").mean()) ** 2).sum().alias("within"),
    )
    sizes, means = groups["n"].to_numpy().astype(float), groups["mean"].to_numpy()
    total, k = float(sizes.sum()), len(sizes)
    mean = float((sizes * means).sum() / total)
    between = float((sizes * (means - mean) ** 2).sum()) / (k - 1)
    within = float(groups["within"].sum()) / (total - k)
    if within <= 1e-12 * max(1.0, abs(mean)):
        return None  # everybody's people answered alike: nothing to be compared with
    size = (total - float((sizes**2).sum()) / total) / (k - 1)
    ratio = between / within
    half = (1 - LEVEL) / 2
    degrees = (k - 1, total - k)
    low = _correlation(ratio / float(f_distribution.ppf(1 - half, *degrees)), size)
    high = _correlation(ratio / float(f_distribution.ppf(half, *degrees)), size)
    rho = _correlation(ratio, size)
    deff = 1 + (total / k - 1) * max(rho, 0.0)
    effect = EnumeratorEffect(question, category, k, int(total), rho, low, high, deff)
    return effect, float(f_distribution.sf(ratio, *degrees))


def _correlation(ratio: float, size: float) -> float:
    return (ratio - 1) / (ratio + size - 1)


def _discovered(chances: np.ndarray, rate: float) -> np.ndarray:
    """Benjamini and Hochberg: which of the chances are believed, with at most that share of false ones expected."""
    if not len(chances):
        return np.zeros(0, dtype=bool)
    order = np.argsort(chances)
    limits = rate * np.arange(1, len(chances) + 1) / len(chances)
    below = np.flatnonzero(chances[order] <= limits)
    believed = np.zeros(len(chances), dtype=bool)
    believed[order[: below[-1] + 1 if len(below) else 0]] = True
    return believed
