"""Tables of known totals, read and matched with a sample's rows. Formats: docs/methods/estimation.md, section 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from estimation.calibration import ClassMargin
from estimation.microdata import Microdata, clean_code
from estimation.residuals import Sparse, indicators
from estimation.samples import Floats
from schemas.errors import EstimationError

COUNTS: Final = ("total", "count", "freq", "n", "population", "personas", "poblacion", "población")
"""Headers, in lower case, of the column that holds the totals."""

INTERCEPT: Final = ("(intercept)", "intercept", "all", "total")
"""Names of the margin of everybody in a table for regression calibration."""

JOIN: Final = "*"
"""Between the names of variables that are crossed, and between their categories."""

AGREE: Final = 0.005
"""Share by which the sums of two margins may differ: rounding. The first is kept."""


@dataclass(frozen=True, slots=True)
class Margin:
    """Known totals over the classes of one variable, or of several crossed.

    Attributes:
        variables: names of the crossed variables.
        totals: categories, one a variable -> total. A number's total has the category "".
    """

    variables: tuple[str, ...]
    totals: dict[tuple[str, ...], float]

    @property
    def name(self) -> str:
        """The variables' names, joined."""
        return JOIN.join(self.variables)

    @property
    def sum(self) -> float:
        """Sum of the totals."""
        return sum(self.totals.values())


def read_margins(table: pl.DataFrame, data: Microdata) -> list[Margin]:
    r"""Read a table of totals in any of three shapes.

    - long: `variable,category,total`; crossed variables as `a*b` with categories `x*y`;
    - joint: one column a variable, named as in the sample, and a column of totals (R's data frame with `Freq`);
    - wide: a cross table whose first header is `a\b` (or `a`, if one column of the sample has b's categories).

    Args:
        table: every cell text.
        data: the sample's columns.

    Raises:
        EstimationError: EST-030 (shape), EST-031 (a total that is no number), EST-032 (a category twice).
    """
    lower = {name.strip().lower(): name for name in table.columns}
    counts = [lower[name] for name in COUNTS if name in lower]
    if {"variable", "category"} <= lower.keys() and counts:
        return _read_long(table, lower["variable"], lower["category"], counts[0])
    others = [name for name in table.columns if name not in counts[:1]]
    if counts and others and all(name in data for name in others):
        return [_read_joint(table, tuple(others), counts[0])]
    last = table.columns[-1]
    if len(table.columns) > 1 and all(name in data for name in table.columns[:-1]) and last not in data:
        cross = _cross_names(table, data)
        if cross is None:
            return [_read_joint(table, tuple(table.columns[:-1]), last)]
        return [_read_wide(table, *cross)]
    cross = _cross_names(table, data)
    if cross is not None:
        return [_read_wide(table, *cross)]
    raise EstimationError(
        "EST-030",
        f"The table of totals has the columns {', '.join(table.columns)}, which is none of the known shapes.",
        "Write columns variable, category, total; or one column for each variable of the sample and a column count; or "
        "a cross table whose first header is row\\column.",
    )


def _read_long(table: pl.DataFrame, variable: str, category: str, count: str) -> list[Margin]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for name, code, total in table.select(variable, category, count).iter_rows():
        key = (
            tuple(clean_code(part) for part in str(code or "").split(JOIN))
            if JOIN in str(name)
            else (clean_code(code),)
        )
        _put(found.setdefault(str(name).strip(), {}), key, total, str(name))
    return [Margin(tuple(part.strip() for part in name.split(JOIN)), totals) for name, totals in found.items()]


def _read_joint(table: pl.DataFrame, variables: tuple[str, ...], count: str) -> Margin:
    totals: dict[tuple[str, ...], float] = {}
    for *codes, total in table.select(*variables, count).iter_rows():
        _put(totals, tuple(clean_code(code) for code in codes), total, JOIN.join(variables))
    return Margin(variables, totals)


def _read_wide(table: pl.DataFrame, rows: str, columns: str) -> Margin:
    totals: dict[tuple[str, ...], float] = {}
    for code, *numbers in table.iter_rows():
        for header, total in zip(table.columns[1:], numbers, strict=True):
            if total is not None:
                _put(totals, (clean_code(code), clean_code(header)), total, f"{rows}{JOIN}{columns}")
    return Margin((rows, columns), totals)


def _cross_names(table: pl.DataFrame, data: Microdata) -> tuple[str, str] | None:
    first, headers = table.columns[0], {clean_code(name) for name in table.columns[1:]}
    for mark in ("\\", "/", " x ", JOIN):
        parts = [part.strip() for part in first.split(mark)]
        if len(parts) == 2 and all(part in data for part in parts):
            return parts[0], parts[1]
    if first not in data or len(headers) < 2:
        return None
    fits = [name for name in data.names if name != first and set(data.codes(name).drop_nulls().unique()) == headers]
    return (first, fits[0]) if len(fits) == 1 else None


