"""Edit and imputation of a survey's interviews: docs/methods/imputation.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, Form
from schemas.findings import Rule
from validation.cleaning.cells import Typed, locate, write_column
from validation.clocks import split_by_clock
from validation.engines import split_by_engine
from validation.evaluate import evaluate_rules
from validation.imputation.changes import Imputed, list_changes
from validation.imputation.covers import Covers
from validation.imputation.domains import Domains
from validation.imputation.donors import Donors
from validation.imputation.edits import Edits
from validation.imputation.interviews import Cell, Interviews
from validation.imputation.mending import Shop
from validation.imputation.plan import Plan
from validation.imputation.search import Answers, Ask
from validation.imputation.trials import Bench
from validation.imputation.units import Mended, Unit
from validation.imputation.wanted import FindingKey, list_units, select_rows, select_wanted
from validation.runs import make_program

WAVE = 1_000
"""Interviews mended side by side; what one of them proves serves the next wave."""
MOST_STEPS = 60
"""Rounds of trials of one interview; with more it is left as it is."""


@dataclass(frozen=True, slots=True)
class Imputation:
    """What became of some interviews.

    Attributes:
        tables: the tables given, with new answers.
        changes: every answer that differs, in the order of interviews.
        outcomes: instance id -> what became of it, one of `units.OUTCOMES`.
        localised: instance id -> the least set of answers that must change, where it is known.
        trials: interviews judged on the way.
    """

    tables: dict[str, pl.DataFrame]
    changes: tuple[Imputed, ...] = ()
    outcomes: Mapping[str, str] = field(default_factory=dict)
    localised: Mapping[str, frozenset[Cell]] = field(default_factory=dict)
    trials: int = 0

    @property
    def solved(self) -> frozenset[str]:
        """Interviews in which every rule holds now."""
        return frozenset(name for name, outcome in self.outcomes.items() if outcome == "imputed")


@dataclass(slots=True)
class _Work:
    """One part of the interviews, by one form, clock and engine."""

    shop: Shop
    units: list[Unit]
    mended: dict[int, Mended] = field(default_factory=dict)


def impute(
    form: Form,
    rules: Sequence[Rule],
    tables: Mapping[str, pl.DataFrame],
    plan: Plan,
    *,
    blocked: Mapping[str, Collection[FindingKey]],
    accepted: Mapping[str, Collection[FindingKey]] | None = None,
    donors: Mapping[str, pl.DataFrame] | None = None,
    zone: str = "UTC",
) -> Imputation:
    """Mend interviews that a rule keeps out, and fill in the answers that the plan names in those that count.

    The same interviews, plan and seed give the same answers, in whatever order rows come.

    Args:
        form: the form version with which they were made.
        rules: those of `form_rules` and `check_rules`.
        tables: interviews of that version, as decisions left them.
        blocked: instance id -> open findings of severity error that nobody accepted, of the interviews that don't
            count.
        accepted: instance id -> findings that a person accepted: these rules need not hold there.
        donors: tables with the interviews that count alone, of whatever version; null takes those of `tables`.
        zone: where days begin.

    Returns:
        Of interviews that aren't in `blocked` and have nothing to be filled in there is no outcome.
    """
    errors = [rule for rule in rules if rule.severity == "error" or rule.kind == "calculation"]
    giving = tables if donors is None else donors
    if donors is None and blocked:
        giving = {name: frame.filter(~pl.col(INSTANCE_ID).is_in(list(blocked))) for name, frame in tables.items()}
    deck = Donors(form, giving, plan.seed)
    outcomes: dict[str, str] = {}
    localised: dict[str, frozenset[Cell]] = {}
    changes: list[Imputed] = []
    trials = 0
    wanted = select_wanted(form, tables, plan, set(blocked))
    clocked, parts = split_by_clock(form, wanted)
    for each, numbers in parts:
        part = select_rows(clocked, numbers)
        for profile, some in split_by_engine(part):
            mine = select_rows(part, some)
            if mine[MAIN_TABLE].is_empty():
                continue
            program = make_program(each, tuple(errors), has_personal=False, zone=zone, profile=profile)
            edits = Edits(program)
            interviews = Interviews(edits, mine)
            shop = Shop(
                interviews,
                Bench(interviews),
                plan,
                Covers(plan.seed, {column: rule.weight for column, rule in plan.rules.items()}),
                Domains(edits, plan, giving),
                deck,
            )
            units, refused = list_units(shop, blocked, accepted or {})
            outcomes |= refused
            work = _Work(shop, units)
            _run(work)
            changes += _finish(work, outcomes, localised)
            trials += shop.bench.judged_trials
    changed = write_changes(tables, changes)
    failing = _still_failing(form, errors, changed, changes, accepted or {}, zone)
    if failing:
        outcomes |= dict.fromkeys(failing, "still_failing")
        changes = [row for row in changes if row.instance_id not in failing]
        changed = write_changes(tables, changes)
    order = {name: number for number, name in enumerate(sorted(outcomes))}
    changes.sort(key=lambda row: order[row.instance_id])
    return Imputation(changed, tuple(changes), dict(sorted(outcomes.items())), localised, trials)


def _run(work: _Work) -> None:
    """Mend all units: one of each kind first, whose implied edits then serve the others."""
    firsts: dict[object, Unit] = {}
    for unit in work.units:
        structure = id(work.shop.interviews.structure(unit.number))
        firsts.setdefault((structure, unit.failing, unit.forced), unit)
    first = list(firsts.values())
    chosen = {unit.number for unit in first}
    rest = [unit for unit in work.units if unit.number not in chosen]
    for some in (first, rest):
        for start in range(0, len(some), WAVE):
            _wave(work, some[start : start + WAVE])


def _wave(work: _Work, units: Sequence[Unit]) -> None:
    waiting: list[tuple[Unit, Generator[Ask, Answers, Mended], Ask]] = []
    for unit in units:
        steps = work.shop.mend(unit)
        _step(work, unit, steps, None, waiting)
    for step in count(1):
        if not waiting:
            break
        if step > MOST_STEPS:
            for unit, steps, _ in waiting:
                steps.close()
                work.mended[unit.number] = Mended("too_large")
            break
        trials = [trial for _, _, ask in waiting for trial in ask.trials]
        numbers = frozenset().union(*(ask.numbers for _, _, ask in waiting))
        found = work.shop.bench.judge(trials, sorted(numbers))
        now, waiting = waiting, []
        at = 0
        for unit, steps, ask in now:
            _step(work, unit, steps, found[at : at + len(ask.trials)], waiting)
            at += len(ask.trials)


def _step(
    work: _Work,
    unit: Unit,
    steps: Generator[Ask, Answers, Mended],
    answers: Answers | None,
    waiting: list[tuple[Unit, Generator[Ask, Answers, Mended], Ask]],
) -> None:
    try:
        ask = next(steps) if answers is None else steps.send(answers)
    except StopIteration as stop:
        work.mended[unit.number] = stop.value
    else:
        waiting.append((unit, steps, ask))


def _finish(work: _Work, outcomes: dict[str, str], localised: dict[str, frozenset[Cell]]) -> list[Imputed]:
    """The new answers of all units, with what isn't asked any more blank and calculations told anew."""
    names = work.shop.interviews.names
    done: list[tuple[Unit, Mended]] = []
    for unit in work.units:
        mended = work.mended[unit.number]
        name = names[unit.number]
        outcomes[name] = mended.outcome
        if mended.chosen:
            localised[name] = mended.chosen
        if mended.outcome == "imputed":
            done.append((unit, mended))
    changes: list[Imputed] = []
    size = 5_000
    for start in range(0, len(done), size):
        changes += list_changes(work.shop, done[start : start + size])
    return changes


