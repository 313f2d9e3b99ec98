"""Do 95 % intervals hold the truth 95 times in 100? Samples drawn from a population that is known.

Run: python benchmarks/simulate_coverage.py [--samples 1000] [--seed 1]

Five designs and three ways to the variance; each sample estimates a mean, a share in a domain and a total. The
coverage of an interval over 1,000 samples is known to about 1.4 points; it must lie within 93 and 97. Exit 1 if not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from estimation.calibration import ClassMargin, rake, rake_passes
from estimation.intervals import logit_interval, t_interval
from estimation.linear import Statistic, estimate_by_domain
from estimation.replicates import Replicates, Reweigh, bootstrap, jackknife, replicate_by_domain
from estimation.samples import Codes, Floats, Sample, build_sample

STRATA, CLUSTERS, HOUSEHOLDS = 4, 600, 30
DRAWS = 200
LOW, HIGH = 0.93, 0.97
METHODS = ("taylor", "jackknife", "bootstrap")


@dataclass(frozen=True)
class Population:
    """Everybody, one value a person; clusters lie within strata."""

    stratum: Codes
    cluster: Codes
    income: Floats
    employed: Floats
    woman: Codes
    old: Codes


@dataclass(frozen=True)
class Drawn:
    """A sample: its design, and which people it holds."""

    sample: Sample
    people: Codes
    margins: list[ClassMargin]


def populate(generator: np.random.Generator) -> Population:
    cluster = np.repeat(np.arange(CLUSTERS), generator.integers(HOUSEHOLDS // 2, HOUSEHOLDS * 2, CLUSTERS))
    stratum = cluster * STRATA // CLUSTERS
    n = cluster.size
    woman, old = generator.integers(0, 2, n), generator.integers(0, 2, n)
    level = generator.normal(0, 40, CLUSTERS)[cluster] + 60 * stratum
    income = np.round(300 + level + 30 * woman - 50 * old + generator.gamma(2, 60, n))
    chance = 1 / (1 + np.exp(-(0.3 + level / 200 + 0.4 * woman - 0.5 * old)))
    return Population(stratum, cluster, income, (generator.random(n) < chance).astype(float), woman, old)


def draw_people(population: Population, generator: np.random.Generator, size: int) -> Drawn:
    people = generator.choice(population.income.size, size, replace=False)
    fpc = pl.repeat(population.income.size, size, eager=True)
    return Drawn(build_sample(None, None, (), (fpc,)), people, [])


def draw_in_strata(population: Population, generator: np.random.Generator, size: int) -> Drawn:
    sizes = np.bincount(population.stratum)
    people = np.concatenate(
        [
            generator.choice(np.flatnonzero(population.stratum == s), size // STRATA, replace=False)
            for s in range(STRATA)
        ]
    )
    stratum = population.stratum[people]
    return Drawn(build_sample(None, pl.Series(stratum), (), (pl.Series(sizes[stratum]),)), people, [])


def draw_clusters(population: Population, generator: np.random.Generator, size: int) -> Drawn:
    chosen = generator.choice(CLUSTERS, size, replace=False)
    people = np.flatnonzero(np.isin(population.cluster, chosen))
    fpc = pl.repeat(CLUSTERS, people.size, eager=True)
    return Drawn(build_sample(None, None, (pl.Series(population.cluster[people]),), (fpc,)), people, [])


def draw_two_stages(population: Population, generator: np.random.Generator, size: int) -> Drawn:
    chosen = np.concatenate(
        [
            generator.choice(np.unique(population.cluster[population.stratum == s]), size // STRATA, False)
            for s in range(STRATA)
        ]
    )
    people = np.concatenate(
        [generator.choice(np.flatnonzero(population.cluster == c), 8, replace=False) for c in chosen]
    )
    cluster, stratum = population.cluster[people], population.stratum[people]
    first = pl.Series(np.bincount(np.unique(np.stack([population.cluster, population.stratum]), axis=1)[1])[stratum])
    second = pl.Series(np.bincount(population.cluster)[cluster])
    sample = build_sample(None, pl.Series(stratum), (pl.Series(cluster), pl.Series(people)), (first, second))
    return Drawn(sample, people, [])


def draw_raked(population: Population, generator: np.random.Generator, size: int) -> Drawn:
    drawn = draw_two_stages(population, generator, size)
    margins = [
        ClassMargin(name, every[drawn.people], ("0", "1"), np.bincount(every).astype(float))
        for name, every in (("woman", population.woman), ("old", population.old))
    ]
    return Drawn(drawn.sample, drawn.people, margins)


DESIGNS: dict[str, tuple[Callable[[Population, np.random.Generator, int], Drawn], int]] = {
    "srs": (draw_people, 300),
    "stratified": (draw_in_strata, 300),
    "cluster": (draw_clusters, 60),
    "two-stage": (draw_two_stages, 60),
    "raked": (draw_raked, 60),
}

Question = tuple[Statistic, Floats, Codes]


def intervals(drawn: Drawn, method: str, questions: list[Question], seed: int) -> list[tuple[float, float]]:
    """The interval of each question by one method; the statistic is asked of domain 0."""
    final = rake(drawn.sample, drawn.margins) if drawn.margins else drawn.sample
    reweigh: Reweigh | None = None
    if drawn.margins:
        passes = rake_passes(drawn.sample.weight, drawn.margins)[1]

        def reweigh(weight: Floats) -> Floats:
            return rake_passes(weight, drawn.margins, None, passes)[0][-1]

    replicates: Replicates | None = None
    if method != "taylor":
        replicates = jackknife(drawn.sample) if method == "jackknife" else bootstrap(drawn.sample, DRAWS, seed)
    ends: list[tuple[float, float]] = []
    for statistic, values, domain in questions:
        found = estimate_by_domain(final, statistic, values, domain, 1)
        variance = found.variance
        if replicates is not None:
            variance = replicate_by_domain(drawn.sample, replicates, statistic, values, domain, 1, reweigh=reweigh)
        estimate, se, df = float(found.estimate[0]), float(np.sqrt(variance[0])), int(found.df[0])
        is_share = statistic == "mean" and bool(np.all((values == 0) | (values == 1)))
        low, high = (logit_interval if is_share else t_interval)(estimate, se, df)
        ends.append((-np.inf if low is None else low, np.inf if high is None else high))
    return ends


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)
    people = populate(generator)
    truths = (
        float(people.income.mean()),
        float(people.employed[people.woman == 1].mean()),
        float(people.income.sum()),
    )
    print(f"{people.income.size:,} people in {CLUSTERS} clusters, {options.samples} samples a design")
    print(f"{'design':<11} {'method':<10} {'mean':>7} {'share of women':>15} {'total':>7} {'CPU s':>7}")
    wrong = 0
    for name, (draw, size) in DESIGNS.items():
        drawn = [draw(people, generator, size) for _ in range(options.samples)]
        for method in METHODS:
            started = time.process_time()
            hits = np.zeros(3)
            for at, one in enumerate(drawn):
                everybody = np.zeros(one.people.size, np.int64)
                questions: list[Question] = [
                    ("mean", people.income[one.people], everybody),
                    ("mean", people.employed[one.people], np.where(people.woman[one.people] == 1, 0, -1)),
                    ("total", people.income[one.people], everybody),
                ]
                ends = intervals(one, method, questions, at)
                hits += [low <= truth <= high for (low, high), truth in zip(ends, truths, strict=True)]
            cover = hits / options.samples
            bad = int(np.sum((cover < LOW) | (cover > HIGH)))
            wrong += bad
            seconds = time.process_time() - started
            print(
                f"{name:<11} {method:<10} {cover[0]:>7.1%} {cover[1]:>15.1%} {cover[2]:>7.1%} {seconds:>7.1f}"
                f"{'  <- outside' if bad else ''}",
                flush=True,
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
