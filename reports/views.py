"""Results as a page shows them in one language: everything decided, so that templates only place it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from reports.charts import Bar, BarGroup, Chart, draw_bars, letter
from reports.results import Result, readable_calculation
from reports.sentences import category_label, domain_label, headline, tell, tell_base, tell_withheld
from reports.tables import plain_text
from reports.wording import PERCENT, Wording
from schemas.estimates import TOTAL, SafeCell
from schemas.fields import Field
from schemas.text import LANGUAGES

_FEWEST_BARS = 2
_SHORT_LABEL = 20
"""Characters of a label that fit before its bar; a longer one stands on a line of its own."""

_LONGEST_LABEL = 46
"""Characters that fit on that line; the table says the rest."""


@dataclass(frozen=True, slots=True)
class CellView:
    """One figure of a table: its text, and why it is withheld ("" if it isn't)."""

    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of a table: a group's name and its figures."""

    label: str
    cells: tuple[CellView, ...]


@dataclass(frozen=True, slots=True)
class SectionView:
    """Rows of one breakdown under its name; the first section, everybody, has none."""

    label: str
    rows: tuple[RowView, ...]


@dataclass(frozen=True, slots=True)
class TableView:
    """A table: caption, heads of its columns after the first, and sections of rows."""

    caption: str
    heads: tuple[str, ...]
    sections: tuple[SectionView, ...]


@dataclass(frozen=True, slots=True)
class ResultView:
    """One indicator in one language.

    Attributes:
        figure: the big number, "" if it isn't shown; `caption` says what it is of.
        story: sentences about the figure; `base` about what it rests on.
        chart: inline SVG, "" where bars wouldn't help; `line` says what its dotted line is.
        how: (term, text, is_code) rows on how it was computed.
        questions: (name, text, calculation) of the questions used; those asked have no calculation.
    """

    name: str
    label: str
    description: str
    figure: str
    caption: str
    story: tuple[str, ...]
    base: str
    withheld: str
    chart: Markup
    line: str
    table: TableView
    how: tuple[tuple[str, str, bool], ...]
    questions: tuple[tuple[str, str, str], ...]


def draw_result(result: Result) -> Chart | None:
    """The bars of a result, for all languages; null where there are too few to compare."""
    groups = tuple(_bar_groups(result))
    shown = sum(bool(bar.value) for group in groups for bar in group.bars)
    if shown < _FEWEST_BARS:
        return None
    return draw_bars(groups, _line_value(result), result.indicator.unit == PERCENT)


def view_result(result: Result, chart: Chart | None, wording: Wording) -> ResultView:
    """One indicator as its section of a page."""
    indicator = result.indicator
    label = wording.pick(indicator.label)
    top = headline(result, wording)
    story = tell(result, wording)
    return ResultView(
        name=indicator.name,
        label=label,
        description=wording.pick(indicator.description),
        figure=top.figure,
        caption=top.caption,
        story=tuple(story),
        base=" ".join(tell_base(result, wording)),
        withheld=tell_withheld(result, wording),
        chart=_letter(result, chart, label, story, wording),
        line=_line(result, chart, wording),
        table=_table(result, label, wording),
        how=tuple(_how(result, wording)),
        questions=tuple(_question(field, wording) for field in result.questions),
    )


def _line_value(result: Result) -> float | None:
    """The figure of everybody, where groups can be held against it."""
    return result.total.estimate if result.indicator.kind in {"share", "mean", "ratio"} else None


def _line(result: Result, chart: Chart | None, wording: Wording) -> str:
    value = _line_value(result)
    if chart is None or value is None:
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
            _bar(f"{domain}/", result.cells[domain][""], partial(domain_label, grouping, code))
            for code, domain in grouping.groups
            if not _is_empty(result.cells[domain][""])
        ]
        yield BarGroup(grouping.breakdown.name, tuple(bars))


def _is_empty(cell: SafeCell) -> bool:
    return cell.estimate is None and not cell.suppressed


def _bar(mark: str, cell: SafeCell, label: Callable[[Wording], str]) -> Bar:
    is_long = any(len(label(Wording(language))) > _SHORT_LABEL for language in LANGUAGES)
    return Bar(mark, cell.estimate, cell.ci_low, cell.ci_high, bool(cell.suppressed), is_long)


