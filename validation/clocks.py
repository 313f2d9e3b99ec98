"""When interviews were made, where their form doesn't record it: from the phone's log of events, or within bounds.

A log of events (audit.csv) tells when the interview ended. Without one all that is known is that an interview was
made before it arrived. A rule that only comes to hold as the day grows (`. <= today()`) and doesn't hold on the last
possible day was broken on every day; of others nothing is said (`expressions.growing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from expressions.clock import records_time, with_clock
from schemas.fields import INSTANCE_ID, MAIN_TABLE, RECEIVED_AT, Form

AUDIT = "_audit"
ENDED, EARLIEST, LATEST = "_ended", "_earliest", "_latest"
"""Columns of the main table: when the log of events ends, and the first and last moments at which it may have been."""

TOLERANCE = timedelta(days=1)
"""How much later than on the server it may be on the phone: time zones, and clocks that are wrong by less."""

_FIRST = datetime(1000, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_MOMENT = pl.Datetime("ms", "UTC")

Part = tuple[Form, pl.Series]
"""A form, and numbers of the rows of the main table that are judged by it."""


def split_by_clock(form: Form, tables: Mapping[str, pl.DataFrame]) -> tuple[dict[str, pl.DataFrame], list[Part]]:
    """The tables with what is known of times, and the interviews whose time a log tells apart from the others.

    A form that records the time of its interviews is left as it is.
    """
    main = tables[MAIN_TABLE]
    numbers = pl.int_range(main.height, dtype=pl.Int64, eager=True)
    if records_time(form):
        return dict(tables), [(form, numbers)]
    received = pl.col(RECEIVED_AT).cast(_MOMENT) if RECEIVED_AT in main.columns else pl.lit(None, dtype=_MOMENT)
    main = main.with_columns(
        pl.lit(_FIRST).cast(_MOMENT).alias(EARLIEST),
        (received + TOLERANCE).fill_null(pl.lit(_LAST).cast(_MOMENT)).alias(LATEST),
        _ends(main, tables.get(AUDIT)).alias(ENDED),
    )
    known = main.get_column(ENDED).is_not_null()
    parts = [(with_clock(form, ENDED), numbers.filter(known)), (form, numbers.filter(~known))]
    return {**tables, MAIN_TABLE: main}, [part for part in parts if len(part[1])] or [(form, numbers)]


def _ends(main: pl.DataFrame, audit: pl.DataFrame | None) -> pl.Series:
    """When each interview's log ends, null without one."""
    if audit is None or not audit.height:
        return pl.Series([None] * main.height, dtype=_MOMENT)
    last = audit.group_by(INSTANCE_ID).agg(pl.max_horizontal(pl.col("start").max(), pl.col("end").max()).alias(ENDED))
    found = main.select(INSTANCE_ID).join(last, on=INSTANCE_ID, how="left", maintain_order="left")
    return found.get_column(ENDED).cast(_MOMENT)
