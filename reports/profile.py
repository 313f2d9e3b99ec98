"""The profile of a survey or a commune on exactly four A4 pages, for somebody who decides and has a quarter of an hour.

Page 1: main figures and where; 2 and 3: every topic; 4: method and limits. The page is whole in itself, so that any
browser prints it; what each column holds is decided here, by the height that each row will take.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from reports.charts import Chart, letter
from reports.figure_tables import WEAK, write_label
from reports.maps import letter_map
from reports.pages import PageContext
from reports.paper_pages import tell_rules
from reports.results import Result
from reports.sentences import headline, tell_groups
from reports.views import chart_words, draw_result
from reports.wording import PERCENT, Wording
from schemas.communes import find_commune

_KEY_FIGURES: Final = 9
_COLUMN: Final = 232.0
"""Millimetres of a column of topics."""

_CHART_COLUMN: Final = 222.0
_CHART_SCALE: Final = 84 / 341
"""Millimetres of a unit of a chart in a column."""

_FULL: Final = 0.93
"""Share of the columns that may be filled by reckoning: a topic isn't cut anywhere."""

_HEAD: Final = 11.0
_LINE: Final = 4.15
_ASIDE: Final = 3.75
_BAR: Final = 2.25
_GAP: Final = 2.9
_WIDE: Final = 32
"""Characters of a row's label in one line, beside its figure."""

_ASIDE_WIDE: Final = 54


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One indicator.

    Attributes:
        figure: "" where it is withheld or nobody stands behind it; `caption` is its unit or category.
        aside: interval, label of quality and the figure of the whole survey.
        bar: length in per cent of the column, null where a bar has no sense.
    """

    label: str
    figure: str
    caption: str
    aside: str
    bar: float | None

    @property
    def height(self) -> float:
        """Millimetres, never less than what it takes."""
        lines = len(textwrap.wrap(self.label, _WIDE)) + (1 if self.caption else 0)
        asides = math.ceil(len(self.aside) / _ASIDE_WIDE)
        return _LINE * lines + _ASIDE * asides + (_BAR if self.bar is not None else 0.0) + _GAP


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a topic within a column; `more` says how many aren't shown, "" if all are."""

    title: str
    rows: tuple[ProfileRow, ...]
    more: str = ""

    @property
    def height(self) -> float:
        """Millimetres."""
        return _HEAD + sum(row.height for row in self.rows) + (_LINE if self.more else 0.0)


def profile_page(context: PageContext) -> dict[str, Any]:
    """What the four pages say."""
    wording, contents = context.wording, context.contents
    cut = context.place.cut if context.place else contents.specs.design.commune
    commune = find_commune(cut)
    name = context.place.name if context.place else context.title
    columns, has_room = lay_columns(_blocks(context))
    return {
        "style": Markup(_style()),  # noqa: S704 our own file
        "name": name,
        "commune": commune,
        "keys": list(_key_figures(context))[:_KEY_FIGURES],
        "map": None if context.commune is None else letter_map(context.commune, wording),
        "columns": columns,
        "charts": _charts(context) if has_room else ([], []),
        "rules_text": tell_rules(context) if contents.rules else "",
        "threshold": context.table.threshold,
        "statement": wording.pick(context.table.statement),
        "missing": _missing(context.results, wording),
        "precise": any(cell.se is not None for result in context.results for cell in result.all_cells()),
        "place_count": len(context.places),
    }


def lay_columns(blocks: Sequence[Block]) -> tuple[list[list[Block]], bool]:
    """The topics in columns, as even as they go: four of them, or two where these are enough.

    Returns:
        The columns, and whether the third page is left for charts. Rows that find no room are counted in the block.
    """
    total = sum(block.height for block in blocks)
    count = 2 if total < 1.8 * _COLUMN else 4
    share = min(_COLUMN, max((total / count) * 1.05, max((_first(block) for block in blocks), default=0.0)))
    columns: list[list[Block]] = [[] for _ in range(count)]
    at, used = 0, 0.0
    for block in blocks:
        rest: Block | None = block
        while rest is not None:
            room = (_COLUMN if at == count - 1 else share) - used
            if rest.height <= room:
                columns[at].append(rest)
                used += rest.height
                rest = None
            elif at < count - 1:
                fits, rest = _split(rest, room)
                if fits is not None:
                    columns[at].append(fits)
                at, used = at + 1, 0.0
            else:
                columns[at].extend(_shortened(rest, room))
                used = _COLUMN
                rest = None
    return columns, count == 2


