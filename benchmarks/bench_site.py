"""The site of a release over all communes: time, size, and what a second build rewrites.

.venv/bin/python benchmarks/bench_site.py [--communes 345] [--processes 2] [--out FOLDER]

The workbook is Quilicura's, with its indicators and breakdowns, as if it had been asked in every commune; figures
follow from the place of a cell, and one cell in twelve is withheld. Wall time, CPU time of all processes, peak memory.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from forms.compile import compile_workbook
from forms.sheets import read_workbook
from reports.contents import Counts, Provenance, ReleaseContents
from reports.disclosure import WITHHELD, protect
from reports.site import build_site
from reports.site_folder import write_site
from schemas.communes import read_communes
from schemas.domains import crossed, join
from schemas.estimates import Estimate, SafeCell, SafeTable
from schemas.workbook import Breakdown, Indicator, Specs

WORKBOOK = Path(__file__).resolve().parents[1] / "forms" / "quilicura"
NAME = "commune"
CATEGORIES = ("1", "2", "3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--communes", type=int, default=345)
    parser.add_argument("--processes", type=int, default=None)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    cuts = list(read_communes())[: asked.communes]
    table, contents = make_release(cuts)
    print(f"{len(cuts)} communes, {len(contents.specs.indicators)} indicators, {len(table.cells):,} cells")
    began, used = time.perf_counter(), cpu_seconds()
    pages = build_site("bench-1", table, contents, {}, asked.processes)
    print(f"built in {time.perf_counter() - began:.1f} s, {cpu_seconds() - used:.1f} s of CPU")
    size = sum(map(len, pages.values()))
    print(f"{len(pages):,} files, {size / 1e6:.0f} MB; first page {len(pages['index.html']) / 1000:.0f} kB")
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.out or Path(scratch) / "site"
        for attempt in ("first", "second"):
            began = time.perf_counter()
            done = write_site(folder, pages)
            took = time.perf_counter() - began
            told = f"{done.written:,} written, {done.kept:,} kept, {done.removed:,} removed"
            print(f"{attempt} writing: {told}, {took:.1f} s")
    print(f"peak {peak_gigabytes():.2f} GiB in one process")


def make_release(cuts: Sequence[str]) -> tuple[SafeTable, ReleaseContents]:
    """Figures of every indicator for everybody, each commune, and each group within a commune."""
    compiled = compile_workbook(read_workbook(WORKBOOK))
    design = replace(compiled.specs.design, commune="", settings={**compiled.specs.design.settings, "communes": NAME})
    communes = Breakdown(NAME, "main", {"es": "Comuna"}, "${commune}", tuple(cuts))
    specs = replace(compiled.specs, design=design, breakdowns=(*compiled.specs.breakdowns, communes))
    contents = ReleaseContents(
        form=compiled.form,
        specs=specs,
        counts=Counts(100_000, 98_000),
        provenance=Provenance("0" * 64, "0" * 64, "0" * 64, "bench"),
        made_at=datetime(2026, 11, 24, tzinfo=UTC),
        rehearsal=True,
    )
    table = protect(figures(specs, cuts), 0)
    cells = tuple(withhold(cell) if at % 12 == 7 else cell for at, cell in enumerate(table.cells))
    return replace(table, cells=cells, threshold=10), contents


def figures(specs: Specs, cuts: Sequence[str]) -> Iterator[Estimate]:
    breakdowns = {each.name: each for each in specs.breakdowns}
    for indicator in specs.indicators:
        groups = [(), *groups_of(indicator, breakdowns)]
        for place in ((), *(((NAME, cut),) for cut in cuts)):
            for group in groups:
                yield from cells_of(indicator, join((*place, *group)))


def groups_of(indicator: Indicator, breakdowns: dict[str, Breakdown]) -> Iterator[tuple[tuple[str, str], ...]]:
    for name in indicator.breakdowns:
        if len(crossed(name)) == 1:
            codes = breakdowns[name].categories or tuple(breakdowns[name].category_labels)
            yield from (((name, code),) for code in codes)


def cells_of(indicator: Indicator, domain: str) -> Iterator[Estimate]:
    n = 200 + hash_of(domain) % 900
    codes = (indicator.categories or CATEGORIES) if indicator.kind == "distribution" else ("",)
    for code in codes:
        figure = 5 + hash_of(f"{indicator.name}{domain}{code}") % 800 / 10
        yield Estimate(
            indicator.name,
            domain,
            code,
            figure,
            indicator.unit,
            n,
            n // 4,
            se=2.0,
            ci_low=max(0.0, figure - 4),
            ci_high=figure + 4,
            df=60,
            label=("reliable", "weakly_reliable")[n % 5 == 0],
            unknown_rate=0.02,
        )


def withhold(cell: SafeCell) -> SafeCell:
    shown = dict.fromkeys(("estimate", "n", "se", "ci_low", "ci_high", "cv", "df", "unknown_rate"))
    return replace(cell, **shown, label="", suppressed=WITHHELD)  # type: ignore[arg-type]


def hash_of(text: str) -> int:
    """A number that is the same in every run, as `hash` isn't."""
    found = 0
    for character in text:
        found = (found * 131 + ord(character)) % 1_000_003
    return found


def cpu_seconds() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def peak_gigabytes() -> float:
    whom = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(each).ru_maxrss for each in whom) / 1024**2


if __name__ == "__main__":
    main()
