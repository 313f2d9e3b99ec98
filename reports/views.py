"""Results as a page shows them in one language: everything decided, so that templates only place it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from reports.charts import Bar, BarGroup, Chart, draw_bars, letter
from reports.figure_tables import WEAK, TableView, tabulate, write_cell
from reports.results import Result
from reports.sentences import (
    category_label,
    domain_label,
    grouping_label,
    headline,
    tell,
    tell_base,
    tell_quality,
    tell_withheld,
)
from reports.wording import PERCENT, Wording
from schemas.estimates import TOTAL, SafeCell
from schemas.text import LANGUAGES

_FEWEST_BARS = 2
_LINE = 20
"""Characters of a label that fit before its bar; a longer one is written in two lines, the table says the rest."""


@dataclass(frozen=True, slots=True)
class ResultView:
    """One indicator in one language.

    Attributes:
        figure: the big number, "" if it isn't shown; `caption` says what it is of.
        category: of a distribution, the one that the big number is of; "" otherwise.
        story: sentences about the figure; `base` about what it rests on.
        quality: its label of reliability as a sentence, "" without sampling error; `is_weak` if that is a warning.
        withheld: how many figures aren't shown, "" if all are.
        chart: inline SVG, "" where bars wouldn't help; `line` says what its dotted line is.
    """

    name: str
    label: str
    description: str
    figure: str
    caption: str
    category: str
    story: tuple[str, ...]
    base: str
    quality: str
    is_weak: bool
    withheld: str
    chart: Markup
    line: str
    table: TableView


def draw_result(result: Result) -> Chart | None:
    """The bars of a result, for all languages; null where there are too few to compare."""
    groups = tuple(_bar_groups(result))
    shown = sum(bool(bar.value) for group in groups for bar in group.bars)
    if shown < _FEWEST_BARS:
        return None
    return draw_bars(groups, line_value(result), result.indicator.unit == PERCENT)


def view_result(result: Result, chart: Chart | None, wording: Wording, standard: str = "") -> ResultView:
    """One indicator as its section of a page.

    Args:
        result: what is told.
        chart: its drawing by `draw_result`.
        wording: the language.
        standard: whose label of quality it carries, as the design sheet says: "ine" or "cepal".
    """
    label = wording.pick(result.indicator.label)
    top = headline(result, wording)
    story = tell(result, wording)
    return ResultView(
        name=result.indicator.name,
        label=label,
        description=wording.pick(result.indicator.description),
        figure=top.figure,
        caption=top.caption,
        category=top.caption if result.total.category else "",
        story=tuple(story),
        base=" ".join(tell_base(result, wording)),
        quality=tell_quality(result, standard, wording),
        is_weak=result.total.label in WEAK,
        withheld=tell_withheld(result, wording),
        chart=_letter(result, chart, label, story, wording),
        line="" if chart is None else tell_line(result, wording),
        table=tabulate(result, wording),
    )


def chart_words(result: Result, wording: Wording) -> dict[str, str]:
    """Mark -> text of everything that is lettered on a result's chart."""
    words: dict[str, str] = {}
    for code in result.categories if result.indicator.kind == "distribution" else ():
        words[f"{TOTAL}/{code}"] = category_label(result, code, wording)
        words[f"={TOTAL}/{code}"] = write_cell(result.cells[TOTAL][code], wording).text
    for grouping in result.groupings:
        words[grouping.name] = grouping_label(grouping, wording)
        for codes, domain in grouping.groups:
            words[f"{domain}/"] = domain_label(grouping, codes, wording)
            if "" in result.cells[domain]:
                words[f"={domain}/"] = write_cell(result.cells[domain][""], wording).text
    return {mark: text if mark.startswith("=") or "/" not in mark else _fold(text) for mark, text in words.items()}


def line_value(result: Result) -> float | None:
    """The figure of everybody, where groups can be held against it."""
    is_held = result.indicator.kind in {"share", "mean", "quantile", "ratio"}
    return result.total.estimate if is_held else None


def tell_line(result: Result, wording: Wording) -> str:
    """What the dotted line of its chart is, "" if there is none."""
    value = line_value(result)
    if value is None:
        return ""
    return wording.text("result.line", figure=wording.figure(value, result.indicator.unit))


def _bar_groups(result: Result) -> Iterator[BarGroup]:
    if result.indicator.kind == "distribution":
        cells = result.cells[TOTAL]
        named = [(f"{TOTAL}/{code}", cell, partial(category_label, result, code)) for code, cell in cells.items()]
        yield BarGroup("", tuple(_bar(mark, cell, label) for mark, cell, label in named))
        return
    for grouping in result.groupings:
        bars = [
            _bar(f"{domain}/", result.cells[domain][""], partial(domain_label, grouping, codes))
            for codes, domain in grouping.groups
            if not _is_empty(result.cells[domain][""])
        ]
        if bars and not grouping.is_crossed:  # the table has the crossings: as bars they would be a wall
            yield BarGroup(grouping.name, tuple(bars))


def _is_empty(cell: SafeCell) -> bool:
    return cell.estimate is None and not cell.suppressed


def _bar(mark: str, cell: SafeCell, label: Callable[[Wording], str]) -> Bar:
    is_long = any(len(label(Wording(language))) > _LINE for language in LANGUAGES)
    weak = cell.label in WEAK
    return Bar(mark, cell.estimate, cell.ci_low, cell.ci_high, bool(cell.suppressed), is_long, weak)


def _letter(result: Result, chart: Chart | None, label: str, story: list[str], wording: Wording) -> Markup:
    if chart is None:
        return Markup("")
    description = wording.text("result.chart_desc", text=" ".join(story))
    words = chart_words(result, wording)
    return Markup(letter(chart, words, label, description, f"c-{result.indicator.name}"))  # noqa: S704 escaped there


def _fold(text: str) -> str:
    return "\n".join(textwrap.wrap(text, _LINE, max_lines=2, placeholder="…")) or text
