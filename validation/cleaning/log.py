"""A cleaning log in the sector's shape: one row a decision, read tolerantly from what spreadsheets make of it.

The shape is the one of IMPACT Initiatives' guidance and its R package `cleaningtools` 0.1 (columns `uuid`,
`question`, `old_value`, `new_value`, `change_type`; types `change_response`, `blank_response`, `remove_survey`,
`no_action`). Other names for the same columns, as they occur in logs of that family, are read too; older logs have no
type but a column `changed` with yes or no.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class ChangeType(StrEnum):
    """What a row of the log asks for."""

    CHANGE = "change_response"
    BLANK = "blank_response"
    REMOVE = "remove_survey"
    NONE = "no_action"


@dataclass(frozen=True, slots=True)
class CleaningRow:
    """One row of a log, as written.

    Attributes:
        number: its row in the file; the header is row 1.
        key: of the interview it is about, "" where the cell is empty.
        question: the column it is about, "" where the cell is empty.
        old: the value that the author of the row saw; null where the log doesn't tell.
        new: the value wanted; null where the cell is empty.
        change_type: null where the word isn't one of ours; `written_type` then says what stands there.
    """

    number: int
    key: str
    question: str
    old: str | None
    new: str | None
    change_type: ChangeType | None
    written_type: str = ""


# Column names are compared without case and with every run of other characters as one "_".
_NAMES: Mapping[str, tuple[str, ...]] = {
    "key": ("uuid", "_uuid", "x_uuid", "instance_id", "instanceid", "key", "id", "survey_uuid"),
    "question": ("question", "questions", "question_name", "variable", "variable_name", "column", "name"),
    "old": ("old_value", "old", "old_values", "current_value"),
    "new": ("new_value", "new", "new_values", "corrected_value"),
    "type": ("change_type", "type_of_change", "action", "action_taken", "change", "type"),
    "changed": ("changed", "is_changed", "modified", "cambiado", "cambio"),
}
_TYPES: Mapping[str, ChangeType] = {
    "change_response": ChangeType.CHANGE,
    "change_value": ChangeType.CHANGE,
    "change_res": ChangeType.CHANGE,
    "change": ChangeType.CHANGE,
    "recode": ChangeType.CHANGE,
    "recoded": ChangeType.CHANGE,
    "correct": ChangeType.CHANGE,
    "blank_response": ChangeType.BLANK,
    "blank": ChangeType.BLANK,
    "na_response": ChangeType.BLANK,
    "delete_response": ChangeType.BLANK,
    "delete_data_point": ChangeType.BLANK,
    "remove_survey": ChangeType.REMOVE,
    "delete_survey": ChangeType.REMOVE,
    "delete": ChangeType.REMOVE,
    "remove": ChangeType.REMOVE,
    "discard": ChangeType.REMOVE,
    "exclude": ChangeType.REMOVE,
    "no_action": ChangeType.NONE,
    "no_action_value": ChangeType.NONE,
    "no_change": ChangeType.NONE,
    "none": ChangeType.NONE,
    "accept": ChangeType.NONE,
}
_SAID: Mapping[str, ChangeType] = {
    **dict.fromkeys(("yes", "y", "true", "t", "1", "si", "s_", "wi", "oui"), ChangeType.CHANGE),
    **dict.fromkeys(("no", "n", "false", "f", "0", "non"), ChangeType.NONE),
}
"""What logs of before the change types say under “changed”."""
BLANKS = frozenset({"", "NA", "N/A", "NaN", "<NA>", "NULL"})
"""What the tools of the sector write for a blank: Excel nothing, R NA, pandas NaN or <NA>."""


def is_blank(value: str) -> bool:
    """Whether a cell holds no answer, however its tool writes that."""
    return value.strip() in BLANKS


def match_columns(header: Sequence[str], key_name: str = "") -> dict[str, int]:
    """Which column of a log holds what.

    Args:
        header: the log's first row.
        key_name: what the data call the key; a log that uses the same name is understood first.

    Returns:
        `key`, `question`, `old`, `new`, `type`, `changed` -> place in the header; a thing that no column holds is
        left out.
    """
    places = {_plain(name): index for index, name in reversed(list(enumerate(header)))}
    found = {}
    for thing, names in _NAMES.items():
        candidates = (key_name, *names) if thing == "key" and key_name else names
        for name in candidates:
            if (place := places.get(_plain(name))) is not None:
                found[thing] = place
                break
    return found


def list_missing(columns: Mapping[str, int]) -> list[str]:
    """Names of the columns that a log can't do without and that `match_columns` didn't find."""
    wanted = {"key": "uuid", "question": "question", "new": "new_value", "type": "change_type"}
    if "changed" in columns:
        del wanted["type"]
    return [name for thing, name in wanted.items() if thing not in columns]


def read_rows(rows: Sequence[Sequence[str]], columns: Mapping[str, int]) -> list[CleaningRow]:
    """The rows below a log's header, whose columns `match_columns` found; rows without content are left out."""
    read = []
    for number, row in enumerate(rows, start=2):
        if all(not cell.strip() for cell in row):
            continue
        written = _cell(row, columns.get("type")) or ""
        new = _cell(row, columns.get("new"))
        kind = _TYPES.get(_plain(written))
        if not written and "changed" in columns:
            written = _cell(row, columns["changed"]) or ""
            kind = _SAID.get(_plain(written))
            kind = ChangeType.BLANK if kind is ChangeType.CHANGE and new is None else kind
        read.append(
            CleaningRow(
                number=number,
                key=_cell(row, columns.get("key")) or "",
                question=_cell(row, columns.get("question")) or "",
                old=_cell(row, columns.get("old")),
                new=new,
                change_type=kind,
                written_type=written,
            )
        )
    return read


def _cell(row: Sequence[str], place: int | None) -> str | None:
    """A cell without the spaces around it; null where there is none or it is blank."""
    if place is None or place >= len(row):
        return None
    value = row[place].strip()
    return None if is_blank(value) else value


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", name.strip().lower().lstrip("\ufeff")).strip()
