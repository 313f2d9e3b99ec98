"""The same person in two interviews, told by exact keys only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, POSITION, ROW_ID, Field, Form
from validation.fieldwork_rules import FieldworkSettings
from validation.likeness import asked_columns, encode_answers
from validation.order import OTHER, RANK, rank_interviews

SHORTEST_DOCUMENT = 5
PHONE_DIGITS = 8
"""Digits of a phone number, from the right, that are compared: prefixes are written in many ways."""

FEWEST_ANSWERS = 3
"""An interview with fewer answers tells nothing by being equal to another."""

STRONG_KEYS = (("document",), ("name", "phone"), ("full_name", "sex", "birth_date"), ("full_name", "answers"))
WEAK_KEYS = (("full_name", "sex", "age"),)
"""What two rows must have in common to be one person. A full name has two words at least; namesakes of one age exist,
so that key only counts where the date of birth isn't known. "answers": the two interviews agree in every answer."""

_DIGEST = 16
"""Bytes of a digest of answers: so many that no two interviews with other answers have the same."""
_KEY = "key"
_PERSON = [INSTANCE_ID, ROW_ID]


def find_duplicates(
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    personal: pl.DataFrame,
    settings: FieldworkSettings,
    which: Sequence[tuple[str, ...]] = STRONG_KEYS,
    people: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Persons who are in an earlier interview already.

    Rows of one interview are never compared with each other.

    Args:
        which: what two rows must have in common, any of these, to be one person.
        personal: columns instance_id, row_id, question, value.
        people: what `describe_people` makes of these, where it is at hand.

    Returns:
        One row per person found again: _instance_id, _row_id, other (the earlier interview's id). No answers.
    """
    people = describe_people(form, tables, personal, settings) if people is None else people
    keys = pl.concat([_keys(people, columns) for columns in which])
    ranks = rank_interviews(form, tables[MAIN_TABLE])
    keyed = keys.join(ranks, on=INSTANCE_ID)
    firsts = (
        keyed.sort(RANK)
        .group_by(_KEY, maintain_order=True)
        .agg(pl.col(INSTANCE_ID).first().alias(OTHER), pl.col(RANK).first().alias("first"))
    )
    again = keyed.join(firsts, on=_KEY).filter(pl.col(RANK) > pl.col("first"))
    return again.sort(RANK, ROW_ID, "first").unique(_PERSON, keep="first", maintain_order=True).select(*_PERSON, OTHER)


def describe_people(
    form: Form, tables: Mapping[str, pl.DataFrame], personal: pl.DataFrame, settings: FieldworkSettings
) -> pl.DataFrame:
    """One row per row with personal answers: normalised answers, and what tells persons apart.

    Returns:
        _instance_id, _row_id, name, full_name, document, phone, address, sex, birth_date, age, answers; in memory only.
    """
    fields = {field.name: field for field in form.fields() if field.personal in _NORMALISED}
    kinds = pl.DataFrame(
        {
            "question": list(fields),
            "kind": [field.personal for field in fields.values()],
            "order": list(range(len(fields))),
        },
        schema={"question": pl.String, "kind": pl.String, "order": pl.Int64},
    )
    answers = personal.rename({"instance_id": INSTANCE_ID, "row_id": ROW_ID}).join(kinds, on="question")
    people = (
        answers.sort("order")
        .group_by([*_PERSON, "kind"], maintain_order=True)
        .agg(pl.col("value").str.join(" "))
        .pivot("kind", index=_PERSON, values="value")
    )
    for kind, normalise in _NORMALISED.items():
        people = people.with_columns(
            normalise(pl.col(kind)).alias(kind) if kind in people.columns else pl.lit(None, pl.String).alias(kind)
        )
    people = people.with_columns(pl.when(pl.col("name").str.contains(" ")).then(pl.col("name")).alias("full_name"))
    people = _share_phone(people)
    people = people.join(_marks(form, tables, settings), on=_PERSON, how="left")
    return people.join(_answers(form, tables, people), on=INSTANCE_ID, how="left")


def _answers(form: Form, tables: Mapping[str, pl.DataFrame], people: pl.DataFrame) -> pl.DataFrame:
    """Of interviews with enough answers a text that only an interview with the same answers has.

    Only of those with a full name that occurs again: nobody asks for the others'.
    """
    named = people.filter(pl.col("full_name").is_not_null() & pl.col("full_name").is_duplicated())
    wanted = named.select(INSTANCE_ID).unique()
    held = {
        name: frame.join(wanted, on=INSTANCE_ID, how="semi", maintain_order="left")
        for name, frame in _compared(form, tables).items()
    }
    codes = encode_answers(form, held)
    enough = np.count_nonzero(codes, axis=1) >= FEWEST_ANSWERS
    told = [
        blake2b(row.tobytes(), digest_size=_DIGEST).hexdigest() if many else None
        for row, many in zip(codes, enough, strict=True)
    ]
    return held[MAIN_TABLE].select(INSTANCE_ID, pl.Series("answers", told, dtype=pl.String))


def _compared(form: Form, tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Of the tables only what `encode_answers` reads."""
    columns = asked_columns(form, tables)
    main = {MAIN_TABLE: tables[MAIN_TABLE].select(INSTANCE_ID, *columns.get(MAIN_TABLE, ()))}
    repeats = {
        name: tables[name].select(INSTANCE_ID, POSITION, *names)
        for name, names in columns.items()
        if name != MAIN_TABLE
    }
    return main | repeats


def _share_phone(people: pl.DataFrame) -> pl.DataFrame:
    """A phone that the interview asked for once is that of each person of it who has none of his own."""
    shared = people.filter(pl.col(ROW_ID) == "").select(INSTANCE_ID, pl.col("phone").alias("shared"))
    people = people.join(shared, on=INSTANCE_ID, how="left", maintain_order="left")
    return people.with_columns(pl.coalesce("phone", "shared").alias("phone"))


def _marks(form: Form, tables: Mapping[str, pl.DataFrame], settings: FieldworkSettings) -> pl.DataFrame:
    """Sex, date of birth and age of every row of every table that has them, as text."""
    wanted = {"sex": settings.person_sex, "birth_date": settings.person_birth_date, "age": settings.person_age}
    frames = []
    for table in form.tables:
        if table.name not in tables:
            continue
        frame = tables[table.name]
        columns = {mark: _column(table.fields, names, frame) for mark, names in wanted.items()}
        frames.append(
            frame.select(
                *_PERSON,
                *(
                    (pl.col(column).cast(pl.String) if column else pl.lit(None, pl.String)).alias(mark)
                    for mark, column in columns.items()
                ),
            )
        )
    return pl.concat(frames)


def _column(fields: tuple[Field, ...], names: tuple[str, ...], frame: pl.DataFrame) -> str | None:
    """The column of the first of the named questions that the table has, and that isn't itself kept apart."""
    for field in fields:
        if field.name in names and field.column in frame.columns and not field.personal:
            return field.column
    return None


def _keys(people: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Keys of the persons who have all of `columns`. Age only counts for those without a date of birth."""
    having = people.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in columns))
    if "age" in columns:
        having = having.filter(pl.col("birth_date").is_null())
    return having.select(*_PERSON, pl.concat_str(pl.lit("+".join(columns)), *columns, separator="\x1f").alias(_KEY))


def _plain(text: pl.Expr) -> pl.Expr:
    """Without accents, in lower case."""
    return text.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()


def _normalise_name(text: pl.Expr) -> pl.Expr:
    """Words in alphabetical order: people give their names in either order."""
    words = _plain(text).str.replace_all(r"[^\p{L}]+", " ").str.strip_chars().str.split(" ").list.sort()
    return pl.when(words.list.join("") != "").then(words.list.join(" "))


def _normalise_document(text: pl.Expr) -> pl.Expr:
    """Letters and digits only. Too short ones, or one character repeated, stand for “none”."""
    kept = _plain(text).str.replace_all(r"[^a-z0-9]", "")
    varied = kept.str.split("").list.unique().list.len() > 2
    return pl.when((kept.str.len_chars() >= SHORTEST_DOCUMENT) & varied).then(kept)


def _normalise_phone(text: pl.Expr) -> pl.Expr:
    digits = text.str.replace_all(r"\D", "").str.tail(PHONE_DIGITS)
    varied = digits.str.split("").list.unique().list.len() > 2
    return pl.when((digits.str.len_chars() == PHONE_DIGITS) & varied).then(digits)


_NORMALISED = {
    "name": _normalise_name,
    "document": _normalise_document,
    "phone": _normalise_phone,
    "address": _plain,
}
