"""Interviews of one enumerator with nearly the same answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, POSITION, Field, Form
from validation.order import OTHER, RANK, rank_interviews

LONGEST_REPEAT = 12
"""Rows of a repeat that are compared, from the first."""

_FEWEST_IN_PART = 4
"""Answers that a part needs to be the same by chance but rarely."""

CELLS_AT_A_TIME = 1_000_000
"""Answers compared at a time: few enough to stay in the processor's cache."""

Codes = npt.NDArray[np.unsignedinteger[Any]]
Counts = npt.NDArray[np.int64]


def is_asked(field: Field) -> bool:
    """Whether people answer the question: no metadata, calculation, note or personal answer."""
    return (
        field.control not in {"", "trigger"}
        and not field.personal
        and not field.calculation
        and not field.preload
        and (field.readonly or "").strip() != "true()"
    )


def find_near_identical(
    form: Form, tables: Mapping[str, pl.DataFrame], enumerator: str, share: float, min_answers: int
) -> pl.DataFrame:
    """Interviews that repeat an earlier one of the same enumerator.

    Two interviews are near-identical if more than `share` of the questions that either answered have the same
    answer in both. Compared are all pairs of an enumerator; repeats up to `LONGEST_REPEAT` rows.

    Args:
        enumerator: column of the main table that tells who made the interview.
        min_answers: interviews with fewer answers are not compared.

    Returns:
        One row per such interview: _instance_id, other (the most similar earlier one's id).
    """
    main = tables[MAIN_TABLE]
    held = rank_interviews(form, main)
    order = held.join(main.with_row_index("at").select(INSTANCE_ID, "at"), on=INSTANCE_ID).sort(RANK)["at"].to_numpy()
    codes = encode_answers(form, tables)[order]
    instances = main[INSTANCE_ID][order]
    enough = np.count_nonzero(codes, axis=1) >= min_answers
    found: list[tuple[str, str]] = []
    groups = pl.DataFrame({"who": main[enumerator][order].cast(pl.String), "at": np.arange(order.size)})
    groups = groups.filter(pl.Series(enough) & pl.col("who").is_not_null())
    for (_,), group in groups.group_by("who", maintain_order=True):
        rows = group["at"].to_numpy()
        found += [
            (instances[int(rows[later])], instances[int(rows[first])]) for later, first in _pairs(codes[rows], share)
        ]
    return pl.DataFrame(found, schema={INSTANCE_ID: pl.String, OTHER: pl.String}, orient="row")


def encode_answers(form: Form, tables: Mapping[str, pl.DataFrame]) -> Codes:
    """Each interview's answers as numbers (0: none), one row an interview in the order of the main table."""
    main = tables[MAIN_TABLE]
    parts = [
        (_code(tables[name], columns), columns, None if name == MAIN_TABLE else _positions(tables[name]))
        for name, columns in asked_columns(form, tables).items()
    ]
    largest = max((_largest(coded, names) for coded, names, _ in parts), default=0)
    width = sum(len(names) * (1 if positions is None else len(positions)) for _, names, positions in parts)
    # As narrow as the numbers allow: pairs are many, and comparing them is a matter of bytes read.
    codes: Codes = np.zeros((main.height, width), dtype=np.min_scalar_type(largest))
    at = 0
    for coded, names, positions in parts:
        blocks = (coded,) if positions is None else (_at_position(coded, main, names, one) for one in positions)
        for block in blocks:
            codes[:, at : at + len(names)] = block.select(names).to_numpy()
            at += len(names)
    return codes


def asked_columns(form: Form, tables: Mapping[str, pl.DataFrame]) -> dict[str, list[str]]:
    """The columns that are compared, by table: questions that people answer, of the main table and its repeats."""
    found = {}
    for table in form.tables:
        if table.name in tables and table.parent in {None, MAIN_TABLE}:
            here = tables[table.name].columns
            if names := [field.column for field in table.fields if is_asked(field) and field.column in here]:
                found[table.name] = names
    return found


