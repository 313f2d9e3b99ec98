"""What a correction brings with it: the form's own logic run again before and after, over any number of interviews.

Calculations that no longer follow from the answers get the value that does, and answers to questions that are no
longer asked are blanked; both are told as further changes. Then every rule is judged again: what opens, what closes.
Only what the correction itself upsets moves: a calculation that was wrong before stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from schemas.decisions import CellChange
from schemas.fields import INSTANCE_ID, ROW_ID, Field, Form
from schemas.findings import Finding, Rule
from validation.calculations import calculated_text
from validation.chunks import Chunk, Flags, Numbers, split_by_submission
from validation.cleaning.cells import Key, apply_changes, to_texts
from validation.engines import split_by_engine
from validation.evaluate import evaluate_rules
from validation.evaluation import FAILURES
from validation.personal import place_personal
from validation.relevance import Judged, apply_relevance
from validation.rules import rule_path
from validation.runs import Program, make_program

Cell = tuple[str, str, str, str]
"""Instance id, table, row id, column."""

ROUNDS = 10
"""Calculations of calculations are followed so far."""

_MOST = 10_000_000


@dataclass(frozen=True, slots=True)
class Interviews:
    """Some interviews of one form version: their tables, and their personal answers (`store.personal`)."""

    tables: Mapping[str, pl.DataFrame]
    personal: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Weighed:
    """What some changes bring with them.

    Attributes:
        after: the interviews with the changes and what follows from them.
        derived: what follows: calculations told anew, answers to questions that aren't asked any more blanked.
        opens, closes: findings of the form's rules and checks.
        holds: every finding of these rules once the changes are made; those of reading left out.
        judged: ids of the rules that could be evaluated.
    """

    after: Interviews
    derived: tuple[CellChange, ...]
    opens: tuple[Finding, ...]
    closes: tuple[Finding, ...]
    holds: tuple[Finding, ...]
    judged: frozenset[str]


def weigh(
    form: Form,
    rules: Sequence[Rule],
    before: Interviews,
    changes: Sequence[CellChange],
    *,
    zone: str = "UTC",
    parsed: Sequence[Finding] = (),
    fixed: Collection[Cell] | None = None,
) -> Weighed:
    """What changes bring with them.

    Args:
        form: the version with which the interviews were made.
        rules: those of `form_rules` and `check_rules`.
        before: the interviews as they are.
        changes: the answers that change.
        zone: as of `evaluate_rules`.
        parsed: findings of reading that still hold once the changes are made.
        fixed: cells that keep what the changes put there; null for all of them.
    """
    tables, personal = apply_changes(form, before.tables, before.personal, changes)
    after = Interviews(tables, before.personal if personal is None else personal)
    made = {cell_of(row) for row in changes} if fixed is None else set(fixed)
    derived: list[CellChange] = []
    for _ in range(ROUNDS):
        fresh = [row for row in _follow(form, tuple(rules), before, after, zone) if cell_of(row) not in made]
        if not fresh:
            break
        derived = _merged(derived, fresh)
        tables, personal = apply_changes(form, after.tables, after.personal, fresh)
        after = Interviews(tables, after.personal if personal is None else personal)
    old = evaluate_rules(form, rules, before.tables, personal=before.personal, parsed=parsed, zone=zone).findings
    judged = evaluate_rules(form, rules, after.tables, personal=after.personal, parsed=parsed, zone=zone)
    held, holds = {_key(row): row for row in old}, {_key(row): row for row in judged.findings}
    return Weighed(
        after,
        tuple(derived),
        opens=tuple(row for key, row in holds.items() if key not in held),
        closes=tuple(row for key, row in held.items() if key not in holds),
        holds=tuple(judged.findings)[len(parsed) :],
        judged=frozenset(row.rule.rule_id for row in judged.summaries if not row.rule.not_checked),
    )


def cell_of(row: CellChange) -> Cell:
    """Which cell changes: instance id, table, row id, column."""
    return row.instance_id, row.table, row.row_id, row.question


def _key(row: Finding) -> tuple[str, str, str]:
    return row.rule_id, row.instance_id, row.row_id


def _merged(earlier: Sequence[CellChange], later: Sequence[CellChange]) -> list[CellChange]:
    """One change a cell: from what was there at first to what is there in the end; none where that is the same."""
    found: dict[Cell, CellChange] = {}
    for row in (*earlier, *later):
        key = cell_of(row)
        first = found.get(key)
        old = row.old if first is None else first.old
        found[key] = CellChange(*key, old=old, new=row.new, is_personal=row.is_personal)
    return [row for row in found.values() if row.old != row.new]


def _follow(form: Form, rules: tuple[Rule, ...], before: Interviews, after: Interviews, zone: str) -> list[CellChange]:
    found: list[CellChange] = []
    for profile, numbers in split_by_engine(after.tables):
        program = make_program(form, rules, has_personal=True, zone=zone, profile=profile)
        keys = after.tables["main"][numbers].select(INSTANCE_ID)
        pairs = zip(_judged(program, before, keys), _judged(program, after, keys), strict=True)
        for old, new in pairs:
            found += _irrelevant(form, old, new, after.personal)
            found += _calculated(program, old, new, after.personal)
    return found


def _judged(program: Program, interviews: Interviews, keys: pl.DataFrame) -> Iterator[Judged]:
    form = program.form
    tables = {
        name: frame.join(keys, on=INSTANCE_ID, how="semi", maintain_order="left")
        for name, frame in interviews.tables.items()
    }
    for chunk in split_by_submission(form, tables, _MOST):
        placed = place_personal(chunk, form, program.compiler, interviews.personal)
        yield apply_relevance(program.plan, chunk, placed)


def _irrelevant(form: Form, old: Judged, new: Judged, personal: pl.DataFrame) -> Iterator[CellChange]:
    """Answers to questions that were asked before the change and aren't asked after it."""
    for field in form.fields():
        mask = new.relevant(field.path)
        frame = new.chunk.tables.get(field.table)
        if mask is None or frame is None or mask.all() or field.column not in frame.columns:
            continue
        asked = old.relevant(field.path)
        lost = ~mask & frame.get_column(field.column).is_not_null().to_numpy()
        if asked is not None:
            lost &= asked
        yield from _cells(new.chunk, field, np.flatnonzero(lost).astype(np.int64), None, personal)


