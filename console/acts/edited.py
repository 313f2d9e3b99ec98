"""A survey as decisions left it: what check, release and exports read in place of the tables as received."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

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
    until: datetime | None = None,
) -> EditedSurvey:
    """Replay the log of decisions over a survey's tables.

    Args:
        store: where the log is.
        form: the latest version of the form.
        tables: as received (`store.tables.read_tables`).
        reader: who asks, for the log of readings of personal answers; it is asked only where `personal` is given.
        personal: personal answers as received.
        until: only what was decided until then; null for all.
    """
    with store.read() as connection:
        latest = list_latest(connection, form.form_id)
    log = read_log(store, form.form_id, reader, with_personal=personal is not None)
    if until is not None:
        log = [row for row in log if row.at is not None and row.at <= until]
    edited = replay_decisions(form, tables, log, latest=latest, personal=personal)
    out = sorted(edited.excluded)
    kept = {
        name: frame.filter(~pl.col(INSTANCE_ID).is_in(out)) if out else frame for name, frame in edited.tables.items()
    }
    mine = edited.personal
    if mine is not None and out:
        mine = mine.filter(~pl.col("instance_id").is_in(out))
    return EditedSurvey(kept, mine, log, edited)


def cleaning_statistics(survey: EditedSurvey) -> dict[str, str]:
    """What a release tells of the corrections behind it; empty where nobody decided anything.

    Name -> value: `corrections` and `blanks` in force by who they are from, `cells_edited` answers that differ from
    those received, `exclusions` interviews, `accepted` findings, `stale` corrections that no longer apply, and
    `decisions_sha256` of everything that is in force.
    """
    edited = survey.edited
    if not edited.log.decisions:
        return {}
    own = [row for row in edited.applied if row.source != "recalculated"]
    counts = {
        "corrections": sum(row.action == "correct" for row in own),
        "blanks": sum(row.action == "blank" for row in own),
        "recalculated": len(edited.applied) - len(own),
        "cells_edited": edited.cells,
        "exclusions": len(edited.excluded),
        "accepted": len(edited.log.accepted),
        "stale": len(edited.stale),
    }
    told = [
        (row.instance_id, row.table, row.row_id, row.question, row.action, "" if row.is_personal else row.value)
        for row in edited.log.decisions
    ]
    digest = hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
    return {name: str(number) for name, number in counts.items()} | {"decisions_sha256": digest}
