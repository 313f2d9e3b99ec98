"""What single interviews show: a household twice, no consent, broken off, a roster of another size, language."""

from __future__ import annotations

import polars as pl

from schemas.fields import INSTANCE_ID, Repeat, walk
from validation.evaluation import NotChecked
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.task import COMPLETE, FieldCheck, Outcome, Task
from validation.fieldwork_rules import OTHER_INTERVIEW
from validation.order import OTHER, RANK, rank_interviews

_NOT_NAMED = "the monitoring sheet names no question for it ({})"


def _check_duplicate_id(task: Task) -> Outcome | NotChecked:
    """Complete interviews whose answers to the named questions are all those of an earlier complete one."""
    fields = [task.question(name) for name in task.parameters.names("duplicate_id", "questions", _DUPLICATE_ID)]
    columns = [field.column for field in fields if field is not None]
    if not columns or len(columns) < len(fields):
        return NotChecked(_NOT_NAMED.format("duplicate_id.questions"))
    done = task.main.filter(task.interviews[COMPLETE]).select(INSTANCE_ID, *columns)
    done = done.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in columns))
    ranked = done.join(rank_interviews(task.form, task.main), on=INSTANCE_ID).sort(RANK)
    first = pl.col(INSTANCE_ID).first().over(columns)
    rows = ranked.with_columns(first.alias(OTHER)).filter(pl.col(INSTANCE_ID) != pl.col(OTHER))
    return Outcome(done.height, rows.select(INSTANCE_ID, OTHER), tuple(field.name for field in fields if field))


def _check_consent(task: Task) -> Outcome | NotChecked:
    """Interviews without a yes to the consent question, and with answers to questions after it."""
    names = task.parameters.names("no_consent", "question", _NO_CONSENT)
    field = next((found for name in names if (found := task.question(name)) is not None), None)
    if field is None:
        return NotChecked(_NOT_NAMED.format("no_consent.question"))
    asked = task.asked()
    after = [each.column for each in asked[[each.name for each in asked].index(field.name) + 1 :]]
    most = task.parameters.number("no_consent", "most_answers", _NO_CONSENT)
    given = pl.sum_horizontal(pl.col(name).is_not_null() for name in after) if after else pl.lit(0)
    yes = pl.col(field.column).cast(pl.String).is_in(task.parameters.names("no_consent", "yes", _NO_CONSENT))
    rows = task.main.filter(~yes.fill_null(value=False) & (given > most))
    return Outcome(task.main.height, rows.select(INSTANCE_ID), (field.name,))


def _check_abandoned(task: Task) -> Outcome | NotChecked:
    """Interviews with many answers, none of which are to the last questions of the form."""
    columns = [each.column for each in task.asked()]
    tail = round(len(columns) * task.parameters.number("abandoned", "last_share", _ABANDONED))
    if tail < 1 or len(columns) < 2 * tail:
        return NotChecked("the form has too few questions")
    given = task.main.select(pl.col(name).is_not_null() for name in columns).to_numpy()
    many = task.answers >= task.general("min_answers")
    none = ~given[:, -tail:].any(axis=1)
    return Outcome(int(many.sum()), task.main.filter(pl.Series(many & none)).select(INSTANCE_ID))


def _check_roster(task: Task) -> Outcome | NotChecked:
    """Interviews whose repeat has another number of rows than the question says."""
    pairs = [pair.partition("=") for pair in task.parameters.names("roster_size", "rosters", _ROSTER_SIZE)]
    if not pairs:
        return NotChecked(_NOT_NAMED.format("roster_size.rosters"))
    found, names, repeats = [], [], {each.name for each in walk(task.form.root) if isinstance(each, Repeat)}
    for question, _, table in pairs:
        field = task.question(question)
        if field is None or table not in task.tables or table not in repeats:
            return NotChecked(f"“{question}={table}” names no question of the main table and a repeat")
        rows = task.tables[table].group_by(INSTANCE_ID).len("_rows")
        told = task.main.select(INSTANCE_ID, pl.col(field.column).cast(pl.Float64, strict=False).alias("_told"))
        counted = told.join(rows, on=INSTANCE_ID, how="left").with_columns(pl.col("_rows").fill_null(0))
        found.append(counted.filter(pl.col("_told") != pl.col("_rows")).select(INSTANCE_ID))
        names.append(field.name)
    rows = pl.concat(found).unique(maintain_order=True)
    return Outcome(task.main.height, rows, tuple(names))


def _check_interpreter(task: Task) -> Outcome | NotChecked:
    """Interviews that somebody interpreted who should not."""
    field = task.question((*task.parameters.names("interpreter", "question", _INTERPRETER), "")[0])
    if field is None:
        return NotChecked(_NOT_NAMED.format("interpreter.question"))
    wrong = _among(field.column, task.parameters.names("interpreter", "refused", _INTERPRETER))
    answered = task.main.height - task.main[field.column].null_count()
    return Outcome(answered, task.main.filter(wrong).select(INSTANCE_ID), (field.name,))


