"""Checks of a survey of many communes: its breakdown, its codes, and its frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from forms.headers import cell
from forms.lint.problems import problem
from forms.outline import Outline
from forms.spreading import FRAME, REGIONS, question_of
from schemas.communes import find_commune, read_regions
from schemas.errors import Problem
from schemas.fields import MAIN_TABLE
from schemas.workbook import Row

APPROVAL: Final = "require_commune_approval"
_MOST = 5
"""Unknown codes that one message names."""


def check_communes(outline: Outline) -> Iterator[Problem]:
    """What is wrong with the design's commune, or with its communes."""
    rows = {cell(row, "setting"): row for row in outline.workbook.rows("design")}
    yield from _check_one(outline, rows)
    yield from _check_approval(outline, rows)
    regions = rows.get(REGIONS)
    if regions is not None and cell(regions, "value"):
        breakdown = _find(outline, cell(regions, "value"))
        if breakdown is None:
            yield _missing(outline, regions)
        else:
            yield from _check_codes(outline, breakdown, frozenset(read_regions()), "region", "its two digits")
    setting = rows.get("communes")
    if setting is None or not cell(setting, "value"):
        return
    breakdown = _find(outline, cell(setting, "value"))
    if breakdown is None:
        yield _missing(outline, setting)
        return
    if (table := cell(breakdown, "table") or MAIN_TABLE) != MAIN_TABLE:
        message = f"The breakdown of communes groups rows of '{table}': a commune belongs to the whole interview."
        yield problem(
            outline.workbook,
            "error",
            "FRM-351",
            "breakdowns",
            breakdown,
            "table",
            message,
            "Write it over the table main.",
        )
    codes = _codes_of(outline, breakdown)
    unknown = [code for code in codes if find_commune(code) is None]
    if unknown:
        yield _unknown_codes(outline, breakdown, unknown, "commune", "its five digits (CUT), with the leading zero")
    yield from _check_frame(outline, rows, [code for code in codes if find_commune(code) is not None])


def _check_one(outline: Outline, rows: Mapping[str, Row]) -> Iterator[Problem]:
    one = rows.get("commune")
    value = cell(one, "value") if one is not None else ""
    if one is None or not value:
        return
    if len(value) == 5 and value.isdecimal() and find_commune(value) is None:
        message = f"There is no commune '{value}'."
        yield problem(outline.workbook, "error", "FRM-352", "design", one, "value", message, _advice(value))
    if rows.get("communes") is not None and cell(rows["communes"], "value"):
        message = "The design names one commune and a breakdown of many."
        advice = "Keep `commune` for a survey of one commune, or `communes` for a survey of many."
        yield problem(outline.workbook, "error", "FRM-353", "design", one, "setting", message, advice)


def _check_approval(outline: Outline, rows: Mapping[str, Row]) -> Iterator[Problem]:
    row = rows.get(APPROVAL)
    if row is None:
        return
    value = cell(row, "value").lower()
    if value not in {"", "yes", "no", "true", "false"}:
        message = f"'{value}' is neither yes nor no."
        advice = "yes if every commune confirms its figures before they are published, else no."
        yield problem(outline.workbook, "error", "FRM-315", "design", row, "value", message, advice)
    elif value in {"yes", "true"} and ("communes" not in rows or not cell(rows["communes"], "value")):
        message = "There are no communes whose approval could be asked for."
        advice = "Name the breakdown of communes in the setting `communes`, or leave this row out."
        yield problem(outline.workbook, "error", "FRM-355", "design", row, "value", message, advice)


def _check_frame(outline: Outline, rows: Mapping[str, Row], codes: list[str]) -> Iterator[Problem]:
    """Rows of the frame of communes that aren't, and communes that the frame forgets."""
    framed: set[str] = set()
    for name, row in rows.items():
        cut = name.removeprefix(FRAME)[:5]
        if not name.startswith(FRAME) or len(cut) < 5 or not cut.isdecimal():
            continue
        framed.add(cut)
        if find_commune(cut) is None:
            message = f"The frame counts a commune '{cut}' that there isn't."
            yield problem(outline.workbook, "error", "FRM-352", "design", row, "setting", message, _advice(cut))
        elif codes and cut not in codes:
            message = f"The frame counts commune {cut}, which is no category of the breakdown of communes."
            advice = "Add it to the categories or the list, or take the row out of the frame."
            yield problem(outline.workbook, "warning", "FRM-354", "design", row, "setting", message, advice)
    forgotten = [cut for cut in codes if cut not in framed]
    if framed and forgotten:
        some = ", ".join(forgotten[:_MOST]) + (", ..." if len(forgotten) > _MOST else "")
        message = f"The frame has no row for {len(forgotten)} communes of the breakdown ({some})."
        yield problem(
            outline.workbook, "warning", "FRM-354", "design", rows["communes"], "value", message, "Add rows frame:CUT."
        )


def _check_codes(outline: Outline, row: Row, known: frozenset[str], what: str, expected: str) -> Iterator[Problem]:
    unknown = [code for code in _codes_of(outline, row) if code not in known]
    if unknown:
        yield _unknown_codes(outline, row, unknown, what, expected)


def _codes_of(outline: Outline, breakdown: Row) -> list[str]:
    """The codes that a breakdown may have, as far as the workbook lists them."""
    if categories := cell(breakdown, "categories").split():
        return categories
    name = cell(breakdown, "list") or outline.type_of(question_of(cell(breakdown, "value"))).source
    return list(outline.lists.get(name, {}))


def _unknown_codes(outline: Outline, row: Row, unknown: list[str], what: str, expected: str) -> Problem:
    some = ", ".join(f"'{code}'" for code in unknown[:_MOST]) + (", ..." if len(unknown) > _MOST else "")
    message = f"{len(unknown)} codes of this breakdown are no {what}: {some}."
    advice = f"A {what} has {expected}. {_advice(unknown[0]) if what == 'commune' else ''}".strip()
    return problem(outline.workbook, "error", "FRM-352", "breakdowns", row, "categories", message, advice)


def _advice(code: str) -> str:
    """What an unknown code of a commune may have been meant for: spreadsheets eat leading zeros."""
    found = find_commune(code.zfill(5))
    if found is not None:
        return f"Did you mean {found.cut} ({found.name})?"
    return "Look it up in INE's list of communes (CUT)."


def _find(outline: Outline, name: str) -> Row | None:
    return next((row for row in outline.workbook.rows("breakdowns") if cell(row, "name") == name), None)


def _missing(outline: Outline, row: Row) -> Problem:
    known = sorted(cell(other, "name") for other in outline.workbook.rows("breakdowns") if cell(other, "name"))
    message = f"There is no breakdown '{cell(row, 'value')}'."
    advice = f"Write the name of a row of sheet breakdowns; known: {', '.join(known[:12]) or 'none'}."
    return problem(outline.workbook, "error", "FRM-350", "design", row, "value", message, advice)
