"""Of which commune each interview of a survey of many communes is, as its answers tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from expressions.columns import compile_columns
from forms.compile import CompiledForm
from forms.spreading import find_breakdown
from schemas.errors import ExpressionError
from schemas.fields import INSTANCE_ID, MAIN_TABLE
from store.segment_files import Segment


def interview_communes(compiled: CompiledForm, tables: Mapping[str, pl.DataFrame]) -> dict[str, str] | None:
    """Instance id -> CUT of every interview, "" where none is known; null if the survey isn't of many communes.

    An expression that can't be evaluated tells none: everything is then for people who are bound to no commune.
    """
    breakdown = find_breakdown(compiled.specs, compiled.specs.design.communes)
    if breakdown is None:
        return None
    instances = tables[MAIN_TABLE][INSTANCE_ID].to_list() if MAIN_TABLE in tables else []
    try:
        codes = compile_columns(breakdown.value, compiled.form, MAIN_TABLE).string(tables)
    except ExpressionError:
        return dict.fromkeys(instances, "")
    told = (("" if code is None else str(code).strip()) for code in codes)
    return dict(zip(instances, told, strict=True))


def unit_communes(
    compiled: CompiledForm, tables: Mapping[str, pl.DataFrame], communes: Mapping[str, str]
) -> dict[str, str]:
    """What a finding of field work is about ("enumerator:7") -> CUT, where all its interviews are of one commune."""
    specs, main = compiled.specs, tables[MAIN_TABLE]
    named = [row.value for row in specs.monitoring if (row.name, row.parameter) == ("general", "enumerator")]
    question = (named or [specs.design.settings.get("enumerator", "")])[0].strip("${} ")
    if question not in main.columns:
        return {}
    mine = main.select(INSTANCE_ID, pl.col(question).cast(pl.String)).drop_nulls()
    cuts = mine[INSTANCE_ID].replace_strict(communes, default="", return_dtype=pl.String)
    units = mine.with_columns(cuts.alias("commune")).group_by(question).agg(pl.col("commune").unique())
    return {f"enumerator:{code}": found[0] for code, found in units.iter_rows() if len(found) == 1}


def communes_of_batch(
    data: Path, compiled: CompiledForm, segments: Iterable[Segment], instances: Iterable[str]
) -> dict[str, str] | None:
    """The same of a batch whose rows are written already; of interviews without rows none is known."""
    breakdown = find_breakdown(compiled.specs, compiled.specs.design.communes)
    if breakdown is None:
        return None
    found = dict.fromkeys(instances, "")
    by_table = {segment.table: segment for segment in segments}
    if MAIN_TABLE in by_table:
        needed = _tables_of(compiled, breakdown.value)
        tables = {name: pl.read_parquet(data / segment.path) for name, segment in by_table.items() if name in needed}
        found |= interview_communes(compiled, tables) or {}
    return found


def _tables_of(compiled: CompiledForm, expression: str) -> frozenset[str]:
    """The tables that an expression over the interview reads."""
    try:
        names = compile_columns(expression, compiled.form, MAIN_TABLE).names
    except ExpressionError:
        return frozenset({MAIN_TABLE})
    own = {field.name: field.table for field in compiled.form.fields()}
    if {own.get(name, "") for name in names} <= {MAIN_TABLE}:
        return frozenset({MAIN_TABLE})
    return frozenset(table.name for table in compiled.form.tables)
