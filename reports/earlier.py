"""What releases that are out already give away about a new one (DC-05).

If a later release is the earlier with a few interviews more, each figure shown in both tells of those few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.knowledge import movement, told_quantities
from reports.published import Published
from reports.quantities import Key, Layout, domain_of
from reports.ties import Floats
from schemas.errors import ReleaseError


def compare_earlier(
    layout: Layout, values: Floats, earlier: Sequence[Published], threshold: int
) -> tuple[frozenset[int], dict[Key, tuple[float, float]]]:
    """The cells that would tell of few newcomers, and what earlier releases tell of all quantities.

    Args:
        layout: of the new release.
        values: of its quantities, in order; there may be more of them.
        earlier: what is out.
        threshold: newcomers below which a change isn't shown.

    Raises:
        ReleaseError: REL-011, when there are fewer newcomers than that in all.
    """
    changed: set[int] = set()
    bounds: dict[Key, tuple[float, float]] = {}
    now = {key: float(values[at]) for at, key in enumerate(layout.keys)}
    for other in earlier:
        then = told_quantities(other)
        moved = movement(now, then)
        if moved is None:
            continue
        less, more = moved
        for key in now.keys() & then.keys():
            low, high = bounds.get(key, (0.0, float("inf")))
            bounds[key] = max(low, then[key] - less), min(high, then[key] + more)
        if not less and 0 < more < threshold:
            raise ReleaseError(
                "REL-011",
                f"Since release «{other.name}» only {more:.0f} rows came: the difference would tell of these few.",
                "Release when more interviews are in, or don't publish this one.",
            )
        few = told_by_few(now, then, layout, threshold)
        changed |= {
            at for at, pair in enumerate(zip(layout.base, layout.rows, strict=True)) if not few.isdisjoint(pair)
        }
    return frozenset(changed), bounds


def told_by_few(now: Mapping[Key, float], then: Mapping[Key, float], layout: Layout, threshold: int) -> set[int]:
    """Bases of a domain in which there are newcomers, but fewer than the threshold: shown again, they tell of these."""
    return {
        at
        for at in set(layout.base)
        if (key := layout.keys[at]) in now and key in then and domain_of(key) and 0 < now[key] - then[key] < threshold
    }
