"""Secondary suppression of a 345-commune x 21-country x sex x age-group table, and its audit: under 5 minutes.

    .venv/bin/python benchmarks/bench_disclosure.py [--communes 345] [--threshold 10]
    .venv/bin/python benchmarks/bench_disclosure.py --indicators 31 [--communes 345] [--people 100000]

The table is made of INE and SERMIG's estimate of foreign residents by commune and country (2022), divided by sex and
age at random with a fixed seed; the communes that it doesn't tell of are made after those that it does. All margins are
published with it: 345 x 21 x 2 x 4 cells and every sum of them.
"""

from __future__ import annotations

import argparse
import csv
import resource
import time
from pathlib import Path

import numpy as np
from disclosure_sample import sample
from numpy.typing import NDArray

from reports.dense_tables import audit_pattern, protect_counts, with_margins
from reports.disclosure import protect

SOURCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "migrants_by_commune_and_country_2022.csv"
COUNTRIES = 21
AGES = [0.17, 0.33, 0.40, 0.10]


def read_population(communes: int) -> NDArray[np.int64]:
    """People by commune, country, sex and age group."""
    people: dict[tuple[str, str], int] = {}
    if SOURCE.exists():
        with SOURCE.open(encoding="utf-8-sig") as file:
            for row in csv.DictReader(file, delimiter=";"):
                try:
                    people[row["cut_comuna"], row["pais"]] = int(float(row["estimacion"]))
                except ValueError:
                    continue
    else:
        print(f"{SOURCE} isn't there: a made-up population")
        made = np.random.default_rng(1).lognormal(2.5, 2.2, (345, COUNTRIES)).astype(int)
        people = {(str(c), str(k)): int(made[c, k]) for c in range(345) for k in range(COUNTRIES)}
    totals: dict[str, int] = {}
    for (_, country), many in people.items():
        totals[country] = totals.get(country, 0) + many
    largest = sorted(totals, key=lambda each: -totals[each])[: COUNTRIES - 1]
    codes = sorted({commune for commune, _ in people})[:communes]
    table = np.zeros((len(codes), COUNTRIES), np.int64)
    for (commune, country), many in people.items():
        if commune in codes:
            at = largest.index(country) if country in largest else COUNTRIES - 1
            table[codes.index(commune), at] += many
    random = np.random.default_rng(2026)
    if len(table) < communes:  # the source tells of the larger communes only: smaller ones are made after their pattern
        alike = random.integers(0, len(table), communes - len(table))
        scale = random.lognormal(-3.0, 1.2, len(alike))[:, None]
        table = np.concatenate([table, random.poisson(table[alike] * scale)])
    shares = np.outer([0.51, 0.49], AGES).ravel()
    return random.multinomial(table, shares).reshape(*table.shape, 2, len(AGES))


def protect_release(communes: int, people: int, indicators: int, threshold: int) -> None:
    """The choice of cells for all figures of a survey of many communes, made-up people."""
    cells, meanings = sample(communes, people, indicators)
    started, used = time.perf_counter(), time.process_time()
    table = protect(cells, threshold, meanings)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(f"{len(cells)} figures of {indicators} indicators in {communes} communes, {people} people")
    print(f"protect: {wall:.1f} s, {cpu:.1f} s of CPU; {table.primary} small, {table.secondary} more")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--communes", type=int, default=345)
    parser.add_argument("--threshold", type=int, default=10)
    parser.add_argument("--indicators", type=int, default=0, help="instead: a release with so many indicators")
    parser.add_argument("--people", type=int, default=100_000)
    chosen = parser.parse_args()
    if chosen.indicators:
        protect_release(chosen.communes, chosen.people, chosen.indicators, chosen.threshold)
        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        return
    counts = read_population(chosen.communes)
    full = with_margins(counts)
    print(f"{counts.shape} cells, {full.size} with margins, {int(counts.sum())} people")
    started, used = time.perf_counter(), time.process_time()
    pattern = protect_counts(counts, chosen.threshold)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    small = (full > 0) & (full < chosen.threshold)
    print(
        f"suppression: {wall:.1f} s, {cpu:.1f} s of CPU; {int(small.sum())} small, {int((pattern & ~small).sum())} more"
    )
    started, used = time.perf_counter(), time.process_time()
    found = audit_pattern(full, pattern, chosen.threshold)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(
        f"audit: {wall:.1f} s, {cpu:.1f} s of CPU; {found.cells} hidden cells, of {found.boxes} a box is proof, "
        f"{found.programmes} programmes for the others; {found.narrow} too narrow"
    )
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
