"""A survey of 345 communes from interviews to previews and release: seconds, memory and figures of each step.

    .venv/bin/python benchmarks/bench_communes.py [--communes 345] [--interviews 100000] [--findings 0] [--site]

The workbook is that of forms/tres_comunas with other communes, its frame their population. CPU seconds (user, system,
children too) are told beside the clock's, since a machine with other work says more by them; memory is the peak so far.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from flows.checking import check
from flows.ingesting import ingest
from flows.previewing import keep_preview
from flows.registering import add_form, load_form
from flows.releasing import draw_up, release
from forms.rehearsal import rehearse_parallel
from schemas.communes import read_communes
from schemas.findings import Finding
from store.arrivals import NewSubmission, add_submissions
from store.communes import count_by_commune
from store.finding_counts import list_rule_counts
from store.finding_pages import count, page
from store.findings import put_findings
from store.open import Store, open_store
from store.submissions import list_by_state

ROOT = Path(__file__).resolve().parents[1]
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
FORM = "tres_comunas"


def cpu() -> float:
    """Seconds of this process and of its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Print what a step took."""
    clock, used = time.perf_counter(), cpu()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    seconds = time.perf_counter() - clock
    print(f"{what:34} {seconds:8.1f} s  {cpu() - used:8.1f} CPU s  peak {peak:5.2f} GiB", flush=True)


def make_workbook(folder: Path, communes: int, *, quota: bool) -> None:
    """The model's workbook with so many communes: the largest ones; as a quota sample, in which no table is dropped."""
    shutil.copytree(ROOT / "forms" / FORM, folder)
    known = sorted(read_communes().values(), key=lambda one: -one.population)[:communes]
    choices = rows_of(folder / "choices.csv")
    others = [row for row in choices if row[0] != "commune"]
    write(folder / "choices.csv", [*others, *(["commune", one.cut, *[one.name] * 3] for one in known)])
    design = [row for row in rows_of(folder / "design.csv") if not row[0].startswith("frame:")]
    design = [["probability", "no", ""] if quota and row[0] == "probability" else row for row in design]
    write(folder / "design.csv", [*design, *([f"frame:{one.cut}", str(one.population), ""] for one in known)])


def rows_of(file: Path) -> list[list[str]]:
    """Rows of a sheet."""
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def write(file: Path, rows: list[list[str]]) -> None:
    """Write a sheet; rows get as many cells as the first."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([*row, *[""] * (len(rows[0]) - len(row))] for row in rows)


def receive(store: Store, interviews: int) -> None:
    """Fill interviews and store them."""
    compiled = load_form(store, FORM)
    version = compiled.form.version
    made = iter(rehearse_parallel(compiled, interviews, 7, AT, os.cpu_count() or 1))
    while some := list(islice(made, 250)):
        items = [NewSubmission(FORM, version, one.instance_id, one.xml, AT) for one in some]
        with store.begin() as connection:
            add_submissions(connection, store.blobs, items)


def plant(store: Store, findings: int) -> None:
    """Give the interviews so many findings of a hundred rules."""
    with store.read() as connection:
        instances = list_by_state(connection, FORM, "current")
    said = (
        Finding(
            FORM, "1", instances[at % len(instances)], "", f"planted:{at // len(instances)}", "check", severity, "/", {}
        )
        for at in range(findings)
        for severity in (("error", "warning", "info")[at % 3],)
    )
    rules = {f"planted:{number}" for number in range(findings // len(instances) + 1)}
    with store.begin() as connection:
        put_findings(connection, FORM, said, rules)


def look(store: Store, commune: str) -> float:
    """Milliseconds of the queue of one commune as the desk asks for it: the second time, as anybody but the first."""
    for _ in range(2):
        clock = time.perf_counter()
        with store.read() as connection:
            list_rule_counts(connection, FORM, [commune])
            page(connection, FORM, communes=[commune], severity="warning", limit=40)
            for severity in ("error", "warning", "info"):
                count(connection, FORM, severity=severity, communes=[commune])
    return 1000 * (time.perf_counter() - clock)


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--communes", type=int, default=345)
    parser.add_argument("--interviews", type=int, default=100_000)
    parser.add_argument("--findings", type=int, default=0, help="so many more findings, for the queue")
    parser.add_argument("--quota", action="store_true", help="no probability sample: every figure is published")
    parser.add_argument("--site", action="store_true", help="write the release too, its site without PDF")
    chosen = parser.parse_args()
    os.environ["COMUNAL_BROWSER"] = "no-browser"
    print(f"{chosen.communes} communes, {chosen.interviews} interviews; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_workbook(folder / "book", chosen.communes, quota=chosen.quota)
        with open_store(folder / "data") as store:
            with told("register the workbook"):
                added = add_form(store, folder / "book")
                assert added.version is not None, added.problems
            with told("rehearse and receive"):
                receive(store, chosen.interviews)
            with told("ingest"):
                report = ingest(store, FORM)
            with told("check"):
                checked = check(store, FORM, expectations=False)
            with store.read() as connection:
                counts = count_by_commune(connection, FORM)
            print(f"  {report.rows}; {checked.findings} findings; {len(counts)} communes with interviews")
            with told("estimate and protect"):
                candidate = draw_up(store, FORM)
            table = candidate.table
            print(f"  {len(table.cells)} figures, {table.primary} + {table.secondary} withheld")
            with told("previews of all communes"):
                keep_preview(store, candidate)
            if chosen.site:
                with told("release with its site, without PDF"):
                    made = release(store, FORM, folder / "releases")
                size = sum(file.stat().st_size for file in Path(made.folder).rglob("*") if file.is_file())
                print(f"  {size / 2**20:.0f} MiB")
            if chosen.findings:
                with told(f"{chosen.findings} findings more"):
                    plant(store, chosen.findings)
            largest = max(counts, key=lambda cut: counts[cut])
            smallest = min(counts, key=lambda cut: counts[cut])
            print(
                f"  queue of the largest commune {look(store, largest):.0f} ms, smallest {look(store, smallest):.0f} ms"
            )


if __name__ == "__main__":
    main()
