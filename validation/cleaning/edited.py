"""Edited tables: the decisions about a survey replayed over its tables as received, which stay as they are.

A correction names the answer that its author saw. It applies if that answer is the one received, or one that an
earlier correction of the same cell put there; otherwise the interview was edited meanwhile and the correction is
stale. What holds in a cell in the end is what the last correction in force says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from schemas.decisions import CHANGING, Decision, InForce, in_force
from schemas.fields import PRESENT, Field, Form
from validation.cleaning.cells import Key, Questions, Typed, edit_personal, locate, to_typed, write_column

STALE, NO_ROW, NO_QUESTION, WRONG_TYPE = "stale_old_value", "unknown_row", "unknown_question", "wrong_type"


@dataclass(frozen=True, slots=True)
class StaleDecision:
    """A correction in force that doesn't apply, and why: stale_old_value, unknown_row, unknown_question, wrong_type."""

    decision: Decision
    reason: str


@dataclass(frozen=True, slots=True)
class Edited:
    """The tables of a survey once decisions are replayed.

    Attributes:
        tables: same tables, rows and columns as those given; excluded interviews are still in them.
        personal: as given, corrected; null if none were given.
        log: what holds of the log, with the instance ids that count now.
        applied: corrections that put their value where it is now or that a later one replaced.
        stale: corrections that don't apply.
        cells: cells that differ from the tables given.
    """

    tables: dict[str, pl.DataFrame]
    personal: pl.DataFrame | None
    log: InForce
    applied: tuple[Decision, ...] = ()
    stale: tuple[StaleDecision, ...] = ()
    cells: int = 0

    @property
    def excluded(self) -> frozenset[str]:
        """Interviews that count nowhere."""
        return self.log.excluded


@dataclass(slots=True)
class _Column:
    """The corrections of one column, and what it holds where they are."""

    frame: pl.DataFrame
    question: Field
    rows: list[Decision] = field(default_factory=list)


@dataclass(slots=True)
class _Cell:
    """One cell while its corrections are gone through: what it may have held, and what it holds."""

    now: Typed
    known: set[Typed]


def replay_decisions(
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    log: Iterable[Decision],
    *,
    latest: Mapping[str, str] | None = None,
    personal: pl.DataFrame | None = None,
) -> Edited:
    """Replay decisions.

    Args:
        form: the form version whose questions they name.
        tables: as received, those of `store.tables.read_tables`.
        log: of one form with their ids, oldest first. Of a personal question the values are needed only where
            `personal` is given.
        latest: instance id -> that under which the interview counts now, for those that enumerators edited.
        personal: personal answers: instance_id, row_id, question, kind, value.
    """
    rows = [_renamed(row, latest or {}) for row in log]
    standing = in_force(rows)
    holds = {row.id for row in standing.decisions}
    questions = Questions(form)
    columns: dict[tuple[str, str], _Column] = {}
    applied: list[Decision] = []
    stale: list[StaleDecision] = []
    for row in rows:
        if row.action not in CHANGING:
            continue
        question = questions.find(row.question, row.table)
        frame = None if question is None else tables.get(question.table)
        if question is None or frame is None or question.column not in frame.columns:
            if row.id in holds:
                stale.append(StaleDecision(row, NO_QUESTION))
            continue
        place = columns.setdefault((question.table, question.column), _Column(frame, question))
        place.rows.append(row)
    edited = dict(tables)
    cells = 0
    apart: dict[tuple[str, str, str], str | None] = {}
    for name, keys in _keys_by_table(columns).items():
        places = locate(tables[name], keys)
        for (table, column), found in columns.items():
            if table != name:
                continue
            one = _Replay(found, places, personal)
            one.run(holds)
            applied += one.applied
            stale += one.stale
            changed = one.changed()
            cells += len(changed)
            edited[table] = write_column(edited[table], column, one.written(changed))
            if found.question.personal:
                texts = {key: None if one.cells[key].now is None else str(one.cells[key].now) for key in changed}
                apart |= {(*key, found.question.name): text for key, text in texts.items()}
    kinds = {question.name: question.personal for question in form.fields() if question.personal}
    order = {row.id: number for number, row in enumerate(rows)}
    return Edited(
        tables=edited,
        personal=None if personal is None else edit_personal(personal, apart, kinds),
        log=standing,
        applied=tuple(sorted(applied, key=lambda row: order[row.id])),
        stale=tuple(sorted(stale, key=lambda row: order[row.decision.id])),
        cells=cells,
    )