def _calculated(program: Program, old: Judged, new: Judged, personal: pl.DataFrame) -> Iterator[CellChange]:
    """Calculations that agreed with the answers, or weren't asked, before the change and don't agree after it."""
    fields = {field.path: field for field in program.form.fields()}
    for number, judge in program.judges.items():
        rule = program.rules[number]
        field = fields.get(rule_path(rule))
        if not rule.rule_id.startswith("calculation:") or field is None or not judge.needs:
            continue
        try:
            was, now = judge.verdict(old), judge.verdict(new)
            if not now.fails.any():
                continue
            computed = new.value(judge.needs[0][0], "string")
        except FAILURES:
            continue
        wrong_before = _spread(old, field.table, was.fails)
        rows = np.flatnonzero(now.fails)
        numbers = _numbers(new, field.table)[rows]
        upset = ~wrong_before[numbers]
        texts = [calculated_text(text, field.type) for text in computed.gather(rows[upset]).to_list()]
        yield from _cells(new.chunk, field, numbers[upset], texts, personal)


def _numbers(judged: Judged, table: str) -> Numbers:
    """For each row that is left in `judged.tables`, its number in the chunk."""
    kept = judged.kept.get(table)
    return np.arange(judged.chunk.tables[table].height, dtype=np.int64) if kept is None else kept


def _spread(judged: Judged, table: str, flags: Flags) -> Flags:
    """Flags over the rows that are left, as flags over all rows of the chunk."""
    spread = np.zeros(judged.chunk.tables[table].height, dtype=np.bool_)
    spread[_numbers(judged, table)] = flags
    return spread


def _cells(
    chunk: Chunk,
    field: Field,
    numbers: Numbers,
    texts: Sequence[str | None] | None,
    personal: pl.DataFrame,
) -> Iterator[CellChange]:
    frame = chunk.tables[field.table]
    some = frame[list(map(int, numbers))]
    held = to_texts(some.get_column(field.column))
    apart = _personal_texts(personal, field) if field.personal and len(held) else {}
    for place, (instance_id, row_id) in enumerate(some.select(INSTANCE_ID, ROW_ID).iter_rows()):
        old = apart.get((instance_id, row_id)) if field.personal else held[place]
        new = texts[place] if texts is not None else None
        if old != new:
            yield CellChange(instance_id, field.table, row_id, field.column, old, new, bool(field.personal))


def _personal_texts(personal: pl.DataFrame, field: Field) -> dict[Key, str]:
    mine = personal.filter(pl.col("question") == field.name).select("instance_id", "row_id", "value")
    return {(instance, row): value for instance, row, value in mine.iter_rows()}
