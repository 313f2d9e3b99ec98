"""How a domain is written: "total", or its parts in the order of the workbook, "sex=1&age_group=15_29".

Written and read here and nowhere else, so that a code with "&" or "=" in it stays one code. A code's "&" is written
"%26" (and a "%25" or "%26" of its own gets its "%" as "%25"); every other character stands as it is.

>>> parts("sex=1&age_group=15_29")
(('sex', '1'), ('age_group', '15_29'))
>>> breakdown_of("sex=1&age_group=15_29")
'sex*age_group'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from schemas.errors import EstimationError
from schemas.estimates import TOTAL

Part = tuple[str, str]
"""Name of a breakdown, and one of its codes."""

CROSS = "*"
"""Between the names of a crossing, as sheet `indicators` writes it."""

_BETWEEN = "&"
_AMBIGUOUS = re.compile("%(?=2[56])")
_ESCAPED = re.compile("%2([56])")
_PLAIN = {"5": "%", "6": "&"}


@lru_cache(maxsize=65_536)
def parts(domain: str) -> tuple[Part, ...]:
    """Breakdown and code of each part, in order; none for "total".

    Raises:
        EstimationError: EST-083, neither "total" nor "breakdown=code", or a breakdown twice.
    """
    if domain == TOTAL:
        return ()
    found = tuple(_read_part(part, domain) for part in domain.split(_BETWEEN))
    if len({name for name, _ in found}) < len(found):
        raise _unreadable(domain)
    return found


def join(parts: Iterable[Part]) -> str:
    """The domain of these parts, "total" for none: the inverse of `parts`."""
    return _BETWEEN.join(f"{name}={_escape(code)}" for name, code in parts) or TOTAL


def breakdown_of(domain: str) -> str:
    """The breakdown or the crossing that a domain belongs to, "sex*age_group"; "" for "total".

    Raises:
        EstimationError: EST-083, as `parts`.
    """
    return CROSS.join(name for name, _ in parts(domain))


def crossed(breakdown: str) -> tuple[str, ...]:
    """The names in a breakdown or a crossing, in order: `sex*age_group` has two, "" has none."""
    return tuple(breakdown.split(CROSS)) if breakdown else ()


def _read_part(part: str, domain: str) -> Part:
    name, equals, code = part.partition("=")
    if not name or not equals:
        raise _unreadable(domain)
    return name, _ESCAPED.sub(lambda found: _PLAIN[found[1]], code)


def _escape(code: str) -> str:
    return _AMBIGUOUS.sub("%25", code).replace(_BETWEEN, "%26")


def _unreadable(domain: str) -> EstimationError:
    return EstimationError(
        "EST-083",
        f"«{domain}» is no domain.",
        "Write total, or breakdown=code, with & between the parts of a crossing; each breakdown once.",
    )
