"""What differs between two releases, figure by figure and name by name, from nothing but what both have published.

A figure that either release withholds is named and not told: neither its number nor its cases stand anywhere here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from schemas.domains import breakdown_of, crossed

KEYS: Final = ("indicator", "domain", "category")

STATUSES: Final = {
    "changed": "both releases show the figure, and it differs",
    "new": "the former release had no such figure",
    "gone": "this release has no such figure",
    "hidden": "shown before, withheld now",
    "shown": "withheld before, shown now",
}
"""Code of a status -> what it means."""

REASONS: Final = {
    "definition": "the indicator or the grouping is defined otherwise than before",
    "round": "the former release tells of another round of the survey",
    "interviews": "interviews came or went",
    "corrections": "answers were corrected, and no interview came or went",
    "interviews_and_corrections": "interviews came or went, and answers were corrected",
    "method": "the same interviews and answers, by another version of the program or other settings of the survey",
    "indicator": "the indicator came or went",
    "grouping": "the breakdown came or went",
    "group": "the group or the category came or went",
    "protection": "to protect people, see column suppressed of estimates.csv",
}
"""Code of a reason -> what it means."""

FIGURE_COLUMNS: Final = {
    **dict.fromkeys((*KEYS, "unit", "status", "reason"), pl.String),
    **dict.fromkeys(("before", "after", "change"), pl.Float64),
    **dict.fromkeys(("n_before", "n_after"), pl.Int64),
}
NAME_COLUMNS: Final = dict.fromkeys(("what", "code", "column", "status", "before", "after"), pl.String)

_DECIMALS: Final = 6
_MEANING: Final = ("kind", "table", "unit", "universe", "denominator", "numerator", "value", "scale", "quantile")
"""Columns of indicators.csv and domains.csv by which a figure would differ."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A release as this comparison sees it.

    Attributes:
        name: release id.
        figures: indicator, domain, category, unit, estimate, n, suppressed of each cell; null where nothing is shown.
        indicators, domains: rows of the tables of that name, all of them text.
        provenance: its `provenance.json`.
    """

    name: str
    figures: pl.DataFrame
    indicators: pl.DataFrame
    domains: pl.DataFrame
    provenance: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_rehearsal(self) -> bool:
        """Whether it is about nobody."""
        return bool(self.provenance.get("rehearsal"))


@dataclass(frozen=True, slots=True)
class Differences:
    """All differences between two releases.

    Attributes:
        former: release id of the former one, "" where there is none: then nothing differs.
        figures: columns of `FIGURE_COLUMNS`, greatest change first; what came or went before that.
        names: columns of `NAME_COLUMNS`: indicators and groups that came, went, were renamed or defined anew.
        same: figures that both show and that are the same, or that both withhold.
    """

    former: str
    figures: pl.DataFrame
    names: pl.DataFrame
    same: int


def take_snapshot(
    name: str, figures: pl.DataFrame, indicators: pl.DataFrame, domains: pl.DataFrame, provenance: Mapping[str, object]
) -> Snapshot:
    """A release from its tables: `figures` in the columns of estimates.csv, typed or as text."""
    missing = [name for name in ("unit", "n", "suppressed") if name not in figures.columns]
    shown = figures.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing).select(
        *(pl.col(key).cast(pl.String).fill_null("") for key in (*KEYS, "unit")),
        pl.col("estimate").cast(pl.Float64, strict=False).round(_DECIMALS),
        pl.col("n").cast(pl.Float64, strict=False).cast(pl.Int64),
        pl.col("suppressed").cast(pl.String).fill_null(""),
    )
    return Snapshot(name, shown, _texts(indicators), _texts(domains), provenance)


def read_snapshot(folder: Path) -> Snapshot | None:
    """A release by its folder, null where that has no table of figures."""
    figures = _read(folder / "tables" / "estimates.csv")
    if figures is None or not {*KEYS, "estimate"} <= set(figures.columns):
        return None
    nothing = pl.DataFrame()
    indicators, domains = (_read(folder / "tables" / f"{name}.csv") for name in ("indicators", "domains"))
    file = folder / "provenance.json"
    told = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return take_snapshot(
        folder.resolve().name,
        figures,
        nothing if indicators is None else indicators,
        nothing if domains is None else domains,
        told if isinstance(told, dict) else {},
    )


def compare(former: Snapshot | None, now: Snapshot) -> Differences:
    """Everything that differs; nothing where there is no former release.

    The join is by (indicator, domain, category): codes are the same in every round, whatever their labels.
    """
    if former is None:
        return Differences("", pl.DataFrame(schema=FIGURE_COLUMNS), pl.DataFrame(schema=NAME_COLUMNS), 0)
    names = _compare_names(former, now)
    both = former.figures.with_columns(pl.lit(True).alias("there")).join(
        now.figures.with_columns(pl.lit(True).alias("there")), on=KEYS, how="full", suffix="_now", coalesce=True
    )
    marked = both.with_columns(_status().alias("status"))
    differing = marked.filter(pl.col("status").is_not_null())
    figures = _tell(differing.with_columns(_reason(former, now, names).alias("reason")))
    return Differences(former.name, figures, names, marked.height - differing.height)


def compare_folders(former: Path | None, now: Path) -> Differences | None:
    """The same by the releases' folders; null where one of them has no table of figures."""
    older, newer = (None if folder is None else read_snapshot(folder) for folder in (former, now))
    return None if older is None or newer is None else compare(older, newer)


