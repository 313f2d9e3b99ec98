"""Ends of 95 % intervals. Specified in docs/methods/estimation.md, section 6."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal

CONFIDENCE: Final = 0.95

Interval = Literal["t", "logit", "beta", "asin"]
"""How the interval of a share is made: R's `svyciprop` with method mean, logit, beta, asin."""

Ends = tuple[float | None, float | None]


@lru_cache(maxsize=4096)
def t_quantile(df: int) -> float:
    """Quantile (1 + 95 %) / 2 of Student's distribution."""
    from scipy.special import stdtrit  # scipy takes a quarter of a second, and many commands never need it

    return float(stdtrit(df, (1 + CONFIDENCE) / 2))


def t_interval(estimate: float, se: float | None, df: int) -> Ends:
    """Ends of the symmetric interval; null without an error or a degree of freedom."""
    if se is None or df < 1:
        return None, None
    reach = t_quantile(df) * se
    return estimate - reach, estimate + reach


def logit_interval(share: float, se: float | None, df: int) -> Ends:
    """Ends of the 95 % interval of a proportion, symmetric on the logit scale, so that it stays within 0 and 1.

    Returns:
        Both null where the proportion is 0 or 1, or there is no standard error or degree of freedom.

    Source: docs/methods/estimation.md, section 6.
    """
    if se is None or df < 1 or not 0.0 < share < 1.0:
        return None, None
    centre = math.log(share / (1 - share))
    reach = t_quantile(df) * se / (share * (1 - share))
    return _expit(centre - reach), _expit(centre + reach)


def asin_interval(share: float, se: float | None, df: int) -> Ends:
    """Ends on the arcsine-square-root scale."""
    if se is None or df < 1 or not 0.0 < share < 1.0:
        return None, None
    centre = math.asin(math.sqrt(share))
    reach = t_quantile(df) * se / (2 * math.sqrt(share * (1 - share)))
    return math.sin(centre - reach) ** 2, math.sin(centre + reach) ** 2


def beta_interval(share: float, se: float | None, df: int, n: int) -> Ends:
    """Ends of the Clopper-Pearson interval with the effective sample size (Korn and Graubard).

    Args:
        n: rows behind the share.
    """
    from scipy.special import betaincinv

    if not se or df < 1 or n < 2 or not 0.0 < share < 1.0:
        return None, None
    effective = share * (1 - share) / se**2 * (t_quantile(n - 1) / t_quantile(df)) ** 2
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(effective * share, effective * (1 - share) + 1, tail))
    return low, float(betaincinv(effective * share + 1, effective * (1 - share), 1 - tail))


def share_interval(kind: Interval, share: float, se: float | None, df: int, n: int) -> Ends:
    """Ends of a proportion's interval, made as `kind` says."""
    if kind == "beta":
        return beta_interval(share, se, df, n)
    ways: dict[str, Callable[[float, float | None, int], Ends]] = {
        "t": t_interval,
        "logit": logit_interval,
        "asin": asin_interval,
    }
    return ways[kind](share, se, df)


def _expit(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
