"""What numbers and choices show: outliers, and enumerators whose answers are unlike those of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, ROW_ID, Field
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


def _numeric(task: Task, field: Field) -> pl.Expr:
    """The answers as numbers; codes for “don't know” are null."""
    value = pl.col(field.column).cast(pl.Float64, strict=False)
    codes = [float(code) for code in task.general_names("dont_know") if code.startswith("-")]
    return pl.when(~value.is_in(codes)).then(value)


def _check_outliers(task: Task) -> Outcome:
    """Numbers far outside the quartiles of their group."""
    factor = task.parameters.number("outlier", "factor", _OUTLIER)
    least = task.parameters.number("outlier", "min_answers", _OUTLIER)
    by = task.question((*task.parameters.names("outlier", "by", _OUTLIER), "")[0])
    groups = None if by is None else "_group"
    found, checked = [], 0
    for table in task.form.tables:
        frame = task.tables.get(table.name)
        if frame is None or not frame.height:
            continue
        if by is not None and table.name != MAIN_TABLE:
            grouped = task.main.select(INSTANCE_ID, pl.col(by.column).alias("_group"))
            frame = frame.join(grouped, on=INSTANCE_ID, how="left", maintain_order="left")
        else:
            frame = frame.with_columns((pl.col(by.column) if by is not None else pl.lit("")).alias("_group"))
        for field in numbers(task, table.name):
            given = frame.select(INSTANCE_ID, ROW_ID, "_group", _numeric(task, field).alias(_VALUE))
            given = given.filter(pl.col(_VALUE).is_not_null())
            checked += given.height
            rows = _far_out(given, groups, factor, least)
            found.append(rows.select(INSTANCE_ID, ROW_ID, pl.lit(field.name).alias(QUESTION)))
    schema = {INSTANCE_ID: pl.String, ROW_ID: pl.String, QUESTION: pl.String}
    rows = pl.concat(found) if found else pl.DataFrame(schema=schema)
    rows = rows.group_by(INSTANCE_ID, ROW_ID, maintain_order=True).agg(QUESTION)
    return Outcome(checked, rows.with_columns(pl.col(QUESTION).list.join(", ").alias("named")))


def _far_out(given: pl.DataFrame, groups: str | None, factor: float, least: float) -> pl.DataFrame:
    """Numbers more than so many quartile distances outside the quartiles of their group (all are one, if null).

    Where the upper half is wider than the lower one (incomes), logarithms are compared. Quartiles that lie close
    together count as a quarter of the median apart, and numbers of few different values (children) aren't judged.
    """

    def over(figure: pl.Expr) -> pl.Expr:
        return figure if groups is None else figure.over(groups)

    def quartiles(column: str) -> list[pl.Expr]:
        return [over(pl.col(column).quantile(at, "linear")) for at in (0.25, 0.5, 0.75)]

    low, middle, high = quartiles(_VALUE)
    skewed = (over(pl.col(_VALUE).min()) >= 0) & (high - middle > 1.25 * (middle - low))
    scaled = given.with_columns(skewed.alias("_skewed")).with_columns(
        pl.when("_skewed").then((pl.col(_VALUE) + 1).log()).otherwise(_VALUE).alias("_scaled")
    )
    low, middle, high = quartiles("_scaled")
    spread = pl.max_horizontal(high - low, 0.25 * pl.when("_skewed").then(1.0).otherwise(middle.abs()))
    varied = (over(pl.len()) >= least) & (over(pl.col(_VALUE).n_unique()) >= _VARIED) & (spread > 0)
    far = (pl.col("_scaled") < low - factor * spread) | (pl.col("_scaled") > high + factor * spread)
    return scaled.filter(varied & far)


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
        given = frame.select(WHO, _numeric(task, field).alias(_VALUE)).drop_nulls()
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
            given = frame.select(INSTANCE_ID, _numeric(task, field).alias(_VALUE)).filter(pl.col(_VALUE) >= 10)
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


def _check_straight(task: Task) -> Outcome:
    """Interviews whose choices stand nearly all at the same place of their lists."""
    least = task.parameters.number("straight_line", "min_answers", _STRAIGHT)
    share = task.parameters.number("straight_line", "share", _STRAIGHT)
    deviations = task.parameters.number("straight_line", "deviations", _STRAIGHT)
    fields = [each for each in task.asked() if each.control == "select1" and len(each.choices) >= _LISTED]
    places = np.full((task.main.height, len(fields)), -1, dtype=np.int16)
    for at, field in enumerate(fields):
        order = {choice.value: place for place, choice in enumerate(field.choices)}
        codes = task.main[field.column].cast(pl.String)
        places[:, at] = codes.replace_strict(order, default=-1, return_dtype=pl.Int16).to_numpy()
    answered = (places >= 0).sum(axis=1)
    # What counts is how many choices stand at one place beyond what is usual for these very questions.
    given = (places >= 0).astype(np.float32)
    usual_of = given.sum(axis=0).clip(min=1)
    straight = np.zeros(task.main.height, dtype=bool)
    for place in range(_FIRST_PLACES):
        here = (places == place).astype(np.float32)
        usual = here.sum(axis=0) / usual_of
        expected, spread = given @ usual, np.sqrt(given @ (usual * (1 - usual)))
        count = here.sum(axis=1)
        straight |= (count >= share * answered) & (count - expected > deviations * spread)
    straight &= answered >= least
    rows = task.main.filter(pl.Series(straight, dtype=pl.Boolean)).select(INSTANCE_ID)
    return Outcome(int((answered >= least).sum()), rows)


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


_VARIED = 10
"""Different answers that a number needs for quartiles to say something of the others."""
_DISTINCT = 20
"""A number with fewer different answers has no last digit to speak of."""
_FIRST_PLACES = 6
"""Nobody ticks the seventh choice of everything."""
_LISTED = 3
"""Choices that a list needs for its first one to mean something."""
_OUTLIER: Defaults = {"factor": 3.0, "min_answers": 30.0, "by": ""}
_MEAN: Defaults = {"deviations": 0.8}
_VARIANCE: Defaults = {"ratio": 0.5}
_STRAIGHT: Defaults = {"min_answers": 15.0, "share": 0.5, "deviations": 5.0}
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
        "outlier",
        "warning",
        "interview",
        {
            "es": "Un número está muy lejos de los demás.",
            "ht": "Yon chif lwen anpil ak lòt yo.",
            "en": "A number is very far from the others.",
        },
        {
            "es": "Vea si sobra o falta un cero, o si la unidad es otra.",
            "ht": "Gade si gen yon zewo anplis oswa ki manke, oswa si se yon lòt inite.",
            "en": "See whether a zero is missing or too many, or the unit is another.",
        },
        _check_outliers,
        detail={"es": " Preguntas: {named}.", "ht": " Kesyon: {named}.", "en": " Questions: {named}."},
        defaults=_OUTLIER,
    ),
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
        defaults=_STRAIGHT,
    ),
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
