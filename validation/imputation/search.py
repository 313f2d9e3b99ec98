"""Whether the answers of a set can be such that every edit holds, the others staying as they are; and if not, why.

Answers are put in one after the other, and what breaks an edit that rests on nothing still to come is dropped. Where
nothing is left, each dropped try names an edit that it breaks: some answer outside the set on which these edits rest
must change too, whatever the answers of the set are. That is an edit implied by the workbook's, and a further cut of
the covering problem.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field

from validation.cleaning.cells import Typed
from validation.imputation.domains import Domains
from validation.imputation.interviews import Cell, Interviews, Place, Structure
from validation.imputation.plan import Column
from validation.imputation.trials import Trial

MOST_TRIES = 4_096
"""Tries for one answer of the set; with more the search is given up."""
MANY = 256
"""Of more states only one is kept of those that are alike in all that what is still to come is tied to."""

State = dict[Cell, Typed]


@dataclass(frozen=True, slots=True)
class Ask:
    """Trials to be judged, and by which edits."""

    trials: Sequence[Trial]
    numbers: Collection[int]


Answers = list[set[Place]]
"""What each trial breaks."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a search found of one part of the set, whose answers no edit ties to those of another part.

    Attributes:
        solutions: answers with which every edit holds.
        cut: answers of which one must change too, where there is no solution; null if that isn't known.
        guard: answers that make it so.
        over: the answers that were gone through; it says nothing of interviews that have others.
        is_every: whether these are all there are.
    """

    solutions: tuple[State, ...]
    cut: frozenset[Cell] | None
    guard: frozenset[Cell]
    is_every: bool
    over: Mapping[Cell, frozenset[Typed]] = field(default_factory=dict)


@dataclass(slots=True)
class Search:
    """Looks for answers of one interview.

    Args:
        number: of the interview.
        forced: answers that can't stay as they are.
        exempt: edits that need not hold.
    """

    interviews: Interviews
    domains: Domains
    number: int
    forced: frozenset[Cell]
    exempt: frozenset[Place]

    @property
    def structure(self) -> Structure:
        """Of the interview."""
        return self.interviews.structure(self.number)

    def parts(self, chosen: frozenset[Cell], free: frozenset[Cell]) -> list[list[Cell]]:
        """Answers in groups that no edit ties to each other; in each the chosen ones first, those with few values."""
        group: dict[Cell, set[Cell]] = {cell: {cell} for cell in free}
        for cell in sorted(free):
            for place in self.structure.touching.get(cell, ()):
                tied = [group[other] for other in self.structure.cells[place] & free]
                merged = set().union(*tied)
                for other in merged:
                    group[other] = merged
        unique = {min(cells): cells for cells in group.values()}
        sizes = {cell: len(self.domains.of(_column(cell))) for cell in free}
        return [
            sorted(unique[first], key=lambda cell: (cell not in chosen, sizes[cell], cell)) for first in sorted(unique)
        ]

    def touched(self, cells: Collection[Cell], free: Collection[Cell]) -> frozenset[Place]:
        """Edits that rest on some of the answers, and must hold.

        Args:
            free: answers that are blanked if they aren't asked: nothing says that they must not be given.
        """
        places: set[Place] = set()
        for cell in cells:
            places.update(self.structure.touching.get(cell, ()))
        return frozenset(place for place in places if place not in self.exempt and not self._is_free(place, free))

    def _is_free(self, place: Place, free: Collection[Cell]) -> bool:
        edits = self.interviews.edits
        edit = edits.all[place[0]]
        if edit.field is None:
            return False
        own = (edit.field.table, place[1], edit.field.column)
        if edit.kind == "answered":
            return own not in free
        return own in free and edits.program.rules[edit.number].kind == "relevant"

    def run(
        self, part: Sequence[Cell], chosen: frozenset[Cell], free: frozenset[Cell]
    ) -> Generator[Ask, Answers, Proof]:
        """Search one part.

        Args:
            part: one of `parts`.
            chosen: answers that must be given where they are asked.
            free: these, and the blank questions that are only asked once others have other answers.
        """
        must = self.touched(part, free)
        cells_of = self.structure.cells
        alone = yield from self._alone(part, chosen, free, must)
        for cell, bad in alone.items():
            if all(value in bad for value in self._tried(cell, chosen)) and not self.domains.beside(_column(cell)):
                return self._refuted([cell], list(bad.values()), chosen, free)
        order = sorted(part, key=lambda cell: (cell not in chosen, len(self._tried(cell, chosen)) - len(alone[cell])))
        states: list[State] = [{}]
        dropped: list[frozenset[Place]] = []
        is_whole = is_every = True
        done: set[Cell] = set()
        for cell in order:
            if done and cell not in chosen and done <= chosen:
                blank = yield from self._with_blanks(states, order, chosen, must)
                if blank:
                    return Proof(tuple(blank), None, frozenset(), is_every=False)
            done.add(cell)
            dropped += alone[cell].values()
            now = frozenset(place for place in must if cells_of[place] & free <= done)
            if len(states) * len(self._tried(cell, chosen)) > MOST_TRIES:
                states, is_every = self._unlike(states, done - {cell}, must, free), False
            tries = [
                {**state, cell: value}
                for state in states
                for value in dict.fromkeys((*self._staying(cell, chosen), *self._values(cell, state)))
                if value not in alone[cell]
            ]
            if len(tries) > MOST_TRIES:
                tries, is_whole = tries[:MOST_TRIES], False
            trials = [Trial(self.number, state, self._due(state, chosen)) for state in tries]
            broken = yield Ask(trials, {number for number, _ in now})
            states = []
            for state, places in zip(tries, broken, strict=True):
                why = now & places
                if why:
                    dropped.append(why)
                else:
                    states.append(state)
            if len(states) > MANY:
                states, is_every = self._unlike(states, done, must, free), False
            if not states:
                break
        if states or not is_whole:
            return Proof(tuple(states), None, frozenset(), is_every and is_whole)
        return self._refuted(part, dropped, chosen, free)

    def _with_blanks(
        self, states: Sequence[State], part: Sequence[Cell], chosen: frozenset[Cell], must: frozenset[Place]
    ) -> Generator[Ask, Answers, list[State]]:
        """The states that do with every question blank that is only asked now."""
        tries = [{**dict.fromkeys(part), **state} for state in states]
        trials = [Trial(self.number, state, self._due(state, chosen)) for state in tries]
        broken = yield Ask(trials, {number for number, _ in must})
        return [state for state, places in zip(tries, broken, strict=True) if not must & places]

    def _alone(
        self, part: Sequence[Cell], chosen: frozenset[Cell], free: frozenset[Cell], must: frozenset[Place]
    ) -> Generator[Ask, Answers, dict[Cell, dict[Typed, frozenset[Place]]]]:
        """For each answer of the set those that won't do whatever the others of the set are, and what they break."""
        mine: dict[Cell, frozenset[Place]] = {}
        for cell in part:
            places = frozenset(place for place in must if self.structure.cells[place] & free == {cell})
            if cell in chosen and places and len(part) > 1:
                mine[cell] = places
        tries = [(cell, value) for cell in mine for value in self._tried(cell, chosen)]
        found: dict[Cell, dict[Typed, frozenset[Place]]] = {cell: {} for cell in part}
        if not tries:
            return found
        states = [{cell: value} for cell, value in tries]
        trials = [Trial(self.number, state, self._due(state, chosen)) for state in states]
        broken = yield Ask(trials, {number for places in mine.values() for number, _ in places})
        for (cell, value), why in zip(tries, broken, strict=True):
            if mine[cell] & why:
                found[cell][value] = mine[cell] & why
        return found

    def _tried(self, cell: Cell, chosen: frozenset[Cell]) -> tuple[Typed, ...]:
        """The answers that are tried in any case."""
        return (*self._staying(cell, chosen), *self.domains.of(_column(cell)))

    def _refuted(
        self, part: Sequence[Cell], dropped: Sequence[frozenset[Place]], chosen: frozenset[Cell], free: frozenset[Cell]
    ) -> Proof:
        cut, guard = self._imply(dropped, free)
        over = {cell: frozenset(self._tried(cell, chosen)) for cell in part}
        return Proof((), cut, guard | self._beside(part, free), True, over)

    def _staying(self, cell: Cell, chosen: frozenset[Cell]) -> tuple[Typed, ...]:
        """The answer as it is, where it isn't among those that are tried anyway.

        It is no way out for the set, or a smaller set would do; but what it breaks belongs to the implied edit.
        """
        value = self._base(cell)
        is_tried = cell in self.forced or value in self.domains.of(_column(cell))
        return () if is_tried and cell in chosen else (value,)

    def _due(self, state: State, chosen: frozenset[Cell]) -> frozenset[Cell]:
        """Answers that must be given: those of the set, unless they stay as they are."""
        return frozenset(
            cell
            for cell, value in state.items()
            if cell in chosen and (cell in self.forced or value is not None or self._base(cell) is not None)
        )

    def _unlike(
        self, states: Sequence[State], done: set[Cell], must: Collection[Place], free: frozenset[Cell]
    ) -> list[State]:
        """One of the states that are alike in every answer that something still to come is tied to."""
        cells_of = self.structure.cells
        live = {cell for place in must if not cells_of[place] & free <= done for cell in cells_of[place] & done}
        order = sorted(live)
        kept: dict[tuple[Typed, ...], State] = {}
        for state in states:
            kept.setdefault(tuple(state[cell] for cell in order), state)
        return list(kept.values())

    def _values(self, cell: Cell, state: State) -> Sequence[Typed]:
        column = _column(cell)
        fixed = self.domains.of(column)
        beside = self.domains.beside(column)
        if not beside:
            return fixed
        others = [state[other] if other in state else self._base(other) for other in self._cells(beside)]
        return tuple(dict.fromkeys([*fixed, *self.domains.near(column, others)]))

    def _cells(self, columns: Collection[tuple[str, str]]) -> list[Cell]:
        return sorted(cell for cell in self.structure.touching if _column(cell) in columns)

    def _base(self, cell: Cell) -> Typed:
        return self.interviews.value(self.number, cell)

    def _beside(self, part: Sequence[Cell], free: frozenset[Cell]) -> frozenset[Cell]:
        columns = frozenset().union(*(self.domains.beside(_column(cell)) for cell in part))
        return frozenset(self._cells(columns)) - free if columns else frozenset()

    def _imply(
        self, dropped: Sequence[frozenset[Place]], free: frozenset[Cell]
    ) -> tuple[frozenset[Cell], frozenset[Cell]]:
        """A cut, small by choosing for each dropped try the edit that adds least to it; and all it rests on."""
        cells_of, changeable = self.structure.cells, self.interviews.edits.changeable
        outside = {
            place: frozenset(cell for cell in cells_of[place] if cell not in free and _column(cell) in changeable)
            for why in dropped
            for place in why
        }
        cut: set[Cell] = set()
        guard: set[Cell] = set()
        for why in sorted(set(dropped), key=lambda places: (len(places), sorted(places))):
            place = min(why, key=lambda each: (len(outside[each] - cut), each))
            cut |= outside[place]
            guard |= cells_of[place] - free
        return frozenset(cut), frozenset(guard)


def _column(cell: Cell) -> Column:
    return cell[0], cell[2]
