"""What differs between two releases, figure by figure, read from their own tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import polars as pl

Kind = Literal["changed", "new", "gone", "hidden", "shown"]
KEYS: Final = ("indicator", "domain", "category")


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that differs.

    Attributes:
        label: of its indicator; domain and category as the tables name them.
        former, now: the figure, null where it is withheld or absent.
    """

    indicator: str
    label: str
    domain: str
    category: str
    unit: str
    former: float | None
    now: float | None
    kind: Kind


@dataclass(frozen=True, slots=True)
class Differences:
    """All of them, greatest change first; `same`: figures that are the same in both."""

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
    tables = [None if folder is None else _read(folder) for folder in (former, now)]
    if tables[0] is None or tables[1] is None:
        return None
    both = tables[0].join(tables[1], on=KEYS, how="full", suffix="_now", coalesce=True)
    labels = _labels(now, language) | {}
    rows, same = [], 0
    for row in both.iter_rows(named=True):
        kind = _kind(row)
        if kind is None:
            same += 1
            continue
        indicator = str(row["indicator"])
        rows.append(
            Difference(
                indicator=indicator,
                label=labels.get(indicator, indicator),
                domain=row["domain"] or "",
                category=row["category"] or "",
                unit=row["unit_now"] or row["unit"] or "",
                former=row["estimate"],
                now=row["estimate_now"],
                kind=kind,
            )
        )
    return Differences(tuple(sorted(rows, key=_size)), same)


def _kind(row: dict[str, object]) -> Kind | None:
    if row["there"] is None:
        return "new"
    if row["there_now"] is None:
        return "gone"
    was, now = row["estimate"], row["estimate_now"]
    if was == now:
        return None
    if now is None:
        return "hidden"
    return "shown" if was is None else "changed"


def _size(row: Difference) -> tuple[float, str, str, str]:
    """Greatest change in parts of the former figure first; what came or went before that."""
    if row.former is None or row.now is None:
        change = float("inf")
    else:
        change = abs(row.now - row.former) / max(abs(row.former), 1e-9)
    return (-change, row.indicator, row.domain, row.category)


def _read(folder: Path) -> pl.DataFrame | None:
    file = folder / "tables" / "estimates.csv"
    if not file.is_file():
        return None
    table = pl.read_csv(file, infer_schema=False)
    return table.select(
        *(pl.col(name).fill_null("") for name in KEYS),
        pl.col("unit"),
        pl.col("estimate").cast(pl.Float64, strict=False),
        pl.lit(True).alias("there"),
    )


def _labels(folder: Path, language: str) -> dict[str, str]:
    file = folder / "tables" / "indicators.csv"
    if not file.is_file():
        return {}
    table = pl.read_csv(file, infer_schema=False)
    column = f"label_{language}"
    if column not in table.columns:
        return {}
    return {name: label for name, label in table.select("indicator", column).iter_rows() if label}
