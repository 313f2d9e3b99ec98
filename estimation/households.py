"""Whether the people that a figure tells of are of one household: then it tells of it, however many they are."""

from __future__ import annotations

import numpy as np

from estimation.samples import Codes, Flags

MOST = 60
"""Rows beyond which a group isn't one household any more: larger ones aren't looked at."""


def of_one_household(interview: Codes | None, domain: Codes, counted: Flags, hits: Flags, count: int) -> Flags:
    """Domains of which the base, the rows behind the figure or the rest of the base are of a single interview.

    Args:
        interview: of each row; null where rows aren't parts of interviews.
        domain: of each row, -1 for none.
        counted: rows of the base.
        hits: of these, the rows behind the figure.
        count: how many domains there are.
    """
    found = np.zeros(count, np.bool_)
    if interview is None:
        return found
    for picked in (counted, hits, counted & ~hits):
        rows = np.bincount(domain[picked & (domain >= 0)], minlength=count)[:count]
        few = (rows > 0) & (rows <= MOST)
        if not few.any():
            continue
        here = np.flatnonzero(picked & (domain >= 0))
        here = here[few[domain[here]]]
        least, most = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
        np.minimum.at(least, domain[here], interview[here])
        np.maximum.at(most, domain[here], interview[here])
        found |= few & (least == most)
    return found