def _check_language(task: Task) -> Outcome | NotChecked:
    """Interviews held in a language that the form isn't written in, with nobody's help."""
    language = task.question((*task.parameters.names("language", "question", _LANGUAGE), "")[0])
    helper = task.question((*task.parameters.names("language", "interpreter", _LANGUAGE), "")[0])
    if language is None or helper is None:
        return NotChecked(_NOT_NAMED.format("language.question, language.interpreter"))
    written = [*task.form.languages, *task.parameters.names("language", "languages", _LANGUAGE)]
    foreign = ~pl.col(language.column).cast(pl.String).is_in(written)
    alone = _among(helper.column, task.parameters.names("language", "alone", _LANGUAGE))
    answered = task.main.height - task.main[language.column].null_count()
    rows = task.main.filter(foreign & alone).select(INSTANCE_ID)
    return Outcome(answered, rows, (language.name, helper.name))


def _among(column: str, codes: tuple[str, ...]) -> pl.Expr:
    """Whether an answer is one of the codes, or a list of codes with one of them."""
    chosen = pl.col(column).cast(pl.String).str.split(" ")
    return chosen.list.set_intersection(pl.lit(list(codes), pl.List(pl.String))).list.len().fill_null(0) > 0


_DUPLICATE_ID = {"questions": ""}
_NO_CONSENT: Defaults = {
    "question": "consent consentimiento consentement",
    "yes": "yes si sí 1 true wi oui",
    "most_answers": 6.0,
}
_ABANDONED = {"last_share": 0.2}
_ROSTER_SIZE = {"rosters": ""}
_INTERPRETER = {"question": "", "refused": "child"}
_LANGUAGE = {"question": "", "interpreter": "", "languages": "", "alone": "none"}

CHECKS = (
    FieldCheck(
        "duplicate_id",
        "error",
        "interview",
        {
            "es": "El mismo hogar o unidad ya está en otra entrevista completa.",
            "ht": "Menm kay la oswa menm inite a deja nan yon lòt antrevi ki konplè.",
            "en": "The same household or unit is in another complete interview already.",
        },
        {
            "es": "Vea si el número se anotó mal o si el hogar se visitó dos veces; conserve una sola.",
            "ht": "Gade si yo mal ekri nimewo a oswa si yo vizite kay la de fwa; kenbe youn sèlman.",
            "en": "See whether the number was miswritten or the household visited twice; keep one of them.",
        },
        _check_duplicate_id,
        detail=OTHER_INTERVIEW,
        defaults=_DUPLICATE_ID,
    ),
    FieldCheck(
        "no_consent",
        "error",
        "interview",
        {
            "es": "Hay respuestas, pero no consta el consentimiento.",
            "ht": "Gen repons, men pa gen konsantman ki make.",
            "en": "There are answers, but no consent is recorded.",
        },
        {
            "es": "Pregunte si se pidió; sin consentimiento la entrevista se excluye y se borra.",
            "ht": "Mande si yo te mande l; san konsantman yo retire antrevi a epi yo efase l.",
            "en": "Ask whether it was given; without consent the interview is excluded and deleted.",
        },
        _check_consent,
        defaults=_NO_CONSENT,
    ),
    FieldCheck(
        "abandoned",
        "warning",
        "interview",
        {
            "es": "La entrevista se interrumpió: las últimas preguntas del cuestionario no tienen respuesta.",
            "ht": "Antrevi a te kanpe nan wout: dènye kesyon yo pa gen repons.",
            "en": "The interview was broken off: the last questions of the form have no answer.",
        },
        {
            "es": "Vuelva a contactar al hogar o márquela como parcial.",
            "ht": "Kontakte kay la ankò oswa make l kòm pasyèl.",
            "en": "Contact the household again or mark it as partial.",
        },
        _check_abandoned,
        defaults=_ABANDONED,
    ),
    FieldCheck(
        "roster_size",
        "error",
        "interview",
        {
            "es": "El número de personas registradas no es el que se declaró.",
            "ht": "Kantite moun ki nan lis la pa menm ak sa yo te di a.",
            "en": "The number of people listed isn't the number declared.",
        },
        {
            "es": "Revise si faltan personas en la lista o si el total está mal.",
            "ht": "Gade si gen moun ki manke nan lis la oswa si total la pa bon.",
            "en": "See whether people are missing from the list or the total is wrong.",
        },
        _check_roster,
        defaults=_ROSTER_SIZE,
    ),
    FieldCheck(
        "interpreter",
        "warning",
        "interview",
        {
            "es": "Interpretó alguien que no debe hacerlo, como una niña o un niño.",
            "ht": "Yon moun ki pa dwe entèprete te fè l, tankou yon timoun.",
            "en": "Somebody interpreted who should not, such as a child.",
        },
        {
            "es": "Repita las preguntas delicadas con una mediadora o un mediador.",
            "ht": "Repoze kesyon delika yo ak yon medyatè.",
            "en": "Ask the sensitive questions again with a mediator.",
        },
        _check_interpreter,
        defaults=_INTERPRETER,
    ),
    FieldCheck(
        "language",
        "info",
        "interview",
        {
            "es": "Se hizo en un idioma en que no está el cuestionario, sin ayuda de intérprete.",
            "ht": "Yo te fè l nan yon lang kesyonè a pa genyen, san èd yon entèprèt.",
            "en": "It was held in a language the questionnaire isn't written in, without an interpreter.",
        },
        {
            "es": "Pregunte cómo se tradujeron las preguntas.",
            "ht": "Mande kouman yo te tradui kesyon yo.",
            "en": "Ask how the questions were translated.",
        },
        _check_language,
        defaults=_LANGUAGE,
    ),
)
