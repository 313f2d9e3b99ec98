"""Rows above and below a database's row: what an expression takes from other tables is joined to its own first.

Tables are the typed tables of a form under their names: keys `_instance_id` and `_row_id`, parents by
`_parent_row_id`. Each value taken from elsewhere becomes one more column of the expression's own table, by a join with
at most one row on the other side, so that rows never multiply.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from expressions.links import chain
from schemas.fields import INSTANCE_ID, MAIN_TABLE, PARENT_ROW_ID, POSITION, ROW_ID, Form

IbisTable = Any
Tables = Mapping[str, IbisTable]
Sql = Any
Add = Callable[[IbisTable, Tables], IbisTable]


@dataclass(frozen=True, slots=True)
class Derived:
    """A column that is joined to a table first.

    Attributes:
        name: its name: the same for equal meanings.
        kind: its type in the database, as Ibis names it.
        add: the table with that column, from the table and all tables.
    """

    name: str
    kind: str
    add: Add


def derived_name(key: str) -> str:
    """A column name that every database takes, from what the column means."""
    return f"_derived_{hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:16]}"


def keys_of(table: str) -> list[str]:
    """The columns by which a table's row is known."""
    return [INSTANCE_ID] if table == MAIN_TABLE else [INSTANCE_ID, ROW_ID]


def with_ancestor(form: Form, rows: IbisTable, table: str, ancestor: str, tables: Tables) -> IbisTable:
    """The rows with two more columns: `_above`, the row id of their row in a table above, and `_order`, their place.

    `_order` sorts the rows below one ancestor as they stand in the interview.
    """
    if table == ancestor:
        return rows.mutate(_above=rows[ROW_ID] if ROW_ID in rows.columns else ibis.literal(""), _order=ibis.literal(""))
    place = rows[POSITION].cast("string").lpad(6, "0")
    found = rows.mutate(_above=rows[PARENT_ROW_ID], _order=place)
    between = chain(form, table)[1:]
    for level in between[: between.index(ancestor)]:
        upper = tables[level]
        upper = upper.select(
            _join_instance=upper[INSTANCE_ID],
            _join_row=upper[ROW_ID],
            _join_above=upper[PARENT_ROW_ID],
            _join_order=upper[POSITION].cast("string").lpad(6, "0"),
        )
        joined = found.left_join(
            upper, [found[INSTANCE_ID] == upper["_join_instance"], found["_above"] == upper["_join_row"]]
        )
        found = joined.mutate(_above=joined["_join_above"], _order=joined["_join_order"] + joined["_order"]).drop(
            "_join_instance", "_join_row", "_join_above", "_join_order"
        )
    return found


def bring_down(form: Form, table: str, ancestor: str, name: str, value: Callable[[IbisTable], Sql]) -> Add:
    """A step that adds a value of the row above, null where there is none."""

    def add(rows: IbisTable, tables: Tables) -> IbisTable:
        upper = tables[ancestor]
        keys = {f"_join_{key}": upper[key] for key in keys_of(ancestor)}
        values = upper.select(**keys, _join_value=value(upper))
        return join_by_ancestor(form, rows, table, ancestor, values, name, tables)

    return add


def join_by_ancestor(
    form: Form,
    rows: IbisTable,
    table: str,
    ancestor: str,
    values: IbisTable,
    name: str,
    tables: Tables,
    place: str | None = None,
) -> IbisTable:
    """The rows with a column from a table of values by keys of the row above (`_join_*` and `_join_value`).

    Args:
        place: a column of the rows that must equal the values' `_join_place`, if one.
    """
    placed = with_ancestor(form, rows, table, ancestor, tables)
    on = [placed[INSTANCE_ID] == values[f"_join_{INSTANCE_ID}"]]
    if ancestor != MAIN_TABLE:
        on.append(placed["_above"] == values[f"_join_{ROW_ID}"])
    if place is not None:
        on.append(placed[place] == values["_join_place"])
    joined = placed.left_join(values, on)
    return joined.select(*rows.columns, **{name: joined["_join_value"]})


def reduce_below(
    form: Form,
    table: str,
    base: str,
    target: str,
    name: str,
    prepare: Callable[[Tables], IbisTable],
    reduce: Callable[[IbisTable], Sql],
) -> Add:
    """A step that adds one value for all rows of `target` below the own row in `base`, null where there are none.

    Args:
        prepare: the target's rows that count.
        reduce: their value, from the grouped rows.
    """

    def add(rows: IbisTable, tables: Tables) -> IbisTable:
        below = with_ancestor(form, prepare(tables), target, base, tables)
        keys = {f"_join_{INSTANCE_ID}": below[INSTANCE_ID]}
        if base != MAIN_TABLE:
            keys[f"_join_{ROW_ID}"] = below["_above"]
        named = below.mutate(**keys)
        values = named.group_by(list(keys)).aggregate(_join_value=reduce(named))
        return join_by_ancestor(form, rows, table, base, values, name, tables)

    return add
