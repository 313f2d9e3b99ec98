"""What is left unanswered: blank, “don't know” and “other”, by question and by enumerator."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from schemas.fields import Field, Group, Repeat
from validation.evaluation import NotChecked
from validation.fieldwork.comparing import believed, compare_shares
from validation.fieldwork.task import COMPLETE, NO_ENUMERATOR, QUESTION, WHO, FieldCheck, Outcome, Task, unit_of

_KINDS = ("of", "answered", "dont_know", "other")


def item_rates(task: Task) -> pl.DataFrame:
    """How often each question of the main table was left unanswered in complete interviews, by enumerator.

    Returns:
        One row a question and enumerator: question, _who (null where it isn't known), of (interviews), answered,
        dont_know and other (of the answered), always (whether everybody is asked it).
    """
    fields, done = task.asked(), task.interviews[COMPLETE]
    always = _unconditional(task)
    frame = task.main.filter(done).with_columns(task.interviews.filter(done)[WHO])
    dont_know, other = task.general_names("dont_know"), task.general_names("other")
    sums = []
    for field in fields:
        column = pl.col(field.column)
        sums.append(column.count().alias(f"answered/{field.name}"))
        for kind, codes in (("dont_know", _codes(field, dont_know)), ("other", _codes(field, other))):
            hits = _has(field, column, codes).sum() if codes else pl.lit(0)
            sums.append(hits.cast(pl.Int64).alias(f"{kind}/{field.name}"))
    wide = frame.group_by(WHO).agg(pl.len().cast(pl.Int64).alias("of"), *sums).sort(WHO, nulls_last=True)
    parts = [
        wide.select(
            pl.lit(field.name).alias(QUESTION),
            WHO,
            "of",
            *(pl.col(f"{kind}/{field.name}").cast(pl.Int64).alias(kind) for kind in _KINDS[1:]),
            pl.lit(field.name in always).alias("always"),
        )
        for field in fields
    ]
    schema = {QUESTION: pl.String, WHO: pl.String, **dict.fromkeys(_KINDS, pl.Int64), "always": pl.Boolean}
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def _codes(field: Field, codes: tuple[str, ...]) -> list[str]:
    """Those of the codes that the question may have: of its list, or negative numbers."""
    if field.is_select:
        listed = {choice.value for choice in field.choices}
        return [code for code in codes if code in listed]
    return [code for code in codes if code.startswith("-")] if field.type in {"int", "decimal"} else []


def _has(field: Field, column: pl.Expr, codes: list[str]) -> pl.Expr:
    if field.is_multiple:
        chosen = column.cast(pl.String).str.split(" ")
        return chosen.list.set_intersection(pl.lit(codes, pl.List(pl.String))).list.len().fill_null(0) > 0
    if field.type in {"int", "decimal"} and not field.is_select:
        return column.cast(pl.Float64, strict=False).is_in([float(code) for code in codes]).fill_null(value=False)
    return column.cast(pl.String).is_in(codes).fill_null(value=False)


def _unconditional(task: Task) -> set[str]:
    """Questions of the main table that no skip rule can hide."""

    def visit(group: Group) -> Iterator[str]:
        for child in group.children:
            if isinstance(child, Repeat) or child.relevant:
                continue
            if isinstance(child, Field):
                yield child.name
            else:
                yield from visit(child)

    return set(visit(task.form.root))


def _by_question(task: Task, check: str, hits: str, of: str) -> Outcome:
    """Questions of which more than the allowed share is so."""
    totals = task.item_rates.group_by(QUESTION, maintain_order=True).agg(
        pl.col(hits).sum().alias("hits"), pl.col(of).sum().alias("of"), pl.col("always").first()
    )
    return _told(task, check, totals.filter(pl.col("of") >= task.parameters.number(check, "min_interviews", _RATE)))


def _told(task: Task, check: str, totals: pl.DataFrame) -> Outcome:
    most = task.parameters.number(check, "most", _RATE)
    rows = totals.filter(pl.col("hits") > most * pl.col("of")).with_columns(
        unit_of("commune", pl.lit(task.form.form_id), pl.col(QUESTION)),
        (100 * pl.col("hits") / pl.col("of")).round(0).cast(pl.Int64).alias("percent"),
    )
    return Outcome(totals.height, rows.select("unit", QUESTION, "percent"))


def _check_blank(task: Task) -> Outcome:
    rates = task.item_rates.with_columns((pl.col("of") - pl.col("answered")).alias("blank"))
    totals = rates.group_by(QUESTION, maintain_order=True).agg(
        pl.col("blank").sum().alias("hits"), pl.col("of").sum(), pl.col("always").first()
    )
    enough = pl.col("of") >= task.parameters.number("blank_by_question", "min_interviews", _RATE)
    return _told(task, "blank_by_question", totals.filter(pl.col("always") & enough))


def _check_dont_know(task: Task) -> Outcome:
    return _by_question(task, "dont_know_by_question", "dont_know", "answered")


def _check_other(task: Task) -> Outcome:
    return _by_question(task, "other_by_question", "other", "answered")


def _check_blank_enumerator(task: Task) -> Outcome | NotChecked:
    """Enumerators who leave a question blank far more often than the others do."""
    rates = task.item_rates.with_columns((pl.col("of") - pl.col("answered")).alias("hits"))
    return _enumerators(task, "blank_by_enumerator", rates.select(QUESTION, WHO, "hits", "of"), (QUESTION,))


def _check_dont_know_enumerator(task: Task) -> Outcome | NotChecked:
    """Enumerators who note “don't know” far more often than the others do, over all questions."""
    enough = (
        task.interviews.filter(COMPLETE).group_by(WHO).len().filter(pl.col("len") >= task.general("min_interviews"))
    )
    rates = (
        task.item_rates.join(enough.select(WHO), on=WHO, how="semi")
        .group_by(WHO, maintain_order=True)
        .agg(pl.col("dont_know").sum().alias("hits"), pl.col("answered").sum().alias("of"))
    )
    return _enumerators(task, "dont_know_by_enumerator", rates, ())


def _enumerators(task: Task, check: str, counts: pl.DataFrame, by: tuple[str, ...]) -> Outcome | NotChecked:
    if task.enumerator is None:
        return NO_ENUMERATOR
    counts = counts.filter(pl.col(WHO).is_not_null() & (pl.col("of") >= task.general("min_interviews")))
    told = compare_shares(counts, by)
    least = task.parameters.number(check, "difference", _DIFFERENCE if by else _DONT_KNOW)
    sure = pl.Series(believed(told["chance"].to_numpy(), task.general("false_discovery_rate")))
    rows = told.filter(sure & (pl.col("share") - pl.col("others") > least))
    rows = rows.with_columns(
        unit_of("enumerator", pl.col(WHO), pl.col(QUESTION) if by else None), *percents("share", "others")
    )
    return Outcome(counts[WHO].n_unique(), rows.select("unit", WHO, "share", "others", *by), (task.enumerator.name,))


def percents(*columns: str) -> list[pl.Expr]:
    """Shares from 0 to 1 as whole per cents."""
    return [(pl.col(name) * 100).round(0).cast(pl.Int64) for name in columns]


def other_texts(task: Task) -> pl.DataFrame:
    """What was written where a choice “other” asks to specify, with how often; for those who may read answers.

    Returns:
        question, text (in lower case, without outer spaces), interviews; most frequent first.
    """
    parts = [
        task.main.select(
            pl.lit(field.name).alias(QUESTION), pl.col(field.column).str.strip_chars().str.to_lowercase().alias("text")
        )
        for field in task.asked()
        if field.type == "string" and not field.is_select and _is_specification(field, task.general_names("other"))
    ]
    schema = {QUESTION: pl.String, "text": pl.String}
    texts = pl.concat(parts) if parts else pl.DataFrame(schema=schema)
    counted = texts.drop_nulls().group_by(QUESTION, "text").len("interviews")
    return counted.sort(QUESTION, "interviews", "text", descending=[False, True, False])


def _is_specification(field: Field, codes: tuple[str, ...]) -> bool:
    return any(f"'{code}'" in (field.relevant or "") or f'"{code}"' in (field.relevant or "") for code in codes)


_RATE = {"most": 0.2, "min_interviews": 30.0}
_DIFFERENCE = {"difference": 0.1}
_DONT_KNOW = {"difference": 0.05}
_THEIRS = {
    "es": " Encuestador/a {_who}: {share} %; los demás: {others} %.",
    "ht": " Anketè {_who}: {share} %; lòt yo: {others} %.",
    "en": " Enumerator {_who}: {share} %; the others: {others} %.",
}
_PERCENT = {"es": " Pregunta {question}: {percent} %.", "ht": " Kesyon {question}: {percent} %."}
_PERCENT |= {"en": " Question {question}: {percent} %."}

CHECKS = (
    FieldCheck(
        "blank_by_question",
        "info",
        "commune",
        {
            "es": "Una pregunta que se hace a todas las personas queda a menudo en blanco.",
            "ht": "Yon kesyon yo poze tout moun rete vid souvan.",
            "en": "A question that everybody is asked is often left blank.",
        },
        {
            "es": "Vea si se entiende y si debe ser obligatoria.",
            "ht": "Gade si moun konprann li epi si li dwe obligatwa.",
            "en": "See whether it is understood, and whether it should be required.",
        },
        _check_blank,
        detail=_PERCENT,
        defaults=_RATE,
    ),
    FieldCheck(
        "dont_know_by_question",
        "info",
        "commune",
        {
            "es": "Muchas personas responden que no saben o no contestan.",
            "ht": "Anpil moun reponn yo pa konnen oswa yo pa vle reponn.",
            "en": "Many people answer that they don't know or won't say.",
        },
        {
            "es": "Revise la redacción y cómo se hace la pregunta.",
            "ht": "Gade jan kesyon an ekri ak jan yo poze l.",
            "en": "Look at the wording and at how it is asked.",
        },
        _check_dont_know,
        detail=_PERCENT,
        defaults=_RATE,
    ),
    FieldCheck(
        "other_by_question",
        "info",
        "commune",
        {
            "es": "Muchas respuestas caen en «otro».",
            "ht": "Anpil repons tonbe nan « lòt ».",
            "en": "Many answers fall under “other”.",
        },
        {
            "es": "Lea lo que se anotó y agregue las opciones que faltan.",
            "ht": "Li sa yo ekri epi ajoute chwa ki manke yo.",
            "en": "Read what was written and add the choices that are missing.",
        },
        _check_other,
        detail=_PERCENT,
        defaults=_RATE,
    ),
    FieldCheck(
        "blank_by_enumerator",
        "warning",
        "enumerator",
        {
            "es": "Deja una pregunta en blanco mucho más que las demás personas encuestadoras.",
            "ht": "Li kite yon kesyon vid pi souvan pase lòt anketè yo.",
            "en": "Leaves a question blank far more often than the other enumerators.",
        },
        {
            "es": "Pregunte cómo hace la pregunta; puede que la salte.",
            "ht": "Mande kouman l ap poze kesyon an; petèt l ap sote l.",
            "en": "Ask how the question is put; it may be skipped.",
        },
        _check_blank_enumerator,
        detail={language: text + " ({question})" for language, text in _THEIRS.items()},
        defaults=_DIFFERENCE,
    ),
    FieldCheck(
        "dont_know_by_enumerator",
        "warning",
        "enumerator",
        {
            "es": "Anota «no sabe» mucho más que las demás personas encuestadoras.",
            "ht": "Li ekri « pa konnen » pi souvan pase lòt anketè yo.",
            "en": "Notes “don't know” far more often than the other enumerators.",
        },
        {
            "es": "Acompañe una entrevista y repase cómo insistir sin presionar.",
            "ht": "Ale nan yon antrevi avè l epi montre l kouman pou l ensiste san l pa fòse moun.",
            "en": "Accompany an interview and go over how to ask again without pressing.",
        },
        _check_dont_know_enumerator,
        detail=_THEIRS,
        defaults=_DONT_KNOW,
    ),
)
