"""What differs between two releases, as the desk shows it: with the labels of a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from reports.differences import Snapshot, compare, read_snapshot
from schemas.domains import parts


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that differs.

    Attributes:
        label: of its indicator; domain and category as the tables name them; place: both in words, "" for the total.
        former, now: the figure, null where either release withholds it, or it is absent.
        kind: a code of `reports.differences.STATUSES`; reason: one of `REASONS`.
    """

    indicator: str
    label: str
    domain: str
    category: str
    unit: str
    former: float | None
    now: float | None
    kind: str
    reason: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Differences:
    """All of them, what came or went first, then the greatest change; `same`: figures that are the same in both."""

    rows: tuple[Difference, ...]
    same: int


def compare_releases(former: Path | None, now: Path, language: str) -> Differences | None:
    """Compare two releases by their folders.

    Args:
        former: null if there is none before.
        now: the newer one.
        language: of the labels.

    Returns:
        Null where one has no table of estimates.
    """
    older, newer = (None if folder is None else read_snapshot(folder) for folder in (former, now))
    if older is None or newer is None:
        return None
    found = compare(older, newer)
    labels = _labels(older, language) | _labels(newer, language)
    groups = _groups(older, language) | _groups(newer, language)
    categories = _categories(former, language) | _categories(now, language)

    def place(row: Mapping[str, str]) -> str:
        told = [groups.get(part, "=".join(part)) for part in parts(row["domain"])]
        told.append(categories.get((row["indicator"], row["category"]), row["category"]))
        return " · ".join(filter(None, told))

    rows = (
        Difference(
            indicator=row["indicator"],
            label=labels.get(row["indicator"], row["indicator"]),
            domain=row["domain"],
            category=row["category"],
            unit=row["unit"],
            former=row["before"],
            now=row["after"],
            kind=row["status"],
            reason=row["reason"],
            place=place(row),
        )
        for row in found.figures.iter_rows(named=True)
    )
    return Differences(tuple(rows), found.same)


def _labels(release: Snapshot, language: str) -> dict[str, str]:
    column = f"label_{language}"
    if column not in release.indicators.columns:
        return {}
    return {name: label for name, label in release.indicators.select("indicator", column).iter_rows() if label}


def _groups(release: Snapshot, language: str) -> dict[tuple[str, str], str]:
    """Breakdown and code -> label."""
    column = f"label_{language}"
    if not {"breakdown", "code", column} <= set(release.domains.columns):
        return {}
    rows = release.domains.select("breakdown", "code", column).iter_rows()
    return {(breakdown or "", code or ""): label for breakdown, code, label in rows if label and breakdown}


def _categories(folder: Path | None, language: str) -> dict[tuple[str, str], str]:
    """Indicator and category -> label."""
    file = None if folder is None else folder / "tables" / "categories.csv"
    if file is None or not file.is_file():
        return {}
    table = pl.read_csv(file, infer_schema=False)
    column = f"label_{language}"
    if not {"indicator", "category", column} <= set(table.columns):
        return {}
    rows = table.select("indicator", "category", column).iter_rows()
    return {(indicator, category): label for indicator, category, label in rows if label}
