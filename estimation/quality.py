"""How far a figure of a probability sample may be trusted: INE Chile's release standard, or CEPAL's.

The thresholds and their sources are data, `quality_standards.csv`. Specified in docs/methods/quality_label.md.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from schemas.errors import EstimationError

RELIABLE: Final = "reliable"
WEAKLY_RELIABLE: Final = "weakly_reliable"
NOT_RELIABLE: Final = "not_reliable"
NO_SAMPLING_ERROR: Final = "no_sampling_error"


@dataclass(frozen=True, slots=True)
class Precision:
    """What a figure is judged by.

    Attributes:
        is_share: whether it is a proportion, 0..1.
        estimate, se: on the same scale, null where there is none.
        n: unweighted cases in the domain.
        df: degrees of freedom in the domain, null where there are none.
        cases: unweighted cases of the numerator; those of the domain where nothing is counted.
        deff: design effect, null where it isn't known: it counts as one.
    """

    is_share: bool
    estimate: float | None
    se: float | None
    n: int
    df: int | None
    cases: int
    deff: float | None = None

    @property
    def cv(self) -> float | None:
        """Coefficient of variation, a fraction; null where the figure is zero."""
        return self.se / abs(self.estimate) if self.se is not None and self.estimate else None

    @property
    def log_cv(self) -> float:
        """Coefficient of variation of the proportion's logarithm, se / (-ln(p) p); infinite for 0 and 1."""
        p = self.estimate
        return self.se / (-math.log(p) * p) if p and self.se is not None and 0 < p < 1 else math.inf

    @property
    def effective(self) -> float:
        """Effective sample size, n over the design effect."""
        if self.deff is None:
            return float(self.n)
        return self.n / self.deff if self.deff > 0 else math.inf


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard of release.

    Attributes:
        name: as setting `quality_standard` of the design sheet names it.
        rule: how the thresholds are put together.
        values: threshold -> value.
        source: where they come from.
    """

    name: str
    rule: str
    values: Mapping[str, float]
    source: str

    @property
    def needs_effects(self) -> bool:
        """Whether design effects are looked at."""
        return "min_effective" in self.values

    def judge(self, precision: Precision) -> str:
        """The label of a figure."""
        if precision.estimate is None or precision.se is None:
            return NOT_RELIABLE
        return _RULES[self.rule](precision, self.values)

    def refuses(self, labels: Iterable[str]) -> bool:
        """Whether a table whose figures have these labels isn't published: more than half of them aren't reliable."""
        told = list(labels)
        return len(told) > 1 and told.count(NOT_RELIABLE) > self.values["table_share"] * len(told)


def largest_reliable_error(share: float) -> float:
    """f(p), the standard error up to which INE takes a proportion as reliable.

    Args:
        share: proportion, 0..1.

    Returns:
        p^(2/3)/9 up to one half, (1-p)^(2/3)/9 above.

    >>> round(largest_reliable_error(0.5), 4), largest_reliable_error(0.0)
    (0.07, 0.0)

    Source: docs/methods/quality_label.md, section 2.
    """
    return float(min(share, 1.0 - share) ** (2 / 3) / 9)


@cache
def read_standards() -> Mapping[str, Standard]:
    """Name -> standard, of all that may be chosen."""
    text = files("estimation").joinpath("quality_standards.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {
        name: Standard(
            name,
            next(row["rule"] for row in rows if row["standard"] == name),
            {row["threshold"]: float(row["value"]) for row in rows if row["standard"] == name},
            next(row["source"] for row in rows if row["standard"] == name),
        )
        for name in dict.fromkeys(row["standard"] for row in rows)
    }


def read_standard(name: str = "") -> Standard:
    """The standard of that name; INE's for "".

    Raises:
        EstimationError: EST-056.
    """
    known = read_standards()
    found = known.get(name.strip().lower() or "ine")
    if found is None:
        raise EstimationError("EST-056", f"There is no quality standard «{name}».", f"Write one of {', '.join(known)}.")
    return found


def _judge_ine(precision: Precision, limits: Mapping[str, float]) -> str:
    if precision.n < limits["min_n"] or _lacks_degrees(precision, limits):
        return NOT_RELIABLE
    if precision.is_share:
        allowed = largest_reliable_error(precision.estimate or 0.0)
        return RELIABLE if (precision.se or 0.0) <= allowed else WEAKLY_RELIABLE
    return _by_cv(precision, limits)


def _judge_cepal_2020(precision: Precision, limits: Mapping[str, float]) -> str:
    if (
        precision.n < limits["min_n"]
        or precision.effective < limits["min_effective"]
        or precision.cases < limits["min_cases"]
        or (precision.is_share and precision.log_cv > limits["max_log_cv"])
    ):
        return NOT_RELIABLE
    cv = precision.cv
    review = _lacks_degrees(precision, limits) or cv is None or cv >= limits["reliable_cv"]
    return WEAKLY_RELIABLE if review else RELIABLE


def _judge_cepal_2023(precision: Precision, limits: Mapping[str, float]) -> str:
    small = precision.deff is not None and precision.deff < limits["min_deff"]
    if small or precision.effective < limits["min_effective"] or _lacks_degrees(precision, limits):
        return NOT_RELIABLE
    if precision.is_share:
        label = RELIABLE if precision.log_cv <= limits["max_log_cv"] else NOT_RELIABLE
    else:
        label = _by_cv(precision, limits)
    if precision.cases < limits["weak_cases"]:
        return NOT_RELIABLE
    return WEAKLY_RELIABLE if label == RELIABLE and precision.cases < limits["min_cases"] else label


def _by_cv(precision: Precision, limits: Mapping[str, float]) -> str:
    cv = precision.cv
    if cv is None or cv > limits["weak_cv"]:
        return NOT_RELIABLE
    return RELIABLE if cv <= limits["reliable_cv"] else WEAKLY_RELIABLE


def _lacks_degrees(precision: Precision, limits: Mapping[str, float]) -> bool:
    return precision.df is None or precision.df < limits["min_df"]


_RULES: Final[Mapping[str, Callable[[Precision, Mapping[str, float]], str]]] = {
    "ine": _judge_ine,
    "cepal_2020": _judge_cepal_2020,
    "cepal_2023": _judge_cepal_2023,
}
