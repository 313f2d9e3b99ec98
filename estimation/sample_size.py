"""How many interviews a survey needs. Formulas and sources: docs/methods/sampling.md, section 4."""

from __future__ import annotations

import math
from dataclasses import dataclass

from schemas.errors import EstimationError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be estimated, and how precisely.

    Attributes:
        share: expected proportion, 0..1; or `mean` and `sd` of a number.
        margin: half the width of the interval, on the figure's scale; or `cv`, a fraction.
        confidence: of the interval.
        effect: design effect; null: from `rho` and `take`.
        rho: correlation within PSUs; take: interviews in a PSU.
        response: share of those drawn who answer.
        population: how many there are, null for very many.
        domains: how many domains need that precision each.
        eligible: share of people whom the figure is about, and household_size: people in a household, where
            households are drawn; null: units are drawn themselves.
    """

    share: float | None = None
    mean: float | None = None
    sd: float | None = None
    margin: float | None = None
    cv: float | None = None
    confidence: float = 0.95
    effect: float | None = None
    rho: float = 0.0
    take: float = 1.0
    response: float = 1.0
    population: float | None = None
    domains: int = 1
    eligible: float = 1.0
    household_size: float | None = None


@dataclass(frozen=True, slots=True)
class SampleSize:
    """The sample needed.

    Attributes:
        simple: completed interviews under simple random sampling from very many, exact.
        effect: design effect.
        completed: completed interviews in a domain, with design effect and population, exact; `interviews` in whole.
        drawn: units to draw in a domain, allowing for non-response (households, where these are drawn).
        total: of all domains.
        psus: PSUs of all domains, null without a take.
        margin, cv: precision reached by `interviews`, on the figure's scale and as a fraction (null where the figure
            is zero or unknown).
    """

    simple: float
    effect: float
    completed: float
    interviews: int
    drawn: int
    total: int
    psus: int | None
    margin: float
    cv: float | None


def size_sample(wanted: Wanted) -> SampleSize:
    """Compute the sample needed.

    Raises:
        EstimationError: EST-094, when something is missing or can't be.
    """
    _check(wanted)
    level, variance = _moments(wanted)
    z = _normal_quantile((1 + wanted.confidence) / 2)
    se = wanted.margin / z if wanted.margin is not None else (wanted.cv or 0.0) * abs(level)
    effect = wanted.effect if wanted.effect is not None else 1 + (wanted.take - 1) * wanted.rho
    simple = variance / se**2
    unlimited = simple * effect
    completed = unlimited
    if wanted.population is not None:
        # A share's variance in a population of N is p(1-p)N/(N-1): Cochran's n0 / (1 + (n0-1)/N).
        swollen = unlimited * (wanted.population / (wanted.population - 1) if wanted.share is not None else 1.0)
        completed = swollen / (1 + swollen / wanted.population)
    interviews = math.ceil(completed - 1e-9)
    units = wanted.eligible * (wanted.household_size or 1.0)
    drawn = math.ceil(interviews / (wanted.response * units) - 1e-9)
    reached = _reached(variance, effect, interviews, wanted)
    return SampleSize(
        simple=simple,
        effect=effect,
        completed=completed,
        interviews=interviews,
        drawn=drawn,
        total=drawn * wanted.domains,
        psus=math.ceil(interviews / wanted.take - 1e-9) * wanted.domains if wanted.take > 1 else None,
        margin=z * reached,
        cv=reached / abs(level) if level else None,
    )


def _moments(wanted: Wanted) -> tuple[float, float]:
    if wanted.share is not None:
        return wanted.share, wanted.share * (1 - wanted.share)
    return wanted.mean if wanted.mean is not None else 0.0, (wanted.sd or 0.0) ** 2


def _reached(variance: float, effect: float, interviews: int, wanted: Wanted) -> float:
    open_share = 1.0
    if wanted.population is not None:
        below = wanted.population - (1 if wanted.share is not None else 0)
        open_share = max((wanted.population - interviews) / below, 0.0)
    return math.sqrt(variance * effect / interviews * open_share)


def _check(wanted: Wanted) -> None:
    if (wanted.share is None) == (wanted.sd is None):
        raise _impossible("What is estimated isn't said.", "Give --share P, or --sd S of a number.")
    if (wanted.margin is None) == (wanted.cv is None):
        raise _impossible("How precise it must be isn't said.", "Give --margin E or --cv C, one of them.")
    if wanted.cv is not None and wanted.share is None and not wanted.mean:
        raise _impossible("A coefficient of variation needs a mean that isn't zero.", "Give --mean M, or --margin E.")
    open_ends = {"--share": wanted.share, "--confidence": wanted.confidence}
    shares = {"--response": wanted.response, "--eligible": wanted.eligible}
    positive = {
        "--sd": wanted.sd,
        "--margin": wanted.margin,
        "--cv": wanted.cv,
        "--deff": wanted.effect,
        "--household-size": wanted.household_size,
    }
    for name, value in open_ends.items():
        if value is not None and not 0 < value < 1:
            raise _impossible(f"{name} is {value:g}.", "Write a number above 0 and below 1.")
    for name, value in shares.items():
        if not 0 < value <= 1:
            raise _impossible(f"{name} is {value:g}.", "Write a share above 0 and at most 1.")
    for name, value in positive.items():
        if value is not None and not value > 0:
            raise _impossible(f"{name} is {value:g}.", "Write a number above 0.")
    if not 0 <= wanted.rho <= 1 or wanted.take < 1 or wanted.domains < 1:
        raise _impossible(
            f"--rho is {wanted.rho:g}, --take {wanted.take:g}, --domains {wanted.domains}.",
            "Write a correlation from 0 to 1, a take from 1 on, and one domain or more.",
        )
    if wanted.population is not None and wanted.population < 2:
        raise _impossible(f"--population is {wanted.population:g}.", "Write how many there are, two or more.")


def _impossible(found: str, advice: str) -> EstimationError:
    return EstimationError("EST-094", found, advice)


def _normal_quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))
