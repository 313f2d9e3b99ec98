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

from validation.cleaning.log import BLANKS, ChangeType, CleaningRow
from validation.cleaning.texts import Kind, as_written, is_of, is_same_cell, kind_of

UUID = "uuid:"
"""What instance ids begin with, and what KoboToolbox leaves out of its `_uuid`."""
_HOLDS: Mapping[Kind, str] = {"whole": "numbers", "number": "numbers", "day": "dates", "date": "dates"}


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row of the log that wasn't applied.

    Attributes:
        number: its row in the log's file.
        reason: stable word: unknown_change_type, no_key, unknown_key, ambiguous_key, removed, no_question,
            unknown_question, key_column, stale_old_value, wrong_type, twice, contradicts, broken_row.
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
        changes: (row, column) of the table given -> what the cell holds now.
        gone: rows of the table given that were removed.
    """

    table: pl.DataFrame
    applied: Mapping[ChangeType, int]
    already: Mapping[ChangeType, int]
    refused: tuple[RefusedRow, ...]
    cells: int
    removed: int
    changes: Mapping[tuple[int, int], str] = field(default_factory=dict, repr=False)
    gone: frozenset[int] = frozenset()


class _Refusal(Exception):
    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence = sentence


_CHANGING = frozenset({ChangeType.CHANGE, ChangeType.BLANK})
_Said = tuple[str, str, ChangeType, str | None, str | None]


@dataclass(slots=True)
class _State:
    """The table while the log runs over it: only what changed is held beside it.

    Attributes:
        stale: cell -> old values of refused rows with their numbers: what they would have changed.
        seen: what a row says -> its number, and how often its cell had been changed then.
        turns: key of a record and its question -> how often the cell was changed.
        removed: row of the table -> number of the row that removed it.
        last_names: last part of a column's name ("group/question") -> its places.
    """

    table: pl.DataFrame
    names: Mapping[str, int]
    key: str
    places: dict[str, list[int]]
    changed: dict[tuple[int, int], str] = field(default_factory=dict)
    changed_by: dict[tuple[int, int], int] = field(default_factory=dict)
    stale: dict[tuple[int, int], list[tuple[str, int]]] = field(default_factory=dict)
    seen: dict[_Said, tuple[int, int]] = field(default_factory=dict)
    turns: Counter[str] = field(default_factory=Counter)
    removed: dict[int, int] = field(default_factory=dict)
    kinds: dict[int, Kind] = field(default_factory=dict)
    last_names: dict[str, list[int]] = field(default_factory=dict)

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
    for name, index in columns.items():
        state.last_names.setdefault(_last_name(name), []).append(index)
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
    changes = {
        cell: value
        for cell, value in state.changed.items()
        if cell[0] not in state.removed and value != (table[cell[0], cell[1]] or "")
    }
    gone = frozenset(state.removed)
    cleaned = _written(state, changes)
    return Replayed(cleaned, applied, already, tuple(refused), len(changes), len(gone), changes, gone)


def refuse_broken(row: CleaningRow) -> RefusedRow:
    """A row whose cells don't fit the log's header."""
    sentence = "The row has more cells than the header: a separator in a text isn't quoted."
    return RefusedRow(row.number, row.key, row.question, row.written_type, "broken_row", sentence)


def _apply(state: _State, row: CleaningRow, blank: str, check_types: bool) -> bool:
    """Applies one row; false where nothing was left to do."""
    if row.change_type is None:
        found = f"“{row.written_type}”" if row.written_type else "nothing"
        expected = ", ".join(kind.value for kind in ChangeType)
        raise _Refusal("unknown_change_type", f"The change type is {found}; expected one of {expected}.")
    if not row.key:
        raise _Refusal("no_key", f"The row names no interview ({state.key}).")
    records = _records(state, row.key)
    if records is None:
        raise _Refusal("unknown_key", f"The table has no record with this {state.key}, or none any more.")
    said, place = _same(row), f"{row.key}\n{row.question}"
    earlier, when = state.seen.get(said, (0, -1))
    # Said again after another row changed the cell, it is a step of its own: done, undone, done again.
    if earlier and (row.change_type not in _CHANGING or state.turns[place] == when):
        raise _Refusal("twice", f"The row says the same as row {earlier}.")
    try:
        return _do(state, row, records, blank, check_types, place)
    finally:
        state.seen[said] = (row.number, state.turns[place])


def _do(state: _State, row: CleaningRow, records: Sequence[int], blank: str, check_types: bool, place: str) -> bool:
    if row.change_type is ChangeType.NONE:
        return True
    if row.change_type is ChangeType.REMOVE:
        before = len(state.removed)
        for record in records:
            state.removed.setdefault(record, row.number)
        return len(state.removed) > before
    changed = _change(state, row, records, blank, check_types)
    state.turns[place] += changed
    return changed


def _records(state: _State, key: str) -> list[int] | None:
    names = (key, f"{UUID}{key}", key.removeprefix(UUID))
    return next((found for name in names if (found := state.places.get(name)) is not None), None)


def _change(state: _State, row: CleaningRow, records: Sequence[int], blank: str, check_types: bool) -> bool:
    column = _column(state, row)
    if len(records) > 1:
        raise _Refusal("ambiguous_key", f"{len(records)} records of the table carry this {state.key}.")
    if (by := state.removed.get(records[0])) is not None:
        raise _Refusal("removed", f"Row {by} removed this record.")
    cell = (records[0], column)
    now = state.value(*cell)
    new = None if row.change_type is ChangeType.BLANK else row.new
    kind = _kind(state, column)
    wanted = blank if new is None else as_written(kind, new)
    if is_same_cell(now, wanted) and not (row.old is not None and is_same_cell(row.old, wanted)):
        # As if it had changed it: rows that it contradicts are refused when the log is replayed onto its own result.
        state.changed_by.setdefault(cell, row.number)
        return False
    earlier = state.changed_by.get(cell)
    refused = state.stale.get(cell, [])
    if row.old is None and (earlier is not None or refused):
        # Of a refused one too: what it names may be what stands here once the whole log is through.
        first = earlier if earlier is not None else refused[0][1]
        raise _Refusal("contradicts", f"Row {first} is about {row.question} already, and this row names no old value.")
    if row.old is not None and not is_same_cell(row.old, now):
        state.stale.setdefault(cell, []).append((row.old, row.number))
        told = f" (row {earlier} changed it)" if earlier is not None else ""
        raise _Refusal("stale_old_value", f"{row.question} no longer holds the old value that the row names{told}.")
    if new is not None and check_types and not is_of(kind, new):
        raise _Refusal("wrong_type", f"{row.question} holds {_HOLDS[kind]} only, and the new value is none.")
    if is_same_cell(now, wanted):
        return False
    other = next((number for old, number in refused if is_same_cell(old, wanted)), None)
    if other is not None:
        # Else the log over its own result would find that row's old value, and change what this one put there.
        raise _Refusal("contradicts", f"Row {other}, refused, changes the very value that this row would put there.")
    state.changed[cell] = wanted
    state.changed_by[cell] = row.number
    return True


def _column(state: _State, row: CleaningRow) -> int:
    if not row.question:
        raise _Refusal("no_question", "The row names no column.")
    column = state.names.get(row.question)
    if column is None:
        # Exports with groups call it "group/question"; the log names the question.
        alike = state.last_names.get(_last_name(row.question), [])
        if len(alike) != 1:
            several = f", but {len(alike)} that end so" if alike else ""
            raise _Refusal("unknown_question", f"The table has no column {row.question}{several}.")
        column = alike[0]
    if column == state.names[state.key]:
        raise _Refusal("key_column", f"{state.key} is the key of the records; it can't be changed by a log.")
    return column


def _last_name(name: str) -> str:
    """A question's name without its groups ("a/b", "a.b", "a:b")."""
    return re.split(r"[/.:]", name.strip())[-1].lower()


