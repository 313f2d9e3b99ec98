"""What differs between two releases, as the desk shows it: with the labels of a language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reports.differences import KEYS, Snapshot, compare, read_snapshot


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that differs.

    Attributes:
        label: of its indicator; domain and category as the tables name them.
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
    rows = (
        Difference(
            *(row["indicator"], labels.get(row["indicator"], row["indicator"])),
            *(row[name] for name in (*KEYS[1:], "unit", "before", "after", "status", "reason")),
        )
        for row in found.figures.iter_rows(named=True)
    )
    return Differences(tuple(rows), found.same)


def _labels(release: Snapshot, language: str) -> dict[str, str]:
    column = f"label_{language}"
    if column not in release.indicators.columns:
        return {}
    return {name: label for name, label in release.indicators.select("indicator", column).iter_rows() if label}
