"""The table of a result in one language: every figure with its interval, its label of quality and its cases."""

from __future__ import annotations

from dataclasses import dataclass

from reports.results import Result
from reports.sentences import category_label, domain_label, grouping_label
from reports.wording import Wording
from schemas.estimates import TOTAL, SafeCell

NOTHING = "–"
WEAK = frozenset({"weakly_reliable", "not_reliable"})
"""Labels of figures that a reader is warned of."""


@dataclass(frozen=True, slots=True)
class CellView:
    """One figure of a table.

    Attributes:
        text: as written.
        reason: why it is withheld, in words; "" if it isn't.
        aside: its interval and label, where the table has no columns for these.
    """

    text: str
    reason: str = ""
    aside: str = ""


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


def tabulate(result: Result, wording: Wording) -> TableView:
    """Everybody first, then group by group of each breakdown."""
    precise = is_precise(result)
    sections = [SectionView("", (_row(result, TOTAL, wording.text("result.total"), precise, wording),))]
    for grouping in result.groupings:
        rows = tuple(
            _row(result, domain, domain_label(grouping, codes, wording), precise, wording)
            for codes, domain in grouping.groups
        )
        sections.append(SectionView(grouping_label(grouping, wording), rows))
    label = wording.pick(result.indicator.label)
    caption = wording.text("result.caption", label=label, unit=wording.unit(result.indicator.unit))
    return TableView(caption, tuple(_heads(result, precise, wording)), tuple(sections))


def is_precise(result: Result) -> bool:
    """Whether its figures have sampling errors."""
    return any(cell.se is not None for cell in result.all_cells())


def write_cell(cell: SafeCell, wording: Wording) -> CellView:
    """A figure, or why there is none."""
    if cell.suppressed:
        return CellView(wording.text("result.hidden"), tell_reason(cell, wording))
    if cell.estimate is None:
        return CellView(NOTHING)
    return CellView(wording.figure(cell.estimate, cell.unit))


def tell_reason(cell: SafeCell, wording: Wording) -> str:
    """Why a cell is withheld."""
    return wording.maybe(f"result.hidden_{cell.suppressed}", wording.text("result.hidden_withheld"))


def write_interval(cell: SafeCell, wording: Wording) -> str:
    """Both ends of its interval, or a dash."""
    if cell.ci_low is None or cell.ci_high is None:
        return NOTHING
    return wording.interval(cell.ci_low, cell.ci_high, cell.unit)


def write_label(cell: SafeCell, wording: Wording) -> str:
    """Its label of quality in words, "" where nothing is shown."""
    return wording.maybe(f"quality.{cell.label}", cell.label) if cell.label else ""


def _heads(result: Result, precise: bool, wording: Wording) -> list[str]:
    if result.indicator.kind == "distribution":
        heads = [category_label(result, code, wording) for code in result.categories]
    else:
        heads = [wording.text("result.value")]
        if precise:
            heads += [wording.text("result.interval"), wording.text("result.label")]
    return [*heads, wording.text("result.n")]


def _row(result: Result, domain: str, label: str, precise: bool, wording: Wording) -> RowView:
    cells = result.cells[domain]
    by_code = {code: cells.get(code) for code in result.categories}
    views = [_figure(cell, result, wording) for cell in by_code.values()]
    first = next(iter(cells.values()))
    if precise and result.indicator.kind != "distribution":
        views += [CellView(write_interval(first, wording)), CellView(write_label(first, wording) or NOTHING)]
    n = next((cell.n for cell in cells.values() if cell.n is not None), None)
    views.append(CellView(NOTHING if n is None else wording.number(n)))
    return RowView(label, tuple(views))


def _figure(cell: SafeCell | None, result: Result, wording: Wording) -> CellView:
    if cell is None:
        return CellView(NOTHING)
    view = write_cell(cell, wording)
    if result.indicator.kind != "distribution" or cell.ci_low is None:
        return view
    label = f" {write_label(cell, wording)}" if cell.label in WEAK else ""
    return CellView(view.text, view.reason, f"{write_interval(cell, wording)}{label}")
