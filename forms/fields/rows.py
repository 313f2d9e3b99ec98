"""From a path of the instance back to the row of the `survey` sheet that made it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from forms.headers import cell
from schemas.workbook import Row, Workbook

PERSONAL_KINDS: Final = ("name", "document", "phone", "address", "position", "other")

_BEGIN = re.compile(r"begin[\s_]+(group|repeat|loop|lgroup|looped[\s_]group)\b", re.IGNORECASE)
_END = re.compile(r"end[\s_]+(group|repeat|loop|lgroup|looped[\s_]group)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SurveyRow:
    """One row of `survey` and where it stands.

    Attributes:
        kind: begin, end or question.
        section: "group" or "repeat" for begin and end, else "".
        path: names of the enclosing sections and its own, joined by "/", without the root.
        parents: rows of the enclosing `begin` rows, outermost first.
    """

    row: Row
    kind: str
    section: str
    type: str
    name: str
    path: str
    parents: tuple[Row, ...] = ()


def survey_rows(workbook: Workbook) -> Iterator[SurveyRow]:
    """The rows of `survey` with a type or name, in order; unmatched ends are yielded with what is open."""
    stack: list[tuple[str, Row]] = []
    for row in workbook.rows("survey"):
        kind, name = cell(row, "type"), cell(row, "name")
        if not kind and not name:
            continue
        parents = tuple(parent for _, parent in stack)
        path = "/".join([*(open_name for open_name, _ in stack), name])
        if found := _BEGIN.match(kind):
            yield SurveyRow(row, "begin", _section(found.group(1)), kind, name, path, parents)
            stack.append((name, row))
        elif found := _END.match(kind):
            yield SurveyRow(row, "end", _section(found.group(1)), kind, name, "", parents)
            if stack:
                stack.pop()
        else:
            yield SurveyRow(row, "question", "", kind, name, path, parents)


def _section(word: str) -> str:
    return "group" if word.lower() == "group" else "repeat"


def rows_by_path(workbook: Workbook | None, root: str) -> dict[str, SurveyRow]:
    """Absolute path -> its row; the specify-other question of a row and `meta/audit` included.

    Args:
        workbook: the workbook, null if the form has none.
        root: name of the instance's root.
    """
    found: dict[str, SurveyRow] = {}
    for row in survey_rows(workbook) if workbook else ():
        if row.kind == "end":
            continue
        found.setdefault(f"/{root}/{row.path}", row)
        if row.type.lower() == "audit":
            found[f"/{root}/meta/audit"] = row
        if row.type.lower().endswith("or_other"):
            found.setdefault(f"/{root}/{row.path}_other", row)
    return found


def personal_kind(row: SurveyRow | None) -> str | None:
    """Kind of personal data that the row's `personal` cell states, null if empty; an unknown word is "other"."""
    text = cell(row.row, "personal").lower() if row else ""
    if not text or text in {"no", "false"}:
        return None
    return text if text in PERSONAL_KINDS else "other"
