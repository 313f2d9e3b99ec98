"""A file of records for research: no personal answer, no place, and nobody alone in what could be recognised.

Records are recognised by keys (quasi-identifiers: sex, age, country ...). First each key is made coarser: numbers as
bands, rare codes as "other". Then single answers are taken out (local suppression) until every combination of keys
stands for k records, counted as R's `sdcMicro` counts: a missing answer fits any. Where the design asks for it, the
same until those that look alike have l different values of a sensitive answer. What can't be reached that way leaves
the file.

Source: docs/methods/disclosure.md, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import polars as pl

from reports.anonymity import Anonymity, group_alike, measure_anonymity
from reports.research_statement import research_statement
from schemas.errors import ReleaseError
from schemas.fields import Table
from schemas.text import Text
from schemas.workbook import Design

NEVER = frozenset({"geopoint", "geotrace", "geoshape", "binary", "barcode"})
"""Types of answers that never stand in such a file: places, pictures, sounds."""

_MOMENTS = frozenset({"date", "dateTime", "time"})
"""Types that tell of one day or hour: births, arrivals, the interview itself. They stand in it only as keys."""

_REST = "other"


@dataclass(frozen=True, slots=True)
class ResearchFile:
    """Records that may be given to researchers under an agreement.

    Attributes:
        frame: one row a record, in an order that tells nothing of who answered when.
        before, after: anonymity of the keys as answered, and as given.
        suppressed: key -> single answers taken out.
        shares: key -> the same as a share of the answers that there were.
        dropped: records that left the file.
        statement: what was done, language -> text.
    """

    frame: pl.DataFrame
    before: Anonymity
    after: Anonymity
    suppressed: Mapping[str, int]
    shares: Mapping[str, float]
    dropped: int
    statement: Text


@dataclass(frozen=True, slots=True)
class ResearchRules:
    """How safe a research file must be.

    Attributes:
        keys: what a record could be recognised by.
        k: fewest records that must look alike.
        bands: key -> lower ends of the bands that its numbers are told in.
        sensitive: a column whose values must differ among records that look alike, "" for none.
        diversity: fewest different values of it.
        enforce: take answers out until they do; else it is only reported.
    """

    keys: tuple[str, ...]
    k: int = 5
    bands: Mapping[str, Sequence[float]] = field(default_factory=dict)
    sensitive: str = ""
    diversity: int = 2
    enforce: bool = False

    @classmethod
    def read(cls, design: Design) -> ResearchRules:
        """From the rows of the design sheet.

        `research_keys` ("sex age country"), `research_k`, `research_bands` ("age 0 15 30 45 65; income 0 500000"),
        `research_sensitive`, and `research_diversity` ("2", reported; "2 enforce").

        Raises:
            ReleaseError: REL-055, a row can't be read.
        """
        rows = design.settings
        many, _, enforce = rows.get("research_diversity", "2").strip().partition(" ")
        k = rows.get("research_k", "5").strip()
        if not k.isdigit() or not many.isdigit() or enforce.strip() not in {"", "enforce", "report"}:
            raise ReleaseError(
                "REL-055",
                "Row research_k or research_diversity of the design sheet can't be read.",
                "Write a number; after that of research_diversity, enforce or report.",
            )
        bands: dict[str, Sequence[float]] = {}
        for each in rows.get("research_bands", "").split(";"):
            name, *ends = each.replace(",", " ").split() or [""]
            if name:
                bands[name] = read_ends(name, ends)
        keys = tuple(rows.get("research_keys", "").replace(",", " ").split())
        return cls(keys, int(k), bands, rows.get("research_sensitive", "").strip(), int(many), enforce == "enforce")


def read_ends(name: str, ends: Sequence[str]) -> list[float]:
    """The lower ends of a key's bands.

    Raises:
        ReleaseError: REL-055, they are no numbers.
    """
    try:
        found = [float(end) for end in ends]
    except ValueError:
        found = []
    if not found:
        raise ReleaseError("REL-055", f"The bands of {name} can't be read.", "Write the lower ends: 0 15 30 45 65.")
    return found


def safe_columns(table: Table, keys: Sequence[str] = ()) -> list[str]:
    """Columns of a typed table that may stand in a research file: nothing personal, no place, moment or free text.

    Args:
        keys: text that may stand in it too, such as groups that the form computes: k records share each of its values.
    """
    return [
        field.column
        for field in table.fields
        if not field.personal
        and field.type not in NEVER
        and (field.is_select or field.type not in {"string", *_MOMENTS} or field.column in keys)
    ]


def make_research_file(frame: pl.DataFrame, rules: ResearchRules, weight: str | None = None) -> ResearchFile:
    """Makes records safe enough.

    Args:
        frame: one row a record, `safe_columns` only.
        rules: how safe.
        weight: column of weights, for the risk in the population.

    Raises:
        ReleaseError: REL-040, a column isn't there; REL-056, there are fewer than k records.
    """
    k, keys, sensitive = rules.k, rules.keys, rules.sensitive or None
    if frame.height < k:
        raise ReleaseError(
            "REL-056", f"There are {frame.height} records, and k is {k}.", "A file so small can't be made anonymous."
        )
    measure = {"sensitive": sensitive, "diversity": rules.diversity, "weight": weight}
    before = measure_anonymity(frame, keys, k, **measure)  # type: ignore[arg-type]
    coarse = frame.with_columns(_band(frame[name], ends) for name, ends in rules.bands.items() if name in keys)
    coarse = coarse.with_columns(pl.col(list(keys)).cast(pl.String))
    coarse = coarse.with_columns(_merge_rare(coarse[name], k) for name in keys if name != sensitive)
    kept, suppressed = _suppress(coarse, rules)
    while (unsafe := _unsafe(kept, rules)).any():  # records that leave may leave others alone
        kept = kept.filter(~unsafe)
    after = measure_anonymity(kept, keys, k, **measure)  # type: ignore[arg-type]
    kept = kept.select(pl.all().sort_by(pl.struct(kept.columns).hash(seed=k)))
    dropped = frame.height - kept.height
    answered = {name: frame[name].len() - frame[name].null_count() for name in keys}
    shares = {name: suppressed[name] / answered[name] if answered[name] else 0.0 for name in keys}
    return ResearchFile(
        kept, before, after, suppressed, shares, dropped, research_statement(rules, shares, dropped, after)
    )


def _band(values: pl.Series, ends: Sequence[float]) -> pl.Series:
    """A number as the band it is in: "15-29", the last one open: "65+"."""
    lower = sorted(ends)
    whole = [f"{low:g}-{high - 1:g}" for low, high in pairwise(lower)] + [f"{lower[-1]:g}+"]
    labels = [f"<{lower[0]:g}", *whole]
    number = values.cast(pl.Float64, strict=False)
    place = sum(((number >= low).cast(pl.Int64) for low in lower), start=pl.zeros(len(values), pl.Int64, eager=True))
    told = pl.Series(values.name, [labels[at] for at in place.fill_null(0)], pl.String)
    return pl.select(pl.when(number.is_not_null()).then(told)).to_series().alias(values.name)


def _merge_rare(values: pl.Series, k: int) -> pl.Series:
    """Codes of fewer than k records as "other"."""
    counts = values.drop_nulls().value_counts()
    rare = counts.filter(pl.col("count") < k)[values.name].to_list()
    return values if len(rare) < 2 else values.replace(rare, [_REST] * len(rare))


def _suppress(frame: pl.DataFrame, rules: ResearchRules) -> tuple[pl.DataFrame, dict[str, int]]:
    """Takes out single answers, of the key that leaves fewest records too alone; null where one was taken out."""
    taken = dict.fromkeys(rules.keys, 0)
    for _ in range(len(rules.keys)):
        small = _unsafe(frame, rules)
        if not small.any():
            break
        trials = []
        for order, name in enumerate(rules.keys):
            trial = frame.with_columns(pl.when(~small).then(pl.col(name)).alias(name))
            left = int(_unsafe(trial, rules).sum())
            distinct = frame[name].n_unique()
            trials.append((left, -distinct, order, name, trial))
        left, _, _, name, trial = min(trials, key=lambda each: each[:3])
        taken[name] += trial[name].null_count() - frame[name].null_count()
        frame = trial
    return frame, taken


def _unsafe(frame: pl.DataFrame, rules: ResearchRules) -> pl.Series:
    """Records that too few others look like, or whose likes are too much alike."""
    sensitive = rules.sensitive if rules.enforce and rules.sensitive else None
    alike = group_alike(frame, rules.keys, sensitive)
    found = alike.size_of_record < rules.k
    if alike.values_of_record is not None:
        found |= alike.values_of_record < rules.diversity
    return pl.Series("unsafe", found, pl.Boolean)
