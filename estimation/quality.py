"""How far a figure of a probability sample may be trusted: the release standard of INE Chile.

Source: Instituto Nacional de Estadísticas, "Estándar para la evaluación de la calidad de las estimaciones en
encuestas de hogares" (2020), as INE's R package `calidad` applies it. See docs/methods/quality_label.md.
"""

from __future__ import annotations

from typing import Final

MIN_CASES: Final = 60
"""Fewer cases in the domain than this: not reliable."""

MIN_DEGREES: Final = 9
"""Fewer degrees of freedom (PSUs less strata, in the domain) than this: not reliable."""

RELIABLE_CV: Final = 0.15
WEAK_CV: Final = 0.30
"""Coefficients of variation up to which a mean, total or size is reliable, and weakly reliable."""

RELIABLE: Final = "reliable"
WEAKLY_RELIABLE: Final = "weakly_reliable"
NOT_RELIABLE: Final = "not_reliable"
NO_SAMPLING_ERROR: Final = "no_sampling_error"


def largest_reliable_error(share: float) -> float:
    """f(p), the standard error up to which a proportion is reliable.

    Args:
        share: proportion, 0..1.

    Returns:
        p^(2/3)/9 up to one half, (1-p)^(2/3)/9 above.

    >>> round(largest_reliable_error(0.5), 4), largest_reliable_error(0.0)
    (0.07, 0.0)

    Source: docs/methods/quality_label.md, section 2.
    """
    return float(min(share, 1.0 - share) ** (2 / 3) / 9)


def judge_share(share: float | None, se: float | None, n: int, df: int | None) -> str:
    """The label of a proportion.

    Args:
        share: proportion, 0..1, null in an empty domain.
        se: its standard error on the same scale.
        n: unweighted cases in the domain.
        df: degrees of freedom in the domain.
    """
    if share is None or se is None or _is_too_small(n, df):
        return NOT_RELIABLE
    return RELIABLE if se <= largest_reliable_error(share) else WEAKLY_RELIABLE


def judge_size(cv: float | None, n: int, df: int | None) -> str:
    """The label of a mean, total or ratio that isn't a proportion.

    Args:
        cv: coefficient of variation as a fraction, null where the figure is zero or the domain empty.
        n: unweighted cases in the domain.
        df: degrees of freedom in the domain.
    """
    if cv is None or _is_too_small(n, df) or cv > WEAK_CV:
        return NOT_RELIABLE
    return RELIABLE if cv <= RELIABLE_CV else WEAKLY_RELIABLE


def _is_too_small(n: int, df: int | None) -> bool:
    return n < MIN_CASES or df is None or df < MIN_DEGREES
