"""Speed of the figures: all indicators of the shipped survey in all breakdowns, with variances.

Run: python benchmarks/bench_estimation.py [--people N] [--rehearsed N] [--calibrated] [--rival]

Some hundred interviews are rehearsed and repeated under new ids up to the number of people wanted. The design has the
sectors as strata and the interview as primary unit: the most units there can be. With --calibrated the weights reach
margins of people by country of birth and sex, and every variance is one of residuals. With --rival the same shares are
asked of R's package survey, if R is there (Debian: r-cran-survey), for fewer people.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from estimation.indicators import estimate
from forms.compile import CompiledForm, compile_workbook
from forms.rehearsal import rehearse
from forms.rows import read_rows
from forms.sheets import read_workbook
from schemas.fields import INSTANCE_ID
from schemas.submissions import RawSubmission
from schemas.workbook import Specs

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RIVAL = """
suppressMessages(library(survey)); d <- read.csv(commandArgs(TRUE)[1]); options(survey.lonely.psu = "adjust")
t <- proc.time()
s <- svydesign(ids = ~id, strata = ~sector, weights = ~w, data = d, nest = TRUE)
built <- (proc.time() - t)[1]
t <- proc.time()
for (by in c("sex", "age", "country", "sector")) {
  f <- as.formula(paste0("~", by)); invisible(svyby(~y, f, s, svymean, na.rm = TRUE)) }
invisible(svymean(~y, s, na.rm = TRUE))
cat(sprintf("%.2f %.2f", built, (proc.time() - t)[1]))
"""


def interviews(compiled: CompiledForm, number: int) -> dict[str, pl.DataFrame]:
    form = compiled.form
    batch = [
        RawSubmission(at, form.form_id, form.version, one.instance_id, NOW, one.xml, "", "rehearsal")
        for at, one in enumerate(rehearse(compiled, number, 1, NOW))
    ]
    return dict(read_rows(form, batch, b"k" * 32).tables)


def repeat_tables(tables: Mapping[str, pl.DataFrame], times: int) -> dict[str, pl.DataFrame]:
    """The rows again and again, each time under other instance ids."""
    again = pl.DataFrame({"again": range(times)})
    return {
        name: again.join(frame, how="cross", maintain_order="left_right")
        .with_columns(pl.concat_str(INSTANCE_ID, pl.lit("/"), "again").alias(INSTANCE_ID))
        .drop("again")
        for name, frame in tables.items()
    }


def designed(specs: Specs, people: int, calibrated: bool) -> Specs:
    """The survey as a probability sample, of a population ten times as large."""
    settings = dict(specs.design.settings)
    if calibrated:
        settings |= {"margin:person_sex:1": f"{5.1 * people:.0f}", "margin:person_sex:2": f"{4.9 * people:.0f}"}
    design = replace(specs.design, probability=True, weight="10", strata="${sector}", settings=settings)
    return replace(specs, design=design)


def ask_rival(tables: Mapping[str, pl.DataFrame], people: int) -> None:
    """The same share and breakdowns, by R and by us."""
    program = shutil.which("Rscript")
    if program is None:
        print("R is not here: no rival.")
        return
    from estimation.linear import estimate_by_domain
    from estimation.samples import build_sample, encode

    person = tables["person"].head(people)
    main = tables["main"].select(INSTANCE_ID, "sector")
    frame = person.join(main, on=INSTANCE_ID, how="left", maintain_order="left").select(
        pl.col(INSTANCE_ID).rank("dense").alias("id"),
        pl.col("sector").fill_null("?"),
        pl.lit(10.0).alias("w"),
        pl.col("sexo").fill_null("0").alias("sex"),
        (pl.col("edad") // 15).fill_null(9).alias("age"),
        pl.col("birth_country").fill_null("0").alias("country"),
        (pl.col("edad") > 30).cast(pl.Float64).alias("y"),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        frame.write_csv(path)
        done = subprocess.run([program, "-e", RIVAL, str(path)], capture_output=True, text=True, check=True)
    built, theirs = (float(part) for part in done.stdout.split()[-2:])
    started = time.process_time()
    sample = build_sample(frame["w"], frame["sector"], (frame["id"],))
    prepared = time.process_time() - started
    values = frame["y"].fill_null(float("nan")).to_numpy()
    started = time.process_time()
    for by in ("sex", "age", "country", "sector"):
        domain = encode(frame[by])
        estimate_by_domain(sample, "mean", values, domain, int(domain.max()) + 1)
    estimate_by_domain(sample, "mean", values, encode(frame["w"]), 1)
    ours = time.process_time() - started
    print(f"one share in five groupings, {frame.height:,} people, CPU s (design + figures):")
    print(
        f"  R survey {built:.2f} + {theirs:.2f}   ours {prepared:.3f} + {ours:.3f}   {theirs / ours:.0f} times faster"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rehearsed", type=int, default=300)
    parser.add_argument("--calibrated", action="store_true")
    parser.add_argument("--rival", action="store_true")
    options = parser.parse_args()
    compiled = compile_workbook(read_workbook(ROOT / "forms" / "quilicura"))
    tables = interviews(compiled, options.rehearsed)
    tables = repeat_tables(tables, -(-options.people // tables["person"].height))
    people = tables["person"].height
    specs = designed(compiled.specs, people, options.calibrated)
    wall, cpu = time.perf_counter(), time.process_time()
    found = estimate(specs, compiled.form, tables)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    precise = sum(each.se is not None for each in found)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{tables['main'].height:,} interviews, {people:,} people, load {os.getloadavg()[0]:.1f}")
    print(f"{len(specs.indicators)} indicators, {len(found):,} figures, {precise:,} with a standard error")
    for step in found.weighting:
        print(f"  {step.name}: {step.before:,.0f} -> {step.after:,.0f}, effect {step.effect:.3f} {step.margins}")
    for problem in found.problems:
        print(f"  {problem.code} {problem.message}")
    print(f"{wall:.1f} s, {cpu:.1f} CPU s, at most {memory:.2f} GB")
    if options.rival:
        ask_rival(tables, min(people, 100_000))


if __name__ == "__main__":
    main()