def _letter(result: Result, chart: Chart | None, label: str, story: list[str], wording: Wording) -> Markup:
    if chart is None:
        return Markup("")
    words: dict[str, str] = {}
    for code in result.categories if result.indicator.kind == "distribution" else ():
        words[f"{TOTAL}/{code}"] = category_label(result, code, wording)
        words[f"={TOTAL}/{code}"] = _cell(result.cells[TOTAL][code], wording).text
    for grouping in result.groupings:
        words[grouping.breakdown.name] = wording.pick(grouping.breakdown.label)
        for code, domain in grouping.groups:
            words[f"{domain}/"] = domain_label(grouping, code, wording)
            if "" in result.cells[domain]:
                words[f"={domain}/"] = _cell(result.cells[domain][""], wording).text
    short = {mark: text if mark.startswith("=") else _shorten(text) for mark, text in words.items()}
    description = wording.text("result.chart_desc", text=" ".join(story))
    return Markup(letter(chart, short, label, description, f"c-{result.indicator.name}"))  # noqa: S704 escaped there


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1].rstrip() + "…"


def _table(result: Result, label: str, wording: Wording) -> TableView:
    is_distribution = result.indicator.kind == "distribution"
    precise = any(cell.se is not None for cell in result.all_cells())
    if is_distribution:
        heads = [category_label(result, code, wording) for code in result.categories]
    else:
        heads = [wording.text("result.value")]
        if precise:
            heads += [wording.text("result.interval"), wording.text("result.label")]
    heads.append(wording.text("result.n"))
    sections = [SectionView("", (_row(result, TOTAL, wording.text("result.total"), precise, wording),))]
    for grouping in result.groupings:
        rows = tuple(
            _row(result, domain, domain_label(grouping, code, wording), precise, wording)
            for code, domain in grouping.groups
        )
        sections.append(SectionView(wording.pick(grouping.breakdown.label), rows))
    caption = wording.text("result.caption", label=label, unit=wording.unit(result.indicator.unit))
    return TableView(caption, tuple(heads), tuple(sections))


def _row(result: Result, domain: str, label: str, precise: bool, wording: Wording) -> RowView:
    cells = result.cells[domain]
    views = [_cell(cell, wording) for cell in cells.values()]
    first = next(iter(cells.values()))
    if precise and result.indicator.kind != "distribution":
        views += [CellView(_interval(first, wording)), CellView(wording.maybe(f"quality.{first.label}", first.label))]
    n = next((cell.n for cell in cells.values() if cell.n is not None), None)
    views.append(CellView("–" if n is None else wording.number(n)))
    return RowView(label, tuple(views))


def _cell(cell: SafeCell, wording: Wording) -> CellView:
    if cell.suppressed:
        return CellView(wording.text("result.hidden"), cell.suppressed)
    if cell.estimate is None:
        return CellView("–")
    return CellView(wording.figure(cell.estimate, cell.unit))


def _interval(cell: SafeCell, wording: Wording) -> str:
    if cell.ci_low is None or cell.ci_high is None:
        return "–"
    return f"{wording.figure(cell.ci_low, cell.unit)} – {wording.figure(cell.ci_high, cell.unit)}"


def _how(result: Result, wording: Wording) -> Iterator[tuple[str, str, bool]]:
    indicator = result.indicator
    yield wording.text("how.kind"), wording.maybe(f"kind.{indicator.kind}", indicator.kind), False
    if indicator.universe is None:
        yield wording.text("how.universe"), wording.text("how.everyone", table=indicator.table), False
    else:
        yield wording.text("how.universe"), indicator.universe, True
    suffix = "_ratio" if indicator.kind == "ratio" else ""
    if indicator.denominator:
        yield wording.text(f"how.denominator{suffix}"), indicator.denominator, True
    if indicator.numerator:
        yield wording.text(f"how.numerator{suffix}"), indicator.numerator, True
    if indicator.value:
        yield wording.text("how.value"), indicator.value, True
    if indicator.source:
        yield wording.text("how.source"), indicator.source, False
    yield wording.text("how.code"), indicator.name, True


def _question(field: Field, wording: Wording) -> tuple[str, str, str]:
    label = plain_text(wording.pick(field.label))
    if label or not field.calculation:
        return field.name, label, ""
    return field.name, wording.text("how.calculated"), readable_calculation(field.calculation)
