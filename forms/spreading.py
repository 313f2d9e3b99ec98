"""A survey of many communes: its figures in each of them, their names, and how often each is rehearsed.

The design setting `communes` names a breakdown of the interview whose codes are communes (CUT). Every indicator is then
estimated in the whole, in each commune, and in each of its breakdowns crossed with the commune. Setting `regions`
names a breakdown whose codes are regions: names are filled in, and each indicator is estimated in each region too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from schemas.communes import EVERYWHERE, find_commune, read_communes, read_regions
from schemas.domains import CROSS, crossed
from schemas.text import LANGUAGES, Text
from schemas.workbook import Breakdown, Design, Indicator, RehearsalRow, Specs

FRAME: Final = "frame:"
REGIONS: Final = "regions"
_CUT = re.compile(r"(\d{5})(?!\d)")
_BARE_REFERENCE = re.compile(r"\$\{\s*([^}\s]+)\s*\}")


def spread(specs: Specs) -> Specs:
    """The specs of a survey of many communes in full; those of any other as they are."""
    communes = find_breakdown(specs, specs.design.communes)
    regions = find_breakdown(specs, specs.design.settings.get(REGIONS, ""))
    if regions is not None:
        specs = _with_breakdown(specs, _labelled(regions, _region_labels()))
    if communes is None:
        return specs
    counts = frame_counts(specs.design)
    named = _labelled(communes, _commune_labels(communes.categories or tuple(counts)))
    # A commune of the frame has its row in every table, also before anybody was interviewed there.
    named = replace(named, categories=communes.categories or tuple(counts))
    specs = _with_breakdown(specs, named)
    outer = "" if regions is None else regions.name
    indicators = tuple(replace(one, breakdowns=spread_breakdowns(one, named.name, outer)) for one in specs.indicators)
    return replace(specs, indicators=indicators, rehearsal=(*specs.rehearsal, *_rehearsed(specs, named, counts)))


def spread_breakdowns(indicator: Indicator, communes: str, regions: str = "") -> tuple[str, ...]:
    """The breakdowns of an indicator with the commune before and across each, and the regions, which it divides.

    >>> from types import SimpleNamespace
    >>> spread_breakdowns(SimpleNamespace(breakdowns=("sex", "sex*age")), "commune")
    ('commune', 'sex', 'sex*age', 'commune*sex', 'commune*sex*age')
    >>> spread_breakdowns(SimpleNamespace(breakdowns=("sex", "region*sex")), "commune", "region")
    ('commune', 'region', 'sex', 'region*sex', 'commune*sex')
    """
    own = [name for name in indicator.breakdowns if communes not in crossed(name)]
    across = (CROSS.join((communes, name)) for name in own if not regions or regions not in crossed(name))
    return tuple(dict.fromkeys((communes, *((regions,) if regions else ()), *own, *across)))


def find_breakdown(specs: Specs, name: str) -> Breakdown | None:
    """The breakdown of that name, null if there is none."""
    return next((one for one in specs.breakdowns if name and one.name == name), None)


def list_communes(specs: Specs) -> tuple[str, ...]:
    """The communes that a survey is known to span: one, many, or none if the workbook names none.

    In order of the workbook: the categories of the breakdown, else the communes of the frame.
    """
    breakdown = find_breakdown(specs, specs.design.communes)
    if breakdown is None:
        return (specs.design.commune,) if specs.design.commune else ()
    return tuple(cut for cut in breakdown.categories or frame_counts(specs.design) if find_commune(cut) is not None)


def communes_text(specs: Specs) -> str:
    """The communes of a survey as rights know them: CUT codes with spaces between, `EVERYWHERE`, "" for none."""
    found = list_communes(specs)
    if specs.design.communes and len(found) < 2:
        # Interviews have each their own, so that it counts as a survey of many whatever its list says today.
        return EVERYWHERE
    return " ".join(sorted(found))


def frame_counts(design: Design) -> dict[str, float]:
    """Commune -> how many the frame has there: rows `frame:13125`, or `frame:13125-2` of several strata, added up.

    >>> frame_counts(Design("s", settings={"frame:13125-1": "60", "frame:13125-2": "40", "frame:urban": "9"}))
    {'13125': 100.0}
    """
    counts: dict[str, float] = {}
    for name, value in design.settings.items():
        found = _CUT.match(name.removeprefix(FRAME)) if name.startswith(FRAME) else None
        if found is not None and find_commune(found[1]) is not None:
            counts[found[1]] = counts.get(found[1], 0.0) + _number(value)
    return counts


def question_of(expression: str) -> str:
    """The question that an expression merely names, "" if it is more than that."""
    found = _BARE_REFERENCE.fullmatch(expression.strip())
    return found[1] if found else ""


def _with_breakdown(specs: Specs, breakdown: Breakdown) -> Specs:
    others = tuple(breakdown if one.name == breakdown.name else one for one in specs.breakdowns)
    return replace(specs, breakdowns=others)


def _labelled(breakdown: Breakdown, labels: Mapping[str, Text]) -> Breakdown:
    """The same with names where the workbook gives none."""
    return replace(breakdown, category_labels={**labels, **breakdown.category_labels})


def _commune_labels(codes: Sequence[str]) -> dict[str, Text]:
    wanted = codes or tuple(read_communes())
    found = ((cut, find_commune(cut)) for cut in wanted)
    return {cut: dict.fromkeys(LANGUAGES, one.name) for cut, one in found if one is not None}


def _region_labels() -> dict[str, Text]:
    return {code: dict.fromkeys(LANGUAGES, name) for code, name in read_regions().items()}


def _rehearsed(specs: Specs, communes: Breakdown, counts: Mapping[str, float]) -> list[RehearsalRow]:
    """How often each commune is rehearsed, where the sheet doesn't say: as its frame, else as its population."""
    question = question_of(communes.value)
    if not question or any(row.question == question for row in specs.rehearsal):
        return []
    known = read_communes()
    weights = counts or {cut: float(known[cut].population) for cut in communes.categories if cut in known}
    return [RehearsalRow(question, cut, weight) for cut, weight in weights.items() if weight > 0]


def _number(text: str) -> float:
    try:
        return max(float(text), 0.0)
    except ValueError:
        return 0.0
