"""What an indicator measures, row by row: whom it is about, whose answer is known, and the number behind each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from estimation.columns import Columns
from estimation.linear import Statistic
from schemas.errors import EstimationError
from schemas.workbook import Indicator

OTHER: Final = "other"
"""Category of the codes that a sheet doesn't list."""

PER_CENT: Final = 100.0


@dataclass(frozen=True, slots=True)
class Measure:
    """One indicator over the rows of its table.

    Attributes:
        universe: the rows it is about.
        base: of these, the rows whose answer is known: the denominator. For a count, the rows counted.
        categories: codes of a distribution; one "" for the other kinds.
        hits: for each category the rows behind the figure, what disclosure control counts.
        values: for each category the number of each row, read in `base` only.
        divisor: lower number of a ratio.
        statistic, factor: the figure is `factor` times this statistic of the values over `base`.
        order: of a quantile, 0..1.
        has_unknown: whether a rate of unknown answers is meant.
    """

    universe: pl.Series
    base: pl.Series
    categories: tuple[str, ...]
    hits: tuple[pl.Series, ...]
    values: tuple[pl.Series, ...]
    divisor: pl.Series | None
    statistic: Statistic | Literal["quantile"]
    factor: float
    has_unknown: bool
    order: float = 0.5

    @property
    def is_share(self) -> bool:
        """Whether the figures are per cent of the base."""
        return self.statistic == "mean" and self.factor == PER_CENT


def read_measure(indicator: Indicator, columns: Columns) -> Measure:
    """Evaluate an indicator's expressions over its table.

    Raises:
        EstimationError: EST-001 to EST-003 (see `Columns`), EST-004 for an expression that its kind needs and that
            the row lacks, EST-005 for an unknown kind, EST-008 for an order of a quantile that isn't between 0 and 1.
        ExpressionError: EXP-*, when an expression can't be evaluated over columns.

    Source: docs/methods/shares.md, means.md and totals.md, section 2.
    """
    table = indicator.table
    if indicator.universe is None:
        universe = _everybody(columns.height(table))
    else:
        universe = columns.holds(indicator.universe, table)
    if indicator.kind == "count":
        return _read_count(indicator, columns, universe)
    if indicator.kind == "ratio":
        return _read_ratio(indicator, columns, universe)
    base, has_unknown = universe, indicator.denominator is not None
    if indicator.denominator is not None:
        base = universe & columns.holds(indicator.denominator, table)
    if indicator.kind == "share":
        hits = base & columns.holds(_needed(indicator, "numerator"), table)
        return Measure(universe, base, ("",), (hits,), (hits.cast(pl.Float64),), None, "mean", PER_CENT, has_unknown)
    if indicator.kind in {"mean", "quantile"}:
        values = columns.numbers(_needed(indicator, "value"), table)
        known = base & values.is_not_null()
        statistic: Literal["mean", "quantile"] = "quantile" if indicator.kind == "quantile" else "mean"
        told = has_unknown or _less(known, base)
        return Measure(
            universe, known, ("",), (known,), (values,), None, statistic, 1.0, told, _order(indicator.quantile)
        )
    if indicator.kind == "distribution":
        return _read_distribution(indicator, columns, universe, base)
    raise EstimationError(
        "EST-005",
        f"Kind «{indicator.kind}» is none of count, share, ratio, mean, quantile, distribution.",
        "Write one of these in column kind.",
    )


def in_categories(codes: pl.Series, categories: tuple[str, ...]) -> pl.Series:
    """Codes as the categories that are published: as listed, "other" for the rest, null where blank.

    Without a list every code met is a category of its own.
    """
    if not categories:
        return codes
    listed = codes.is_in(list(categories))
    return pl.select(pl.when(listed).then(codes).when(codes.is_not_null()).then(pl.lit(OTHER))).to_series()


def category_order(codes: pl.Series, categories: tuple[str, ...]) -> tuple[str, ...]:
    """The listed categories, then "other" if a row has it; without a list, the codes met in order of the alphabet."""
    met = set(codes.drop_nulls().unique().to_list())
    if not categories:
        return tuple(sorted(met))
    return (*categories, OTHER) if OTHER in met and OTHER not in categories else categories


def _read_count(indicator: Indicator, columns: Columns, universe: pl.Series) -> Measure:
    counted = universe
    if indicator.denominator is not None:
        counted = counted & columns.holds(indicator.denominator, indicator.table)
    if indicator.numerator is not None:
        counted = counted & columns.holds(indicator.numerator, indicator.table)
    ones = counted.cast(pl.Float64)
    return Measure(universe, counted, ("",), (counted,), (ones,), None, "total", 1.0, has_unknown=False)


def _read_ratio(indicator: Indicator, columns: Columns, universe: pl.Series) -> Measure:
    upper = columns.numbers(_needed(indicator, "numerator"), indicator.table)
    lower = columns.numbers(_needed(indicator, "denominator"), indicator.table)
    base = universe & upper.is_not_null() & lower.is_not_null()
    hits = base & (upper != 0).fill_null(False)
    return Measure(
        universe, base, ("",), (hits,), (upper,), lower, "ratio", indicator.scale, has_unknown=_less(base, universe)
    )


def _read_distribution(indicator: Indicator, columns: Columns, universe: pl.Series, base: pl.Series) -> Measure:
    codes = columns.codes(_needed(indicator, "value"), indicator.table)
    known = base & codes.is_not_null()
    # An answer to a question with several choices is a list of codes with spaces between: it counts in each.
    chosen = pl.DataFrame({"row": pl.int_range(codes.len(), eager=True), "code": codes.str.split(" ")}).filter(known)
    chosen = chosen.explode("code", empty_as_null=True).filter(pl.col("code") != "")
    met = in_categories(chosen["code"], indicator.categories)
    categories = category_order(met, indicator.categories)
    rows_of = dict(chosen.with_columns(met.alias("code")).group_by("code").agg("row").iter_rows())
    hits = tuple(_marked(rows_of.get(code, []), codes.len()) for code in categories)
    has_unknown = indicator.denominator is not None or _less(known, base)
    values = tuple(hit.cast(pl.Float64) for hit in hits)
    return Measure(universe, known, categories, hits, values, None, "mean", PER_CENT, has_unknown)


def _order(quantile: float) -> float:
    if not 0 < quantile < 1:
        raise EstimationError(
            "EST-008",
            f"There is no quantile of order {quantile:g}.",
            "Write a number between 0 and 1; 0.5: the median.",
        )
    return quantile


def _needed(indicator: Indicator, column: str) -> str:
    text: str | None = getattr(indicator, column)
    if text is None:
        raise EstimationError(
            "EST-004",
            f"A figure of kind «{indicator.kind}» needs an expression in column {column}.",
            f"Write it in column {column} of this row, or choose another kind.",
        )
    return text


def _everybody(height: int) -> pl.Series:
    return pl.repeat(True, height, dtype=pl.Boolean, eager=True)


def _marked(rows: list[int], height: int) -> pl.Series:
    marks = pl.repeat(False, height, dtype=pl.Boolean, eager=True)
    return marks.scatter(rows, True) if rows else marks


def _less(part: pl.Series, whole: pl.Series) -> bool:
    return int(part.sum()) < int(whole.sum())
