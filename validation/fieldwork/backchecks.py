"""Back-checks: some households are asked again by somebody else, and the answers of both are compared."""

from __future__ import annotations

import polars as pl

from schemas.fields import INSTANCE_ID
from validation.evaluation import NotChecked
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.task import NO_ENUMERATOR, QUESTION, WHO, FieldCheck, Outcome, Task, unit_of


def compare_backchecks(task: Task) -> pl.DataFrame | NotChecked:
    """Answers of back-checks against those of the interviews that they check.

    A back-check is an interview whose answer to `backcheck.marks` is one of `backcheck.values`; it checks the latest
    earlier interview with the same answers to `backcheck.keys`. Compared are the questions of `backcheck.questions`,
    else every choice and number that both answered.

    Returns:
        One row an enumerator (of the interview that was checked) and question: _who, question, compared, differing.
    """
    marks = task.question((*task.parameters.names("backcheck", "marks", _BACKCHECK), "")[0])
    keys = [task.question(name) for name in task.parameters.names("backcheck", "keys", _BACKCHECK)]
    columns = [field.column for field in keys if field is not None]
    if marks is None or not columns or len(columns) < len(keys):
        return NotChecked("the monitoring sheet names no question for it (backcheck.marks, backcheck.keys)")
    named = task.parameters.names("backcheck", "questions", _BACKCHECK)
    skipped = {marks.name, *(field.name for field in keys if field), task.enumerator.name if task.enumerator else ""}
    fields = [
        field
        for field in task.asked()
        if field.name not in skipped
        and (field.name in named if named else field.control == "select1" or field.type in {"int", "decimal"})
    ]
    values = task.parameters.names("backcheck", "values", _BACKCHECK)
    again = pl.col(marks.column).cast(pl.String).is_in(values).fill_null(value=False)
    rows = task.main.with_columns(task.interviews.select(WHO, "_day")).filter(
        pl.all_horizontal(pl.col(name).is_not_null() for name in columns)
    )
    told = [field.column for field in fields]
    firsts = rows.filter(~again).sort("_day", INSTANCE_ID).unique(columns, keep="last", maintain_order=True)
    pairs = firsts.select(*columns, WHO, *told).join(
        rows.filter(again).select(*columns, *told), on=columns, suffix="_again"
    )
    parts = [
        pairs.select(
            WHO,
            pl.lit(field.name).alias(QUESTION),
            _both(field.column).alias("both"),
            _differ(field.column).alias("differ"),
        )
        for field in fields
    ]
    schema = {WHO: pl.String, QUESTION: pl.String, "both": pl.Boolean, "differ": pl.Boolean}
    compared = (pl.concat(parts) if parts else pl.DataFrame(schema=schema)).filter("both")
    counted = compared.group_by(WHO, QUESTION).agg(
        pl.len().cast(pl.Int64).alias("compared"), pl.col("differ").sum().cast(pl.Int64).alias("differing")
    )
    return counted.sort(WHO, QUESTION, nulls_last=True)


def _both(column: str) -> pl.Expr:
    return pl.col(column).is_not_null() & pl.col(f"{column}_again").is_not_null()


def _differ(column: str) -> pl.Expr:
    return (pl.col(column) != pl.col(f"{column}_again")).fill_null(value=False)


def _check_question(task: Task) -> Outcome | NotChecked:
    return _rates(task, "backcheck_question", QUESTION)


def _check_enumerator(task: Task) -> Outcome | NotChecked:
    return NO_ENUMERATOR if task.enumerator is None else _rates(task, "backcheck", WHO)


def _rates(task: Task, check: str, by: str) -> Outcome | NotChecked:
    compared = compare_backchecks(task)
    if isinstance(compared, NotChecked):
        return compared
    defaults = _BACKCHECK if check == "backcheck" else _QUESTION
    rates = compared.drop_nulls(by).group_by(by).agg(pl.col("compared").sum(), pl.col("differing").sum()).sort(by)
    rates = rates.filter(pl.col("compared") >= task.parameters.number(check, "min_answers", defaults))
    wrong = rates.filter(pl.col("differing") > task.parameters.number(check, "most", defaults) * pl.col("compared"))
    unit = (
        unit_of("enumerator", pl.col(WHO))
        if by == WHO
        else unit_of("commune", pl.lit(task.form.form_id), pl.col(QUESTION))
    )
    percent = (pl.col("differing") * 100 / pl.col("compared")).round(0).cast(pl.Int64).alias("percent")
    return Outcome(rates.height, wrong.select(unit, by, percent, "compared"))


_BACKCHECK: Defaults = {
    "marks": "",
    "values": "yes si sí 1 wi",
    "keys": "",
    "questions": "",
    "most": 0.15,
    "min_answers": 20.0,
}
_QUESTION: Defaults = {"most": 0.2, "min_answers": 10.0}

CHECKS = (
    FieldCheck(
        "backcheck",
        "warning",
        "enumerator",
        {
            "es": "Al volver a preguntar, muchas respuestas salen distintas.",
            "ht": "Lè yo repoze kesyon yo, anpil repons soti diferan.",
            "en": "When asked again, many answers come out differently.",
        },
        {
            "es": "Converse con la persona encuestadora y verifique más de sus entrevistas.",
            "ht": "Pale ak anketè a epi verifye plis nan antrevi li yo.",
            "en": "Talk with the enumerator and check more of the interviews.",
        },
        _check_enumerator,
        detail={
            "es": " Encuestador/a {_who}: {percent} % de {compared}.",
            "ht": " Anketè {_who}: {percent} % nan {compared}.",
            "en": " Enumerator {_who}: {percent} % of {compared}.",
        },
        defaults=_BACKCHECK,
    ),
    FieldCheck(
        "backcheck_question",
        "info",
        "commune",
        {
            "es": "Al volver a preguntar, una pregunta sale a menudo distinta.",
            "ht": "Lè yo repoze l, yon kesyon soti diferan souvan.",
            "en": "When asked again, a question often comes out differently.",
        },
        {
            "es": "Revise la redacción: puede entenderse de varias maneras.",
            "ht": "Gade jan l ekri: moun ka konprann li plizyè jan.",
            "en": "Look at the wording: it may be understood in several ways.",
        },
        _check_question,
        detail={
            "es": " Pregunta {question}: {percent} % de {compared}.",
            "ht": " Kesyon {question}: {percent} % nan {compared}.",
            "en": " Question {question}: {percent} % of {compared}.",
        },
        defaults=_QUESTION,
    ),
)
