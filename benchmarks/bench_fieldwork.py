"""All checks of field work over many interviews: `python benchmarks/bench_fieldwork.py [--interviews N]`.

A few hundred interviews of the shipped survey are rehearsed; each question's answers are then drawn anew for every
interview, so that shares stay as they are and no interview copies another. Prints seconds a check, CPU time, and the
largest memory that the process ever had.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from forms.compile import CompiledForm, compile_workbook
from forms.rehearsal import rehearse
from forms.rows import read_rows
from forms.sheets import read_workbook
from reports.maps import find_boundary
from schemas.fields import INSTANCE_ID, POSITION, ROW_ID
from schemas.submissions import RawSubmission
from validation.fieldwork.catalogue import CHECKS
from validation.fieldwork.evaluate import evaluate_fieldwork, make_task

ROOT = Path(__file__).resolve().parents[1]
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
REHEARSED = 300
FIRST = ("Jean", "Marie", "Luis", "Rosa", "Pierre", "Carlos", "Wilna", "Daniela", "Stanley", "Julia", "Frantz", "Ana")
SYLLABLES = ("ba", "ri", "lo", "men", "gon", "za", "tis", "per", "qui", "cha", "lou", "dor", "ven", "mar", "jo", "sef")


def rehearsed(compiled: CompiledForm) -> dict[str, pl.DataFrame]:
    """The typed tables of a rehearsal."""
    batch = [
        RawSubmission(at, "f", compiled.form.version, each.instance_id, START, each.xml, "", "rehearsal", ())
        for at, each in enumerate(rehearse(compiled, REHEARSED, 1, START))
    ]
    return dict(read_rows(compiled.form, batch, b"key").tables)


def drawn(frame: pl.DataFrame, rows: int, chance: np.random.Generator) -> pl.DataFrame:
    """So many rows, each column's values drawn from those it has."""
    return pl.DataFrame([column.gather(chance.integers(0, frame.height, rows)) for column in frame.get_columns()])


def make_tables(
    compiled: CompiledForm, interviews: int, enumerators: int, events: int
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Tables of that many interviews, and their personal answers."""
    chance = np.random.default_rng(1)
    parts = rehearsed(compiled)
    ids = pl.Series(INSTANCE_ID, [f"uuid:{number:08}" for number in range(interviews)])
    tables = {}
    for name, frame in parts.items():
        if name == "main":
            day = np.arange(interviews) // (enumerators * 5)
            turn = np.arange(interviews) // enumerators % 5
            minutes = day * 1440 + turn * 90 + chance.integers(0, 20, interviews)
            starts = pl.Series(
                [START + timedelta(minutes=int(each)) for each in minutes], dtype=pl.Datetime("ms", "UTC")
            )
            length = pl.Series(chance.integers(25, 60, interviews) * 60_000).cast(pl.Duration("ms"))
            who = np.arange(interviews) % enumerators + 1
            tables[name] = drawn(frame, interviews, chance).with_columns(
                ids,
                pl.lit("").alias(ROW_ID),
                starts.alias("start"),
                (starts + length).alias("end"),
                (starts + timedelta(days=2)).alias("_received_at"),
                starts.dt.date().alias("interview_date"),
                pl.Series("enumerator_code", who),
                pl.Series("deviceid", [f"phone{each}" for each in who]),
                pl.Series("property_code", np.arange(interviews)),
            )
        else:
            counts = chance.integers(1, 6, interviews)
            owners = np.repeat(np.arange(interviews), counts)
            positions = np.concatenate([np.arange(1, each + 1) for each in counts])
            tables[name] = drawn(frame, owners.size, chance).with_columns(
                ids.gather(owners),
                pl.Series(POSITION, positions),
                pl.Series(ROW_ID, [f"{name}[{each}]" for each in positions]),
            )
            if name == "person":
                tables["main"] = tables["main"].with_columns(pl.Series("household_size", counts))
    personal = make_personal(tables, interviews)
    if events:
        times = tables["main"]["start"]
        at = np.repeat(np.arange(interviews), events)
        step = np.tile(np.arange(events), interviews)
        tables["_audit"] = pl.DataFrame(
            {
                INSTANCE_ID: ids.gather(at),
                "start": times.gather(at) + pl.Series(step * 30_000).cast(pl.Duration("ms")),
                "section": pl.Series([f"section{each // 10}" for each in range(events)]).gather(step),
                "question": pl.Series([f"q{each}" for each in range(events)]).gather(step),
                "seconds": chance.gamma(2.0, 15.0, at.size),
            }
        )
    return tables, personal


def make_personal(tables: dict[str, pl.DataFrame], interviews: int) -> pl.DataFrame:
    """Names, telephones, addresses and positions that nobody has."""
    pick = random.Random(2)  # noqa: S311
    ids = tables["main"][INSTANCE_ID].to_list()
    rows = [(key, "", "phone", str(pick.randrange(10**8, 10**9))) for key in ids]
    rows += [(key, "", "address", f"Pasaje {surname(pick)} {pick.randrange(3000)}") for key in ids]
    rows += [
        (key, "", "position", f"{-33.355 + pick.gauss(0, 0.005)} {-70.74 + pick.gauss(0, 0.005)} 500 6") for key in ids
    ]
    people = tables["person"].select(INSTANCE_ID, ROW_ID).iter_rows()
    rows += [(key, row, "person_name", f"{pick.choice(FIRST)} {surname(pick)}") for key, row in people]
    names = ("instance_id", "row_id", "question", "value")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def surname(pick: random.Random) -> str:
    """One of some thousands."""
    return "".join(pick.choice(SYLLABLES) for _ in range(3)).capitalize()


def main() -> None:
    """Make, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interviews", type=int, default=100_000)
    parser.add_argument("--enumerators", type=int, default=200)
    parser.add_argument("--events", type=int, default=40, help="of the log of each interview")
    parser.add_argument("--each", action="store_true", help="seconds of every check too (they are made twice)")
    given = parser.parse_args()
    compiled = compile_workbook(read_workbook(ROOT / "forms/quilicura"))
    tables, personal = make_tables(compiled, given.interviews, given.enumerators, given.events)
    made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{given.interviews} interviews, {sum(map(len, tables.values()))} rows, made with {made:.2f} GiB", flush=True)
    specs = compiled.specs
    extra = {"boundary": find_boundary(specs.design.commune), "today": START + timedelta(days=60)}
    wall, cpu = time.perf_counter(), time.process_time()
    evaluation = evaluate_fieldwork(
        compiled.form, tables, specs.design.settings, personal=personal, monitoring=specs.monitoring, **extra
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    checked = len(evaluation.summaries) - len(evaluation.not_checked)
    print(f"{checked} checks in {wall:.1f} s ({cpu:.1f} s of CPU), {len(evaluation.findings)} findings, {peak:.2f} GiB")
    for summary in evaluation.summaries:
        if summary.failed:
            print(f"  {summary.rule.rule_id}: {summary.failed} of {summary.checked}")
    if given.each:
        task = make_task(compiled.form, tables, specs.design.settings, specs.monitoring, personal, None, **extra)
        for check in CHECKS:
            began = time.perf_counter()
            check.judge(task)
            print(f"  {check.name}: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