def write_changes(tables: Mapping[str, pl.DataFrame], changes: Sequence[Imputed]) -> dict[str, pl.DataFrame]:
    """The tables with the new answers."""
    written = dict(tables)
    by_table: dict[str, dict[str, dict[tuple[str, str], Typed]]] = {}
    for row in changes:
        by_table.setdefault(row.table, {}).setdefault(row.column, {})[row.instance_id, row.row_id] = row.new
    for table, columns in by_table.items():
        places = locate(tables[table], {key for cells in columns.values() for key in cells})
        for column, cells in columns.items():
            written[table] = write_column(written[table], column, {places[key]: value for key, value in cells.items()})
    return written


def _still_failing(
    form: Form,
    rules: Sequence[Rule],
    tables: Mapping[str, pl.DataFrame],
    changes: Sequence[Imputed],
    accepted: Mapping[str, Collection[FindingKey]],
    zone: str,
) -> set[str]:
    """Interviews that break a rule once they are judged as every interview is."""
    names = Counter(row.instance_id for row in changes)
    if not names:
        return set()
    keys = pl.Series(sorted(names), dtype=pl.String)
    some = {name: frame.filter(pl.col(INSTANCE_ID).is_in(keys.implode())) for name, frame in tables.items()}
    judged = evaluate_rules(form, rules, some, zone=zone).findings
    return {
        row.instance_id
        for row in judged
        if row.severity == "error" and (row.rule_id, row.row_id) not in accepted.get(row.instance_id, ())
    }


__all__ = ["Imputation", "Imputed", "impute", "write_changes"]
