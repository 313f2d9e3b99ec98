"""The same household in two interviews though nothing agrees to the letter: probabilistic linkage (Fellegi-Sunter).

One record an interview. Pairs that share a key (telephone, document, address, the people's sexes and ages, or names by
sound) are compared field by field with `splink`; what two interviews of one household would agree in, and how often
strangers agree by chance, gives the probability that they are one. Personal answers stay in memory: DuckDB may write
nothing, and what comes out are ids and the names of the fields that agree.

Method, parameters and limits: docs/methods/fieldwork.md, section 4.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import polars as pl

from schemas.fields import INSTANCE_ID, ROW_ID
from validation.evaluation import NotChecked
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.sounds import sound_keys
from validation.fieldwork.task import FieldCheck, Outcome, Task
from validation.order import OTHER, RANK, rank_interviews

FIELDS = ("names", "people", "phone", "address", "birth", "document")
LARGEST_BLOCK = 40
"""A key that more interviews share (a landlord's telephone, “Pasaje 1”) tells nothing of two of them."""

_SAME: Mapping[str, tuple[float, float]] = {
    "names": (0.55, 0.35),
    "people": (0.75, 0.15),
    "phone": (0.8, 0.1),
    "address": (0.6, 0.25),
    "birth": (0.85, 0.08),
    "document": (0.85, 0.1),
}
"""Of two interviews of one household: how often a field agrees fully, and nearly (misspelt, a digit wrong)."""

_NEAR: Mapping[str, str] = {
    "names": "names_sound_l = names_sound_r",
    "people": "people_near_l = people_near_r",
    "phone": "levenshtein(phone_l, phone_r) <= 1",
    "address": "levenshtein(address_l, address_r) <= 2 and "
    "regexp_replace(address_l, '[^0-9]', '', 'g') = regexp_replace(address_r, '[^0-9]', '', 'g')",
    "birth": "levenshtein(birth_l, birth_r) <= 2",
    "document": "levenshtein(document_l, document_r) <= 1",
}
_BLOCKS = ("phone", "document", "address", "people_block", "names_block", "birth_block")
_NEAR_COLUMN = {"names": "names_sound", "people": "people_near"}
_PRIOR = 1e-4
"""Of two interviews that share nothing yet known."""
_RAREST = 1e-5
"""No agreement is taken as rarer by chance than this: people move, share telephones and lend their documents."""


def _check_household(task: Task) -> Outcome | NotChecked:
    pairs = link_households(task, task.parameters.number("probable_household", "probability", _LINKAGE))
    if isinstance(pairs, NotChecked):
        return pairs
    ranks = rank_interviews(task.form, task.main)
    left = ranks.rename({INSTANCE_ID: "left", RANK: "_left"})
    ordered = pairs.join(left, on="left").join(ranks.rename({INSTANCE_ID: "right", RANK: "_right"}), on="right")
    later = pl.col("_left") > pl.col("_right")
    rows = ordered.select(
        pl.when(later).then("left").otherwise("right").alias(INSTANCE_ID),
        pl.when(later).then("right").otherwise("left").alias(OTHER),
        "probability",
        "fields",
    )
    best = rows.sort("probability", OTHER, descending=[True, False]).unique(INSTANCE_ID, keep="first")
    variables = tuple(field.name for field in task.form.fields() if field.personal in {"name", "phone", "address"})
    return Outcome(
        task.people[INSTANCE_ID].n_unique(), best.sort(INSTANCE_ID).select(INSTANCE_ID, OTHER, "fields"), variables
    )


def link_households(task: Task, least: float) -> pl.DataFrame | NotChecked:
    """Pairs of interviews of one household with at least that probability: see `find_pairs`."""
    if task.personal is None:
        return NotChecked("it needs personal answers, which were not read")
    records = make_records(task)
    told = [name for name in FIELDS if records[name].null_count() < records.height]
    if not {"names", "phone", "address", "document"} & set(told):
        return NotChecked("the form marks no question as a name, document, phone or address")
    import duckdb

    try:
        return find_pairs(records, told, least)
    except duckdb.Error as error:
        # Only its kind: the texts of these errors may quote answers.
        return NotChecked(f"linkage fails over these answers ({type(error).__name__})")


def make_records(task: Task) -> pl.DataFrame:
    """One row an interview with personal answers: the fields that are compared, and the keys of blocks."""
    people = task.people.drop("answers")
    people = people.with_columns(sound_keys(people["name"]).alias("sound"))
    plain = pl.col("address").str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    mark = pl.concat_str("sex", pl.lit("/"), "age")
    near = pl.concat_str("sex", pl.lit("/"), (pl.col("age").cast(pl.Float64, strict=False) / 10).floor())
    main = pl.col(ROW_ID) == ""
    records = people.group_by(INSTANCE_ID).agg(
        pl.col("name").drop_nulls().sort().str.join("|").alias("names"),
        pl.col("sound").drop_nulls().sort().str.join("|").alias("names_sound"),
        mark.drop_nulls().sort().str.join("|").alias("people"),
        near.drop_nulls().sort().str.join("|").alias("people_near"),
        pl.col("phone").filter(main).first(),
        plain.filter(main).first().alias("address"),
        pl.col("birth_date").drop_nulls().sort().first().alias("birth"),
        pl.col("document").drop_nulls().sort().str.join("|").alias("document"),
        mark.drop_nulls().len().alias("_members"),
        pl.col("full_name").drop_nulls().len().alias("_full"),
    )
    records = records.with_columns(
        pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep(),
    ).with_columns(
        pl.when(pl.col("_members") >= 2)
        .then(pl.concat_str("people", pl.lit("+"), "names_sound"))
        .alias("people_block"),
        pl.when(pl.col("_full") >= 1).then("names_sound").alias("names_block"),
        pl.when(pl.col("_full") >= 1)
        .then(pl.concat_str("birth", pl.col("names_sound").str.slice(0, 1)))
        .alias("birth_block"),
    )
    # A key that many share is no key: its pairs would be many, and say little.
    rare = [pl.when(pl.len().over(name) <= LARGEST_BLOCK).then(pl.col(name)).alias(f"_{name}") for name in _BLOCKS]
    return records.with_columns(rare).sort(INSTANCE_ID)


def find_pairs(records: pl.DataFrame, fields: list[str], least: float) -> pl.DataFrame:
    """Pairs of interviews that are probably of one household.

    Returns:
        left, right (instance ids), probability, fields (names of those that agree fully or nearly).
    """
    import duckdb
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)  # it tells of parameters that were not trained
    connection = duckdb.connect(":memory:", config={"temp_directory": "", "preserve_insertion_order": "false"})
    try:
        database = DuckDBAPI(connection)
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name=INSTANCE_ID,
            probability_two_random_records_match=_PRIOR,
            comparisons=[_comparison(records, name) for name in fields],
            blocking_rules_to_generate_predictions=[block_on(f"_{name}") for name in _BLOCKS],
            retain_matching_columns=False,
            retain_intermediate_calculation_columns=True,  # they tell which fields agree
        )
        table = database.register(records.to_arrow())
        linker = Linker(table, settings, log_level=logging.ERROR)
        scored = linker.inference.predict(threshold_match_probability=least)
        levels = ", ".join(f"mw_{name}" for name in fields)
        query = f"select {INSTANCE_ID}_l, {INSTANCE_ID}_r, match_probability, {levels} from {scored.physical_name}"  # noqa: S608
        rows = connection.execute(query).fetchall()
    finally:
        connection.close()
    found = [
        (left, right, chance, ", ".join(name for name, level in zip(fields, agreed, strict=True) if (level or 0) > 0))
        for left, right, chance, *agreed in rows
    ]
    schema = {"left": pl.String, "right": pl.String, "probability": pl.Float64, "fields": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def _comparison(records: pl.DataFrame, name: str) -> dict[str, Any]:
    """How a field is compared: the same, nearly the same, or neither, each with its two probabilities.

    Households of several people agree by chance much more rarely than people who live alone, so that being the same
    is told apart for these two.
    """
    same, near = _SAME[name]
    values = records[name].drop_nulls()
    many = values.filter(values.str.contains("|", literal=True))
    share = many.len() / max(values.len(), 1)
    by_chance, of_many = _chance(values, values.len()), _chance(many, values.len())
    loosely = _chance(records[_NEAR_COLUMN[name]], values.len()) if name in _NEAR_COLUMN else 3 * by_chance
    equal = f'"{name}_l" = "{name}_r"'
    levels = [
        (f"{equal} and contains(\"{name}_l\", '|')", same * share, of_many),
        (equal, same * (1 - share), max(by_chance - of_many, _RAREST)),
        (_NEAR[name], near, max(loosely - by_chance, by_chance)),
        ("ELSE", 1 - same - near, 1 - loosely),
    ]
    blank = f'"{name}_l" is null or "{name}_r" is null'
    return {
        "output_column_name": name,
        "comparison_levels": [
            {"sql_condition": blank, "label_for_charts": "blank", "is_null_level": True},
            *(
                {"sql_condition": sql, "label_for_charts": sql, "m_probability": m, "u_probability": max(u, _RAREST)}
                for sql, m, u in levels
                if m > 0
            ),
        ],
    }


def _chance(values: pl.Series, records: int) -> float:
    """How often two of so many interviews have the same of these values by chance."""
    counts = values.drop_nulls().value_counts()["count"].cast(pl.Float64)
    pairs = float((counts * (counts - 1)).sum())
    return min(max(pairs / max(records * (records - 1), 1), _RAREST), 0.3)


_LINKAGE: Defaults = {"probability": 0.95}

CHECKS = (
    FieldCheck(
        "probable_household",
        "warning",
        "interview",
        {
            "es": "Es probable que el mismo hogar o persona ya esté en otra entrevista, escrito de otro modo.",
            "ht": "Gen anpil chans menm kay la oswa menm moun nan deja nan yon lòt antrevi, ak enfòmasyon ki ekri yon "
            "lòt jan.",
            "en": "The same household or person is probably in another interview, written differently.",
        },
        {
            "es": "Compare las dos entrevistas y decida cuál se conserva.",
            "ht": "Konpare de antrevi yo epi deside kilès pou kenbe.",
            "en": "Compare the two interviews and decide which is kept.",
        },
        _check_household,
        detail={
            "es": " La otra: {other}. Coinciden: {fields}.",
            "ht": " Lòt la: {other}. Sa ki menm: {fields}.",
            "en": " The other: {other}. What agrees: {fields}.",
        },
        defaults=_LINKAGE,
    ),
)
