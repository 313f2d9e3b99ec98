"""The figures of a survey: one a domain and category, with error, interval, design effect and INE's label.

Specified in docs/methods/estimation.md, sections 6, 7 and 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from estimation.intervals import share_interval, t_interval
from estimation.linear import Statistic, estimate_by_domain
from estimation.quality import NOT_RELIABLE, Precision, Standard, read_standard
from estimation.quantiles import estimate_quantiles
from estimation.replicates import given_degrees, replicate_by_domain
from estimation.samples import Codes, Flags, Floats
from estimation.surveys import Request, Survey, domains, natural
from schemas.errors import EstimationError

DUST: Final = 1e-11
"""Standard error, relative to the estimate, below which it is zero."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One figure.

    Attributes:
        domain: column -> code, empty for everybody.
        category: of a share, else "".
        estimate: null where nobody stands behind it. Shares are fractions, 0..1.
        cv: standard error over the estimate's size, a fraction.
        deff: variance over that of a simple random sample of the same size.
        n: rows behind it (for a share: of its denominator).
        population: sum of their weights.
        label: INE's: reliable, weakly_reliable, not_reliable.
    """

    statistic: str
    variable: str
    category: str
    domain: Mapping[str, str]
    estimate: float | None
    se: float | None
    ci_low: float | None
    ci_high: float | None
    cv: float | None
    deff: float | None
    n: int
    df: int
    population: float
    label: str


@dataclass(frozen=True, slots=True)
class Answers:
    """The figures in order of domain and category, and what a reader should know, in sentences."""

    figures: tuple[Answer, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    """Figures of one variable in every domain, as arrays."""

    estimate: Floats
    variance: Floats
    deff: Floats
    n: Codes
    df: Codes
    size: Floats


def answer(survey: Survey, request: Request, kept: Flags | None = None) -> Answers:
    """Estimate what is asked.

    Args:
        kept: the rows that figures are about, one truth value a row of the survey's data, null for all. The others stay
            in the design.

    Raises:
        EstimationError: EST-015, EST-017, EST-020, EST-043 (no row to estimate from), EST-044 (an empty denominator).
    """
    data = survey.data
    wanted = np.ones(data.height, np.bool_) if kept is None else kept
    domain, named, lost = domains(data, request.by, wanted)
    notes = list(survey.notes)
    if lost:
        notes.append(f"{lost} rows have no {' or '.join(request.by)}: they stand in no figure.")
    parts, divisor = _variables(survey, request)
    known = np.isfinite(parts[0][1]) if divisor is None else np.isfinite(parts[0][1]) & np.isfinite(divisor)
    missing = int(np.sum((domain >= 0) & ~known))
    if missing:
        notes.append(f"{missing} rows have no {request.variable}: they stand in no figure.")
    if not np.any((domain >= 0) & known & (survey.sample.weight > 0)):
        raise EstimationError(
            "EST-043", "No row is left to estimate from.", "Look at the condition, the groups and the missing values."
        )
    if request.kind == "quantile":
        figures = _quantiles(survey, request, parts[0][1], domain, named)
    else:
        figures = _figures(survey, request, parts, divisor, domain, named)
    ordered = sorted(range(len(figures)), key=lambda at: at % max(len(named), 1))
    figures = [figures[at] for at in ordered]
    notes += _table_rule(read_standard(request.standard), figures)
    return Answers(tuple(figures), tuple(notes))


def _table_rule(standard: Standard, figures: list[Answer]) -> list[str]:
    labels = [one.label for one in figures if one.estimate is not None]
    if not standard.refuses(labels):
        return []
    bad, name = labels.count(NOT_RELIABLE), standard.name.partition("_")[0].upper()
    return [f"{bad} of {len(labels)} figures are not reliable: by {name}'s standard this table isn't published."]


def _variables(survey: Survey, request: Request) -> tuple[list[tuple[str, Floats]], Floats | None]:
    """The variables to estimate, each with its category; and the divisor of a ratio."""
    data = survey.data
    if request.kind == "count":
        return [("", np.ones(data.height))], None
    if request.kind == "share":
        return _indicators(survey, request), None
    values = data.numbers(request.variable).fill_null(np.nan).to_numpy()
    if request.kind == "ratio":
        return [("", values)], data.numbers(request.second).fill_null(np.nan).to_numpy()
    return [("", values)], None


def _indicators(survey: Survey, request: Request) -> list[tuple[str, Floats]]:
    """One variable of zeros and ones a category; of a column of zeros and ones the ones alone."""
    codes = survey.data.codes(request.variable)
    met = sorted(codes.drop_nulls().unique().to_list(), key=natural)
    if request.second:
        if request.second not in met:
            raise EstimationError(
                "EST-045",
                f"No row has «{request.second}» in «{request.variable}»; it has {', '.join(met[:12])}.",
                "Write one of these after the =.",
            )
        met = [request.second]
    elif set(met) <= {"0", "1"} and "1" in met:
        met = ["1"]
    gone = codes.is_null().to_numpy()
    return [(code, np.where(gone, np.nan, (codes == code).fill_null(False).to_numpy())) for code in met]


def _estimate(
    survey: Survey, statistic: Statistic, values: Floats, domain: Codes, count: int, divisor: Floats | None, wr: bool
) -> _Column:
    found = estimate_by_domain(survey.sample, statistic, values, domain, count, divisor)
    variance, df = found.variance, found.df
    if survey.replicates is not None:
        variance = replicate_by_domain(
            survey.raw, survey.replicates, statistic, values, domain, count, divisor, survey.reweigh
        )
        if survey.replicates.by_row:
            df = given_degrees(survey.replicates, survey.raw.weight, domain, count)
    elif survey.sample.df < 1:
        variance = np.full(count, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A variance of rounding errors only is none: the strata themselves, a calibrated total.
        variance = np.where(variance < (DUST * found.estimate) ** 2, 0.0, variance)
        deff = variance / (found.srs_replaced if wr else found.srs)
    return _Column(found.estimate, variance, deff, found.n, df, found.size)


def _figures(
    survey: Survey,
    request: Request,
    parts: list[tuple[str, Floats]],
    divisor: Floats | None,
    domain: Codes,
    named: list[dict[str, str]],
) -> list[Answer]:
    kind = request.kind
    statistic: Statistic = "ratio" if kind == "ratio" else "total" if kind in {"total", "count"} else "mean"
    columns = [
        _estimate(survey, statistic, values, domain, len(named), divisor, request.replaced) for _, values in parts
    ]
    if kind == "ratio" and not np.isfinite(columns[0].estimate).any():
        raise EstimationError(
            "EST-044",
            f"«{request.second}» sums to zero: there is nothing to divide by.",
            "Choose another denominator or another condition.",
        )
    proportion = kind == "share" or (kind == "mean" and _is_binary(parts[0][1]))
    if kind == "ratio":
        # INE's package judges a table of ratios as proportions where none is above 1.
        ratios = columns[0].estimate[np.isfinite(columns[0].estimate)]
        proportion = bool(np.all((ratios >= 0) & (ratios <= 1)))
    judged = columns
    if kind == "total" and _is_binary(parts[0][1]):
        # A total of zeros and ones is a size: INE's package asks for enough cases, and PSUs, of the ones.
        ones = np.where(parts[0][1] == 1, domain, -1)
        judged = [_estimate(survey, statistic, parts[0][1], ones, len(named), None, request.replaced)]
    return [
        _answer(request, category, named[d], column, d, proportion, (int(by.n[d]), int(by.df[d]), int(cases[d])))
        for (category, values), column, by in zip(parts, columns, judged, strict=True)
        for cases in [_cases(values, domain, column, survey.sample.weight)]
        for d in range(len(named))
    ]


def _cases(values: Floats, domain: Codes, column: _Column, weight: Floats) -> Codes:
    """Rows of the numerator in each domain; all of them where nothing is counted."""
    if not _is_binary(values):
        return column.n
    ones = (values == 1) & (domain >= 0) & (weight != 0)
    return np.asarray(np.bincount(domain[ones], minlength=column.n.size), np.int64)


def _answer(
    request: Request,
    category: str,
    domain: Mapping[str, str],
    column: _Column,
    at: int,
    proportion: bool,
    judged: tuple[int, int, int],
) -> Answer:
    estimate, se = _known(column.estimate[at]), _known(np.sqrt(max(column.variance[at], 0.0)))
    if np.isnan(column.variance[at]):
        se = None
    n, df = int(column.n[at]), int(column.df[at])
    if estimate is None or not n:
        estimate = se = None
    cv = se / abs(estimate) if se is not None and estimate else None
    low = high = None
    if estimate is not None and request.kind == "share":
        low, high = share_interval(request.interval or "logit", estimate, se, df, n)
    elif estimate is not None:
        low, high = t_interval(estimate, se, df)
    size, deff = float(column.size[at]), _known(column.deff[at])
    cases = judged[2] if proportion else judged[0]
    label = read_standard(request.standard).judge(
        Precision(proportion, estimate, se, judged[0], judged[1], cases, deff)
    )
    name = request.variable if request.kind != "ratio" else f"{request.variable}/{request.second}"
    return Answer(request.kind, name, category, domain, estimate, se, low, high, cv, deff, n, df, size, label)


def _quantiles(
    survey: Survey, request: Request, values: Floats, domain: Codes, named: list[dict[str, str]]
) -> list[Answer]:
    count = len(named)

    def variance(below: Floats, within: Codes, domains_: int) -> tuple[Floats, Floats, Codes, Codes]:
        found = _estimate(survey, "mean", below, within, domains_, None, False)
        return found.estimate, found.variance, found.n, found.df

    found = estimate_quantiles(values, survey.sample.weight, domain, count, request.order, variance)
    inside = (domain >= 0) & np.isfinite(values)
    size = np.bincount(domain[inside], survey.sample.weight[inside], count)
    answers: list[Answer] = []
    standard = read_standard(request.standard)
    for at, one in enumerate(found):
        cv = one.se / abs(one.estimate) if one.se is not None and one.estimate else None
        label = standard.judge(Precision(False, one.estimate, one.se, one.n, one.df, one.n))
        told = f"{request.variable}:{request.order:g}"
        answers.append(
            Answer(
                "quantile", told, "", named[at], one.estimate, one.se, one.low, one.high, cv, None, one.n, one.df,
                float(size[at]), label,
            )
        )  # fmt: skip
    return answers


def _is_binary(values: Floats) -> bool:
    known = values[np.isfinite(values)]
    return bool(np.all((known == 0) | (known == 1)))


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
