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
_LONG: Final = 13
"""What a second line of a label adds to its row."""

_BAR: Final = 11
_VOID: Final = 58
"""Width of the hatched box that stands where a figure is withheld."""

_CLASSES: Final = {
    "#000001": "c-bar",
    "#000002": "c-text",
    "#000003": "c-head",
    "#000004": "c-total",
    "#000005": "c-hidden",
    "#000006": "c-range",
    "#000007": "c-value",
    "#000008": "c-void",
    "#000009": "c-weak",
}
"""Stand-ins for colours in the drawing -> class in the style sheet."""


_HIDDEN: Final = 'class="c-void"'
_TEXT: Final = re.compile(r'(?P<start><text x="(?P<x>[-\d.]+)" y="[-\d.]+" class="[\w-]+">)@@(?P<mark>[^@]+)@@</text>')


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        mark: key of its label and, with "=" before it, of its value's text.
        value: null where there is nothing to draw: withheld, or nobody behind it.
        low, high: ends of its confidence interval.
        is_hidden: withheld: a hatched box stands in its place.
        is_long: whether its label needs two lines in some language.
        is_weak: whether its sampling error is too large to rely on it.
    """

    mark: str
    value: float | None
    low: float | None = None
    high: float | None = None
    is_hidden: bool = False
    is_long: bool = False
    is_weak: bool = False


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
        words: mark -> text; a line break in it starts a second line.
        title: names the chart.
        description: says what it shows.
        identity: prefix of its element ids, unique on the page.
    """
    return (
        f'<svg class="chart" viewBox="{chart.view_box}" role="img" aria-labelledby="{identity}-t {identity}-d">'
        f'<title id="{identity}-t">{escape(title)}</title><desc id="{identity}-d">{escape(description)}</desc>'
        f"{letter_shapes(chart, words, identity)}</svg>"
    )


def letter_shapes(chart: Chart, words: Mapping[str, str], identity: str) -> str:
    """What stands within the chart's SVG element, in one language."""
    hatch = f"{identity}-h"
    lettered = _TEXT.sub(lambda found: _text(found, words), chart.shapes)
    if _HIDDEN not in lettered:
        return lettered
    return hatching(hatch) + lettered.replace(_HIDDEN, f'{_HIDDEN} fill="url(#{hatch})"')


def hatching(identity: str) -> str:
    """The pattern that stands for what is withheld."""
    return (
        f'<pattern id="{identity}" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<path class="c-hatch" d="M0 6L6 0M-1 1L1 -1M5 7L7 5"/></pattern>'
    )


def _text(found: re.Match[str], words: Mapping[str, str]) -> str:
    lines = [escape(line) for line in words.get(found["mark"], "").split("\n")]
    if len(lines) == 1:
        return f"{found['start']}{lines[0]}</text>"
    parts = "".join(
        f'<tspan x="{found["x"]}" dy="{"-.55em" if at == 0 else "1.1em"}">{line}</tspan>'
        for at, line in enumerate(lines)
    )
    return f"{found['start']}{parts}</text>"


def _place(groups: tuple[BarGroup, ...]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    rows: list[dict[str, Any]] = []
    heads: list[dict[str, Any]] = []
    top = 4.0
    for group in groups:
        if group.mark:
            heads.append({"y": top + _HEAD - 12, "mark": group.mark})
            top += _HEAD
        for bar in group.bars:
            height = _ROW + (_LONG if bar.is_long else 0)
            rows.append(
                {
                    "y": top + height / 2,
                    "top": top + (height - _BAR) / 2,
                    "bottom": top + (height + _BAR) / 2,
                    "mark": bar.mark,
                    "value": bar.value or 0.0,
                    "low": bar.low,
                    "high": bar.high,
                    "at": bar.high if bar.high is not None else (bar.value or 0.0),
                    "hidden": bar.is_hidden,
                    "weak": bar.is_weak,
                }
            )
            top += height
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

    def bars(name: str, which: str, start: Any, end: Any) -> Any:  # noqa: ANN401 as above
        chart = alt.Chart(rows).transform_filter(which).mark_rect(color=classes[name])
        return chart.encode(x=start, x2=end, y=alt.Y("top:Q").scale(None).axis(None), y2="bottom:Q")

    layers = [
        alt.Chart(totals)
        .mark_rule(color=classes["c-total"])
        .encode(x=alt.X("total:Q").scale(across).axis(None), y=y, y2="y2:Q"),
        bars("c-bar", "!datum.hidden && !datum.weak", x, alt.datum(0)),
        bars("c-weak", "!datum.hidden && datum.weak", x, alt.datum(0)),
        bars("c-void", "datum.hidden", alt.value(_LABEL_WIDTH), alt.value(_LABEL_WIDTH + _VOID)),
        alt.Chart(rows)
        .transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(color=classes["c-range"], strokeWidth=1.5)
        .encode(x=alt.X("low:Q").scale(across).axis(None), x2="high:Q", y=y),
        anchors(rows, "c-text").encode(x=alt.value(0), y=y),
        anchors(rows, "c-value")
        .transform_filter("!datum.hidden")
        .encode(x=alt.X("at:Q").scale(across).axis(None), y=y),
        anchors(rows, "c-hidden").transform_filter("datum.hidden").encode(x=alt.value(_LABEL_WIDTH + _VOID), y=y),
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
