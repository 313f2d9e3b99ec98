"""What mending changed, answer by answer: who gave it, and what it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from schemas.fields import ROW_ID
from validation.cleaning.cells import Typed
from validation.imputation.interviews import Cell
from validation.imputation.mending import Shop
from validation.imputation.trials import Trial
from validation.imputation.units import Mended, Unit


@dataclass(frozen=True, slots=True)
class Imputed:
    """One answer that was changed, filled in or taken away. Its repr hides both answers.

    Attributes:
        kind: what it was: "missing", "failed" (a rule needed another), "opened" (it wasn't asked before), "derived"
            (calculated).
        method: "hot_deck", "nearest" (the donor is of no class, or of another), "deduced" (one answer was possible),
            "blanked" (it isn't asked), "calculated".
        donor: instance id of the interview that gave, "" if none did.
    """

    instance_id: str
    table: str
    row_id: str
    column: str
    kind: str
    method: str
    donor: str
    old: Typed = field(repr=False)
    new: Typed = field(repr=False)


def list_changes(shop: Shop, done: Sequence[tuple[Unit, Mended]]) -> list[Imputed]:
    """The new answers of interviews, with what isn't asked any more blank and calculations told anew."""
    trials = [Trial(unit.number, mended.cells, mended.chosen) for unit, mended in done]
    judged, built, _ = shop.bench.build(trials)
    found: list[Imputed] = []
    columns = [(each, each in shop.edits.calculations.values()) for each in shop.edits.form.fields() if each.column]
    for question, is_calculated in columns:
        base = shop.interviews.chunk.tables.get(question.table)
        if base is None or question.column not in base.columns or question.personal:
            continue
        rows = built.rows[question.table]
        old = base[question.column][rows]
        new = built.chunk.tables[question.table][question.column]
        mask = judged.relevant(question.path)
        if mask is not None and not mask.all():
            put = is_calculated or (question.table, question.column) in shop.edits.changeable
            new = new.set(~pl.Series(mask), None) if put else new
        at = old.ne_missing(new).arg_true().to_list()
        owners, ids = built.chunk.owners[question.table], built.chunk.tables[question.table][ROW_ID]
        for row in at:
            unit, mended = done[int(owners[row])]
            cell = (question.table, ids[row], question.column)
            if not is_calculated and cell not in mended.cells:
                continue  # a person accepted it, or it was so before
            is_asked = mask is None or bool(mask[row])
            found.append(_imputed(shop, unit, mended, cell, old[row], new[row], is_asked, is_calculated))
    return found


def _imputed(
    shop: Shop,
    unit: Unit,
    mended: Mended,
    cell: Cell,
    old: Typed,
    new: Typed,
    is_asked: bool,
    is_calculated: bool,
) -> Imputed:
    name = shop.interviews.names[unit.number]
    if is_calculated:
        return Imputed(name, *cell, "derived", "calculated", "", old, new)
    question = shop.edits.changeable[cell[0], cell[2]]
    is_missing = old is None or str(old) in shop.plan.codes(question)
    kind = "opened" if cell in mended.followers else "missing" if is_missing else "failed"
    donor = mended.donors.get(cell)
    if not is_asked:
        return Imputed(name, *cell, kind, "blanked", "", old, new)
    given = "nearest" if donor is not None and donor.is_near else "hot_deck"
    method = "deduced" if cell in mended.deduced or donor is None else given
    return Imputed(name, *cell, kind, method, donor.instance_id if donor else "", old, new)
