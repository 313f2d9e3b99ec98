"""One interview mended: the least set of answers that must change, and what donors put there."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from validation.cleaning.cells import Typed
from validation.imputation.covers import SALTS, Covers
from validation.imputation.domains import Domains
from validation.imputation.donors import Donor, Donors
from validation.imputation.edits import Edits, is_given
from validation.imputation.interviews import Cell, Interviews, Structure
from validation.imputation.plan import Column, Plan
from validation.imputation.search import Answers, Ask, Proof, Search, State
from validation.imputation.trials import Bench, Trial
from validation.imputation.units import Mended, Unit

FIRST, NEXT = 12, 48
"""Donors that are tried for all answers of a row together: at first, and once more where none of them fits."""
DEEP = 200
"""Donors whose single answers are tried."""
MOST_CUTS = 60
"""Implied edits of one interview; with more it is left as it is."""
MOST_NEAR = 12


Row = tuple[str, str]
"""Table and row id."""
Guard = tuple[tuple[Cell, tuple[Typed, bool]], ...]
Over = tuple[tuple[Cell, frozenset[Typed]], ...]


@dataclass(frozen=True, slots=True)
class Implied:
    """An implied edit: one answer of `cut` must change in interviews with the answers of `guard`.

    Attributes:
        over: answers that were gone through when it was proved.
    """

    guard: Guard
    over: Over
    cut: frozenset[Cell]


@dataclass(slots=True)
class Shop:
    """All that interviews of one form version are mended with.

    Attributes:
        learned: implied edits, by the structure of the interviews in which they hold.
    """

    interviews: Interviews
    bench: Bench
    plan: Plan
    covers: Covers
    domains: Domains
    donors: Donors
    learned: dict[int, dict[tuple[Guard, Over], Implied]] = field(default_factory=dict)

    @property
    def edits(self) -> Edits:
        """Of the form version."""
        return self.interviews.edits

    def mend(self, unit: Unit) -> Generator[Ask, Answers, Mended]:
        """Mend one interview; yields what is to be judged."""
        search = Search(self.interviews, self.domains, unit.number, unit.forced, unit.exempt)
        changeable = self.edits.changeable
        cuts = {frozenset({cell}) for cell in unit.forced}
        for place in unit.failing:
            cells = search.structure.cells[place]
            cuts.add(frozenset(cell for cell in cells if (cell[0], cell[2]) in changeable))
        name = self.interviews.names[unit.number]
        barren: list[frozenset[Cell]] = []  # sets that would do, if somebody gave fitting answers
        for _ in range(MOST_CUTS):
            chosen = self._choose(cuts | self._known(unit, search.structure), unit.salt, barren)
            if chosen is None:
                return Mended("no_donor", barren[0]) if barren else Mended("not_localised")
            if not chosen:
                return Mended("imputed")  # nothing but calculations that nobody was to be asked
            followers = self._followers(unit, chosen, search.structure)
            found = yield from self._from_donors(unit, chosen, followers, search, name, 0, FIRST)
            if found is not None:
                return found
            free = chosen.union(*followers.values())
            proofs: list[Proof] = []
            for part in search.parts(chosen, free):
                proofs.append((yield from search.run(part, chosen, free)))
                if not proofs[-1].solutions:
                    break
            last = proofs[-1]
            if last.solutions:
                found = yield from self._from_donors(unit, chosen, followers, search, name, FIRST, NEXT)
                found = found or self._pick(chosen, proofs, search, name)
                if found is not None:
                    return found
                barren.append(chosen)
                continue
            if last.cut is None:
                return Mended("too_large", chosen)
            cuts.add(last.cut)
            self._learn(unit, search.structure, last)
        return Mended("too_large")

    def _choose(
        self, cuts: set[frozenset[Cell]], salt: int, barren: Sequence[frozenset[Cell]]
    ) -> frozenset[Cell] | None:
        """A least set that wasn't tried in vain; null if there is none."""
        for more in range(SALTS if barren else 1):
            chosen = self.covers.find(cuts, salt + more)
            if chosen is None or chosen not in barren:
                return chosen
        return None

    # -- implied edits -----------------------------------------------------------------------------------------------
    def _known(self, unit: Unit, structure: Structure) -> set[frozenset[Cell]]:
        if unit.exempt:
            return set()
        return {
            known.cut
            for known in self.learned.get(id(structure), {}).values()
            if all(self._held(unit, cell) == held for cell, held in known.guard)
            and all(self._is_covered(unit, cell, values) for cell, values in known.over)
        }

    def _learn(self, unit: Unit, structure: Structure, proof: Proof) -> None:
        if unit.exempt or proof.cut is None:
            return
        guard = tuple((cell, self._held(unit, cell)) for cell in sorted(proof.guard))
        over = tuple(sorted(proof.over.items()))
        self.learned.setdefault(id(structure), {})[guard, over] = Implied(guard, over, proof.cut)

    def _is_covered(self, unit: Unit, cell: Cell, values: frozenset[Typed]) -> bool:
        """Whether an answer is one of those that an implied edit was proved for; any number is."""
        value = self.interviews.value(unit.number, cell)
        return cell in unit.forced or value in values or isinstance(value, int | float)

    def _held(self, unit: Unit, cell: Cell) -> tuple[Typed, bool]:
        """An answer, and whether it is blank because it isn't asked: then it may follow from other answers."""
        value = self.interviews.value(unit.number, cell)
        is_open = value is None and (cell[0], cell[2]) in self.edits.changeable
        return value, is_open and not self.bench.is_asked(cell, unit.number)

    # -- whole rows from one donor -----------------------------------------------------------------------------------
    def _from_donors(
        self,
        unit: Unit,
        chosen: frozenset[Cell],
        followers: Mapping[Row, Sequence[Cell]],
        search: Search,
        name: str,
        skip: int,
        most: int,
    ) -> Generator[Ask, Answers, Mended | None]:
        """Try the answers of some donors, each of whom gives all of a row; what is no longer asked is blank."""
        rows = _by_row(chosen)
        free = chosen.union(*followers.values())
        must = search.touched(free, free)
        tries: list[tuple[Trial, dict[Row, Donor]]] = []
        if not skip:
            tries.append((Trial(unit.number, dict.fromkeys(chosen), chosen), {}))
        given = [self._donors_of(unit, row, cells, chosen, search, name, most, skip) for row, cells in rows]
        for some in zip(*given, strict=False):
            who = {row: donor for (row, _), donor in zip(rows, some, strict=True)}
            tries.append((self._trial(unit, rows, who, followers, chosen), who))
        if not tries:
            return None
        broken = yield Ask([trial for trial, _ in tries], {number for number, _ in must})
        for (trial, who), places in zip(tries, broken, strict=True):
            if must & places or not self._may_give(who, rows):
                continue
            self._count(who.values())
            donors = {cell: who[cell[:2]] for cell in trial.cells if cell[:2] in who}
            return Mended("imputed", chosen, trial.cells, donors, frozenset(trial.cells) - chosen)
        return None

    def _followers(self, unit: Unit, chosen: frozenset[Cell], structure: Structure) -> dict[Row, list[Cell]]:
        """Blank questions of the same rows that weren't asked and may be, once the set has other answers."""
        found: dict[Row, list[Cell]] = {}
        for cell in sorted(chosen):
            for number, row_id in structure.touching.get(cell, ()):
                edit = self.edits.all[number]
                if edit.kind != "answered" or edit.field is None or (edit.table, row_id) != cell[:2]:
                    continue
                other = (edit.table, row_id, edit.field.column)
                if other in chosen or (other[0], other[2]) not in self.edits.changeable or not is_given(edit.field):
                    continue
                if self.interviews.value(unit.number, other) is None and not self.bench.is_asked(other, unit.number):
                    cells = found.setdefault(cell[:2], [])
                    if other not in cells:
                        cells.append(other)
        return found

    def _donors_of(
        self,
        unit: Unit,
        row: Row,
        cells: Sequence[Cell],
        chosen: frozenset[Cell],
        search: Search,
        name: str,
        most: int,
        skip: int = 0,
    ) -> list[Donor]:
        """Donors for the answers of one row, the nearest first."""
        rules = [self.plan.of((cell[0], cell[2])) for cell in cells]
        classes = tuple(dict.fromkeys(column for rule in rules for column in rule.classes))
        order = tuple(dict.fromkeys(column for rule in rules for column in rule.order))
        near = list(islice(self._near(row, cells, chosen, search), MOST_NEAR))
        known: dict[Column, Typed] = {}
        for column in (*classes, *order, *near):
            cell = (column[0], row[1] if column[0] == row[0] else "", column[1])
            if cell not in chosen and column[0] in {row[0], "main"}:
                value = self.interviews.value(unit.number, cell)
                if value is not None:
                    known[column] = value
        return self.donors.ranked(row[0], classes, order, known, near, name, most, skip)

    def _near(self, row: Row, cells: Sequence[Cell], chosen: frozenset[Cell], search: Search) -> Iterator[Column]:
        """Questions of the row, or of the interview, that some rule ties to the answers that are to be given."""
        seen: set[Column] = set()
        for cell in cells:
            for place in search.structure.touching.get(cell, ()):
                for table, row_id, column in sorted(search.structure.cells[place]):
                    here = (table, row_id) == row or (table == "main" and not row_id)
                    question = self.edits.changeable.get((table, column))
                    if here and question and (table, row_id, column) not in chosen and (table, column) not in seen:
                        seen.add((table, column))
                        if is_given(question) and not question.is_multiple:
                            yield table, column

    def _trial(
        self,
        unit: Unit,
        rows: Sequence[tuple[Row, Sequence[Cell]]],
        who: Mapping[Row, Donor],
        followers: Mapping[Row, Sequence[Cell]],
        chosen: frozenset[Cell],
    ) -> Trial:
        cells: dict[Cell, Typed] = {}
        for row, some in rows:
            for cell in (*some, *followers.get(row, ())):
                cells[cell] = self._give(who[row], cell)
        return Trial(unit.number, cells, chosen)

    def _give(self, donor: Donor, cell: Cell) -> Typed:
        question = self.edits.changeable[cell[0], cell[2]]
        if not is_given(question):
            return None
        value = self.donors.value(donor, cell[2])
        return None if value is not None and str(value) in self.plan.codes(question) else value

    def _may_give(
        self,
        who: Mapping[Row, Donor],
        rows: Sequence[tuple[Row, Sequence[Cell]]],
    ) -> bool:
        limits = {row: min(self.plan.of((cell[0], cell[2])).donors for cell in cells) for row, cells in rows}
        return all(self.donors.used.get((donor.table, donor.row), 0) < limits[row] for row, donor in who.items())

    def _count(self, donors: Collection[Donor]) -> None:
        for donor in donors:
            key = (donor.table, donor.row)
            self.donors.used[key] = self.donors.used.get(key, 0) + 1

    # -- answer by answer --------------------------------------------------------------------------------------------
    def _pick(self, chosen: frozenset[Cell], proofs: Sequence[Proof], search: Search, name: str) -> Mended | None:
        """Of the answers with which all holds, those of the nearest donors; or the only ones there are.

        Null if nobody gave any of them.
        """
        cells: State = {}
        donors: dict[Cell, Donor] = {}
        deduced: set[Cell] = set()
        unit = Unit(search.number)
        for proof in proofs:
            part = sorted(proof.solutions[0])
            if self._is_only(proof, part):
                cells |= proof.solutions[0]
                deduced.update(part)
                continue
            given = {cell: self._givers(unit, cell, chosen, search, name) for cell in part}
            ranks = {cell: {value: place for place, value in enumerate(some)} for cell, some in given.items()}
            best: tuple[int, int] | None = None
            for number, state in enumerate(proof.solutions):
                told = [_rank(ranks[cell], state[cell], is_due=cell in chosen) for cell in part]
                if None not in told:
                    total = (sum(rank for rank in told if rank is not None), number)
                    best = total if best is None else min(best, total)
            if best is None:
                return None
            state = proof.solutions[best[1]]
            cells |= state
            donors |= {cell: given[cell][state[cell]] for cell in part if state[cell] is not None}
        self._count({(donor.table, donor.row): donor for donor in donors.values()}.values())
        return Mended("imputed", chosen, cells, donors, frozenset(cells) - chosen, frozenset(deduced))

    def _givers(self, unit: Unit, cell: Cell, chosen: frozenset[Cell], search: Search, name: str) -> dict[Typed, Donor]:
        """Answer -> the nearest donor who gave it, in the order of these donors."""
        limit = self.plan.of((cell[0], cell[2])).donors
        found: dict[Typed, Donor] = {}
        for donor in self._donors_of(unit, cell[:2], [cell], chosen, search, name, DEEP):
            value = self._give(donor, cell)
            if value is not None and self.donors.used.get((donor.table, donor.row), 0) < limit:
                found.setdefault(value, donor)
        return found

    def _is_only(self, proof: Proof, part: Sequence[Cell]) -> bool:
        """Whether there is one solution and no answer was left out: all are single choices."""
        questions = [self.edits.changeable[cell[0], cell[2]] for cell in part]
        return (
            proof.is_every
            and len(proof.solutions) == 1
            and all(question.control == "select1" or not is_given(question) for question in questions)
        )


def _rank(values: Mapping[Typed, int], value: Typed, *, is_due: bool) -> int | None:
    """The place of the first donor who gave an answer, null if none did.

    A question that is only asked now may stay blank, at the end of the line.
    """
    return values.get(value) if value is not None else 0 if is_due else DEEP


def _by_row(cells: Collection[Cell]) -> list[tuple[Row, list[Cell]]]:
    rows: dict[Row, list[Cell]] = {}
    for cell in sorted(cells):
        rows.setdefault(cell[:2], []).append(cell)
    return list(rows.items())