def _first(block: Block) -> float:
    return _HEAD + (block.rows[0].height if block.rows else 0.0)


def _split(block: Block, room: float) -> tuple[Block | None, Block]:
    """The part of a block that fits, null where that would be less than two rows, and the rest."""
    used, fits = _HEAD, 0
    for row in block.rows:
        if used + row.height > room:
            break
        used += row.height
        fits += 1
    if fits < 2 or len(block.rows) - fits < 1:
        return None, block
    return replace(block, rows=block.rows[:fits]), replace(block, rows=block.rows[fits:])


def _shortened(block: Block, room: float) -> Iterator[Block]:
    fits, rest = _split(block, room - _LINE)
    if fits is not None:
        yield replace(fits, more=str(len(rest.rows)))


def _blocks(context: PageContext) -> list[Block]:
    """The topics; each row also tells its groups apart where all columns have room for that."""
    rich = _topics(context, has_groups=True)
    is_fitting = sum(block.height for block in rich) < _FULL * 4 * _COLUMN
    return rich if is_fitting else _topics(context, has_groups=False)


def _topics(context: PageContext, *, has_groups: bool) -> list[Block]:
    blocks = []
    for topic in context.topics:
        results = [result for result in context.results if result.indicator.topic == topic.name]
        rows = tuple(_row(result, context, has_groups=has_groups) for result in results)
        blocks.append(Block(context.wording.pick(topic.label), rows))
    return blocks


def _row(result: Result, context: PageContext, *, has_groups: bool) -> ProfileRow:
    wording, total = context.wording, result.total
    top = headline(result, wording)
    label = write_label(total, wording) if total.label in WEAK else ""
    asides = [top.interval, label, context.whole_figure(result)]
    if has_groups and top.figure:
        asides.append(tell_groups(result, wording))
    is_percent = result.indicator.unit == PERCENT and total.estimate is not None
    return ProfileRow(
        label=wording.pick(result.indicator.label),
        figure=top.figure,
        caption=top.caption,
        aside=" · ".join(text for text in asides if text),
        bar=min(100.0, total.estimate or 0.0) if is_percent else None,
    )


def _key_figures(context: PageContext) -> Iterator[dict[str, str]]:
    """One of each topic that shows any."""
    wording = context.wording
    for topic in context.topics:
        for result in context.results:
            top = headline(result, wording)
            if result.indicator.topic == topic.name and top.figure:
                yield {
                    "figure": top.figure,
                    "caption": top.caption,
                    "label": wording.pick(result.indicator.label),
                    "interval": top.interval,
                    "whole": context.whole_figure(result),
                }
                break


def _charts(context: PageContext) -> tuple[list[Markup], list[Markup]]:
    """Charts of results told apart by groups, in two columns, as many as there is room for."""
    columns: tuple[list[Markup], list[Markup]] = ([], [])
    used = [0.0, 0.0]
    for result in context.results:
        name = result.indicator.name
        chart = context.charts[name] if name in context.charts else draw_result(result)
        if chart is None:
            continue
        height = 11.0 + float(chart.view_box.split()[3]) * _CHART_SCALE
        at = 0 if used[0] + height <= _CHART_COLUMN else 1
        if used[at] + height <= _CHART_COLUMN:
            columns[at].append(_chart(result, chart, context.wording))
            used[at] += height
    return columns


def _chart(result: Result, chart: Chart, wording: Wording) -> Markup:
    label = wording.pick(result.indicator.label)
    drawn = letter(chart, chart_words(result, wording), label, label, f"f-{result.indicator.name}")
    return Markup("<h3>{}</h3>{}").format(label, Markup(drawn))  # noqa: S704 escaped there


def _missing(results: Sequence[Result], wording: Wording) -> str:
    rates = [(result.total.unknown_rate, result) for result in results if result.total.unknown_rate]
    if not rates:
        return wording.text("profile.missing_none")
    rate, result = max(rates, key=lambda pair: pair[0])
    label = wording.pick(result.indicator.label)
    return wording.text("profile.missing_text", label=label, rate=wording.percent(100 * rate))


def _style() -> str:
    static = files("reports").joinpath("static")
    return "".join(static.joinpath(name).read_text(encoding="utf-8") for name in ("profile.css",))