class _Replay:
    """Goes through the corrections of one column."""

    def __init__(self, column: _Column, places: Mapping[Key, int], personal: pl.DataFrame | None) -> None:
        self._column = column
        self._places = places
        self.cells: dict[Key, _Cell] = {}
        self._before: dict[Key, Typed] = {}
        self.applied: list[Decision] = []
        self.stale: list[StaleDecision] = []
        question = column.question
        self._is_apart = bool(question.personal) and personal is not None
        self._is_mark = bool(question.personal) and personal is None
        self._dtype: pl.DataType = pl.String() if question.personal else column.frame.schema[question.column]
        keys = {(row.instance_id, row.row_id) for row in column.rows}
        present = [key for key in keys if key in places]
        if self._is_apart and personal is not None:
            held = _personal_values(personal, question.name, present)
        else:
            numbers = [places[key] for key in present]
            held = dict(zip(present, column.frame.get_column(question.column).gather(numbers).to_list(), strict=True))
        for key in present:
            self._before[key] = held.get(key)
            self.cells[key] = _Cell(held.get(key), {held.get(key)})

    def run(self, holds: set[int | None]) -> None:
        """Every correction in turn; those not in `holds` only tell what was once in the cell."""
        rows = self._column.rows
        if self._is_mark:
            # Without the answers only whether there is one can be told.
            olds: list[Typed] = [None] * len(rows)
            news: list[Typed] = [PRESENT if row.action == "correct" else None for row in rows]
            bad = [False] * len(rows)
        else:
            olds, _ = to_typed([row.old for row in rows], self._dtype)
            news, bad = to_typed([None if row.action == "blank" else row.value for row in rows], self._dtype)
        for row, old, new, is_bad in zip(rows, olds, news, bad, strict=True):
            reason = self._one(row, old, new, is_bad, row.id in holds)
            if row.id in holds:
                if reason:
                    self.stale.append(StaleDecision(row, reason))
                else:
                    self.applied.append(row)

    def _one(self, row: Decision, old: Typed, new: Typed, is_bad: bool, holds: bool) -> str:
        cell = self.cells.get((row.instance_id, row.row_id))
        if cell is None:
            return NO_ROW
        if is_bad:
            return WRONG_TYPE
        if not self._is_mark and old not in cell.known and new not in cell.known:
            return STALE
        cell.known.add(new)
        if holds:
            cell.now = new
        return ""

    def changed(self) -> list[Key]:
        """The cells that hold something else than before."""
        return [key for key, cell in self.cells.items() if cell.now != self._before[key]]

    def written(self, changed: Sequence[Key]) -> dict[int, Typed]:
        """What the table holds in these cells, by row."""
        values = {self._places[key]: self.cells[key].now for key in changed}
        if self._is_apart:
            return {number: None if value is None else PRESENT for number, value in values.items()}
        return values


def _personal_values(personal: pl.DataFrame, question: str, keys: Sequence[Key]) -> dict[Key, Typed]:
    wanted = pl.DataFrame(list(keys), schema={"instance_id": pl.String, "row_id": pl.String}, orient="row")
    found = personal.filter(pl.col("question") == question).join(wanted, on=["instance_id", "row_id"], how="semi")
    return {
        (instance, row): value for instance, row, value in found.select("instance_id", "row_id", "value").iter_rows()
    }


def _keys_by_table(columns: Mapping[tuple[str, str], _Column]) -> dict[str, set[Key]]:
    keys: dict[str, set[Key]] = {}
    for (table, _), column in columns.items():
        keys.setdefault(table, set()).update((row.instance_id, row.row_id) for row in column.rows)
    return keys


def _renamed(row: Decision, latest: Mapping[str, str]) -> Decision:
    """The decision under the instance id that its interview has now; acceptances stay with the answers they saw."""
    now = latest.get(row.instance_id)
    if now is None or row.action == "accept":
        return row
    return Decision(**{name: getattr(row, name) for name in Decision.__slots__} | {"instance_id": now})
