"""A survey as decisions left it: what check, release and exports read in place of the tables as received."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from console.acts.grounds import read_log
from schemas.decisions import Decision
from schemas.fields import INSTANCE_ID, Form
from store.interviews import list_latest
from store.open import Store
from validation.cleaning.edited import Edited, replay_decisions


@dataclass(frozen=True, slots=True)
class EditedSurvey:
    """All interviews of a survey, edited.

    Attributes:
        tables: as decisions left them, without the excluded interviews.
        personal: personal answers likewise, null if none were given.
        log: every decision; `edited`: what became of them, excluded interviews still in its tables.
    """

    tables: Mapping[str, pl.DataFrame]
    personal: pl.DataFrame | None
    log: Sequence[Decision]
    edited: Edited


def edit_survey(
    store: Store,
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    *,
    reader: str,
    personal: pl.DataFrame | None = None,
) -> EditedSurvey:
    """Replay the log of decisions over a survey's tables.

    Args:
        store: where the log is.
        form: the latest version of the form.
        tables: as received (`store.tables.read_tables`).
        reader: who asks, for the log of readings of personal answers; it is asked only where `personal` is given.
        personal: personal answers as received.
    """
    with store.read() as connection:
        latest = list_latest(connection, form.form_id)
    log = read_log(store, form.form_id, reader, with_personal=personal is not None)
    edited = replay_decisions(form, tables, log, latest=latest, personal=personal)
    out = sorted(edited.excluded)
    kept = {
        name: frame.filter(~pl.col(INSTANCE_ID).is_in(out)) if out else frame for name, frame in edited.tables.items()
    }
    mine = edited.personal
    if mine is not None and out:
        mine = mine.filter(~pl.col("instance_id").is_in(out))
    return EditedSurvey(kept, mine, log, edited)