def _put(totals: dict[tuple[str, ...], float], key: tuple[str, ...], total: object, name: str) -> None:
    try:
        number = float(str(total).replace(" ", ""))
    except ValueError:
        number = float("nan")
    if not np.isfinite(number) or (number < 0 and key != ("",)):
        raise EstimationError(
            "EST-031",
            f"Margin «{name}», class «{JOIN.join(key)}»: the total «{total}» is no number of zero or more.",
            "Write plain numbers, without a separator of thousands.",
        )
    if key in totals:
        raise EstimationError(
            "EST-032", f"Margin «{name}» has the class «{JOIN.join(key)}» twice.", "Give each class one total."
        )
    totals[key] = number


def match_margin(margin: Margin, data: Microdata) -> ClassMargin:
    """Find the class of each row.

    Raises:
        EstimationError: EST-020 (no such column), EST-034 (rows without a category), EST-035 (a category
            without total).
    """
    keys: list[pl.Series] = []
    for name in margin.variables:
        values = data.codes(name)
        if values.null_count():
            raise EstimationError(
                "EST-034",
                f"{values.null_count()} of {values.len()} rows have no «{name}», so they belong to no class of margin "
                f"«{margin.name}».",
                "Complete them, or give them a class of their own in the data and in the margin.",
            )
        keys.append(values)
    labels = list(margin.totals)
    numbers = {JOIN.join(key): number for number, key in enumerate(labels)}
    joined = pl.select(pl.concat_str(*keys, separator=JOIN)).to_series()
    classes = joined.replace_strict(numbers, default=None, return_dtype=pl.Int64)
    if classes.null_count():
        unknown = joined.filter(classes.is_null()).unique().sort()
        raise EstimationError(
            "EST-035",
            f"Margin «{margin.name}» has no total for {', '.join(f'«{code}»' for code in unknown[:5])}, which "
            f"{classes.null_count()} rows of the sample have.",
            "Add the class to the margin, or recode these rows.",
        )
    totals = np.array(list(margin.totals.values()), np.float64)
    return ClassMargin(margin.name, classes.to_numpy(), tuple(JOIN.join(key) for key in labels), totals)


def match_margins(margins: Sequence[Margin], data: Microdata) -> tuple[list[ClassMargin], list[str]]:
    """Match several margins and hold their sums against each other.

    Returns:
        The margins, each with the sum of the first, and a sentence for each that was scaled to it.

    Raises:
        EstimationError: as `match_margin`; EST-036 (sums that differ).
    """
    found: list[ClassMargin] = []
    notes: list[str] = []
    for margin in margins:
        one = match_margin(margin, data)
        if found:
            first, total = float(found[0].totals.sum()), float(one.totals.sum())
            if abs(total - first) > AGREE * first:
                raise EstimationError(
                    "EST-036",
                    f"Margin «{one.name}» sums to {total:,.10g}, margin «{found[0].name}» to {first:,.10g}.",
                    "Margins of one population have one sum: look for a missing class, another year or universe.",
                )
            if abs(total - first) > 1e-9 * first:
                notes.append(f"Margin «{one.name}» ({total:,.10g}) was scaled to the sum of the first ({first:,.10g}).")
                one = ClassMargin(one.name, one.classes, one.labels, one.totals * first / total)
        found.append(one)
    return found, notes


def match_variables(margins: Sequence[Margin], data: Microdata) -> tuple[Sparse, Floats, list[str]]:
    """The calibration variables of a regression estimator.

    A margin with a category "" is the total of a number; one named (Intercept) is that of everybody; any other gives
    one indicator a class. With (Intercept) a margin may leave out one class.

    Returns:
        One column a total; the totals; the columns' names.

    Raises:
        EstimationError: EST-020, EST-034, EST-035, EST-037 (a number that is missing).
    """
    from scipy.sparse import csr_array, hstack

    parts: list[Sparse] = []
    totals: list[float] = []
    names: list[str] = []
    open_ended = any(margin.name.lower() in INTERCEPT for margin in margins)
    for margin in margins:
        if margin.name.lower() in INTERCEPT and margin.name not in data:
            parts.append(csr_array(np.ones((data.height, 1))))
        elif set(margin.totals) == {("",)}:
            parts.append(csr_array(_numbers(margin.name, data)[:, None]))
        else:
            whole = _with_rest(margin, data) if open_ended else margin
            matched = match_margin(whole, data)
            parts.append(
                indicators(matched.classes, np.ones(data.height), len(matched.labels))[:, : len(margin.totals)]
            )
        totals += margin.totals.values()
        names += [f"{margin.name}={JOIN.join(key)}" if key != ("",) else margin.name for key in margin.totals]
    return hstack(parts, "csr"), np.array(totals, np.float64), names


def _with_rest(margin: Margin, data: Microdata) -> Margin:
    if len(margin.variables) > 1:
        return margin
    met = set(data.codes(margin.variables[0]).drop_nulls().unique())
    rest = met - {key[0] for key in margin.totals}
    return Margin(margin.variables, margin.totals | {(code,): 0.0 for code in rest}) if len(rest) == 1 else margin


def _numbers(name: str, data: Microdata) -> Floats:
    values = data.codes(name).cast(pl.Float64, strict=False)
    if values.null_count():
        raise EstimationError(
            "EST-037",
            f"{values.null_count()} of {values.len()} rows have no number in «{name}», which is calibrated to a total.",
            "Complete them, or calibrate to another variable.",
        )
    return np.asarray(values.to_numpy(), np.float64)
