"""Workbook -> XForm by pyxform, its field tree and Comunal's own sheets: everything that registering a form needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from forms.fields import read_form
from forms.headers import cell, read_header
from forms.media_lists import fill_instances
from forms.sheets.cells import MODULE, XLSFORM_SHEETS
from forms.specs import read_specs
from schemas.errors import FormError
from schemas.fields import Form
from schemas.workbook import Sheet, Specs, Workbook

OWN_COLUMNS: Final = frozenset({"personal"})
"""Columns of `survey` that are Comunal's and that pyxform must not see."""


@dataclass(frozen=True, slots=True)
class CompiledForm:
    """A form that can be registered.

    Attributes:
        xform: the XForm's bytes: the same for the same workbook.
        media: file name -> bytes; `itemsets.csv` of external choices included.
        warnings: pyxform's, as it words them.
    """

    xform: bytes
    form: Form
    specs: Specs = field(default_factory=Specs)
    media: Mapping[str, bytes] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def compile_workbook(workbook: Workbook) -> CompiledForm:
    """Compile a workbook.

    The form's id is `form_id` of the settings sheet, else the workbook's name.

    Raises:
        FormError: FRM-006, no survey sheet; FRM-030, pyxform refuses the workbook (its sentence, with the row);
            FRM-031, pyxform failed; FRM-301, a number in Comunal's own sheets.
    """
    xform, itemsets, warnings = convert_workbook(workbook)
    media = dict(workbook.media)
    if itemsets is not None:
        media.setdefault("itemsets.csv", itemsets.encode("utf-8"))
    form = fill_instances(read_form(xform, workbook), media)
    return CompiledForm(xform, form, read_specs(workbook), media, warnings)


def compile_xform(xform: bytes, media: Mapping[str, bytes]) -> CompiledForm:
    """What a bare XForm offers: its field tree, without Comunal's own sheets.

    Raises:
        FormError: see `forms.fields.read_form`.
    """
    return CompiledForm(xform, fill_instances(read_form(xform), media), media=dict(media))


def convert_workbook(workbook: Workbook) -> tuple[bytes, str | None, tuple[str, ...]]:
    """What pyxform makes: the XForm's bytes, `itemsets.csv` as text or null, and its warnings.

    Raises:
        FormError: FRM-006, FRM-030 and FRM-031 as in `compile_workbook`.
    """
    if "survey" not in workbook.sheets:
        found = ", ".join(workbook.sheets) or "none"
        message = f"{workbook.name} has no sheet called 'survey' (found: {found})."
        raise FormError("FRM-006", message, "Name the sheet with the questions 'survey'.")
    warnings: list[str] = []
    try:
        result = convert(pyxform_input(workbook), warnings=warnings)
    except PyXFormError as error:
        raise FormError("FRM-030", str(error), "Mend the row, or run the repair.") from error
    except Exception as error:  # pyxform lets KeyError, AttributeError and others through on broken workbooks
        message = f"pyxform failed on {workbook.name} ({type(error).__name__}: {error})."
        raise FormError("FRM-031", message, "Mend what the check reports first.") from error
    return result.xform.encode("utf-8"), result.itemsets, tuple(warnings)


def pyxform_input(workbook: Workbook) -> dict[str, Any]:
    """The workbook as pyxform takes it: rows in their place, without Comunal's own sheets and columns."""
    book: dict[str, Any] = {"sheet_names": list(workbook.sheets), "fallback_form_name": workbook.name}
    for name in XLSFORM_SHEETS:
        if name in workbook.sheets:
            sheet = workbook.sheets[name]
            headers = _foreign_headers(sheet, workbook)
            book[name] = _rows_in_place(sheet, headers)
            book[f"{name}_header"] = [dict.fromkeys(headers)]
    return book


def _foreign_headers(sheet: Sheet, workbook: Workbook) -> tuple[str, ...]:
    """The headers without Comunal's; a choice filter's own column called `module` stays."""
    own = set(OWN_COLUMNS) if sheet.name == "survey" else set()
    if MODULE in sheet.headers and not _mentions_module(workbook):
        own.add(MODULE)
    return tuple(header for header in sheet.headers if read_header(header).base not in own)


def _mentions_module(workbook: Workbook) -> bool:
    return any(re.search(rf"\b{MODULE}\b", cell(row, "choice_filter")) for row in workbook.rows("survey"))


def _rows_in_place(sheet: Sheet, headers: tuple[str, ...]) -> list[dict[str, str]]:
    """One mapping a spreadsheet row from row 2, blank rows too, so that pyxform's row numbers are ours."""
    rows: list[dict[str, str]] = []
    for row in sheet.rows:
        rows.extend({} for _ in range(len(rows), row.number - 2))
        rows.append({header: row.cells[header].replace("\u00a0", " ") for header in headers if header in row.cells})
    return rows
