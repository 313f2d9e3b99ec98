"""Replays a cleaning log over a flat table: every row applies once, or is refused with its reason.

Rows apply in the order of the log, each onto what the rows before it left, so that a later row may take an earlier one
back (its old value is then what the earlier one put there). Nothing but the named cells and removed records changes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from validation.cleaning.log import BLANKS, ChangeType, CleaningRow, is_blank

# Fewer answers than this say nothing about a column's type.
_EVIDENCE = 3
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of the log that wasn't applied.

    Attributes:
        number: its row in the log's file.
        reason: stable word: unknown_change_type, no_key, unknown_key, ambiguous_key, no_question, unknown_question,
            key_column, stale_old_value, wrong_type, twice, contradicts.
        sentence: for people; names the column, never a value.
    """

    number: int
    key: str
    question: str
    change_type: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a log did to a table.

    Attributes:
        table: the columns and order of the table given; without the removed records.
        applied: rows of the log that applied, a change type.
        already: rows that found what they want there already, a change type: a log replayed onto its own result.
        refused: in the order of the log.
        cells: cells that differ from the table given, records removed left out.
        removed: records removed.
    """

    table: pl.DataFrame
    applied: Mapping[ChangeType, int]
    already: Mapping[ChangeType, int]
    refused: tuple[RefusedRow, ...]
    cells: int
    removed: int


class _Refusal(Exception):
    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence = sentence


@dataclass(slots=True)
class _State:
    """The table while the log runs over it: only what changed is held beside it."""

    table: pl.DataFrame
    names: Mapping[str, int]
    key: str
    places: dict[str, list[int]]
    changed: dict[tuple[int, int], str] = field(default_factory=dict)
    changed_by: dict[tuple[int, int], int] = field(default_factory=dict)
    seen: dict[tuple[str, str, ChangeType, str | None, str | None], int] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    types: dict[int, str] = field(default_factory=dict)

    def value(self, row: int, column: int) -> str:
        held = self.changed.get((row, column))
        return held if held is not None else str(self.table[row, column] or "")


def replay(
    table: pl.DataFrame,
    names: Sequence[str],
    key: str,
    log: Iterable[CleaningRow],
    *,
    blank: str = "",
    check_types: bool = True,
) -> Replayed:
    """Replays a log.

    Args:
        table: one row a record, all columns text; its column names don't matter.
        names: what the columns are called in the file, in order; of a name that stands twice the first is meant.
        key: the name of the column that the log's keys are of.
        log: in order.
        blank: how this table writes a blank.
        check_types: whether a text in a column of numbers or dates is refused.
    """
    columns = {name: index for index, name in reversed(list(enumerate(names)))}
    places: dict[str, list[int]] = {}
    for index, value in enumerate(table.to_series(columns[key]).to_list()):
        places.setdefault((value or "").strip(), []).append(index)
    state = _State(table, columns, key, places)
    applied: Counter[ChangeType] = Counter()
    already: Counter[ChangeType] = Counter()
    refused = []
    for row in log:
        try:
            changed = _apply(state, row, blank, check_types)
        except _Refusal as refusal:
            refused.append(
                RefusedRow(row.number, row.key, row.question, row.written_type, refusal.reason, refusal.sentence)
            )
            continue
        assert row.change_type is not None  # noqa: S101 - an unknown type was refused above
        (applied if changed else already)[row.change_type] += 1
    cells = sum(
        1
        for (place, column), value in state.changed.items()
        if place not in state.removed and value != (table[place, column] or "")
    )
    return Replayed(_written(state), applied, already, tuple(refused), cells, len(state.removed))


def _apply(state: _State, row: CleaningRow, blank: str, check_types: bool) -> bool:
    """Applies one row; false where nothing was left to do."""
    if row.change_type is None:
        found = f"“{row.written_type}”" if row.written_type else "nothing"
        expected = ", ".join(kind.value for kind in ChangeType)
        raise _Refusal("unknown_change_type", f"The change type is {found}; expected one of {expected}.")
    if not row.key:
        raise _Refusal("no_key", f"The row names no interview ({state.key}).")
    records = state.places.get(row.key)
    if records is None:
        raise _Refusal("unknown_key", f"The table has no record with this {state.key}.")
    if (earlier := state.seen.setdefault(_same(row), row.number)) != row.number:
        raise _Refusal("twice", f"The row says the same as row {earlier}.")
    if row.change_type is ChangeType.NONE:
        return True
    if row.change_type is ChangeType.REMOVE:
        before = len(state.removed)
        state.removed.update(records)
        return len(state.removed) > before
    return _change(state, row, records, blank, check_types)


def _change(state: _State, row: CleaningRow, records: Sequence[int], blank: str, check_types: bool) -> bool:
    column = _column(state, row)
    if len(records) > 1:
        raise _Refusal("ambiguous_key", f"{len(records)} records of the table carry this {state.key}.")
    cell = (records[0], column)
    now = state.value(*cell)
    new = None if row.change_type is ChangeType.BLANK else row.new
    wanted = blank if new is None else new
    if is_same_cell(now, wanted) and not (row.old is not None and is_same_cell(row.old, wanted)):
        # As if it had changed it: rows that it contradicts are refused when the log is replayed onto its own result.
        state.changed_by.setdefault(cell, row.number)
        return False
    earlier = state.changed_by.get(cell)
    if row.old is None and earlier is not None:
        raise _Refusal("contradicts", f"Row {earlier} changed {row.question} already, and this row names no old value.")
    if row.old is not None and not is_same_cell(row.old, now):
        told = f" (row {earlier} changed it)" if earlier is not None else ""
        raise _Refusal("stale_old_value", f"{row.question} no longer holds the old value that the row names{told}.")
    if new is not None and check_types and (kind := _type(state, column)) and not _is_of(kind, new):
        raise _Refusal("wrong_type", f"{row.question} holds {kind}s only, and the new value is none.")
    if is_same_cell(now, wanted):
        return False
    state.changed[cell] = wanted
    state.changed_by[cell] = row.number
    return True


def _column(state: _State, row: CleaningRow) -> int:
    if not row.question:
        raise _Refusal("no_question", "The row names no column.")
    column = state.names.get(row.question)
    if column is None:
        raise _Refusal("unknown_question", f"The table has no column {row.question}.")
    if row.question == state.key:
        raise _Refusal("key_column", f"{state.key} is the key of the records; it can't be changed by a log.")
    return column


def _same(row: CleaningRow) -> tuple[str, str, ChangeType, str | None, str | None]:
    assert row.change_type is not None  # noqa: S101 - refused before
    question = "" if row.change_type is ChangeType.REMOVE else row.question
    old, new = (row.old, row.new) if row.change_type is ChangeType.CHANGE else (row.old, None)
    return (row.key, question, row.change_type, None if row.change_type is ChangeType.REMOVE else old, new)


def is_same_cell(left: str, right: str) -> bool:
    """Whether two cells say the same: spreadsheets rewrite 5 as 5.0, true as TRUE, and a blank as NA."""
    if left == right:
        return True
    left, right = left.strip(), right.strip()
    if left == right or (is_blank(left) and is_blank(right)):
        return True
    if _NUMBER.fullmatch(left) and _NUMBER.fullmatch(right):
        return float(left) == float(right)
    words = {left.lower(), right.lower()}
    return words <= {"true", "false"} and len(words) == 1


def _type(state: _State, column: int) -> str:
    """What a column holds without exception: "number", "date", or "" for anything else."""
    if column not in state.types:
        series = state.table.to_series(column).drop_nulls()
        answers = series.filter(~series.str.strip_chars().is_in(list(BLANKS)))
        kinds = ("number", "date") if len(answers) >= _EVIDENCE else ()
        values = answers.unique().to_list()
        state.types[column] = next((kind for kind in kinds if all(_is_of(kind, value) for value in values)), "")
    return state.types[column]


def _is_of(kind: str, value: str) -> bool:
    return (_NUMBER if kind == "number" else _DATE).fullmatch(value.strip()) is not None


def _written(state: _State) -> pl.DataFrame:
    """The table with the changed cells, without the removed records."""
    by_column: dict[int, dict[int, str]] = {}
    for (row, column), value in state.changed.items():
        by_column.setdefault(column, {})[row] = value
    table = state.table
    for column, values in by_column.items():
        series = table.to_series(column).clone().scatter(list(values), list(values.values()))
        table = table.with_columns(series)
    if state.removed:
        kept = pl.Series([index not in state.removed for index in range(table.height)], dtype=pl.Boolean)
        table = table.filter(kept)
    return table
