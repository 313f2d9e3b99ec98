"""What numbers and choices show of enumerators: answers that are unlike those of the others."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, Field
from validation.evaluation import NotChecked
from validation.fieldwork.comparing import believed, compare_means, compare_shares
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.rates import percents
from validation.fieldwork.task import COMPLETE, NO_ENUMERATOR, QUESTION, WHO, FieldCheck, Outcome, Task, unit_of

_VALUE, _CODE = "_value", "_code"


def numbers(task: Task, table: str = MAIN_TABLE) -> list[Field]:
    """Questions of a table whose answers are numbers, without those that only name who, where and what."""
    names = {each.name for each in (task.enumerator, task.question((*task.general_names("psu"), "")[0])) if each}
    names |= {*task.parameters.names("duplicate_id", "questions", {"questions": ""})}
    return [each for each in task.asked(table) if each.type in {"int", "decimal"} and each.name not in names]


def numeric(task: Task, field: Field) -> pl.Expr:
    """The answers as numbers; codes for “don't know” are null."""
    value = pl.col(field.column).cast(pl.Float64, strict=False)
    codes = [float(code) for code in task.general_names("dont_know") if code.startswith("-")]
    return pl.when(~value.is_in(codes)).then(value)


def _check_means(task: Task) -> Outcome | NotChecked:
    """Enumerators whose mean of a number is unlike that of the others."""
    told = _moments(task)
    if isinstance(told, NotChecked):
        return told
    least = task.parameters.number("enumerator_mean", "deviations", _MEAN)
    sure = pl.Series(believed(told["chance"].to_numpy(), task.general("false_discovery_rate")), dtype=pl.Boolean)
    far = (pl.col("mean") - pl.col("others")).abs() > least * pl.col("others_spread")
    return _named(told, told.filter(sure & far), task)


def _check_variances(task: Task) -> Outcome | NotChecked:
    """Enumerators whose numbers vary much less than those of the others."""
    told = _moments(task)
    if isinstance(told, NotChecked):
        return told
    most = task.parameters.number("enumerator_variance", "ratio", _VARIANCE)
    sure = pl.Series(believed(told["spread_chance"].to_numpy(), task.general("false_discovery_rate")), dtype=pl.Boolean)
    return _named(told, told.filter(sure & (pl.col("spread") < most * pl.col("others_spread"))), task)


def _named(told: pl.DataFrame, rows: pl.DataFrame, task: Task) -> Outcome:
    variables = (task.enumerator.name,) if task.enumerator else ()
    units = unit_of("enumerator", pl.col(WHO), pl.col(QUESTION))
    return Outcome(told[WHO].n_unique(), rows.select(units, WHO, QUESTION), variables)


def _moments(task: Task) -> pl.DataFrame | NotChecked:
    """Each enumerator's numbers against those of the others, question by question; on the scale of `_scaled`."""
    if task.enumerator is None:
        return NO_ENUMERATOR
    done = pl.Series(task.interviews[COMPLETE] & task.interviews[WHO].is_not_null())
    frame = task.main.filter(done).with_columns(task.interviews.filter(done)[WHO])
    parts = []
    for field in numbers(task):
        given = frame.select(WHO, numeric(task, field).alias(_VALUE)).drop_nulls()
        # Squares of large numbers lose digits, so the middle is taken off first.
        given = given.with_columns(_scaled(given[_VALUE]).alias(_VALUE))
        parts.append(
            given.group_by(WHO)
            .agg(of=pl.len().cast(pl.Int64), sum=pl.col(_VALUE).sum(), squares=(pl.col(_VALUE) ** 2).sum())
            .with_columns(pl.lit(field.name).alias(QUESTION))
        )
    if not parts:
        return NotChecked("the form asks for no numbers")
    enough = pl.concat(parts).filter(pl.col("of") >= task.general("min_interviews")).sort(QUESTION, WHO)
    return compare_means(enough, (QUESTION,))


def _scaled(values: pl.Series) -> pl.Series:
    """Logarithms where all are above 0 and the largest is far from the smallest; less the median."""
    smallest, largest = values.min(), values.max()
    if isinstance(smallest, float) and isinstance(largest, float) and smallest > 0 and largest > 100 * smallest:
        values = values.log()
    # A single number with zeros too many would make the others look all alike.
    values = values.clip(values.quantile(0.01), values.quantile(0.99))
    return values - values.median() if values.len() else values


def _check_digits(task: Task) -> Outcome | NotChecked:
    """Enumerators whose numbers end in 0 or 5 far more often than those of the others."""
    if task.enumerator is None:
        return NO_ENUMERATOR
    parts = []
    for table in task.form.tables:
        frame = task.tables.get(table.name)
        if frame is None:
            continue
        who = task.interviews.select(INSTANCE_ID, WHO)
        for field in numbers(task, table.name):
            given = frame.select(INSTANCE_ID, numeric(task, field).alias(_VALUE)).filter(pl.col(_VALUE) >= 10)
            if given[_VALUE].n_unique() >= _DISTINCT:
                round_ones = (pl.col(_VALUE) % 5 == 0).sum().alias("hits")
                parts.append(
                    given.join(who, on=INSTANCE_ID)
                    .group_by(WHO)
                    .agg(round_ones.cast(pl.Int64), pl.len().cast(pl.Int64).alias("of"))
                    .with_columns(pl.lit(field.name).alias(QUESTION))
                )
    if not parts:
        return NotChecked("the form asks for no numbers of two digits or more")
    return _unlike(task, "digit_preference", pl.concat(parts), (QUESTION,))


