"""A cleaning log of a flat table whose truth is known: the table as it came in, the log, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import polars as pl

from flows.flat_tables import FlatTable, write_flat
from flows.rehearsed_log import read_interviews
from forms.compile import CompiledForm
from forms.rehearsal import rehearse
from forms.rehearsal.miskeying import miskey
from schemas.decisions import CellChange
from schemas.errors import CommandError
from schemas.fields import INSTANCE_ID, MAIN_TABLE, ROW_ID, Form
from validation.cleaning.cells import to_texts
from validation.cleaning.differences import list_differences
from validation.cleaning.log import ChangeType

UUID, ROW_UUID = "uuid", "row_uuid"
LOG_COLUMNS = ("question", "old_value", "new_value", "change_type", "issue")
FILES = ("RAW.csv", "LOG.csv", "EXPECTED.csv")


@dataclass(frozen=True, slots=True)
class RehearsedFlat:
    """A flat table, the log that mends it, and what comes of it.

    Attributes:
        key: name of the column that identifies a row.
        raw, log, expected: what `FILES` hold.
    """

    key: str
    raw: FlatTable
    log: FlatTable
    expected: FlatTable

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Writes `FILES` into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = tuple(folder / name for name in FILES)
        for path, table in zip(paths, (self.raw, self.log, self.expected), strict=True):
            write_flat(path, table)
        return paths


def rehearse_flat(
    compiled: CompiledForm, *, interviews: int, rows: int, seed: int, start: datetime, table: str = MAIN_TABLE
) -> RehearsedFlat:
    """Rehearse interviews, miskey answers of one table, and write the log that mends them.

    Args:
        interviews: how many; more rows of the log need more of them.
        rows: of the log: one in twenty removes a row, one in twenty says that nothing is to be done, the others change
            or blank an answer; fewer where the interviews hold no more.
        seed: the same seed gives the same files.
        start: first field day.
        table: "main", or a repeat, whose rows have a key of their own.

    Raises:
        CommandError: CMD-136, the form has no such table.
    """
    if table not in {one.name for one in compiled.form.tables}:
        names = ", ".join(one.name for one in compiled.form.tables)
        raise CommandError("CMD-136", f"The form has no table {table}.", f"Name one of {names} with --table.")
    removed, kept = rows // 20, rows // 20
    every = rehearse(compiled, interviews + removed, seed, start)
    meant = list(islice(every, interviews))
    practice = list(every)
    miskeyed = miskey(compiled, meant, rows - removed - kept, seed, table)
    came = [one.came for one in miskeyed]
    wrong, right, extra = (read_interviews(compiled.form, some, start) for some in (came, meant, practice))
    key = UUID if table == MAIN_TABLE else ROW_UUID
    needless = _flat(compiled.form, extra[table].head(removed), table)
    expected = _flat(compiled.form, right[table], table)
    raw = pl.concat([_flat(compiled.form, wrong[table], table), needless])
    changes = list_differences(compiled.form, wrong, right)
    log = [_log_row(table, change) for change in changes if change.table == table]
    log += [(one, "", "", "", ChangeType.REMOVE.value, "practice") for one in needless[key]]
    log += list(islice(_nothing_to_do(compiled.form, table, expected, key), kept))
    header = (key, *LOG_COLUMNS)
    frame = pl.DataFrame(log, schema=dict.fromkeys(header, pl.String), orient="row")
    columns = tuple(raw.columns)
    return RehearsedFlat(key, FlatTable(columns, raw), FlatTable(header, frame), FlatTable(columns, expected))


def _log_row(table: str, change: CellChange) -> tuple[str, ...]:
    kind = ChangeType.BLANK if change.new is None else ChangeType.CHANGE
    key = _row_key(table, change.instance_id, change.row_id)
    return (key, change.question, change.old or "", change.new or "", kind.value, "miskeyed")


def _flat(form: Form, frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """The answers as texts, one row a record, the key first; personal answers aren't in it."""
    keys = frame.select(INSTANCE_ID, ROW_ID).rows()
    columns: Mapping[str, Sequence[str | None]] = {
        field.column: to_texts(frame[field.column])
        for field in form.fields()
        if field.table == table and not field.personal and field.column in frame.columns
    }
    found = {UUID: [instance for instance, _ in keys]} | dict(columns)
    if table != MAIN_TABLE:
        found = {ROW_UUID: [_row_key(table, *key) for key in keys], **found}
    return pl.DataFrame(found, schema=dict.fromkeys(found, pl.String)).fill_null("")


def _row_key(table: str, instance_id: str, row_id: str) -> str:
    return instance_id if table == MAIN_TABLE else f"{instance_id}/{row_id}"


def _nothing_to_do(form: Form, table: str, frame: pl.DataFrame, key: str) -> Iterator[tuple[str, ...]]:
    """Rows that say of an answer that it is right."""
    for field in form.fields():
        if field.control and not field.personal and field.table == table:
            for one in frame[key].to_list():
                yield (one, field.column, "", "", ChangeType.NONE.value, "asked again: right")
