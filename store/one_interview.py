"""The rows of one interview, without reading everybody's."""

from __future__ import annotations

import polars as pl
from sqlalchemy import select

from schemas.fields import INSTANCE_ID, POSITION, Form
from schemas.tables import submissions, table_segments
from store.open import Store
from store.segments import BATCH, concatenate, open_segments, table_schema


def read_one(store: Store, form_id: str, instance_id: str, form: Form) -> dict[str, pl.DataFrame]:
    """The typed rows of one submission; personal answers are only told to be there, as in `store.tables.read_tables`.

    Args:
        store: where from.
        form_id: its form.
        instance_id: of the submission that counts.
        form: the version it was made with.

    Returns:
        Table name -> frame for every table of the form, empty ones too; all empty if it wasn't read yet.

    Raises:
        StoreError: STO-015, a segment is missing.
    """
    where = (submissions.c.form_id == form_id, submissions.c.instance_id == instance_id)
    batch = select(submissions.c.batch_id).where(*where).scalar_subquery()
    query = select(table_segments.c.batch_id, table_segments.c.table_name, table_segments.c.path)
    with store.read() as connection:
        parts = list(connection.execute(query.where(table_segments.c.batch_id == batch)))
    found = {}
    for table in form.tables:
        schema = table_schema(table)
        files = [(number, path) for number, name, path in parts if name == table.name]
        if not files:
            found[table.name] = pl.DataFrame(schema=schema)
            continue
        frame = concatenate(open_segments(store, files), schema).filter(pl.col(INSTANCE_ID) == instance_id)
        found[table.name] = frame.collect().drop(BATCH, strict=False)
        if POSITION in schema:
            found[table.name] = found[table.name].sort(POSITION, maintain_order=True)
    return found