def _code(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Each column's answers as numbers, 0 for none; with the keys of a repeat."""
    keys = [name for name in (INSTANCE_ID, POSITION) if name in frame.columns]
    return frame.select(keys).with_columns(_numbers(frame[name]) for name in names)


def _numbers(answers: pl.Series) -> pl.Series:
    """Of equal answers the same number, 0 of none; no others than are needed."""
    different = answers.drop_nulls().unique()
    numbers = pl.Series(np.arange(1, different.len() + 1, dtype=np.uint32))
    return answers.replace_strict(different, numbers, default=0, return_dtype=pl.UInt32)


def _largest(coded: pl.DataFrame, names: list[str]) -> int:
    return int(coded.select(pl.max_horizontal(pl.col(names).max())).item() or 0)


def count_answers(form: Form, tables: Mapping[str, pl.DataFrame]) -> Counts:
    """How many numbers other than 0 `encode_answers` has for each interview, without making them."""
    main = tables[MAIN_TABLE]
    total = pl.Series(np.zeros(main.height, dtype=np.int64))
    for table, names in asked_columns(form, tables).items():
        frame = tables[table]
        given = pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Int64) for name in names)
        if table == MAIN_TABLE:
            total += frame.select(given).to_series()
            continue
        rows = frame.select(INSTANCE_ID, POSITION, given.alias("given"))
        rows = rows.filter(pl.col(POSITION).is_between(1, LONGEST_REPEAT))
        rows = rows.unique([INSTANCE_ID, POSITION], keep="first").group_by(INSTANCE_ID).agg(pl.col("given").sum())
        placed = main.select(INSTANCE_ID).join(rows, on=INSTANCE_ID, how="left", maintain_order="left")
        total += placed.get_column("given").fill_null(0)
    counts: Counts = total.to_numpy()
    return counts


def _positions(frame: pl.DataFrame) -> range:
    longest = frame[POSITION].max() if frame.height else 0
    return range(1, min(int(str(longest or 0)), LONGEST_REPEAT) + 1)


def _at_position(coded: pl.DataFrame, main: pl.DataFrame, names: list[str], position: int) -> pl.DataFrame:
    rows = coded.filter(pl.col(POSITION) == position).unique(INSTANCE_ID, keep="first")
    placed = main.select(INSTANCE_ID).join(rows, on=INSTANCE_ID, how="left", maintain_order="left")
    return placed.select(names).fill_null(0)


def _pairs(codes: Codes, share: float) -> Iterator[tuple[int, int]]:
    """Rows that repeat an earlier row, each with the most similar one."""
    count, width = codes.shape
    given = codes != 0
    answered = np.count_nonzero(given, axis=1)
    keys = _part_keys(codes, share, int(answered.max(initial=0)))
    step = max(1, CELLS_AT_A_TIME // max(1, count))
    for start in range(0, count, step):
        stop = min(start + step, count)
        alike = np.full((stop - start, stop), not len(keys))
        for key in keys:
            alike |= key[start:stop, None] == key[None, :stop]
        alike &= np.arange(stop)[None, :] < np.arange(start, stop)[:, None]
        later, first = np.nonzero(alike)
        later += start
        likeness = np.zeros(later.size)
        for at in range(0, later.size, max(1, CELLS_AT_A_TIME // max(1, width))):
            some = slice(at, at + max(1, CELLS_AT_A_TIME // max(1, width)))
            one, other = codes[later[some]], codes[first[some]]
            same = ((one == other) & (one != 0)).sum(axis=1, dtype=np.int32)
            both = ((one != 0) & (other != 0)).sum(axis=1, dtype=np.int32)
            likeness[some] = same / np.maximum(answered[later[some]] + answered[first[some]] - both, 1)
        near = np.flatnonzero(likeness > share)
        best = near[np.lexsort((first[near], -likeness[near], later[near]))]
        _, at_first = np.unique(later[best], return_index=True)
        yield from zip(later[best[at_first]].tolist(), first[best[at_first]].tolist(), strict=True)


def _part_keys(codes: Codes, share: float, most: int) -> list[npt.NDArray[np.uint64]]:
    """Keys of parts of the answers, of which two near-identical rows have at least one in common; none: compare all.

    Two rows that are near-identical differ in fewer answers than there are parts, so that one part at least is the
    same to the last answer. Parts are made of every so-many-th question, lest one be blank for everybody.
    """
    width = codes.shape[1]
    differing = math.ceil((1 - share) * most / share)
    if differing + 1 > width // _FEWEST_IN_PART:
        return []
    factors: npt.NDArray[np.uint64] = np.random.default_rng(1).integers(1, 2**63, (width,), dtype=np.uint64)
    parts = [slice(part, None, differing + 1) for part in range(differing + 1)]
    return [(codes[:, part].astype(np.uint64) * factors[part]).sum(axis=1, dtype=np.uint64) for part in parts]
