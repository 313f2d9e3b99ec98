"""Straight lines: choices that stand nearly all at the same place of their lists."""

from __future__ import annotations

import numpy as np
import polars as pl

from schemas.fields import INSTANCE_ID
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.task import FieldCheck, Outcome, Task

_FIRST_PLACES = 6
"""Nobody ticks the seventh choice of everything."""
_LISTED = 3
"""Choices that a list needs for its first one to mean something."""
STRAIGHT: Defaults = {"min_answers": 15.0, "share": 0.5, "deviations": 5.0}
ANSWERED, COUNT, BEYOND = "_answered", "_count", "_beyond"


def measure_lines(task: Task) -> pl.DataFrame:
    """How straight each interview's choices are, at the place that more of them share than is usual for them.

    A place that has the parameter's share of them goes before one that hasn't.

    Returns:
        In the order of the main table: _instance_id, _answered (choices of lists), _count (of these at that place),
        _beyond (standard deviations beyond what all interviews answer to these very questions).
    """
    fields = [each for each in task.asked() if each.control == "select1" and len(each.choices) >= _LISTED]
    places = np.full((task.main.height, len(fields)), -1, dtype=np.int16)
    for at, field in enumerate(fields):
        order = {choice.value: place for place, choice in enumerate(field.choices)}
        codes = task.main[field.column].cast(pl.String)
        places[:, at] = codes.replace_strict(order, default=-1, return_dtype=pl.Int16).to_numpy()
    answered = (places >= 0).sum(axis=1)
    given = (places >= 0).astype(np.float32)
    usual_of = given.sum(axis=0).clip(min=1)
    most = np.zeros(task.main.height, dtype=np.int64)
    beyond, held = np.full(task.main.height, -np.inf), np.zeros(task.main.height, dtype=bool)
    share = task.parameters.number("straight_line", "share", STRAIGHT)
    for place in range(_FIRST_PLACES):
        here = (places == place).astype(np.float32)
        usual = here.sum(axis=0) / usual_of
        expected, spread = given @ usual, np.sqrt(given @ (usual * (1 - usual)))
        count = here.sum(axis=1)
        far = np.divide(count - expected, spread, out=np.full(count.size, -np.inf), where=spread > 0)
        many = count >= share * answered
        better = np.where(many == held, far > beyond, many)
        most, beyond = np.where(better, count, most).astype(np.int64), np.where(better, far, beyond)
        held |= many
    return task.main.select(
        INSTANCE_ID, pl.Series(ANSWERED, answered), pl.Series(COUNT, most), pl.Series(BEYOND, beyond)
    )


def _check_straight(task: Task) -> Outcome:
    """Interviews whose choices stand nearly all at the same place of their lists."""
    least, share, deviations = (task.parameters.number("straight_line", name, STRAIGHT) for name in _LIMITS)
    lines = measure_lines(task)
    enough = pl.col(ANSWERED) >= least
    straight = (pl.col(COUNT) >= share * pl.col(ANSWERED)) & (pl.col(BEYOND) > deviations)
    rows = lines.filter(enough & straight).select(INSTANCE_ID)
    return Outcome(lines.filter(enough).height, rows)


_LIMITS = ("min_answers", "share", "deviations")

CHECKS = (
    FieldCheck(
        "straight_line",
        "warning",
        "interview",
        {
            "es": "Casi todas las opciones marcadas están en el mismo lugar de su lista.",
            "ht": "Prèske tout chwa yo make yo nan menm plas nan lis yo.",
            "en": "Nearly all choices stand at the same place of their lists.",
        },
        {
            "es": "Confirme con la persona entrevistada que la entrevista se hizo.",
            "ht": "Konfime ak moun ki te reponn nan ke antrevi a te fèt tout bon.",
            "en": "Confirm with the person interviewed that the interview took place.",
        },
        _check_straight,
        defaults=STRAIGHT,
    ),
)
