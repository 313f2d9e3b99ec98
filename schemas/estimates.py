"""Estimates, and the only table that may be published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.errors import Problem
from schemas.text import Text

TOTAL = "total"
"""Domain of everybody."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure: an indicator in a domain and a category.

    Attributes:
        indicator: name of the indicator.
        domain: "total", or "breakdown=code", or such parts joined by "&": see `schemas.domains`.
        category: code of a distribution's category, "" for the other kinds.
        estimate: in `unit`, null if the domain is empty.
        unit: percent, count, years, ... as the workbook says.
        n: unweighted rows of the denominator in the domain (for a distribution: of the whole domain).
        cell_n: unweighted rows behind the numerator or the category: what disclosure control looks at.
        se, ci_low, ci_high, cv: null for a design without known probabilities.
        df: degrees of freedom, null likewise.
        label: "reliable", "weakly_reliable", "not_reliable", or "no_sampling_error" for such a design.
        unknown_rate: share of the universe whose answer isn't known, 0..1, null if the indicator has no denominator.
        note: code of a note, "" if none.
        parts: of a sum of amounts, or a figure made of one: the sum of the rows, then the largest of them in order.
            Empty where rows are only counted, or where amounts may be negative.
        one_household: whether all rows of the base, of the figure or of the rest of the base are of a single interview.
    """

    indicator: str
    domain: str
    category: str
    estimate: float | None
    unit: str
    n: int
    cell_n: int
    se: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    cv: float | None = None
    df: int | None = None
    label: str = "no_sampling_error"
    unknown_rate: float | None = None
    note: str = ""
    parts: tuple[float, ...] = ()
    one_household: bool = False


@dataclass(frozen=True, slots=True)
class WeightStep:
    """One step on the way to the weights, and what it did.

    Attributes:
        name: "base", "response", "trim", "calibration".
        rows: interviews with a positive weight after it.
        before, after: sum of the weights.
        smallest, largest: positive weights after it.
        effect: Kish's design effect of unequal weights, 1 + cv squared.
        margins: name of a class -> its known total, its sum before, its sum after.
    """

    name: str
    rows: int
    before: float
    after: float
    smallest: float
    largest: float
    effect: float
    margins: tuple[tuple[str, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class GroupTest:
    """Whether the groups of a breakdown differ in an indicator by more than chance.

    Attributes:
        breakdown: a breakdown, or a crossing.
        method: "rao_scott" (independence of the answer and the group, an F), or "t" (two means).
        statistic: F or t.
        numerator_df: of an F; 1 for a t.
        denominator_df: degrees of freedom.
        p: chance of so large a statistic where the groups are alike.
    """

    indicator: str
    breakdown: str
    method: str
    statistic: float
    numerator_df: float
    denominator_df: float
    p: float


@dataclass(frozen=True, slots=True)
class Estimates:
    """What a workbook's indicators yielded; iterating it gives the estimates.

    Attributes:
        estimates: in the order of the workbook: indicator, then domain, then category.
        problems: one for each indicator, breakdown or design row that could not be evaluated; it was left out.
        weighting: the steps by which the weights were made, in order; none without weights.
    """

    estimates: tuple[Estimate, ...]
    problems: tuple[Problem, ...] = ()
    weighting: tuple[WeightStep, ...] = ()

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)


@dataclass(frozen=True, slots=True)
class SafeCell:
    """An estimate as it may be shown: suppressed cells have no figure, no n and no error.

    Attributes:
        suppressed: "" or the reason's code: "primary" (too few behind it), "secondary" (would give one away).
    """

    indicator: str
    domain: str
    category: str
    estimate: float | None
    unit: str
    n: int | None
    se: float | None
    ci_low: float | None
    ci_high: float | None
    cv: float | None
    df: int | None
    label: str
    suppressed: str
    unknown_rate: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Measure:
    """One rule of disclosure control, as the public is told of it.

    Attributes:
        name: threshold, dominance, p_percent, group_disclosure, secondary, earlier or rounding.
        setting: its parameters as the design sheet writes them, "no" where it is switched off.
        withheld: figures that it took away; each figure counts for the first rule that hits it.
    """

    name: str
    setting: str
    withheld: int


@dataclass(frozen=True, slots=True)
class SafeTable:
    """The only thing that `publish` takes. Made by `reports/disclosure.py` and nowhere else.

    Attributes:
        cells: one a figure, in the order of the workbook.
        threshold: rows below which a cell was suppressed.
        primary, secondary: how many cells were suppressed, and why.
        statement: what was done, language -> text.
        protection: width of the interval in which a small group stays hidden.
        incomplete: (indicator, breakdown) whose domains leave somebody out; "" for categories that don't add up.
        rounded: what all counts are multiples of, 0 where they are exact.
        measures: what was done, rule by rule.
    """

    cells: tuple[SafeCell, ...]
    threshold: int
    primary: int
    secondary: int
    statement: Text = field(default_factory=dict)
    protection: int = 1
    incomplete: tuple[tuple[str, str], ...] = ()
    rounded: int = 0
    measures: tuple[Measure, ...] = ()
