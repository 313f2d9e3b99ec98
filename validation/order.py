"""The order in which interviews were held: which of two is the later one."""

from __future__ import annotations

import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, RECEIVED_AT, Field, Form

START = "_start"
END = "_end"
RANK = "_rank"
OTHER = "other"

_PRELOADS = {"timestamp/start": START, "timestamp/end": END}


def time_fields(form: Form) -> dict[str, Field]:
    """The questions that record when interviews start and end: the first of each, as others stand where some end."""
    fields = reversed(form.table(MAIN_TABLE).fields)
    return {_PRELOADS[field.preload]: field for field in fields if field.preload in _PRELOADS}


def rank_interviews(form: Form, main: pl.DataFrame) -> pl.DataFrame:
    """Number the interviews in the order in which they were held: 0 is the first.

    The start that the phone recorded counts, since phones that were offline for days send in any order; where there
    is none, the time of arrival. Ties go by arrival, then id.

    Returns:
        One row per interview, in order: _instance_id, _rank.
    """
    start = time_fields(form).get(START)
    times = [start.column] if start is not None and start.column in main.columns else []
    arrived = [RECEIVED_AT] if RECEIVED_AT in main.columns else []
    held = pl.coalesce(*(pl.col(name) for name in (*times, *arrived))) if times or arrived else pl.lit(None)
    ordered = main.with_columns(held.alias("_held")).sort("_held", *arrived, INSTANCE_ID, nulls_last=True)
    return ordered.select(INSTANCE_ID).with_row_index(RANK)
