"""What differs between an interview as it stands and as taking a decision back would leave it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from console.acts.grounds import Ground
from schemas.decisions import CellChange
from schemas.fields import INSTANCE_ID, ROW_ID
from validation.cleaning.cells import to_texts
from validation.cleaning.edited import Edited
from validation.cleaning.weighing import Weighed, cell_of, weigh


def differences(ground: Ground, after: Edited) -> list[CellChange]:
    """The answers that differ between the interview as it stands and as it would be."""
    form = ground.compiled.form
    found = []
    for field in form.fields():
        before, then = ground.edited.tables[field.table], after.tables[field.table]
        if field.column not in before.columns or field.personal:
            continue
        old, new = to_texts(before[field.column]), to_texts(then[field.column])
        keys = before.select(INSTANCE_ID, ROW_ID).rows()
        for (instance_id, row_id), was, now in zip(keys, old, new, strict=True):
            if was != now:
                found.append(CellChange(instance_id, field.table, row_id, field.column, was, now))
    return [*found, *_personal_differences(ground, after)]


def _personal_differences(ground: Ground, after: Edited) -> list[CellChange]:
    def values(frame: pl.DataFrame) -> dict[tuple[str, str, str], str]:
        rows = frame.select("instance_id", "row_id", "question", "value").rows()
        return {(instance, row, question): value for instance, row, question, value in rows}

    old = values(ground.interviews.personal)
    new = values(ground.personal if after.personal is None else after.personal)
    fields = {field.name: field for field in ground.compiled.form.fields() if field.personal}
    found = []
    for key in dict.fromkeys([*old, *new]):
        field = fields.get(key[2])
        if field is not None and old.get(key) != new.get(key):
            found.append(CellChange(key[0], field.table, key[1], field.column, old.get(key), new.get(key), True))
    return found


def weigh_undo(ground: Ground, changes: Sequence[CellChange]) -> Weighed:
    """What taking a decision back brings.

    The answers that it changed stay as they are then; calculations and answers no longer asked follow.
    """
    calculated = {(one.table, one.row_id, one.question) for one in ground.log if one.source == "recalculated"}
    fixed = [cell for cell in map(cell_of, changes) if cell[1:] not in calculated]
    form = ground.compiled.form
    parsed = ground.readings.open
    return weigh(form, ground.rules, ground.interviews, changes, zone=ground.zone, parsed=parsed, fixed=fixed)
