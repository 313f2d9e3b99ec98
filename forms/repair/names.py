"""Repairs of names: characters that XML refuses, names that stand twice, references that miss by a letter."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping

from forms.fields.rows import SurveyRow, survey_rows
from forms.lint.survey import NAME
from forms.outline import read_type
from forms.repair.draft import Draft, DraftRow

_CUT_OFF = re.compile(r"\$\{\s*([^}\s]*)\s*$")
_REFERENCE = re.compile(r"\$\{(\s*)((?:last-saved#)?)([^}]*?)(\s*)\}")
_ROOT_PATH = re.compile(r"(?<![\w./\])])/(?:[^\s/()\[\]=<>!,'\"+*|]+/?)+")


def repair_names(draft: Draft) -> None:
    """Names that can't be used -> ones that can, here and wherever they are meant; twice the same -> numbered."""
    _repair_missing(draft)
    renamed = _repair_illegal(draft)
    if renamed:
        _rename_references(draft, renamed)
    _repair_doubled(draft)
    _repair_references(draft)


def legal_name(name: str) -> str:
    """The nearest name that XML accepts.

    >>> legal_name("2 edad (años)"), legal_name("a/b")
    ('q_2_edad_años', 'a_b')
    """
    plain = unicodedata.normalize("NFC", name)
    plain = re.sub(r"_+", "_", re.sub(r"[^\w.\-]+", "_", plain)).strip("_.-") or "question"
    return plain if NAME.fullmatch(plain) else f"q_{plain}"


def _pairs(draft: Draft) -> list[tuple[SurveyRow, DraftRow]]:
    """Rows of `survey` in their groups, each with its draft."""
    workbook = draft.finish()
    drafts = dict(zip((row.number for row in workbook.rows("survey")), draft.rows.get("survey", ()), strict=True))
    return [(row, drafts[row.row.number]) for row in survey_rows(workbook)]


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _repair_missing(draft: Draft) -> None:
    taken = {row.get("name") for row in draft.rows.get("survey", ())}
    for row, cells in _pairs(draft):
        if row.kind != "end" and row.type and not row.name and row.type.lower() != "audit":
            word = row.section or read_type(row.type).kind or "question"
            name = _free_name(f"{legal_name(word)}_{row.row.number}", taken)
            taken.add(name)
            draft.change("FRM-514", "survey", cells, cells.header("name"), name, "the row had no name.")


def _repair_illegal(draft: Draft) -> dict[str, str]:
    renamed: dict[str, str] = {}
    taken = {row.get("name") for row in draft.rows.get("survey", ())}
    for row, cells in _pairs(draft):
        if row.name and not NAME.fullmatch(row.name):
            if row.name not in renamed:
                renamed[row.name] = _free_name(legal_name(row.name), taken)
                taken.add(renamed[row.name])
            why = "a name begins with a letter and has letters, digits, '_', '-' and '.' only."
            draft.change("FRM-504", "survey", cells, cells.header("name"), renamed[row.name], why)
    return renamed


def _rename_references(draft: Draft, renamed: Mapping[str, str]) -> None:
    """Every `${old}`, `/data/old` and, in `rehearsal` and `checks`, every bare name."""

    def reference(found: re.Match[str]) -> str:
        return f"${{{found.group(1)}{found.group(2)}{renamed.get(found.group(3), found.group(3))}{found.group(4)}}}"

    def path(found: re.Match[str]) -> str:
        return "/".join(renamed.get(step, step) for step in found.group().split("/"))

    for sheet, rows in draft.rows.items():
        for row in rows:
            for header, text in list(row.cells.items()):
                new = _REFERENCE.sub(reference, text)
                if "/" in new and "${" not in header:
                    new = _ROOT_PATH.sub(path, new)
                if (sheet, header) in {("rehearsal", "question"), ("checks", "variables")}:
                    new = " ".join(renamed.get(word, word) for word in new.split())
                if new != text:
                    draft.change("FRM-505", sheet, row, header, new, "a question was renamed.")


def _repair_doubled(draft: Draft) -> None:
    taken = {row.get("name") for row in draft.rows.get("survey", ())}
    seen: set[str] = set()
    for row, cells in _pairs(draft):
        if row.kind == "end" or not row.name:
            continue
        if row.path in seen:
            name = _free_name(row.name, taken)
            taken.add(name)
            why = "the name stood twice in its group; references mean the first."
            draft.change("FRM-513", "survey", cells, cells.header("name"), name, why)
        seen.add(row.path)


def _repair_references(draft: Draft) -> None:
    """`${Name}` -> `${name}` where only case, spaces or one letter in ten differ, and only one name is meant."""
    names = sorted({row.get("name") for row in draft.rows.get("survey", ())} - {""})
    known = set(names) | {"instanceID", "instanceName"}
    known |= {f"{name}_other" for name in names} | {f"{name}_count" for name in names}

    def mended(found: re.Match[str]) -> str:
        name = found.group(3)
        if name in known:
            return found.group() if not found.group(1) + found.group(4) else f"${{{found.group(2)}{name}}}"
        same = [other for other in names if other.lower() == name.lower()]
        close = same or difflib.get_close_matches(name, names, 2, 0.9)
        return f"${{{found.group(2)}{close[0]}}}" if len(close) == 1 else found.group()

    def completed(found: re.Match[str]) -> str:
        """What was cut off after `${`: the one name that begins so, else plain text."""
        begun = [name for name in names if name.startswith(found.group(1))] if found.group(1) else []
        exact = [name for name in begun if name == found.group(1)]
        whole = exact or begun
        return f"${{{whole[0]}}}" if len(whole) == 1 else found.group(1)

    for sheet, rows in draft.rows.items():
        for row in rows:
            for header, text in list(row.cells.items()):
                if "${" not in text:
                    continue
                if (new := _REFERENCE.sub(mended, text)) != text:
                    draft.change("FRM-512", sheet, row, header, new, "the reference missed its question by little.")
                if _CUT_OFF.search(new):
                    draft.change("FRM-512", sheet, row, header, _CUT_OFF.sub(completed, new), "it was cut off.")
