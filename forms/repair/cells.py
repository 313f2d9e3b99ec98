"""Repairs of single cells and headers: other names of columns and types, typographic quotes, missing labels."""

from __future__ import annotations

import difflib
import re
from typing import Final

from forms.fields.rows import survey_rows
from forms.headers import NAME_ALIASES, read_header
from forms.lint.expressions import EXPRESSION_COLUMNS
from forms.lint.specs import EXPRESSIONS
from forms.lint.survey import KNOWN_COLUMNS, is_unlabelled
from forms.outline import read_outline, read_type
from forms.repair.draft import Draft, DraftRow

_QUOTES: Final = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u00ab": '"',
    "\u00bb": '"',
}
_QUOTE = re.compile("[" + "".join(_QUOTES) + "\u00a0\u2007\u202f\u200b]")
_TYPE_WORDS: Final = {
    "int": "integer",
    "string": "text",
    "datetime": "dateTime",
    "gps": "geopoint",
    "location": "geopoint",
    "photo": "image",
    "select": "select_multiple",
    "select1": "select_one",
    "add select one prompt using": "select_one",
    "add select multiple prompt using": "select_multiple",
    "select all that apply from": "select_multiple",
    "select all that apply": "select_multiple",
    "select one from": "select_one",
    "select one": "select_one",
    "select multiple": "select_multiple",
    "selectone": "select_one",
    "selectmultiple": "select_multiple",
}
_COMMON: Final = ("integer", "decimal", "text", "date", "time", "dateTime", "note", "calculate", "geopoint", "image")


def repair_headers(draft: Draft) -> None:
    """Other names and near misspellings of columns -> the canonical ones; repeated columns with one content -> one."""
    for sheet in ("survey", "choices"):
        for header in list(draft.headers.get(sheet, ())):
            if re.search(r" #\d+$", header):
                _merge_column(draft, sheet, header)
                continue
            new = _canonical(header, sheet)
            if new != header and new not in draft.headers[sheet]:
                _rename_column(draft, sheet, header, new)


def _canonical(header: str, sheet: str) -> str:
    parsed = read_header(header)
    base = "name" if parsed.base in NAME_ALIASES else parsed.base
    if sheet == "survey" and base not in KNOWN_COLUMNS and "::" not in base:
        base = next(iter(difflib.get_close_matches(base, sorted(KNOWN_COLUMNS), 1, 0.85)), base)
    if base not in KNOWN_COLUMNS and base != "list_name":
        return header
    if base in {"image", "audio", "video", "big-image"}:
        base = f"media::{base}"
    return f"{base}::{parsed.language}" if parsed.language else base


def _rename_column(draft: Draft, sheet: str, old: str, new: str) -> None:
    draft.headers[sheet] = [new if header == old else header for header in draft.headers[sheet]]
    for row in draft.rows[sheet]:
        row.cells = {(new if header == old else header): text for header, text in row.cells.items()}
    draft.note("FRM-501", sheet, None, old, f"The column '{old}' became '{new}': it is another name of it.")


def _merge_column(draft: Draft, sheet: str, header: str) -> None:
    base = header.rpartition(" #")[0]
    if any(row.cells.get(base, text) != text for row in draft.rows[sheet] if (text := row.cells.get(header))):
        return  # two contents: only the author knows which is meant
    for row in draft.rows[sheet]:
        if text := row.cells.pop(header, ""):
            row.cells.setdefault(base, text)
    draft.headers[sheet].remove(header)
    draft.note("FRM-501", sheet, None, base, f"The column '{base}' stood twice with one content: they became one.")


def repair_types(draft: Draft) -> None:
    """Old names and near misspellings of types -> those of XLSForm."""
    for row in draft.rows.get("survey", ()):
        text = row.get("type")
        new = _canonical_type(text)
        if text and new != " ".join(text.split()):
            draft.change("FRM-502", "survey", row, row.header("type"), new, "it is another name of the type.")


def _canonical_type(text: str) -> str:
    plain = " ".join(text.split())
    lower = plain.lower()
    if found := re.fullmatch(r"(begin|end)[ _]+(group|repeat)", lower):
        return f"{found.group(1)}_{found.group(2)}"
    for word in sorted(_TYPE_WORDS, key=len, reverse=True):
        if lower == word or lower.startswith(f"{word} "):
            rest = plain[len(word) :].strip()
            if bool(rest) == _TYPE_WORDS[word].startswith("select"):
                return f"{_TYPE_WORDS[word]} {rest}".strip()
    if read_type(plain).kind:
        return plain
    close = difflib.get_close_matches(lower, _COMMON, 1, 0.8)
    if close:
        return close[0]
    first, _, rest = plain.partition(" ")
    close = difflib.get_close_matches(
        first.lower(), ("select_one", "select_multiple", "begin_group", "begin_repeat"), 1, 0.8
    )
    return f"{close[0]} {rest}".strip() if close else text


def repair_quotes(draft: Draft) -> None:
    """Typographic quotes and unusual spaces in expressions -> plain ones."""
    for sheet, columns in {"survey": EXPRESSION_COLUMNS, **EXPRESSIONS, "rehearsal": ("when",)}.items():
        for row in draft.rows.get(sheet, ()):
            for header, text in list(row.cells.items()):
                if read_header(header).base in columns and _QUOTE.search(text):
                    new = _QUOTE.sub(lambda found: _QUOTES.get(found.group(), " "), text).replace("  ", " ")
                    draft.change("FRM-503", sheet, row, header, new, "expressions need plain quotes and spaces.")


def repair_labels(draft: Draft) -> None:
    """Questions and choices without any label -> their name; groups don't need one."""
    workbook = draft.finish()
    outline = read_outline(workbook)
    asked = {row.row.number for row in survey_rows(workbook) if not is_unlabelled(row)}
    for row, finished in zip(draft.rows.get("survey", ()), workbook.rows("survey"), strict=True):
        if finished.number in asked and row.get("name"):
            _put_label(draft, "survey", row)
    for row in draft.rows.get("choices", ()):
        has_media = any(row.texts(base) for base in ("image", "audio", "video", "big-image"))
        if row.get("name") and row.get("list_name") in outline.lists and not has_media and not row.texts("label"):
            _put_label(draft, "choices", row)


def _put_label(draft: Draft, sheet: str, row: DraftRow) -> None:
    header = next((header for header in draft.headers[sheet] if read_header(header).base == "label"), "label")
    draft.change("FRM-507", sheet, row, header, row.get("name"), "there was no label; it is to be written.")
