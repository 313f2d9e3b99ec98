"""Bars of a result: drawn once for all languages, then lettered in each.

Altair writes the grammar and vl-convert draws it in process. Measuring text is nine tenths of that work, so the drawing
has anchors where words will stand, and nothing's place depends on a word's length. Colours become classes of the style
sheet, so that a chart follows the reader's light or dark page.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any, Final

from reports.drawings import clean_drawing

WIDTH: Final = 340
_LABEL_WIDTH: Final = 148
_VALUE_WIDTH: Final = 62
_ROW: Final = 23
_HEAD: Final = 30
_LONG: Final = 18
_BAR: Final = 11

_CLASSES: Final = {
    "#000001": "c-bar",
    "#000002": "c-text",
    "#000003": "c-head",
    "#000004": "c-total",
    "#000005": "c-hidden",
    "#000006": "c-range",
    "#000007": "c-value",
}
"""Stand-ins for colours in the drawing -> class in the style sheet."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        mark: key of its label and, with "=" before it, of its value's text.
        value: null where there is nothing to draw: withheld, or nobody behind it.
        low, high: ends of its confidence interval.
        is_hidden: withheld by disclosure control.
        is_long: whether its label needs a line of its own in some language.
    """

    mark: str
    value: float | None
    low: float | None = None
    high: float | None = None
    is_hidden: bool = False
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class BarGroup:
    """Bars under one heading; `mark` is the key of its text, "" for none."""

    mark: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing without words: its view box, and shapes with marks to be filled by `letter`."""

    view_box: str
    shapes: str


def draw_bars(groups: tuple[BarGroup, ...], total: float | None, is_percent: bool) -> Chart:
    """Draw horizontal bars, group under group.

    Args:
        groups: what to draw, from the top.
        total: value of everybody, drawn as a line through all groups; null for none.
        is_percent: whether the scale is per cent; it then ends at 10, 25, 50 or 100.
    """
    import vl_convert

    rows, heads, height = _place(groups)
    known = [bar.high or bar.value or 0.0 for group in groups for bar in group.bars]
    spec = copy.deepcopy(_template())
    spec["datasets"] = {
        "rows": rows,
        "heads": heads,
        "totals": [] if total is None else [{"total": total, "y": 0.0, "y2": float(height)}],
    }
    spec["height"] = height
    _set_domain(spec, _scale_end([*known, total or 0.0], is_percent))
    marks = {
        "c-text": [row["mark"] for row in rows],
        "c-value": [f"={row['mark']}" for row in rows if not row["hidden"]],
        "c-hidden": [f"={row['mark']}" for row in rows if row["hidden"]],
        "c-head": [head["mark"] for head in heads],
    }
    view_box, shapes = clean_drawing(vl_convert.vegalite_to_svg(spec), _CLASSES, marks)
    return Chart(view_box, shapes)


def letter(chart: Chart, words: Mapping[str, str], title: str, description: str, identity: str) -> str:
    """The chart in one language, as inline SVG with a title and a description for those who can't see it.

    Args:
        chart: the drawing.
        words: mark -> text.
        title: names the chart.
        description: says what it shows.
        identity: prefix of its element ids, unique on the page.
    """
    lettered = re.sub(r"@@([^@]+)@@", lambda found: escape(words.get(found[1], "")), chart.shapes)
    return (
        f'<svg class="chart" viewBox="{chart.view_box}" role="img" aria-labelledby="{identity}-t {identity}-d">'
        f'<title id="{identity}-t">{escape(title)}</title><desc id="{identity}-d">{escape(description)}</desc>'
        f"{lettered}</svg>"
    )


def _place(groups: tuple[BarGroup, ...]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    rows: list[dict[str, Any]] = []
    heads: list[dict[str, Any]] = []
    top = 4.0
    for group in groups:
        if group.mark:
            heads.append({"y": top + _HEAD - 12, "mark": group.mark})
            top += _HEAD
        for bar in group.bars:
            label = top + _ROW / 2
            if bar.is_long:
                top += _LONG
            rows.append(
                {
                    "label": label,
                    "y": top + _ROW / 2,
                    "top": top + (_ROW - _BAR) / 2,
                    "bottom": top + (_ROW + _BAR) / 2,
                    "mark": bar.mark,
                    "value": bar.value or 0.0,
                    "low": bar.low,
                    "high": bar.high,
                    "at": bar.high if bar.high is not None else (bar.value or 0.0),
                    "hidden": bar.is_hidden,
                }
            )
            top += _ROW
    return rows, heads, round(top + 4)


def _scale_end(values: list[float], is_percent: bool) -> float:
    largest = max(values, default=0.0)
    if is_percent:
        return next((end for end in (10.0, 25.0, 50.0) if largest <= end), 100.0)
    return largest or 1.0


@cache
def _template() -> dict[str, Any]:
    """The grammar of the bars, without data."""
    import altair as alt

    rows, heads, totals = (alt.NamedData(name=name) for name in ("rows", "heads", "totals"))
    y = alt.Y("y:Q").scale(None).axis(None)
    across = alt.Scale(domain=[0, 1], range=[_LABEL_WIDTH, WIDTH - _VALUE_WIDTH])
    x = alt.X("value:Q").scale(across).axis(None)
    classes = {name: colour for colour, name in _CLASSES.items()}

    def anchors(data: Any, name: str) -> Any:  # noqa: ANN401 altair is seen without types
        return alt.Chart(data).mark_point(shape="circle", size=1, filled=True, color=classes[name])

    layers = [
        alt.Chart(totals)
        .mark_rule(color=classes["c-total"])
        .encode(x=alt.X("total:Q").scale(across).axis(None), y=y, y2="y2:Q"),
        alt.Chart(rows)
        .transform_filter("!datum.hidden")
        .mark_rect(color=classes["c-bar"])
        .encode(x=x, x2=alt.datum(0), y=alt.Y("top:Q").scale(None).axis(None), y2="bottom:Q"),
        alt.Chart(rows)
        .transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(color=classes["c-range"], strokeWidth=1.5)
        .encode(x=alt.X("low:Q").scale(across).axis(None), x2="high:Q", y=y),
        anchors(rows, "c-text").encode(x=alt.value(0), y=alt.Y("label:Q").scale(None).axis(None)),
        anchors(rows, "c-value")
        .transform_filter("!datum.hidden")
        .encode(x=alt.X("at:Q").scale(across).axis(None), y=y),
        anchors(rows, "c-hidden").transform_filter("datum.hidden").encode(x=alt.value(_LABEL_WIDTH), y=y),
        anchors(heads, "c-head").encode(x=alt.value(0), y=y),
    ]
    chart = alt.layer(*layers).properties(width=WIDTH, padding=0).configure_view(stroke=None)
    found: dict[str, Any] = chart.to_dict()
    return found


def _set_domain(spec: dict[str, Any], end: float) -> None:
    for layer in spec["layer"]:
        scale = layer["encoding"].get("x", {}).get("scale")
        if scale:
            scale["domain"] = [0, end]
