"""What differs between two states of the same interviews, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from schemas.decisions import CellChange
from schemas.fields import INSTANCE_ID, ROW_ID, Form
from validation.cleaning.cells import to_texts


def list_differences(
    form: Form, before: Mapping[str, pl.DataFrame], after: Mapping[str, pl.DataFrame]
) -> Iterator[CellChange]:
    """The answers that differ, personal ones left out; in form order, then in the order of rows.

    Args:
        form: the form version of both.
        before, after: the same tables with the same rows in the same order.
    """
    for field in form.fields():
        old, new = before[field.table], after[field.table]
        if field.personal or field.column not in old.columns:
            continue
        differs = old[field.column].ne_missing(new[field.column]).to_numpy()
        at = np.flatnonzero(differs)
        if not at.size:
            continue
        keys = old.select(INSTANCE_ID, ROW_ID)[at].rows()
        texts = zip(to_texts(old[field.column][at]), to_texts(new[field.column][at]), strict=True)
        for (instance_id, row_id), (was, now) in zip(keys, texts, strict=True):
            yield CellChange(instance_id, field.table, row_id, field.column, was, now)
