"""A cleaning log whose truth is known: rehearsed interviews, miskeyed, and the rows that put them right again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import polars as pl

from forms.compile import CompiledForm
from forms.rehearsal import rehearse
from forms.rehearsal.interviews import RehearsedInterview
from forms.rehearsal.miskeying import miskey
from forms.rows import read_rows
from schemas.decisions import CellChange
from schemas.fields import INSTANCE_ID, Form
from schemas.submissions import RawSubmission
from validation.cleaning.differences import list_differences
from validation.cleaning.log import ChangeType

LOG_COLUMNS = ("uuid", "question", "old_value", "new_value", "change_type", "table", "row", "reason")
_KEY = b"a rehearsal's key, no secret: 32"


@dataclass(frozen=True, slots=True)
class RehearsedLog:
    """Interviews as they came in, a log in the sector's shape, and what it must make of them.

    Attributes:
        came: what to send.
        log: rows of `LOG_COLUMNS`.
        expected: table name -> frame, as the log replayed must leave them: the interviews as they were meant, without
            those that the log removes.
    """

    came: tuple[RehearsedInterview, ...]
    log: tuple[tuple[str, ...], ...]
    expected: Mapping[str, pl.DataFrame]


def rehearse_log(compiled: CompiledForm, *, interviews: int, rows: int, seed: int, start: datetime) -> RehearsedLog:
    """Rehearse interviews, spoil them, and write the log that mends them.

    Args:
        interviews: how many stay.
        rows: rows of the log. One in twenty removes an interview, one in twenty says that nothing is to be done, the
            others change or blank an answer.
        seed: the same seed gives the same log.
        start: first field day.
    """
    removed, kept = rows // 20, rows // 20
    every = rehearse(compiled, interviews + removed, seed, start)
    meant = list(islice(every, interviews))
    practice = list(every)
    miskeyed = miskey(compiled, meant, rows - removed - kept, seed)
    came = [one.came for one in miskeyed]
    right, wrong = read_interviews(compiled.form, meant, start), read_interviews(compiled.form, came, start)
    log = [_row(change) for change in list_differences(compiled.form, wrong, right)]
    log += [(one.instance_id, "", "", "", ChangeType.REMOVE.value, "", "", "practice interview") for one in practice]
    log += list(islice(_nothing_to_do(compiled.form, right), kept))
    return RehearsedLog((*came, *practice), tuple(log), right)


def _row(change: CellChange) -> tuple[str, ...]:
    kind = ChangeType.BLANK if change.new is None else ChangeType.CHANGE
    values = (change.old or "", change.new or "", kind.value, change.table, change.row_id, "miskeyed")
    return (change.instance_id, change.question, *values)


def _nothing_to_do(form: Form, tables: Mapping[str, pl.DataFrame]) -> Iterator[tuple[str, ...]]:
    """Rows that say of an answer that it is right."""
    for field in form.fields():
        if field.control and not field.personal and field.table == "main":
            for instance_id in tables["main"][INSTANCE_ID]:
                yield (instance_id, field.column, "", "", ChangeType.NONE.value, "main", "", "asked again: right")


def read_interviews(form: Form, interviews: Sequence[RehearsedInterview], at: datetime) -> Mapping[str, pl.DataFrame]:
    """The typed tables of interviews that arrive at that moment."""
    batch = [
        RawSubmission(
            submission_id=number,
            form_id=form.form_id,
            version=form.version,
            instance_id=one.instance_id,
            received_at=at,
            xml=one.xml,
            sha256=hashlib.sha256(one.xml).hexdigest(),
            client="rehearsal",
            attachments=tuple(one.attachments),
        )
        for number, one in enumerate(interviews, start=1)
    ]
    return read_rows(form, batch, _KEY).tables