def _same(row: CleaningRow) -> _Said:
    assert row.change_type is not None  # noqa: S101 - refused before
    question = "" if row.change_type is ChangeType.REMOVE else row.question
    old, new = (row.old, row.new) if row.change_type is ChangeType.CHANGE else (row.old, None)
    return (row.key, question, row.change_type, None if row.change_type is ChangeType.REMOVE else old, new)


def _kind(state: _State, column: int) -> Kind:
    if column not in state.kinds:
        series = state.table.to_series(column).drop_nulls()
        answers = series.len() - int(series.str.strip_chars().is_in(list(BLANKS)).sum())
        state.kinds[column] = kind_of(answers, series.unique().to_list())
    return state.kinds[column]


def _written(state: _State, changes: Mapping[tuple[int, int], str]) -> pl.DataFrame:
    """The table with the changed cells, without the removed records."""
    by_column: dict[int, dict[int, str]] = {}
    for (row, column), value in changes.items():
        by_column.setdefault(column, {})[row] = value
    table = state.table
    for column, values in by_column.items():
        series = table.to_series(column).clone().scatter(list(values), list(values.values()))
        table = table.with_columns(series)
    if state.removed:
        kept = pl.Series([index not in state.removed for index in range(table.height)], dtype=pl.Boolean)
        table = table.filter(kept)
    return table
