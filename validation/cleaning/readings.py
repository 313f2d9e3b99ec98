"""Findings of reading beside the corrections of the cells that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.decisions import CHANGING, Decision
from schemas.fields import Form
from schemas.findings import Finding
from validation.cleaning.cells import Questions
from validation.cleaning.edited import Edited

FindingKey = tuple[str, str, str]
"""Rule id, instance id, row id."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What reading found, and what became of it.

    Attributes:
        open: findings that still hold.
        corrected: keys of those about cells that hold a corrected answer.
        restored: keys of those about cells whose corrections were all taken back.
    """

    open: tuple[Finding, ...]
    corrected: frozenset[FindingKey]
    restored: frozenset[FindingKey]


def split_readings(form: Form, found: Iterable[Finding], log: Sequence[Decision], edited: Edited) -> Readings:
    """Findings of reading by what corrections did to their cells.

    An answer that is no value of its type is blank in the tables; once somebody gave the right one, its finding is
    settled.

    Args:
        found: open findings of reading.
        log: every decision about these interviews, taken back or not.
        edited: those decisions replayed.
    """
    corrected = frozenset(_keys(form, edited.applied))
    touched = frozenset(_keys(form, (row for row in log if row.action in CHANGING)))
    still = tuple(row for row in found if (row.rule_id, row.instance_id, row.row_id) not in corrected)
    return Readings(still, corrected, touched - corrected)


def _keys(form: Form, rows: Iterable[Decision]) -> Iterable[FindingKey]:
    questions = Questions(form)
    for row in rows:
        field = questions.find(row.question, row.table)
        if field is not None:
            yield f"type:{field.path}", row.instance_id, row.row_id
