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

_KEY_ROOM: Final = 78.0
_KEY_HEAD: Final = 16.0
_KEY_WIDE: Final = 26

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
        "keys": choose_keys(list(_key_figures(context))[:_KEY_FIGURES]),
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


def choose_keys(keys: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """As many of the main figures, three in a row, as the first page has room for."""
    used, kept = 0.0, 0
    for start in range(0, len(keys), 3):
        row = keys[start : start + 3]
        lines = max(len(textwrap.wrap(f"{key['label']} {key['caption']}", _KEY_WIDE)) for key in row)
        asides = max(math.ceil(len(key["interval"] + key["whole"]) / (1.4 * _KEY_WIDE)) for key in row)
        used += _KEY_HEAD + _LINE * lines + _ASIDE * asides
        if used > _KEY_ROOM:
            break
        kept = start + 3
    return list(keys[: max(kept, 3)])


def lay_columns(blocks: Sequence[Block]) -> tuple[list[list[Block]], bool]:
    """The topics in columns, as even as they go: four of them, or two where these are enough.

    Of topics that find no room as a whole each keeps its first rows, and says how many more there are.

    Returns:
        The columns, and whether the third page is left for charts.
    """
    most = max((len(block.rows) for block in blocks), default=0)
    for count in (2, 4):
        if _fill(blocks, count, _COLUMN) is not None:
            return _even(blocks, count), count == 2
    for rows in range(most - 1, 0, -1):
        cut = [_first_rows(block, rows) for block in blocks]
        if _fill(cut, 4, _COLUMN) is not None:
            return _even(cut, 4), False
    cut = [_first_rows(block, 1) for block in blocks]
    while _fill(cut, 4, _COLUMN) is None:
        cut.pop()
    return _even(cut, 4), False


def _even(blocks: Sequence[Block], count: int) -> list[list[Block]]:
    """Columns of the least height in which everything stands, to a millimetre."""
    low, high = 0, math.ceil(_COLUMN)
    while low < high:
        middle = (low + high) // 2
        if _fill(blocks, count, min(middle, _COLUMN)) is None:
            low = middle + 1
        else:
            high = middle
    return _fill(blocks, count, min(high, _COLUMN)) or []


def _fill(blocks: Sequence[Block], count: int, height: float) -> list[list[Block]] | None:
    """Columns filled row by row, null where there is no room for all."""
    columns: list[list[Block]] = [[]]
    used = 0.0
    for block in blocks:
        start = 0
        rest = Block(block.title, (), block.more)
        used += rest.height
        if used + (block.rows[0].height if block.rows else 0.0) > height:
            columns.append([])
            used = rest.height
        for at, row in enumerate(block.rows):
            if used + row.height > height:
                columns[-1].append(Block(block.title, block.rows[start:at]))
                columns.append([])
                start, used = at, rest.height
            used += row.height
        columns[-1].append(Block(block.title, block.rows[start:], block.more))
        if used > height or len(columns) > count:
            return None
    return [*columns, *([] for _ in range(count - len(columns)))]


def _first_rows(block: Block, rows: int) -> Block:
    hidden = len(block.rows) - rows
    return replace(block, rows=block.rows[:rows], more=str(hidden)) if hidden > 0 else block


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
        label=textwrap.shorten(wording.pick(result.indicator.label), 3 * _WIDE, placeholder="…"),
        figure=top.figure,
        caption=textwrap.shorten(top.caption, _ASIDE_WIDE, placeholder="…"),
        aside=textwrap.shorten(" · ".join(text for text in asides if text), 3 * _ASIDE_WIDE, placeholder="…"),
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