def _check_choices(task: Task) -> Outcome | NotChecked:
    """Enumerators who note one choice of a question far more or less often than the others."""
    if task.enumerator is None:
        return NO_ENUMERATOR
    done = pl.Series(task.interviews[COMPLETE] & task.interviews[WHO].is_not_null())
    frame = task.main.filter(done).with_columns(task.interviews.filter(done)[WHO])
    parts = []
    for field in task.asked():
        if field.control == "select1" and field.name not in {task.enumerator.name}:
            given = frame.select(WHO, pl.col(field.column).cast(pl.String).alias(_CODE)).drop_nulls()
            sizes = given.group_by(WHO).agg(pl.len().cast(pl.Int64).alias("of"))
            hits = given.group_by(WHO, _CODE).agg(pl.len().cast(pl.Int64).alias("hits"))
            parts.append(hits.join(sizes, on=WHO).with_columns(pl.lit(field.name).alias(QUESTION)))
    if not parts:
        return NotChecked("the form has no choices")
    outcome = _unlike(task, "enumerator_choices", _with_zeros(parts), (QUESTION, _CODE))
    rows = outcome.rows.group_by("unit", maintain_order=True).first()
    return Outcome(outcome.checked, rows, outcome.variables)


def _with_zeros(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Rows for the choices that an enumerator never noted too: they count among those of the others."""
    hits = pl.concat(parts)
    sizes = hits.select(QUESTION, WHO, "of").unique()
    every = hits.select(QUESTION, _CODE).unique().join(sizes, on=QUESTION)
    keys = [QUESTION, WHO, _CODE]
    return every.join(hits.select(*keys, "hits"), on=keys, how="left").with_columns(pl.col("hits").fill_null(0))


def _unlike(task: Task, check: str, counts: pl.DataFrame, by: tuple[str, ...]) -> Outcome:
    counts = counts.filter(pl.col(WHO).is_not_null() & (pl.col("of") >= task.general("min_interviews")))
    told = compare_shares(counts.sort(*by, WHO), by)
    sure = pl.Series(believed(told["chance"].to_numpy(), task.general("false_discovery_rate")), dtype=pl.Boolean)
    least = task.parameters.number(check, "difference", _UNLIKE)
    rows = told.filter(sure & (pl.col("share") - pl.col("others") > least))
    rows = rows.with_columns(unit_of("enumerator", pl.col(WHO), pl.col(QUESTION)), *percents("share", "others"))
    variables = (task.enumerator.name,) if task.enumerator else ()
    return Outcome(counts[WHO].n_unique(), rows.select("unit", WHO, QUESTION, "share", "others"), variables)


_DISTINCT = 20
"""A number with fewer different answers has no last digit to speak of."""
_MEAN: Defaults = {"deviations": 0.8}
_VARIANCE: Defaults = {"ratio": 0.5}
_UNLIKE: Defaults = {"difference": 0.3}
_WHOSE = {
    "es": " Encuestador/a {_who}, pregunta {question}.",
    "ht": " Anketè {_who}, kesyon {question}.",
    "en": " Enumerator {_who}, question {question}.",
}
_SHARES = {
    "es": " Encuestador/a {_who}, pregunta {question}: {share} %; los demás: {others} %.",
    "ht": " Anketè {_who}, kesyon {question}: {share} %; lòt yo: {others} %.",
    "en": " Enumerator {_who}, question {question}: {share} %; the others: {others} %.",
}
_TALK = {
    "es": "Puede deberse a la zona: compare con quienes trabajan al lado, acompañe y llame a algunos hogares.",
    "ht": "Sa ka vini de zòn nan: konpare ak sa k ap travay bò kote l, ale avè l epi rele kèk kay ankò.",
    "en": "It may be the area: compare with those who work next to it, accompany, and call some households again.",
}

CHECKS = (
    FieldCheck(
        "enumerator_mean",
        "warning",
        "enumerator",
        {
            "es": "El promedio de sus respuestas es muy distinto al de las demás personas encuestadoras.",
            "ht": "Mwayèn repons li yo diferan anpil ak pa lòt anketè yo.",
            "en": "The mean of the answers is very unlike that of the other enumerators.",
        },
        _TALK,
        _check_means,
        detail=_WHOSE,
        defaults=_MEAN,
    ),
    FieldCheck(
        "enumerator_variance",
        "warning",
        "enumerator",
        {
            "es": "Sus respuestas varían mucho menos que las de las demás personas encuestadoras.",
            "ht": "Repons li yo chanje pi piti anpil pase pa lòt anketè yo.",
            "en": "The answers vary much less than those of the other enumerators.",
        },
        _TALK,
        _check_variances,
        detail=_WHOSE,
        defaults=_VARIANCE,
    ),
    FieldCheck(
        "enumerator_choices",
        "warning",
        "enumerator",
        {
            "es": "Marca una opción mucho más que las demás personas encuestadoras.",
            "ht": "Li make yon chwa pi souvan anpil pase lòt anketè yo.",
            "en": "Notes one choice far more often than the other enumerators.",
        },
        _TALK,
        _check_choices,
        detail=_SHARES,
        defaults=_UNLIKE,
    ),
    FieldCheck(
        "digit_preference",
        "warning",
        "enumerator",
        {
            "es": "Sus números terminan en 0 o 5 mucho más que los de las demás personas encuestadoras.",
            "ht": "Chif li yo fini ak 0 oswa 5 pi souvan anpil pase pa lòt anketè yo.",
            "en": "Numbers end in 0 or 5 far more often than those of the other enumerators.",
        },
        {
            "es": "Pida que anote el número exacto que dice la persona.",
            "ht": "Mande l ekri chif egzak moun nan di a.",
            "en": "Ask that the exact number the person says be noted.",
        },
        _check_digits,
        detail=_SHARES,
        defaults=_UNLIKE,
    ),
)
