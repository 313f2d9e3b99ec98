"""Straight lines: choices that stand nearly all at the same place of their lists."""

from __future__ import annotations

import numpy as np
import polars as pl

from schemas.fields import INSTANCE_ID
from validation.evaluation import NotChecked
from validation.fieldwork.comparing import believed, compare_shares
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.rates import percents
from validation.fieldwork.task import NO_ENUMERATOR, WHO, FieldCheck, Outcome, Task, unit_of

_FIRST_PLACES = 6
"""Nobody ticks the seventh choice of everything."""
_LISTED = 3
"""Choices that a list needs for its first one to mean something."""
STRAIGHT: Defaults = {"min_answers": 15.0, "share": 0.5, "deviations": 5.0}
LINES: Defaults = {"deviations": 3.0, "difference": 0.05}
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


def name_enumerators(task: Task, lines: pl.DataFrame) -> pl.DataFrame | NotChecked:
    """Enumerators who have far more interviews with straight lines than the others, with fewer deviations each.

    One straight interview may be chance; a quarter of one's interviews is not, though each stays below the limit.

    Returns:
        _who, share and others (of their interviews and of the others').
    """
    if task.enumerator is None:
        return NO_ENUMERATOR
    counted = lines.with_columns(task.interviews[WHO], _is_straight(task, "enumerator_lines").alias("_straight"))
    judged = counted.filter(_is_enough(task) & pl.col(WHO).is_not_null())
    counts = judged.group_by(WHO).agg(
        pl.col("_straight").sum().cast(pl.Int64).alias("hits"), pl.len().cast(pl.Int64).alias("of")
    )
    told = compare_shares(counts.filter(pl.col("of") >= task.general("min_interviews")).sort(WHO), ())
    sure = pl.Series(believed(told["chance"].to_numpy(), task.general("false_discovery_rate")), dtype=pl.Boolean)
    least = task.parameters.number("enumerator_lines", "difference", LINES)
    return told.filter(sure & (pl.col("share") - pl.col("others") > least)).select(WHO, "share", "others")


def _is_enough(task: Task) -> pl.Expr:
    return pl.col(ANSWERED) >= task.parameters.number("straight_line", "min_answers", STRAIGHT)


def _is_straight(task: Task, check: str) -> pl.Expr:
    many = pl.col(COUNT) >= task.parameters.number("straight_line", "share", STRAIGHT) * pl.col(ANSWERED)
    defaults = STRAIGHT if check == "straight_line" else LINES
    return many & (pl.col(BEYOND) > task.parameters.number(check, "deviations", defaults))


def _check_straight(task: Task) -> Outcome:
    """Interviews whose choices stand nearly all at the same place of their lists; of those who have many, sooner."""
    lines = measure_lines(task).with_columns(task.interviews[WHO])
    straight = _is_straight(task, "straight_line")
    named = name_enumerators(task, lines)
    if not isinstance(named, NotChecked) and "enumerator_lines" not in task.parameters.off:
        straight |= _is_straight(task, "enumerator_lines") & pl.col(WHO).is_in(named[WHO].to_list())
    enough = lines.filter(_is_enough(task))
    return Outcome(enough.height, enough.filter(straight.fill_null(value=False)).select(INSTANCE_ID))


def _check_enumerators(task: Task) -> Outcome | NotChecked:
    named = name_enumerators(task, measure_lines(task))
    if isinstance(named, NotChecked):
        return named
    rows = named.with_columns(unit_of("enumerator", pl.col(WHO)), *percents("share", "others"))
    variables = (task.enumerator.name,) if task.enumerator else ()
    return Outcome(task.interviews[WHO].drop_nulls().n_unique(), rows, variables)


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
    FieldCheck(
        "enumerator_lines",
        "warning",
        "enumerator",
        {
            "es": "Muchas de sus entrevistas tienen casi todas las opciones en el mismo lugar de su lista.",
            "ht": "Anpil nan antrevi li yo gen prèske tout chwa yo nan menm plas nan lis yo.",
            "en": "Many of the interviews have nearly all choices at the same place of their lists.",
        },
        {
            "es": "Llame a varios de esos hogares y confirme que las entrevistas se hicieron.",
            "ht": "Rele plizyè nan kay sa yo epi konfime ke antrevi yo te fèt tout bon.",
            "en": "Call several of these households and confirm that the interviews took place.",
        },
        _check_enumerators,
        detail={
            "es": " Encuestador/a {_who}: {share} %; los demás: {others} %.",
            "ht": " Anketè {_who}: {share} %; lòt yo: {others} %.",
            "en": " Enumerator {_who}: {share} %; the others: {others} %.",
        },
        defaults=LINES,
    ),
)
