"""Personal answers put in place of their marks, in memory, for the time of one chunk's judgement."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from schemas.fields import INSTANCE_ID, ROW_ID, Field, Form
from validation.chunks import Chunk
from validation.compiled import Compiler

_VALUE = "_value"


def place_personal(chunk: Chunk, form: Form, compiler: Compiler, personal: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """The chunk's tables with the personal answers that some expression uses in their columns.

    Args:
        personal: columns instance_id, row_id, question, value.

    Returns:
        New frames with the same rows; other columns are untouched. A value that can't be read as its type is blank.
    """
    wanted = [field for field in form.fields() if field.personal and field.name in compiler.personal_used]
    if not wanted:
        return chunk.tables
    tables = dict(chunk.tables)
    for field in wanted:
        frame = tables.get(field.table)
        if frame is not None and field.column in frame.columns:
            tables[field.table] = _place(frame, field, personal)
    return tables


def _place(frame: pl.DataFrame, field: Field, personal: pl.DataFrame) -> pl.DataFrame:
    answers = (
        personal.lazy()
        .filter(pl.col("question") == field.name)
        .join(frame.lazy().select(INSTANCE_ID).unique(), left_on="instance_id", right_on=INSTANCE_ID, how="semi")
        .select(
            pl.col("instance_id").alias(INSTANCE_ID),
            pl.col("row_id").alias(ROW_ID),
            pl.col("value").alias(_VALUE),
        )
        .unique([INSTANCE_ID, ROW_ID], keep="first")
        .collect()
    )
    values = frame.select(INSTANCE_ID, ROW_ID).join(
        answers, on=[INSTANCE_ID, ROW_ID], how="left", maintain_order="left"
    )[_VALUE]
    # An answer under a blank mark was removed on purpose (a withdrawal): it doesn't come back.
    values = values.set(frame[field.column].is_null(), None)
    return frame.with_columns(_typed(values, field.type).alias(field.column))


def _typed(values: pl.Series, kind: str) -> pl.Series:
    if kind == "int":
        return values.cast(pl.Int64, strict=False)
    if kind == "decimal":
        return values.cast(pl.Float64, strict=False)
    if kind == "date":
        return values.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if kind == "dateTime":
        return values.str.to_datetime(time_unit="ms", time_zone="UTC", strict=False)
    return values.set(values == "", None)
