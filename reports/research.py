"""A file of records for research: no personal answer, no place, and nobody alone in what could be recognised.

Records are recognised by keys (quasi-identifiers: sex, age, country ...). First each key is made coarser: numbers as
bands, rare codes as "other". Then single answers are taken out (local suppression) until every combination of keys
stands for k records, counted as R's `sdcMicro` counts: a missing answer fits any. What can't be reached that way leaves
the file.

Source: docs/methods/disclosure.md, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from reports.anonymity import Anonymity, measure_anonymity
from schemas.errors import ReleaseError
from schemas.fields import Table
from schemas.text import Text

NEVER = frozenset({"geopoint", "geotrace", "geoshape", "binary", "barcode"})
"""Types of answers that never stand in such a file: places, pictures, sounds."""

_REST = "other"


@dataclass(frozen=True, slots=True)
class ResearchFile:
    """Records that may be given to researchers under an agreement.

    Attributes:
        frame: one row a record, in an order that tells nothing of who answered when.
        before, after: anonymity of the keys as answered, and as given.
        suppressed: key -> single answers taken out.
        dropped: records that left the file.
        statement: what was done, language -> text.
    """

    frame: pl.DataFrame
    before: Anonymity
    after: Anonymity
    suppressed: Mapping[str, int]
    dropped: int
    statement: Text


def safe_columns(table: Table, keys: Sequence[str] = ()) -> list[str]:
    """Columns of a typed table that may stand in a research file: nothing personal, no place, no free text.

    Args:
        keys: text that may stand in it too, such as groups that the form computes: k records share each of its values.
    """
    return [
        field.column
        for field in table.fields
        if not field.personal
        and field.type not in NEVER
        and (field.is_select or field.type != "string" or field.column in keys)
    ]


def make_research_file(
    frame: pl.DataFrame,
    keys: Sequence[str],
    k: int = 5,
    *,
    bands: Mapping[str, Sequence[float]] | None = None,
    sensitive: str | None = None,
    diversity: int = 2,
    weight: str | None = None,
) -> ResearchFile:
    """Makes records safe enough.

    Args:
        frame: one row a record, `safe_columns` only.
        keys: what a record could be recognised by.
        k: fewest records that must look alike.
        bands: key -> lower ends of the bands that its numbers are told in.
        sensitive: a column whose values must differ among records that look alike; reported.
        diversity: fewest different values of it.
        weight: column of weights, for the risk in the population.

    Raises:
        ReleaseError: REL-040, a key isn't there; REL-056, there are fewer than k records.
    """
    if frame.height < k:
        raise ReleaseError(
            "REL-056", f"There are {frame.height} records, and k is {k}.", "A file so small can't be made anonymous."
        )
    measure = {"sensitive": sensitive, "diversity": diversity, "weight": weight}
    before = measure_anonymity(frame, keys, k, **measure)  # type: ignore[arg-type]
    coarse = frame.with_columns(_band(frame[name], ends) for name, ends in (bands or {}).items())
    coarse = coarse.with_columns(pl.col(list(keys)).cast(pl.String))
    coarse = coarse.with_columns(_merge_rare(coarse[name], k) for name in keys)
    safe, suppressed = _suppress(coarse, keys, k)
    small = _sizes(safe, keys) < k
    kept = safe.filter(~small)
    after = measure_anonymity(kept, keys, k, **measure)  # type: ignore[arg-type]
    while after.violating:  # records that leave may leave others alone
        kept = kept.filter(_sizes(kept, keys) >= k)
        after = measure_anonymity(kept, keys, k, **measure)  # type: ignore[arg-type]
    kept = kept.select(pl.all().sort_by(pl.struct(kept.columns).hash(seed=k)))
    dropped = frame.height - kept.height
    return ResearchFile(kept, before, after, suppressed, dropped, _statement(k, keys, suppressed, dropped, after))


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


def _suppress(frame: pl.DataFrame, keys: Sequence[str], k: int) -> tuple[pl.DataFrame, dict[str, int]]:
    """Takes out single answers, of the key that leaves fewest records too alone; null where one was taken out."""
    taken = dict.fromkeys(keys, 0)
    for _ in range(len(keys)):
        small = _sizes(frame, keys) < k
        if not small.any():
            break
        trials = []
        for order, name in enumerate(keys):
            trial = frame.with_columns(pl.when(~small).then(pl.col(name)).alias(name))
            left = int((_sizes(trial, keys) < k).sum())
            distinct = frame[name].n_unique()
            trials.append((left, -distinct, order, name, trial))
        left, _, _, name, trial = min(trials, key=lambda each: each[:3])
        taken[name] += trial[name].null_count() - frame[name].null_count()
        frame = trial
    return frame, taken


def _sizes(frame: pl.DataFrame, keys: Sequence[str]) -> pl.Series:
    """How many records each one may be, a missing answer fitting any; as `measure_anonymity` counts."""
    patterns = frame.select(keys).with_row_index("at").group_by(keys, maintain_order=True).agg(pl.col("at"), n=pl.len())
    rows = patterns.select(keys).rows()
    own = patterns["n"].to_list()
    partial = [index for index, row in enumerate(rows) if None in row]
    sizes = list(own)
    for at in partial:
        for other, row in enumerate(rows):
            if other != at and all(a is None or b is None or a == b for a, b in zip(rows[at], row, strict=True)):
                sizes[at] += own[other]
                if other not in partial:
                    sizes[other] += own[at]
    found = [0] * frame.height
    for members, size in zip(patterns["at"].to_list(), sizes, strict=True):
        for at in members:
            found[at] = size
    return pl.Series("size", found, pl.Int64)


def _statement(k: int, keys: Sequence[str], suppressed: Mapping[str, int], dropped: int, after: Anonymity) -> Text:
    named, taken = ", ".join(keys), sum(suppressed.values())
    risk = after.reidentifications
    es = "" if risk is None else f" Se esperan {risk:.2f} reidentificaciones en la población."
    ht = "" if risk is None else f" Nou atann {risk:.2f} moun yo ta ka rekonèt nan popilasyon an."
    en = "" if risk is None else f" {risk:.2f} re-identifications are expected in the population."
    return {
        "es": (
            f"Cada combinación de {named} corresponde al menos a {k} de los {after.records} registros. Se quitaron "
            f"{taken} respuestas y {dropped} registros. No hay nombres, documentos, teléfonos, direcciones ni "
            f"posiciones.{es}"
        ),
        "ht": (
            f"Chak konbinezon {named} reprezante omwen {k} nan {after.records} anrejistreman yo. Yo retire {taken} "
            f"repons ak {dropped} anrejistreman. Pa gen non, dokiman, telefòn, adrès ni pozisyon.{ht}"
        ),
        "en": (
            f"Each combination of {named} stands for at least {k} of the {after.records} records. {taken} answers and "
            f"{dropped} records were taken out. There are no names, documents, telephones, addresses or positions.{en}"
        ),
    }
