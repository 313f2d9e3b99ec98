"""What an intruder would find out about a release that isn't out yet, together with those that are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reports.intruder import audit_release
from reports.linked import LinkedTables
from reports.published import Published, Shown
from reports.quantities import Meaning, Place
from reports.rules import DisclosureRules
from schemas.estimates import Estimate

_HALF = 5e-7
"""Half of the last decimal that figures are written with."""


def told_together(
    cells: Sequence[Estimate],
    linked: LinkedTables,
    hidden: Collection[int],
    meanings: Mapping[str, Meaning],
    rules: DisclosureRules,
    earlier: Sequence[Published],
) -> list[int]:
    """The quantities of withheld cells that all releases together tell too closely.

    Args:
        cells: all figures of the release.
        linked: the same as quantities.
        hidden: those that would be withheld.
        meanings, rules: as `protect` knows them.
        earlier: releases that are out.
    """
    kinds = {cell.indicator: "distribution" if cell.category else "share" for cell in cells}
    release = Published(
        name="",
        survey="",
        places=tuple(Place(cell.indicator, cell.domain, cell.category) for cell in cells),
        shown=tuple(
            Shown(None, None, True) if at in hidden else Shown(cell.estimate, cell.n, False)
            for at, cell in enumerate(cells)
        ),
        layout=linked.layout,
        meanings={name: meanings.get(name) or Meaning(kind, f"{name}:") for name, kind in kinds.items()},
        half=_HALF,
        is_weighted=any(cell.se is not None for cell in cells),
        threshold=rules.threshold,
        protection=rules.protection,
        incomplete=frozenset(linked.incomplete),
    )
    places = {place: at for at, place in enumerate(release.places)}
    found: dict[int, None] = {}
    for cell in audit_release(release, earlier, exact=False):
        if cell.is_narrow and not cell.against:
            at = places[Place(cell.indicator, cell.domain, cell.category)]
            found[linked.layout.rows[at] if cell.what != "base" else linked.layout.base[at]] = None
    return list(found)
