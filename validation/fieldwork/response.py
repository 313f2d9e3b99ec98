"""Response rates of AAPOR, Standard Definitions (10th edition, 2023), section “Calculating Outcome Rates”.

Final dispositions are told by the three digits of those definitions: 11 complete, 12 partial, 21 refusal or broken off,
22 no contact, 23 other, 31 unknown whether there is a household, 32 and 39 unknown whether somebody eligible lives
there, 4 not eligible. Other codes count nowhere and are told as such.
"""

from __future__ import annotations

import polars as pl

from validation.evaluation import NotChecked
from validation.fieldwork.comparing import believed, compare_shares
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.rates import percents
from validation.fieldwork.task import NO_ENUMERATOR, WHO, FieldCheck, Outcome, Task, unit_of

OUTCOMES = ("I", "P", "R", "NC", "O", "UH", "UO", "NE", "unknown_code")
"""Complete, partial, refusal or broken off, no contact, other, unknown household, unknown other, not eligible."""

_OUTCOME, _CODE = "_outcome", "_code"


def tell_outcome(code: pl.Expr) -> pl.Expr:
    """The outcome (of `OUTCOMES`) of a disposition code; null stays null."""
    two = code.str.slice(0, 2)
    return (
        pl.when(code.is_null())
        .then(None)
        .when(~code.str.contains(r"^\d{3}$"))
        .then(pl.lit("unknown_code"))
        .when(two == "11")
        .then(pl.lit("I"))
        .when(two == "12")
        .then(pl.lit("P"))
        .when(two == "21")
        .then(pl.lit("R"))
        .when(two == "22")
        .then(pl.lit("NC"))
        .when(code.str.starts_with("2"))
        .then(pl.lit("O"))
        .when(two == "31")
        .then(pl.lit("UH"))
        .when(code.str.starts_with("3"))
        .then(pl.lit("UO"))
        .when(code.str.starts_with("4"))
        .then(pl.lit("NE"))
        .otherwise(pl.lit("unknown_code"))
        .alias(_OUTCOME)
    )


def response_rates(codes: pl.DataFrame, by: tuple[str, ...] = ()) -> pl.DataFrame:
    """The rates of each group.

    Args:
        codes: column `_code` with the disposition of each case, and the columns of `by`.

    Returns:
        One row a group: its columns, the counts of `OUTCOMES`, `e` (share of eligible cases among those known), RR1 to
        RR6, COOP1 to COOP4, REF1 to REF3 and CON1 to CON3, shares from 0 to 1, null where nothing is divided by.
    """
    told = codes.with_columns(tell_outcome(pl.col(_CODE)))
    counts = [(pl.col(_OUTCOME) == name).sum().cast(pl.Int64).alias(name) for name in OUTCOMES]
    counted = told.group_by(by, maintain_order=True).agg(counts) if by else told.select(counts)
    full, partial, refused, absent, other, household, unknown, out, _ = (pl.col(name) for name in OUTCOMES)
    interviews, known = full + partial, full + partial + refused + absent + other
    eligible = pl.when(known + out > 0).then(known / (known + out)).otherwise(1.0)
    e = pl.col("e")
    every, guessed = known + household + unknown, known + e * (household + unknown)
    contacts = interviews + refused + other
    rates = {
        **{"RR1": (full, every), "RR2": (interviews, every), "RR3": (full, guessed), "RR4": (interviews, guessed)},
        **{
            "RR5": (full, known),
            "RR6": (interviews, known),
            "COOP1": (full, contacts),
            "COOP2": (interviews, contacts),
        },
        **{"COOP3": (full, interviews + refused), "COOP4": (interviews, interviews + refused)},
        **{"REF1": (refused, every), "REF2": (refused, guessed), "REF3": (refused, known)},
        **{"CON1": (contacts, every), "CON2": (contacts, guessed), "CON3": (contacts, known)},
    }
    return counted.with_columns(eligible.alias("e")).with_columns(
        pl.when(of > 0).then(hits / of).alias(name) for name, (hits, of) in rates.items()
    )


