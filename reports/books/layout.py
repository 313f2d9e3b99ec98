"""How the sheets of a workbook for people are laid out: formats, names of sheets, and how one figure is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import xlsxwriter

from reports.figure_tables import NOTHING
from reports.wording import PERCENT, Wording
from schemas.estimates import SafeCell

_INK, _SOFT, _ACCENT, _LINE = "#1b2730", "#52606b", "#0b5563", "#c9c3b4"
_MARKS: Final[Mapping[str, str]] = {"weakly_reliable": "¹", "not_reliable": "²"}
_LONGEST_NAME: Final = 31
_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True, slots=True)
class Formats:
    """Cell formats of one workbook."""

    title: Any
    heading: Any
    label: Any
    note: Any
    plain: Any
    wrapped: Any
    warning: Any
    head: Any
    head_right: Any
    group: Any
    total: Any
    row: Any
    hidden: Any
    link: Any
    share: Any
    numbers: Mapping[tuple[bool, str, bool], Any]
    """(whole, label of quality, of everybody) -> format."""


def add_formats(book: xlsxwriter.Workbook) -> Formats:
    """The formats, added to the workbook."""

    def add(**values: object) -> Any:  # noqa: ANN401 xlsxwriter ships no types
        return book.add_format({"font_name": "Calibri", "font_size": 11, "font_color": _INK, "valign": "top", **values})

    line = {"bottom": 1, "bottom_color": _LINE}
    numbers = {}
    for whole in (True, False):
        for label in ("", *_MARKS):
            for total in (True, False):
                mark = f'"{_MARKS[label]}"' if label else ""
                written = ("#,##0" if whole else "#,##0.0") + mark
                numbers[whole, label, total] = add(num_format=written, bold=total, align="right", **line)
    return Formats(
        title=add(bold=True, font_size=20, font_color=_ACCENT),
        heading=add(bold=True, font_size=14, font_color=_ACCENT),
        label=add(bold=True, font_size=12),
        note=add(font_color=_SOFT, italic=True),
        plain=add(),
        wrapped=add(text_wrap=True),
        warning=add(bold=True, font_color="#9a4a12", bg_color="#fbeedd", text_wrap=True),
        head=add(bold=True, text_wrap=True, valign="bottom", bottom=2, bottom_color=_ACCENT, bg_color="#e4f0f0"),
        head_right=add(
            bold=True,
            text_wrap=True,
            valign="bottom",
            align="right",
            bottom=2,
            bottom_color=_ACCENT,
            bg_color="#e4f0f0",
        ),
        group=add(italic=True, font_color=_ACCENT, top=1, top_color=_LINE),
        total=add(bold=True, text_wrap=True, **line),
        row=add(text_wrap=True, indent=1, **line),
        hidden=add(italic=True, font_color="#6a5f4b", align="right", **line),
        link=add(font_color=_ACCENT, underline=1),
        share=add(num_format="0.0%", align="right", **line),
        numbers=numbers,
    )


class SheetNames:
    """Names of sheets as spreadsheets take them: short, without their signs, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, text: str) -> str:
        """The nearest name that may be used and isn't yet.

        >>> names = SheetNames()
        >>> names.take("Salud: acceso"), names.take("salud acceso"), names.take("'")
        ('Salud acceso', 'salud acceso 2', 'Hoja')
        """
        plain = " ".join(_FORBIDDEN.sub(" ", text).split()).strip("'")[:_LONGEST_NAME].rstrip() or "Hoja"
        name, number = plain, 1
        while name.lower() in self._taken:
            number += 1
            name = f"{plain[: _LONGEST_NAME - 1 - len(str(number))].rstrip()} {number}"
        self._taken.add(name.lower())
        return name


def write_figure(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    row: int,
    column: int,
    cell: SafeCell | None,
    whole: bool,
    formats: Formats,
    wording: Wording,
    is_total: bool = False,
) -> None:
    """One figure as a number that can be computed with, marked by its quality; or the word for why there is none."""
    if cell is None or (cell.estimate is None and not cell.suppressed):
        sheet.write_string(row, column, NOTHING, formats.hidden)
    elif cell.suppressed:
        sheet.write_string(row, column, wording.text("result.hidden"), formats.hidden)
    else:
        label = cell.label if cell.label in _MARKS else ""
        sheet.write_number(row, column, cell.estimate, formats.numbers[whole, label, is_total])


def write_amount(
    sheet: Any,  # noqa: ANN401 xlsxwriter ships no types
    row: int,
    column: int,
    amount: float | None,
    whole: bool,
    formats: Formats,
) -> None:
    """A number beside a figure (cases, ends of its interval, ...); a blank cell where there is none."""
    form = formats.numbers[whole, "", False]
    if amount is None:
        sheet.write_blank(row, column, None, form)
    else:
        sheet.write_number(row, column, amount, form)


def is_whole(cells: Iterable[SafeCell]) -> bool:
    """Whether the figures of an indicator are written without decimals: all of them, or none."""
    shown = [cell for cell in cells if cell.estimate is not None]
    return all(cell.unit != PERCENT and float(cell.estimate or 0).is_integer() for cell in shown)
