"""Own checks of the `survey` sheet's structure: columns, types, names, groups, lists, labels."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

from forms.fields.rows import PERSONAL_KINDS, SurveyRow
from forms.headers import ALIASES, NAME_ALIASES, TRANSLATED, bases, cell, read_header, texts
from forms.lint.problems import problem
from forms.outline import LOADED_TYPES, Outline, read_type
from forms.sheets import MEDIA_SUFFIXES
from schemas.errors import Problem

NAME = re.compile(r"[^\W\d][\w.\-]*")
"""A name that can stand in XML: begins with a letter or underscore, then letters, digits, "_", "-", "."."""

KNOWN_COLUMNS: Final = frozenset(
    (
        *("type", "name", "relevant", "constraint", "required", "calculation", "choice_filter", "repeat_count"),
        *("appearance", "parameters", "default", "read_only", "trigger", "personal", "module", "save_to", "autoplay"),
        *TRANSLATED,
        *ALIASES,
        *NAME_ALIASES,
    )
)
NEED_LIST: Final = frozenset({"select_one", "select_multiple", "rank", "select one", "select multiple"})
_UNLABELLED: Final = frozenset(
    (
        *("calculate", "hidden", "start", "end", "today", "deviceid", "subscriberid", "simserial", "phonenumber"),
        *(
            "username",
            "email",
            "audit",
            "csv-external",
            "xml-external",
            "start-geopoint",
            "xml_external",
            "uri:deviceid",
        ),
        *("background-audio", "background-geopoint", "osm"),
    )
)
_PLAIN_VALUES: Final = {
    "integer": r"[-+]?\d+",
    "int": r"[-+]?\d+",
    "decimal": r"[-+]?\d*\.?\d+",
    "date": r"\d{4}-\d{2}-\d{2}.*",
}
_SHOWN: Final = ("label", "hint", "guidance_hint", "image", "audio", "video", "big-image")


def check_survey(outline: Outline) -> Iterator[Problem]:
    """Every problem of the structure of `survey`."""
    yield from _check_columns(outline)
    yield from _check_sections(outline)
    seen: set[str] = set()
    for row in outline.rows:
        if row.kind == "end":
            continue
        yield from _check_name(outline, row, seen)
        yield from _check_type(outline, row)
        yield from _check_labels(outline, row)
        yield from _check_default(outline, row)
        yield from _check_personal(outline, row)


def _check_columns(outline: Outline) -> Iterator[Problem]:
    workbook = outline.workbook
    for name, sheet in workbook.sheets.items():
        for header in sheet.headers:
            if re.search(r" #\d+$", header):
                message = f"The column '{header.rpartition(' #')[0]}' stands more than once in sheet '{name}'."
                yield problem(workbook, "error", "FRM-113", name, None, header, message, "Keep one of them.")
    headers = workbook.sheets["survey"].headers if "survey" in workbook.sheets else ()
    for needed in ("type", "name"):
        if needed not in bases(headers, "survey"):
            message = f"The sheet 'survey' has no column '{needed}'."
            yield problem(workbook, "error", "FRM-101", "survey", None, needed, message, "Add it.")
    for header in headers:
        base = read_header(header).base
        close = difflib.get_close_matches(base, KNOWN_COLUMNS, 1, 0.85) if "::" not in base else []
        if base not in KNOWN_COLUMNS and close:
            message = f"The column '{header}' isn't known; it looks like '{close[0]}'."
            yield problem(workbook, "warning", "FRM-114", "survey", None, header, message, "Check the spelling.")


def _check_sections(outline: Outline) -> Iterator[Problem]:
    workbook, stack = outline.workbook, list[SurveyRow]()
    following = zip(outline.rows, outline.rows[1:], strict=False)
    empty = {row.row.number for row, after in following if row.kind == "begin" and after.kind == "end"}
    for row in outline.rows:
        if row.kind == "begin":
            stack.append(row)
        elif row.kind == "end":
            if not stack or stack[-1].section != row.section:
                expected = (
                    f"an end of the {stack[-1].section} '{stack[-1].name}'" if stack else "no end: nothing is open"
                )
                message = f"'{row.type}' has no matching begin; expected {expected}."
                advice = "Delete the row, or change it to the end of what is open."
                yield problem(workbook, "error", "FRM-107", "survey", row.row, "type", message, advice)
            if stack:
                begin = stack.pop()
                if begin.row.number in empty:
                    message = f"The {begin.section} '{begin.name}' has no questions."
                    advice = "Delete it, or put questions in."
                    yield problem(workbook, "error", "FRM-137", "survey", begin.row, "type", message, advice)
    for row in stack:
        message = f"'{row.type}' ('{row.name}') is never ended."
        advice = f"Add a row 'end_{row.section}' after its last question."
        yield problem(workbook, "error", "FRM-108", "survey", row.row, "type", message, advice)


def _check_name(outline: Outline, row: SurveyRow, seen: set[str]) -> Iterator[Problem]:
    workbook = outline.workbook
    if not row.name:
        if row.type and row.type.lower() != "audit":
            message = f"The row of type '{row.type}' has no name."
            yield problem(workbook, "error", "FRM-103", "survey", row.row, "name", message, "Give it a name.")
        return
    if not NAME.fullmatch(row.name):
        message = f"The name '{row.name}' can't be used."
        advice = "Begin with a letter; then letters, digits, '_', '-' and '.' only."
        yield problem(workbook, "error", "FRM-104", "survey", row.row, "name", message, advice)
    if row.path in seen and read_type(row.type).kind not in LOADED_TYPES:
        message = f"The name '{row.name}' stands twice in the same group."
        advice = "Rename one of the two, here and wherever ${...} means it."
        yield problem(workbook, "error", "FRM-105", "survey", row.row, "name", message, advice)
    seen.add(row.path)


def _check_type(outline: Outline, row: SurveyRow) -> Iterator[Problem]:
    workbook = outline.workbook
    if row.kind == "begin":
        return
    if not row.type:
        message = f"The row '{row.name}' has no type."
        yield problem(workbook, "error", "FRM-102", "survey", row.row, "type", message, "Give it a type.")
        return
    kind = read_type(row.type)
    if not kind.kind:
        close = difflib.get_close_matches(
            row.type.split()[0].lower(),
            (
                "select_one",
                "select_multiple",
                "integer",
                "decimal",
                "text",
                "date",
                "calculate",
                "note",
                "image",
                "geopoint",
            ),
            1,
            0.6,
        )
        advice = f"Did you mean '{close[0]}'?" if close else "See xlsform.org for the types."
        message = f"The type '{row.type}' isn't known."
        yield problem(workbook, "error", "FRM-102", "survey", row.row, "type", message, advice)
    elif kind.kind in NEED_LIST and not kind.source:
        message = f"'{row.type}' names no list."
        advice = f"Write '{row.type} name_of_the_list'."
        yield problem(workbook, "error", "FRM-109", "survey", row.row, "type", message, advice)
    elif kind.kind == "calculate" and not any(cell(row.row, base) for base in ("calculation", "default", "trigger")):
        message = f"'{row.name}' has no calculation."
        yield problem(workbook, "error", "FRM-136", "survey", row.row, "calculation", message, "Write its expression.")
    elif kind.is_select:
        yield from _check_list(outline, row, kind.source)
    elif kind.kind == "csv-external" and f"{row.name}.csv" not in workbook.media:
        yield _missing_file(outline, row, f"{row.name}.csv")


def _check_list(outline: Outline, row: SurveyRow, source: str) -> Iterator[Problem]:
    workbook = outline.workbook
    if source.startswith("${"):
        return
    if any(source.lower().endswith(suffix) for suffix in MEDIA_SUFFIXES):
        if source not in workbook.media:
            yield _missing_file(outline, row, source)
        return
    external = {cell(other, "list_name") for other in workbook.rows("external_choices")}
    if source in outline.lists:
        if not outline.lists[source]:
            message = f"The list '{source}' has no choices."
            yield problem(workbook, "error", "FRM-204", "survey", row.row, "type", message, "Add its choices.")
    elif source not in external:
        close = difflib.get_close_matches(source, outline.lists, 1, 0.7)
        advice = f"Did you mean '{close[0]}'?" if close else "Add the list, or correct its name."
        message = f"The list '{source}' isn't in the sheet 'choices'."
        yield problem(workbook, "error", "FRM-109", "survey", row.row, "type", message, advice)


def _check_default(outline: Outline, row: SurveyRow) -> Iterator[Problem]:
    """A fixed default must be a value of the question's type, or a code of its list."""
    text, kind = cell(row.row, "default"), read_type(row.type)
    if not text or re.search(r"[(){}$]|\.\.", text):
        return  # an expression
    if kind.is_select and kind.source in outline.lists:
        known = {*outline.lists[kind.source], *(("other",) if kind.has_other else ())}
        unknown = [code for code in ([text] if kind.kind == "select_one" else text.split()) if code not in known]
        if unknown:
            message = f"The default '{unknown[0]}' isn't in the list '{kind.source}'."
            yield problem(outline.workbook, "warning", "FRM-124", "survey", row.row, "default", message, "Correct it.")
    elif kind.kind in _PLAIN_VALUES and not re.fullmatch(_PLAIN_VALUES[kind.kind], text):
        message = f"The default '{text}' is no value of a question of type '{row.type}'."
        yield problem(outline.workbook, "warning", "FRM-132", "survey", row.row, "default", message, "Correct it.")