def dispositions(task: Task) -> pl.DataFrame | NotChecked:
    """Each interview's _code, _who and _psu."""
    field = task.question((*task.general_names("disposition"), "")[0])
    if field is None:
        return NotChecked("the monitoring sheet names no question for it (general.disposition)")
    return task.interviews.select(WHO, "_psu").with_columns(task.main[field.column].cast(pl.String).alias(_CODE))


def _check_rate(task: Task) -> Outcome | NotChecked:
    codes = dispositions(task)
    if isinstance(codes, NotChecked):
        return codes
    least = task.parameters.number("response_rate", "least", _RATE)
    if codes.height < task.parameters.number("response_rate", "min_interviews", _RATE):
        return Outcome(1, pl.DataFrame())
    rows = (
        response_rates(codes)
        .filter(pl.col("RR1") < least)
        .with_columns(
            unit_of("commune", pl.lit(task.form.form_id)),
            (pl.col("RR1") * 100).round(0).cast(pl.Int64).alias("percent"),
        )
    )
    return Outcome(1, rows.select("unit", "percent"), _named(task))


def _check_refusals(task: Task) -> Outcome | NotChecked:
    """Enumerators who are refused far more often than the others, of the households that they reached."""
    codes = dispositions(task)
    if isinstance(codes, NotChecked):
        return codes
    if task.enumerator is None:
        return NO_ENUMERATOR
    reached = codes.with_columns(tell_outcome(pl.col(_CODE))).filter(pl.col(_OUTCOME).is_in(["I", "P", "R", "O"]))
    counts = (
        reached.drop_nulls(WHO)
        .group_by(WHO)
        .agg((pl.col(_OUTCOME) == "R").sum().cast(pl.Int64).alias("hits"), pl.len().cast(pl.Int64).alias("of"))
    )
    told = compare_shares(counts.filter(pl.col("of") >= task.general("min_interviews")).sort(WHO))
    sure = pl.Series(believed(told["chance"].to_numpy(), task.general("false_discovery_rate")), dtype=pl.Boolean)
    least = task.parameters.number("refusals_by_enumerator", "difference", _REFUSALS)
    rows = told.filter(sure & (pl.col("share") - pl.col("others") > least))
    rows = rows.with_columns(unit_of("enumerator", pl.col(WHO)), *percents("share", "others"))
    return Outcome(told.height, rows.select("unit", WHO, "share", "others"), _named(task))


def _named(task: Task) -> tuple[str, ...]:
    return task.general_names("disposition")[:1]


_RATE: Defaults = {"least": 0.5, "min_interviews": 30.0}
_REFUSALS: Defaults = {"difference": 0.15}

CHECKS = (
    FieldCheck(
        "response_rate",
        "warning",
        "commune",
        {
            "es": "La tasa de respuesta es baja (AAPOR RR1).",
            "ht": "Pousantaj repons lan ba (AAPOR RR1).",
            "en": "The response rate is low (AAPOR RR1).",
        },
        {
            "es": "Revise a qué horas se visita y cuántas visitas se hacen antes de cerrar un hogar.",
            "ht": "Gade nan ki lè yo vizite ak konbyen vizit yo fè anvan yo fèmen yon kay.",
            "en": "Look at the hours of visits, and how many are made before a household is given up.",
        },
        _check_rate,
        detail={"es": " Es de {percent} %.", "ht": " Li se {percent} %.", "en": " It is {percent} %."},
        defaults=_RATE,
    ),
    FieldCheck(
        "refusals_by_enumerator",
        "warning",
        "enumerator",
        {
            "es": "Recibe rechazos mucho más que las demás personas encuestadoras.",
            "ht": "Moun refize l pi souvan anpil pase lòt anketè yo.",
            "en": "Is refused far more often than the other enumerators.",
        },
        {
            "es": "Acompañe algunas visitas y repase la presentación.",
            "ht": "Ale nan kèk vizit avè l epi repase jan pou l prezante tèt li.",
            "en": "Accompany some visits and go over the introduction.",
        },
        _check_refusals,
        detail={
            "es": " Encuestador/a {_who}: {share} %; los demás: {others} %.",
            "ht": " Anketè {_who}: {share} %; lòt yo: {others} %.",
            "en": " Enumerator {_who}: {share} %; the others: {others} %.",
        },
        defaults=_REFUSALS,
    ),
)
