"""Many interviews with some answers changed, judged together by the engine that judges every interview."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from schemas.fields import INSTANCE_ID, ROW_ID
from validation.calculations import calculated_text
from validation.chunks import Chunk, Flags, Numbers
from validation.cleaning.cells import Typed, to_typed
from validation.evaluation import FAILURES
from validation.imputation.edits import Edits
from validation.imputation.interviews import Cell, Interviews, Place
from validation.imputation.plan import Column
from validation.relevance import Judged, apply_relevance

ROUNDS = 8
"""Calculations of calculations are followed so far."""

MOST = 20_000
"""Trials judged at a time: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One interview with other answers.

    Attributes:
        owner: number of the interview.
        cells: answers that are put in; null is blank.
        chosen: of these, the ones that must be answered where they are asked.
    """

    owner: int
    cells: Mapping[Cell, Typed] = field(repr=False)
    chosen: frozenset[Cell] = frozenset()


@dataclass(slots=True)
class Built:
    """Trials as tables.

    Attributes:
        chunk: their rows; trial k's instance id is k.
        rows: table -> for each row, its number among those of the interviews.
        starts: table -> for each trial, where its rows start.
    """

    chunk: Chunk
    rows: dict[str, Numbers]
    starts: dict[str, Numbers]


class Bench:
    """Judges trials of some interviews.

    Attributes:
        base: the interviews as they are, judged.
    """

    def __init__(self, interviews: Interviews) -> None:
        self.interviews = interviews
        self.edits: Edits = interviews.edits
        self.base: Judged = apply_relevance(self.edits.program.plan, interviews.chunk, interviews.chunk.tables)
        self._stale = {number: self._was_stale(number) for number in self.edits.calculations}
        self.judged_trials = 0

    def failing(self) -> list[set[Place]]:
        """The edits that each interview breaks as it is."""
        numbers = [number for number, edit in self.edits.all.items() if edit.kind != "answered"]
        found: list[set[Place]] = [set() for _ in self.interviews.names]
        self._collect(self.base, numbers, found)
        return found

    def is_asked(self, cell: Cell, number: int) -> bool:
        """Whether a question is to be asked in an interview as it is."""
        table, row_id, column = cell
        mask = self.base.relevant(self.edits.changeable[table, column].path)
        return mask is None or bool(mask[self.interviews.row(number, table, row_id)])

    def judge(self, trials: Sequence[Trial], numbers: Collection[int]) -> list[set[Place]]:
        """The edits that each trial breaks, of those asked for."""
        found: list[set[Place]] = [set() for _ in trials]
        for start in range(0, len(trials), MOST):
            some = trials[start : start + MOST]
            part = found[start : start + MOST]
            judged, built, places = self.build(some)
            self._collect(judged, [n for n in numbers if self.edits.all[n].kind != "answered"], part)
            self._collect_unanswered(judged, built, some, places, part)
            self.judged_trials += len(some)
        return found

    def build(self, trials: Sequence[Trial]) -> tuple[Judged, Built, dict[Column, list[tuple[int, int]]]]:
        """Trials as tables with their calculations, judged.

        Returns:
            Also, by column, the trial and row of each answer that was put in.
        """
        built = self._copy(trials)
        places: dict[Column, list[tuple[int, int]]] = {}
        values: dict[Column, list[Typed]] = {}
        for k, trial in enumerate(trials):
            for (table, row_id, column), value in trial.cells.items():
                first = self.interviews.starts[table][trial.owner]
                at = int(built.starts[table][k]) + self.interviews.row(trial.owner, table, row_id) - int(first)
                places.setdefault((table, column), []).append((k, at))
                values.setdefault((table, column), []).append(value)
        tables = dict(built.chunk.tables)
        for (table, column), some in values.items():
            series = tables[table].get_column(column)
            fresh = pl.Series(some, dtype=series.dtype)
            rows = [row for _, row in places[table, column]]
            tables[table] = tables[table].with_columns(series.clone().scatter(rows, fresh).alias(column))
        built.chunk = Chunk(tables, built.chunk.owners, built.chunk.parents)
        return self._calculate(built, set(values)), built, places

    # -- copies ------------------------------------------------------------------------------------------------------
    def _copy(self, trials: Sequence[Trial]) -> Built:
        base = self.interviews.chunk
        owners = np.array([trial.owner for trial in trials], dtype=np.int64)
        names = pl.Series(INSTANCE_ID, np.arange(len(trials))).cast(pl.String)
        tables: dict[str, pl.DataFrame] = {}
        of: dict[str, Numbers] = {}
        above: dict[str, Numbers] = {}
        rows: dict[str, Numbers] = {}
        starts: dict[str, Numbers] = {}
        for table, frame in base.tables.items():
            bounds = self.interviews.starts[table]
            sizes = (bounds[owners + 1] - bounds[owners]).astype(np.int64)
            starts[table] = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
            of[table] = np.repeat(np.arange(len(trials), dtype=np.int64), sizes)
            inside = np.arange(int(sizes.sum()), dtype=np.int64) - np.repeat(starts[table], sizes)
            rows[table] = np.repeat(bounds[owners].astype(np.int64), sizes) + inside
            tables[table] = frame[rows[table]].with_columns(names[of[table]].alias(INSTANCE_ID))
            parent = self.edits.form.table(table).parent
            if parent is not None:
                old = base.parents[table][rows[table]]
                k = of[table]
                above[table] = starts[parent][k] + old - self.interviews.starts[parent][owners[k]]
        return Built(Chunk(tables, of, above), rows, starts)

    # -- calculations ------------------------------------------------------------------------------------------------
    def _calculate(self, built: Built, changed: set[Column]) -> Judged:
        """Calculations that rest on what was put in are told anew, where they agreed with the answers before."""
        plan = self.edits.program.plan
        wanted = self._resting_on(changed)
        judged = apply_relevance(plan, built.chunk, built.chunk.tables)
        for _ in range(ROUNDS):
            judged.prepare(need for number in wanted for need in self.edits.program.judges[number].needs)
            told = [self._tell_anew(number, judged, built) for number in wanted]
            judged.ready.clear()
            if not any(told):
                break
            judged = apply_relevance(plan, built.chunk, built.chunk.tables)
        return judged

    def _resting_on(self, changed: set[Column]) -> list[int]:
        return [
            number
            for number, question in self.edits.calculations.items()
            if any((table, column) in changed for table, column, _ in self.edits.sources(question))
        ]

    def _tell_anew(self, number: int, judged: Judged, built: Built) -> bool:
        question = self.edits.calculations[number]
        judge = self.edits.program.judges[number]
        try:
            wrong = judge.verdict(judged).fails
            at = np.flatnonzero(wrong)
            if not at.size:
                return False
            texts = judged.value(judge.needs[0][0], "string").gather(at).to_list()
        except FAILURES:
            return False
        kept = judged.kept.get(question.table)
        here = at if kept is None else kept[at]
        upset = ~self._stale[number][built.rows[question.table][here]]
        if not upset.any():
            return False
        frame = built.chunk.tables[question.table]
        series = frame.get_column(question.column)
        told = [calculated_text(text, question.type) for text, is_upset in zip(texts, upset, strict=True) if is_upset]
        values, _ = to_typed(told, series.dtype)
        fresh = series.clone().scatter(here[upset], pl.Series(values, dtype=series.dtype))
        tables = {**built.chunk.tables, question.table: frame.with_columns(fresh.alias(question.column))}
        built.chunk = Chunk(tables, built.chunk.owners, built.chunk.parents)
        return True

    def _was_stale(self, number: int) -> Flags:
        """Rows whose stored calculation didn't follow from the answers before anything was changed."""
        question = self.edits.calculations[number]
        flags = np.zeros(self.base.chunk.tables[question.table].height, dtype=np.bool_)
        try:
            fails = self.edits.program.judges[number].verdict(self.base).fails
        except FAILURES:
            return ~flags
        kept = self.base.kept.get(question.table)
        flags[np.arange(flags.size) if kept is None else kept] = fails
        return flags

    # -- verdicts ----------------------------------------------------------------------------------------------------
    def _collect(self, judged: Judged, numbers: Sequence[int], found: list[set[Place]]) -> None:
        program = self.edits.program
        rules = [number for number in numbers if self.edits.all[number].kind == "rule"]
        judged.prepare(need for number in rules for need in program.judges[number].needs)
        for number in rules:
            try:
                verdict = program.judges[number].verdict(judged)
            except FAILURES:
                continue
            at = np.flatnonzero(verdict.fails)
            if at.size:
                table = program.rules[number].table
                frame = judged.chunk.tables[table] if verdict.original else judged.tables[table]
                owners = judged.chunk.owners[table] if verdict.original else judged.owners(table)
                _add(number, owners[at], frame[ROW_ID][at].to_list(), found)
        judged.ready.clear()
        for number in numbers:
            edit = self.edits.all[number]
            mask = judged.relevant(edit.path) if edit.kind == "row" else None
            if mask is not None and not mask.all():
                at = np.flatnonzero(~mask)
                table = edit.table
                _add(number, judged.chunk.owners[table][at], judged.chunk.tables[table][ROW_ID][at].to_list(), found)

    def _collect_unanswered(
        self,
        judged: Judged,
        built: Built,
        trials: Sequence[Trial],
        places: Mapping[Column, Sequence[tuple[int, int]]],
        found: list[set[Place]],
    ) -> None:
        for (table, column), some in places.items():
            at = np.array([row for _, row in some], dtype=np.int64)
            frame = built.chunk.tables[table]
            empty = frame[column][at].is_null().to_numpy().copy()
            mask = judged.relevant(self.edits.changeable[table, column].path)
            if mask is not None:
                empty &= mask[at]
            ids = frame[ROW_ID]
            for place in np.flatnonzero(empty).tolist():
                k, row = some[place]
                if (table, ids[row], column) in trials[k].chosen:
                    found[k].add((self.edits.answered[table, column], ids[row]))


def _add(number: int, owners: Numbers, ids: Sequence[str], found: list[set[Place]]) -> None:
    for owner, row_id in zip(owners.tolist(), ids, strict=True):
        found[owner].add((number, row_id))
