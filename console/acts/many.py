"""Many answers changed at once: weighed together, refused an interview at a time, written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from console.acts.changing import Wanted, change_rows, derived_rows, weigh_changes, write_changes
from console.acts.grounds import Ground
from schemas.decisions import CellChange, Decision
from store.open import Store
from store.people import Person
from validation.cleaning.weighing import cell_of

OPENS_ERROR = "opens_error"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of many changes.

    Attributes:
        ids: of the rows asked for, by their place in what was asked, instance by instance.
        refused: interviews in which an error would open.
        derived: how many rows follow from them.
        closes, opens: findings of the interviews that weren't refused.
    """

    ids: tuple[int, ...]
    refused: frozenset[str]
    derived: int
    closes: int = 0
    opens: int = 0


def write_many(
    store: Store,
    person: Person,
    form_id: str,
    ground: Ground,
    wanted: Mapping[str, Sequence[Wanted]],
    *,
    force: bool,
    dry_run: bool = False,
    at: datetime | None = None,
) -> Written:
    """Change answers of many interviews of one ground.

    Args:
        wanted: instance id -> changes, in order; of two of one cell the later goes on from the earlier.
        force: write also what opens an error.
        dry_run: write nothing.
    """
    net: dict[tuple[str, ...], CellChange] = {}
    for rows in wanted.values():
        for one in rows:
            before = net.get(cell_of(one.change))
            old = one.change.old if before is None else before.old
            net[cell_of(one.change)] = replace(one.change, old=old)
    weighed = weigh_changes(ground, [change for change in net.values() if change.old != change.new])
    errors = frozenset(row.instance_id for row in weighed.opens if row.severity == "error")
    refused = frozenset() if force else errors & frozenset(wanted)
    derived: dict[str, list[CellChange]] = {}
    for change in weighed.derived:
        derived.setdefault(change.instance_id, []).append(change)
    fresh: list[Decision] = []
    own: list[int] = []
    for instance_id, rows in wanted.items():
        if instance_id in refused:
            continue
        first = len(fresh)
        mine = [replace(row, cause=None) for row in change_rows(person, form_id, rows, ())]
        own += range(first, first + len(mine))
        fresh += mine
        fresh += derived_rows(person, form_id, derived.get(instance_id, ()), -(first + 1))
    kept = [name for name in wanted if name not in refused]
    closes = sum(row.instance_id not in refused for row in weighed.closes)
    opens = sum(row.instance_id not in refused for row in weighed.opens)
    if not fresh or dry_run:
        return Written((), refused, len(fresh) - len(own), closes, opens)
    numbers = write_changes(store, ground, form_id, fresh, weighed, kept, at)
    return Written(tuple(numbers[place] for place in own), refused, len(fresh) - len(own), closes, opens)