def _missing_file(outline: Outline, row: SurveyRow, name: str) -> Problem:
    message = f"The file '{name}' isn't among the workbook's media."
    advice = "Put it into the folder 'media' beside the workbook, or attach it when you publish the form."
    return problem(outline.workbook, "warning", "FRM-135", "survey", row.row, "type", message, advice)


def is_unlabelled(row: SurveyRow) -> bool:
    """Whether a row is fine without a label: it has one, or nobody is asked, or it stands in a table's head."""
    kind = read_type(row.type).kind
    in_table = {"label", "list-nolabel"} & set(cell(row.row, "appearance").split())
    is_asked = row.kind == "question" and bool(kind) and kind not in _UNLABELLED and not in_table
    is_computed = bool(cell(row.row, "calculation") or cell(row.row, "trigger"))
    return not is_asked or is_computed or any(texts(row.row, base) for base in _SHOWN)


def _check_labels(outline: Outline, row: SurveyRow) -> Iterator[Problem]:
    workbook = outline.workbook
    if not is_unlabelled(row):
        message = f"The question '{row.name}' has no label."
        yield problem(workbook, "error", "FRM-110", "survey", row.row, "label", message, "Write what is asked.")
    headers = workbook.sheets["survey"].headers
    for base in ("label", "hint", "constraint_message", "required_message"):
        given = texts(row.row, base)
        missing = [
            header
            for header in headers
            if read_header(header).base == base and read_header(header).language not in given
        ]
        for header in missing if given else ():
            language = read_header(header).language or "the default language"
            message = f"'{row.name}' has no {base.replace('_', ' ')} in {language}."
            yield problem(workbook, "warning", "FRM-111", "survey", row.row, header, message, "Translate it.")
    if cell(row.row, "constraint") and not texts(row.row, "constraint_message"):
        message = f"'{row.name}' has a constraint without a message."
        advice = "Say in constraint_message what is accepted."
        yield problem(workbook, "info", "FRM-112", "survey", row.row, "constraint_message", message, advice)


def _check_personal(outline: Outline, row: SurveyRow) -> Iterator[Problem]:
    mark = cell(row.row, "personal").lower()
    if mark and mark not in {*PERSONAL_KINDS, "no", "false"}:
        message = f"'{mark}' is no kind of personal data; it is treated as 'other'."
        advice = f"Write one of {', '.join(PERSONAL_KINDS)}."
        yield problem(outline.workbook, "warning", "FRM-134", "survey", row.row, "personal", message, advice)