def _status() -> pl.Expr:
    was_hidden, is_hidden = pl.col("suppressed") != "", pl.col("suppressed_now") != ""
    is_same = pl.col("estimate").eq_missing(pl.col("estimate_now")) & pl.col("n").eq_missing(pl.col("n_now"))
    return (
        pl.when(pl.col("there").is_null())
        .then(pl.lit("new"))
        .when(pl.col("there_now").is_null())
        .then(pl.lit("gone"))
        .when(was_hidden & is_hidden)
        .then(None)
        .when(is_hidden)
        .then(pl.lit("hidden"))
        .when(was_hidden)
        .then(pl.lit("shown"))
        .when(~is_same)
        .then(pl.lit("changed"))
    )


def _reason(former: Snapshot, now: Snapshot, names: pl.DataFrame) -> pl.Expr:
    redefined = names.filter(pl.col("status") == "redefined")
    indicators = redefined.filter(pl.col("what") == "indicator")["code"].to_list()
    groups = redefined.filter(pl.col("what") == "group")["code"].to_list()
    came = set(_column(former, "indicator")) ^ set(_column(now, "indicator"))
    return (
        pl.when(pl.col("status").is_in(["new", "gone"]))
        .then(
            pl.when(pl.col("indicator").is_in(sorted(came)))
            .then(pl.lit("indicator"))
            .when(_breakdown(pl.col("domain")).is_in(sorted(_groupings(former) ^ _groupings(now))))
            .then(pl.lit("grouping"))
            .otherwise(pl.lit("group"))
        )
        .when(pl.col("status").is_in(["hidden", "shown"]))
        .then(pl.lit("protection"))
        .when(pl.col("indicator").is_in(indicators) | _any_part(pl.col("domain"), groups))
        .then(pl.lit("definition"))
        .otherwise(pl.lit(_cause(former.provenance, now.provenance)))
    )


def _cause(former: Mapping[str, object], now: Mapping[str, object]) -> str:
    """Why figures changed whose definition didn't, as far as the provenance of both tells."""
    if former.get("round") != now.get("round"):
        return "round"
    is_corrected = _told(former, "parameters", "decisions_sha256") != _told(now, "parameters", "decisions_sha256")
    if _told(former, "submissions", "sha256") == _told(now, "submissions", "sha256"):
        return "corrections" if is_corrected else "method"
    return "interviews_and_corrections" if is_corrected else "interviews"


def _told(provenance: Mapping[str, object], part: str, name: str) -> object:
    found = provenance.get(part)
    return found.get(name) if isinstance(found, Mapping) else None


def _tell(both: pl.DataFrame) -> pl.DataFrame:
    """The columns that are published; figures and cases only where neither release withholds them."""
    is_open = (pl.col("suppressed").fill_null("") == "") & (pl.col("suppressed_now").fill_null("") == "")
    change = (pl.col("estimate_now") - pl.col("estimate")).round(_DECIMALS)
    shown = {"before": "estimate", "after": "estimate_now", "n_before": "n", "n_after": "n_now"}
    told = both.with_columns(
        pl.coalesce("unit_now", "unit").alias("unit"),
        *(pl.when(is_open).then(pl.col(source)).alias(name) for name, source in shown.items()),
        pl.when(is_open).then(change).alias("change"),
    )
    size = (pl.col("change").abs() / pl.col("before").abs().clip(1e-9)).fill_null(float("inf"))
    return told.sort(size, *KEYS, descending=[True, False, False, False]).select(
        pl.col(name).cast(kind) for name, kind in FIGURE_COLUMNS.items()
    )


def _compare_names(former: Snapshot, now: Snapshot) -> pl.DataFrame:
    rows = [
        *_compare_rows("indicator", _by_code(former.indicators, "indicator"), _by_code(now.indicators, "indicator")),
        *_compare_rows("group", _by_code(former.domains, "domain"), _by_code(now.domains, "domain")),
    ]
    return pl.DataFrame(rows, schema=NAME_COLUMNS, orient="row")


def _compare_rows(
    what: str, former: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]
) -> list[tuple[str, str, str, str, str, str]]:
    rows = []
    for code in [*now, *(each for each in former if each not in now)]:
        if code not in former or code not in now:
            label = _label((now if code in now else former)[code])
            rows.append((what, code, "", *(("gone", label, "") if code in former else ("new", "", label))))
            continue
        for column, after in now[code].items():
            before = former[code].get(column, "")
            status = "renamed" if column.startswith("label_") else "redefined" if column in _MEANING else ""
            if status and " ".join(before.split()) != " ".join(after.split()):
                rows.append((what, code, column, status, before, after))
    return rows


def _label(row: Mapping[str, str]) -> str:
    return next((text for column, text in row.items() if column.startswith("label_") and text), "")


def _by_code(table: pl.DataFrame, key: str) -> dict[str, dict[str, str]]:
    return {row[key]: row for row in table.iter_rows(named=True)} if key in table.columns else {}


def _column(snapshot: Snapshot, name: str) -> Sequence[str]:
    return snapshot.figures[name].unique().to_list()


def _groupings(snapshot: Snapshot) -> set[str]:
    return {breakdown_of(domain) for domain in _column(snapshot, "domain")}


def _breakdown(domain: pl.Expr) -> pl.Expr:
    return domain.map_elements(breakdown_of, return_dtype=pl.String)


def _any_part(domain: pl.Expr, groups: Sequence[str]) -> pl.Expr:
    """Whether a domain is of a breakdown one of whose groups is among these, alone or crossed."""
    breakdowns = {breakdown_of(group) for group in groups}

    def is_of_these(text: str) -> bool:
        return not breakdowns.isdisjoint(crossed(breakdown_of(text)))

    return domain.map_elements(is_of_these, return_dtype=pl.Boolean)


def _texts(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(pl.all().cast(pl.String).fill_null("")) if table.width else table


def _read(path: Path) -> pl.DataFrame | None:
    return pl.read_csv(path, infer_schema=False) if path.is_file() and path.stat().st_size else None
