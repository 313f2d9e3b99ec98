"""Cells of typed tables, by interview, row and question: finding them, reading them as texts, writing them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

import polars as pl

from expressions.casting import cast_texts
from expressions.rebuilding import write_answer
from schemas.decisions import CellChange
from schemas.fields import INSTANCE_ID, PRESENT, ROW_ID, Field, Form
from validation.lists import list_codes

Typed = int | float | str | date | datetime | None
Key = tuple[str, str]
"""Instance id and row id."""

_BIND_TYPES: Mapping[type[pl.DataType], str] = {
    pl.Int64: "int",
    pl.Float64: "decimal",
    pl.Date: "date",
    pl.Datetime: "dateTime",
}
_PERSONAL_KEYS = ("instance_id", "row_id", "question")
_NUMBER = "_number"


class Questions:
    """The questions of a form by the table that holds them and what they are called there."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self._by_column = {(field.table, field.column): field for field in form.fields()}
        self._by_name: dict[str, list[Field]] = {}
        for field in form.fields():
            self._by_name.setdefault(field.name, []).append(field)

    def find(self, question: str, table: str = "") -> Field | None:
        """The question of that column or name; null if there is none, or several and no table tells which."""
        if table:
            found = self._by_column.get((table, question))
            candidates = [field for field in self._by_name.get(question, ()) if field.table == table]
        else:
            here = [field for (_, column), field in self._by_column.items() if column == question]
            found = here[0] if len(here) == 1 else None
            candidates = self._by_name.get(question, [])
        return found or (candidates[0] if len(candidates) == 1 else None)


def refuse_answer(field: Field, text: str | None, form: Form) -> str:
    """Why a text can't be an answer to a question: "wrong_type", "unlisted_choice", or "" if it can."""
    if text is None:
        return ""
    if field.is_select:
        codes = list_codes(field, form)
        chosen = text.split() if field.is_multiple else [text]
        return "unlisted_choice" if codes is not None and not codes.issuperset(chosen) else ""
    typed, bad = cast_texts(pl.Series([text], dtype=pl.String), field.type)
    return "wrong_type" if bad is not None or typed.is_null().any() else ""


def normal_text(field: Field, text: str | None) -> str | None:
    """An answer as the tables write it: 5.0 in a whole number is 5, blank is null; a text that isn't one stays."""
    if text is None or not text.strip():
        return None
    stripped = text.strip()
    if field.is_multiple:
        return " ".join(stripped.split())
    if field.type == "int" and stripped.replace(".", "", 1).lstrip("-").isdecimal() and float(stripped).is_integer():
        stripped = str(int(float(stripped)))
    typed, bad = cast_texts(pl.Series([stripped], dtype=pl.String), field.type)
    return stripped if bad is not None or typed.is_null().any() else write_answer(typed[0])


def to_typed(texts: Sequence[str | None], dtype: pl.DataType) -> tuple[list[Typed], list[bool]]:
    """Texts as the values of a column, and which of them are none."""
    series = pl.Series(texts, dtype=pl.String)
    kind = _BIND_TYPES.get(type(dtype), "")
    if not kind:
        return series.to_list(), [False] * len(texts)
    typed, bad = cast_texts(series, kind)
    flags = [False] * len(texts) if bad is None else bad.fill_null(value=False).to_list()
    return typed.to_list(), flags


def to_texts(values: pl.Series) -> list[str | None]:
    """Values of a column as texts; null is blank."""
    return [None if value is None else write_answer(value) for value in values.to_list()]


def locate(frame: pl.DataFrame, keys: Collection[Key]) -> dict[Key, int]:
    """The numbers of these rows; those that the frame lacks are absent."""
    if not keys:
        return {}
    names = (INSTANCE_ID, ROW_ID)
    wanted = pl.DataFrame(list(keys), schema=dict.fromkeys(names, pl.String), orient="row").unique()
    found = frame.select(names).with_row_index(_NUMBER).join(wanted, on=list(names), how="semi")
    return {
        (instance, row): number
        for number, instance, row in found.unique(list(names), keep="first", maintain_order=True).iter_rows()
    }


def write_column(frame: pl.DataFrame, column: str, values: Mapping[int, Typed]) -> pl.DataFrame:
    """The frame with other values in some rows of one column."""
    if not values:
        return frame
    series = frame.get_column(column)
    fresh = pl.Series(list(values.values()), dtype=series.dtype)
    return frame.with_columns(series.clone().scatter(list(values), fresh).alias(column))


def apply_changes(
    form: Form, tables: Mapping[str, pl.DataFrame], personal: pl.DataFrame | None, changes: Iterable[CellChange]
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame | None]:
    """The tables and personal answers once these cells hold their new values; the last of two for one cell counts.

    Cells that aren't there are left alone. Of a personal question the tables hold only whether it is answered.
    """
    questions = Questions(form)
    by_column: dict[tuple[str, str], dict[Key, str | None]] = {}
    apart: dict[tuple[str, str, str], str | None] = {}
    kinds: dict[str, str] = {}
    for change in changes:
        field = questions.find(change.question, change.table)
        if field is None:
            continue
        new = change.new
        if field.personal:
            apart[change.instance_id, change.row_id, field.name] = new
            kinds[field.name] = field.personal
            new = None if new is None else PRESENT
        by_column.setdefault((field.table, field.column), {})[change.instance_id, change.row_id] = new
    edited = dict(tables)
    for table, columns in _by_table(by_column).items():
        frame = edited.get(table)
        if frame is None:
            continue
        places = locate(frame, {key for cells in columns.values() for key in cells})
        for column, cells in columns.items():
            if column in frame.columns:
                here = {key: value for key, value in cells.items() if key in places}
                typed, _ = to_typed(list(here.values()), frame.schema[column])
                frame = write_column(
                    frame, column, {places[key]: value for key, value in zip(here, typed, strict=True)}
                )
        edited[table] = frame
    return edited, None if personal is None else edit_personal(personal, apart, kinds)


def _by_table(cells: Mapping[tuple[str, str], dict[Key, str | None]]) -> dict[str, dict[str, dict[Key, str | None]]]:
    found: dict[str, dict[str, dict[Key, str | None]]] = {}
    for (table, column), values in cells.items():
        found.setdefault(table, {})[column] = values
    return found


def edit_personal(
    personal: pl.DataFrame, values: Mapping[tuple[str, str, str], str | None], kinds: Mapping[str, str]
) -> pl.DataFrame:
    """Personal answers with other values under some (instance id, row id, question); null takes the answer away.

    Args:
        kinds: kind of personal data of each question.
    """
    if not values:
        return personal
    rows = [(*key, kinds.get(key[2], "other"), value) for key, value in values.items()]
    schema = dict.fromkeys((*_PERSONAL_KEYS, "kind", "value"), pl.String)
    fresh = pl.DataFrame(rows, schema=schema, orient="row")
    kept = personal.join(fresh, on=list(_PERSONAL_KEYS), how="anti", maintain_order="left")
    return pl.concat([kept, fresh.filter(pl.col("value").is_not_null())], how="diagonal")
