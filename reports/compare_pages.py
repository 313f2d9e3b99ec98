"""Pages that hold communes against each other: their index, and one indicator in all of them as map and table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from reports.areas import AreaMap, Colour, colour_areas
from reports.figure_tables import WEAK, write_cell, write_interval, write_label
from reports.pages import PageContext
from reports.places import Comparison, Place, file_of
from reports.wording import Wording
from schemas.estimates import SafeCell

_CLASSES: Final = 5


def communes_page(context: PageContext) -> dict[str, Any]:
    """All communes by region."""
    wording = context.wording
    return {
        "lead": wording.text("communes.lead", n=wording.number(len(context.places))),
        "regions": _by_region(context.places),
    }


def compare_index_page(context: PageContext, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Every indicator by topic, with its range over the communes."""
    wording = context.wording
    topics = []
    for topic in context.topics:
        rows = [
            (file_of(each.result), each.label(wording), _tell_range(each, wording))
            for each in comparisons
            if each.result.indicator.topic == topic.name
        ]
        if rows:
            topics.append((wording.pick(topic.label), rows))
    return {"topics": topics}


def compare_page(context: PageContext, comparison: Comparison, areas: AreaMap | None) -> dict[str, Any]:
    """One indicator: map with its legend, and the table from the largest figure to the smallest."""
    wording, result = context.wording, comparison.result
    total = result.cells["total"][comparison.category]
    cells = [cell for _, cell in comparison.cells]
    precise = any(cell.se is not None for cell in (total, *cells))
    label = comparison.label(wording)
    told = _tell_range(comparison, wording)
    ends = class_ends([cell.estimate for cell in cells if cell.estimate is not None], total.unit, wording)
    drawn = ""
    if areas is not None:
        colours = {place.cut: _colour(cell, ends, wording) for place, cell in comparison.cells}
        description = wording.text("compare.map_desc", label=label, range=told)
        drawn = colour_areas(areas, colours, description)
    return {
        "label": label,
        "description": wording.pick(result.indicator.description),
        "range": told,
        "note": wording.text("compare.sampled" if precise else "compare.not_sampled"),
        "map": drawn,
        "undrawn": "" if areas is None or not areas.undrawn else _undrawn(areas, wording),
        "legend": _legend(cells, ends, total.unit, _has_others(comparison, areas), wording),
        "precise": precise,
        "caption": wording.text("result.caption", label=label, unit=wording.unit(total.unit)),
        "total": _row(None, total, wording),
        "rows": [_row(place, cell, wording) for place, cell in comparison.cells],
        "has_regions": len({place.region for place, _ in comparison.cells}) > 1,
        "data": f"datos/{result.indicator.name}.csv",
        "topic": (f"{context.topic_file(result.indicator.topic)}#{result.indicator.name}", label),
    }


def class_ends(values: Sequence[float], unit: str, wording: Wording) -> list[float]:
    """Upper ends of the classes that a map has colours for: as many communes in each as can be.

    Args:
        values: figures that are shown.
        unit: of the figures; ends are told as they are written.
        wording: how numbers are written.
    """
    ranked = sorted(values)
    ends: list[float] = []
    written: set[str] = set()
    for step in range(1, min(_CLASSES, len(ranked)) + 1):
        end = ranked[max(0, -(-step * len(ranked) // min(_CLASSES, len(ranked))) - 1)]
        text = wording.figure(end, unit)
        if text not in written:
            ends.append(end)
            written.add(text)
    return ends


def _by_region(places: Sequence[Place]) -> list[tuple[str, list[Place]]]:
    return [(region, list(found)) for region, found in groupby(places, key=lambda place: place.region)]


def _tell_range(comparison: Comparison, wording: Wording) -> str:
    shown = [(place, cell) for place, cell in comparison.cells if cell.estimate is not None]
    if len(shown) < 2:
        return wording.text("compare.few")
    (high_place, high), (low_place, low) = shown[0], shown[-1]
    total = comparison.result.cells["total"][comparison.category]
    return wording.text(
        "compare.range",
        low=write_cell(low, wording).text,
        low_commune=low_place.name,
        high=write_cell(high, wording).text,
        high_commune=high_place.name,
        total=write_cell(total, wording).text,
    )


def _step(value: float, ends: Sequence[float]) -> int:
    return next((at for at, end in enumerate(ends) if value <= end), len(ends) - 1)


def _shade(step: int, ends: Sequence[float]) -> int:
    """The colour of a class, the classes spread over all colours."""
    return _CLASSES - 1 if len(ends) < 2 else round(step * (_CLASSES - 1) / (len(ends) - 1))


def _colour(cell: SafeCell, ends: Sequence[float], wording: Wording) -> Colour:
    text = write_cell(cell, wording).text
    if cell.suppressed or cell.estimate is None:
        return Colour(-1, text, is_hidden=bool(cell.suppressed))
    return Colour(_shade(_step(cell.estimate, ends), ends), text, is_weak=cell.label in WEAK)


def _has_others(comparison: Comparison, areas: AreaMap | None) -> bool:
    """Whether the map shows communes that weren't asked."""
    asked = {place.cut for place, _ in comparison.cells}
    return areas is not None and any(area.cut not in asked for panel in areas.panels for area in panel.areas)


def _legend(
    cells: Sequence[SafeCell], ends: Sequence[float], unit: str, has_others: bool, wording: Wording
) -> list[tuple[str, str]]:
    """(class of its colour, what it means) of each entry."""
    steps = [_step(cell.estimate, ends) for cell in cells if cell.estimate is not None]
    legend = []
    for at in range(len(ends)):
        low = wording.figure(ends[at - 1], unit) if at else ""
        high = wording.figure(ends[at], unit)
        if len(ends) == 1:
            text = wording.text("compare.class_single", low=high)
        elif at == 0:
            text = wording.text("compare.class_first", high=high)
        else:
            is_last = at == len(ends) - 1
            text = wording.text("compare.class_last" if is_last else "compare.class_middle", low=low, high=high)
        legend.append((f"a-{_shade(at, ends)}", f"{text} · {wording.counted('compare.class_count', steps.count(at))}"))
    if any(cell.suppressed for cell in cells):
        legend.append(("a-void", wording.text("compare.hidden")))
    if any(cell.label in WEAK for cell in cells):
        legend.append(("a-over", wording.text("compare.weak")))
    return [*legend, ("a-none", wording.text("compare.absent"))] if has_others else legend


def _undrawn(areas: AreaMap, wording: Wording) -> str:
    return wording.text("compare.undrawn", communes=wording.listing(list(areas.undrawn)))


def _row(place: Place | None, cell: SafeCell, wording: Wording) -> dict[str, Any]:
    view = write_cell(cell, wording)
    return {
        "name": wording.text("result.total") if place is None else place.name,
        "link": "" if place is None else f"{place.folder}index.html",
        "region": "" if place is None else place.region,
        "cell": view,
        "value": "" if cell.estimate is None else f"{cell.estimate:.6g}",
        "interval": write_interval(cell, wording),
        "width": "" if cell.se is None else f"{cell.se:.6g}",
        "label": write_label(cell, wording) or "–",
        "n": "–" if cell.n is None else wording.number(cell.n),
        "rows": "" if cell.n is None else str(cell.n),
    }
