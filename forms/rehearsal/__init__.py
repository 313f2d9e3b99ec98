"""Fill any form by its own logic, as many times as wanted: a field day without a phone.

Interviews are numbered, and each depends on the seed, its number and its block only (see `rehearsal_quotas`): the same
seed gives the same bytes in one process or in several.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from forms.rehearsal.filling import Filler
from forms.rehearsal.hands import Hands
from forms.rehearsal.interviews import RehearsalNote, RehearsedInterview
from forms.rehearsal.plan import Plan, build_plan, fresh_chance
from forms.rehearsal.quotas import BLOCK
from forms.rehearsal.times import audit_csv, plan_visit
from forms.rehearsal.writing import write_submission

if TYPE_CHECKING:
    from forms.compile import CompiledForm


def rehearse(compiled: CompiledForm, interviews: int, seed: int, start: datetime) -> Iterator[RehearsedInterview]:
    """Fill the form `interviews` times.

    Args:
        start: the first field day; its time zone is that of the field.

    Yields:
        Interviews in the order of their numbers. What could not be answered stands in their notes.

    Raises:
        ExpressionError: an expression of the form or its rehearsal sheet can't be read.
    """
    plan = build_plan(compiled, interviews)
    for block in range(math.ceil(interviews / BLOCK)):
        yield from _fill_block(plan, block, interviews, seed, start)


def rehearse_parallel(
    compiled: CompiledForm, interviews: int, seed: int, start: datetime, processes: int
) -> Iterator[RehearsedInterview]:
    """As `rehearse`, the same interviews in the same order, filled by several processes.

    A block of 256 interviews is filled by one process, so that fewer interviews than that gain nothing.
    """
    blocks = math.ceil(interviews / BLOCK)
    if processes < 2 or blocks < 2:
        yield from rehearse(compiled, interviews, seed, start)
        return
    with ProcessPoolExecutor(min(processes, blocks), initializer=_prepare, initargs=(compiled, interviews)) as pool:
        yield from _in_order(pool, blocks, interviews, seed, start, processes + 1)


def _in_order(
    pool: ProcessPoolExecutor, blocks: int, interviews: int, seed: int, start: datetime, ahead: int
) -> Iterator[RehearsedInterview]:
    """The blocks' interviews in order, with no more than `ahead` blocks filled and waiting."""
    waiting = [pool.submit(_fill_prepared, block, interviews, seed, start) for block in range(min(ahead, blocks))]
    for block in range(blocks):
        yield from waiting.pop(0).result()
        if block + ahead < blocks:
            waiting.append(pool.submit(_fill_prepared, block + ahead, interviews, seed, start))


FRESH_STARTS = 4
"""Times an interview that ran into a dead end is begun anew."""

_BLOCKS = frozenset(("unanswered", "no_choices"))

_prepared: list[Plan] = []
"""The plan of a worker process, built once in it."""


def _prepare(compiled: CompiledForm, interviews: int) -> None:
    _prepared[:] = [build_plan(compiled, interviews)]


def _fill_prepared(block: int, interviews: int, seed: int, start: datetime) -> list[RehearsedInterview]:
    return list(_fill_block(_prepared[0], block, interviews, seed, start))


def _fill_block(plan: Plan, block: int, interviews: int, seed: int, start: datetime) -> Iterator[RehearsedInterview]:
    first = block * BLOCK
    size = min(BLOCK, interviews - first)
    hands = Hands(block, f"{seed}/{plan.form.form_id}")
    for index in range(first, first + size):
        yield _fill(plan, hands, index, seed, start)


def _fill(plan: Plan, hands: Hands, index: int, seed: int, start: datetime) -> RehearsedInterview:
    chance = fresh_chance(seed, plan.form.form_id, index)
    visit = plan_visit(index, start, chance)
    instance_id = f"uuid:{uuid.UUID(int=chance.getrandbits(128), version=4)}"
    hands.settle()
    dead_ends: dict[str, RehearsalNote] = {}
    for fresh_start in range(FRESH_STARTS + 1):
        filler = Filler(plan, visit, hands, chance, instance_id)
        filler.fill()
        blocked = [note for note in filler.notes if note.kind in _BLOCKS]
        if not blocked or fresh_start == FRESH_STARTS:
            break
        # As an enumerator would who meets a question that can't be answered: the answers that led there are changed.
        dead_ends.update({note.path: RehearsalNote("dead_end", note.path, note.detail) for note in blocked})
        hands.take_back()
    xml = write_submission(filler.root, plan.form.namespace)
    # An upload that was answered and then hidden by a later answer stays on the phone, but isn't named any more.
    attachments = {name: content for name, content in filler.attachments.items() if name.encode() in xml}
    if plan.form.audit:
        attachments["audit.csv"] = audit_csv(visit, filler.asked)
    return RehearsedInterview(instance_id, xml, attachments, (*filler.notes, *dead_ends.values()))
