"""Which tables may be published: the rule about tables of the standard by which figures are judged.

Specified in docs/methods/quality_label.md, section 5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from estimation.quality import NO_SAMPLING_ERROR, NOT_RELIABLE, Standard
from schemas.domains import crossed, parts
from schemas.estimates import Estimate

TableKey = tuple[str, str, str]
"""Indicator; breakdown or crossing, "" for everybody; the commune, if that is in it, else ""."""


@dataclass(frozen=True, slots=True)
class DroppedTable:
    """A table that isn't published.

    Attributes:
        indicator, breakdown: what it tells; breakdown "" for the categories of a distribution in everybody.
        commune: code, where it is the table of one of several communes.
        cells, unreliable: how many figures it has, and how many of them are not reliable.
    """

    indicator: str
    breakdown: str
    commune: str
    cells: int
    unreliable: int


def apply_table_rule(
    estimates: Sequence[Estimate], standard: Standard, communes: str = ""
) -> tuple[tuple[Estimate, ...], tuple[DroppedTable, ...]]:
    """Leave out the tables with too many figures that aren't reliable.

    A table is an indicator in the domains of one breakdown, or of one crossing; within one commune, if that is in it: a
    large commune doesn't lose its figures because there are many small ones. A single figure is no table. Figures
    without sampling error aren't judged, nor are empty domains.

    Args:
        communes: name of the breakdown of communes, "" for none.

    Returns:
        The estimates that may be published, in their order, and the tables left out.
    """
    tables: dict[TableKey, list[str]] = defaultdict(list)
    keys = [_table(one, communes) for one in estimates]
    for key, one in zip(keys, estimates, strict=True):
        if one.estimate is not None and one.label != NO_SAMPLING_ERROR:
            tables[key].append(one.label)
    dropped = {
        key: DroppedTable(*key, len(labels), labels.count(NOT_RELIABLE))
        for key, labels in tables.items()
        if standard.refuses(labels)
    }
    kept = tuple(one for key, one in zip(keys, estimates, strict=True) if key not in dropped)
    return kept, tuple(dropped.values())


def _table(estimate: Estimate, communes: str) -> TableKey:
    found = parts(estimate.domain)
    breakdown = "*".join(name for name, _ in found)
    inside = bool(communes) and communes in crossed(breakdown)
    return estimate.indicator, breakdown, dict(found)[communes] if inside else ""
