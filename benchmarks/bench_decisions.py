"""50,000 corrections replayed over the shipped survey with 100,000 interviews: seconds of processor and wall time."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import polars as pl

from forms.compile import compile_workbook
from forms.sheets import read_workbook
from schemas.decisions import Decision
from schemas.fields import INSTANCE_ID, MAIN_TABLE, ROW_ID
from store.segments import table_schema
from validation.cleaning.edited import replay_decisions

SURVEY = Path(__file__).resolve().parents[1] / "forms" / "quilicura"
VALUES = {"int": "3", "date": "2020-01-01"}


def main(interviews: int = 100_000, corrections: int = 50_000) -> None:
    """Print what a replay takes; every tenth correction is taken back by a further row."""
    form = compile_workbook(read_workbook(SURVEY)).form
    tables = {}
    for table in form.tables:
        rows = interviews if table.name == MAIN_TABLE else 2 * interviews
        frame = pl.DataFrame({name: pl.Series([None] * rows, dtype=kind) for name, kind in table_schema(table).items()})
        repeats = ["" if table.name == MAIN_TABLE else f"{table.name}[{row // interviews + 1}]" for row in range(rows)]
        keys = pl.Series(INSTANCE_ID, [f"uuid:{row % interviews}" for row in range(rows)])
        tables[table.name] = frame.with_columns(keys, pl.Series(ROW_ID, repeats))
    chance = random.Random(1)  # noqa: S311 - figures, no secrets
    fields = [
        one for one in form.fields() if one.type in {"int", "string", "date"} and one.control and not one.personal
    ]
    log: list[Decision] = []
    for number in range(1, corrections + 1):
        one = chance.choice(fields)
        row = "" if one.table == MAIN_TABLE else f"{one.table}[1]"
        instance = f"uuid:{chance.randrange(interviews)}"
        value = VALUES.get(one.type, "1")
        log.append(
            Decision(
                form.form_id, instance, "correct", "r", "p", row, "", one.column, value, table=one.table, id=number
            )
        )
    for number in range(10, corrections + 1, 10):
        target = log[number - 1]
        log.append(Decision(form.form_id, target.instance_id, "undo", "r", "p", undoes=number, id=corrections + number))
    processor, wall = time.process_time(), time.perf_counter()
    edited = replay_decisions(form, tables, log)
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    print(f"{corrections} corrections, {corrections // 10} taken back, {interviews} interviews: {edited.cells} cells")
    print(f"  {processor:.2f} s of processor time, {wall:.2f} s; {len(edited.stale)} stale")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
