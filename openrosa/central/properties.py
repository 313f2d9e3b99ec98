"""The rows of a table as nested values: groups, repeats within their parents, and only what `$select` names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from openrosa.central.answers import UNEXPECTED, Refused
from openrosa.central.frames import ID, SYSTEM, SYSTEM_TYPES, Tables, system_struct
from openrosa.central.shapes import Entity, Shape, identifier
from openrosa.central.values import as_odata
from schemas.fields import Field, Group, Repeat


@dataclass(frozen=True, slots=True)
class Selection:
    """What of each row is wanted; no paths is everything."""

    paths: frozenset[str]
    in_wkt: bool

    @classmethod
    def read(cls, shape: Shape, entity: Entity, text: str, in_wkt: bool) -> Selection:
        """The selection of a `$select`.

        Raises:
            Refused: 400.8, a property that there isn't.
        """
        asked = [path.strip() for path in text.split(",") if path.strip() not in {"", "*"}]
        known = {ID, *(path for path, _ in shape.leaves(entity.root))}
        known |= {SYSTEM, *(f"{SYSTEM}/{name}" for name in SYSTEM_TYPES)} if entity.is_main else {entity.parent_key}
        known |= {"/".join(shape.of_repeat(repeat).path[len(entity.path) :]) for repeat in shape.repeats(entity.root)}
        groups = {path[:index] for path in known for index, letter in enumerate(path) if letter == "/"}
        for path in asked:
            if path not in known and path not in groups:
                raise Refused(UNEXPECTED, f"$select: there is no property {path!r} in {entity.name}.")
        return cls(frozenset(asked), in_wkt)

    def has(self, path: str) -> bool:
        """Whether a property is wanted, by itself or with a group that it stands in."""
        return not self.paths or any(path == asked or path.startswith(asked + "/") for asked in self.paths)

    @property
    def whole(self) -> Selection:
        """Everything, with positions written the same way: for the rows of expanded repeats."""
        return Selection(frozenset(), self.in_wkt)


def _link(entity: Entity, path: tuple[str, ...]) -> pl.Expr:
    """Where the rows of a repeat of this row are."""
    key = pl.col(ID).str.replace_all("'", "''", literal=True)
    return pl.concat_str(pl.lit(f"{entity.name}('"), key, pl.lit(f"')/{'/'.join(path)}"))


def _properties(
    tables: Tables, entity: Entity, node: Group | Repeat, path: tuple[str, ...], selection: Selection, expand: bool
) -> Iterator[pl.Expr]:
    schema = tables.schema(entity)
    for child in tables.shape.children(node):
        name = identifier(child.name)
        here = (*path, name)
        if isinstance(child, Group):
            inner = list(_properties(tables, entity, child, here, selection, expand))
            if inner:
                yield pl.struct(*inner).alias(name)
        elif not selection.has("/".join(here)):
            continue
        elif isinstance(child, Field):
            yield as_odata(child, schema[child.column], selection.in_wkt).alias(name)
        else:
            yield _link(entity, here).alias(f"{name}@odata.navigationLink")
            if expand:
                yield pl.col(f"__rows_{child.table}").alias(name)


def row_values(tables: Tables, entity: Entity, selection: Selection, expand: bool) -> list[pl.Expr]:
    """The properties of a row, to be selected from the rows of a table."""
    found = []
    if selection.has(ID):
        found.append(pl.col(ID))
    if entity.is_main:
        names = [name for name in SYSTEM_TYPES if selection.has(f"{SYSTEM}/{name}")]
        if names:
            found.append(system_struct(names).alias(SYSTEM))
    elif selection.has(entity.parent_key):
        found.append(pl.col("__parent").alias(entity.parent_key))
    found += _properties(tables, entity, entity.root, (), selection, expand)
    return found


def expand_repeats(tables: Tables, entity: Entity, rows: pl.LazyFrame, selection: Selection) -> pl.LazyFrame:
    """The rows with a column `__rows_TABLE` for each repeat below them, a list that may be empty.

    Args:
        tables: of the form.
        entity: whose rows they are.
        rows: only those that are wanted: the rows of repeats are read for them alone.
        selection: how positions are written; repeats come whole.
    """
    for repeat in tables.shape.repeats(entity.root):
        child = tables.shape.of_repeat(repeat)
        below = tables.frame(child).join(rows.select(pl.col(ID).alias("__parent")), on="__parent", how="semi")
        below = expand_repeats(tables, child, below, selection)
        name = f"__rows_{repeat.table}"
        value = pl.struct(*row_values(tables, child, selection.whole, True)).alias(name)
        lists = below.select(pl.col("__parent").alias(ID), value).group_by(ID, maintain_order=True).agg(pl.col(name))
        rows = rows.join(lists, on=ID, how="left", maintain_order="left")
        rows = rows.with_columns(pl.col(name).fill_null([]))
    return rows
