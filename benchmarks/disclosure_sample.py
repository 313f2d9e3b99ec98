"""Made-up figures of a survey of many communes, for benchmarks and tests of disclosure control."""

from __future__ import annotations

import numpy as np
import polars as pl

from reports.quantities import Meaning
from schemas.estimates import Estimate

CODES = {"sex": 2, "age": 4, "country": 6}
"""Breakdown -> how many codes; each is also crossed with the commune."""

_SHAPES = {"sex": [0.52, 0.48], "age": [0.22, 0.38, 0.3, 0.1], "country": [0.4, 0.22, 0.18, 0.1, 0.07, 0.03]}


def sample(communes: int, people: int, indicators: int, seed: int = 2026) -> tuple[list[Estimate], dict[str, Meaning]]:
    """All figures of some indicators: a count, shares, distributions and means, in all domains.

    Args:
        communes: of very different size.
        people: in all.
        indicators: how many, of every ten one is a distribution of four categories and one a mean.
        seed: of the made-up people.
    """
    random = np.random.default_rng(seed)
    size = random.lognormal(0.0, 1.1, communes)
    frame = pl.DataFrame(
        {
            "commune": random.choice(communes, people, p=size / size.sum()),
            **{name: random.choice(many, people, p=_SHAPES[name]) for name, many in CODES.items()},
        }
    )
    found: list[Estimate] = []
    meanings: dict[str, Meaning] = {}
    for number in range(indicators):
        kind = "count" if number == 0 else {3: "distribution", 6: "mean"}.get(number % 10, "share")
        name = f"{kind}_{number}"
        denominator = f"asked{number}" if number % 3 == 2 else ""
        asked = frame.filter(pl.Series(random.random(people) < 0.7)) if denominator else frame
        answers = random.choice(4, asked.height, p=[0.55, 0.25, 0.15, 0.05])
        rate = random.beta(1.0, 3.0) * (0.5 + asked["country"].to_numpy() / 5)
        rows = asked.with_columns(answer=answers, yes=pl.Series(random.random(asked.height) < rate))
        meanings[name] = Meaning(kind, "person", "", denominator, f"n{number}" if kind == "share" else "", f"v{number}")
        found += _figures(name, kind, rows)
    return found, meanings


def _figures(name: str, kind: str, rows: pl.DataFrame) -> list[Estimate]:
    found: list[Estimate] = []
    for crossed in (False, True):
        for by in (None, *CODES):
            keys = [*(["commune"] if crossed else []), *([by] if by else [])]
            counts = [pl.len().alias("n"), pl.col("yes").sum().alias("yes")]
            counts += [(pl.col("answer") == answer).sum().alias(f"a{answer}") for answer in range(4)]
            grouped = rows.group_by(keys, maintain_order=True).agg(counts).sort(keys) if keys else rows.select(counts)
            for row in grouped.to_dicts():
                domain = "&".join(f"{key}={row[key]}" for key in keys) or "total"
                found += _cells(name, kind, domain, row)
    return found


def _cells(name: str, kind: str, domain: str, row: dict[str, int]) -> list[Estimate]:
    n = row["n"]
    if kind == "count":
        return [Estimate(name, domain, "", float(n), "persons", n, n)]
    if kind == "mean":
        return [Estimate(name, domain, "", 31.5, "years", n, n)]
    if kind == "share":
        return [Estimate(name, domain, "", 100 * row["yes"] / n, "percent", n, row["yes"])]
    return [Estimate(name, domain, f"a{at}", 100 * row[f"a{at}"] / n, "percent", n, row[f"a{at}"]) for at in range(4)]
