"""Names of typed tables and columns, and the tables themselves, from a field tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from schemas.fields import MAIN_TABLE, Field, Group, Node, Repeat, Table, walk

WITHOUT_COLUMN: Final = frozenset({"instanceID", "deprecatedID"})
"""Nodes of `meta` that are keys of a row and no answers."""


def name_columns(root: Group) -> Group:
    """The tree with every field's table and column, and every repeat's table.

    A table is named as its repeat, a column as its question; where that isn't unique (in the form, in the table) the
    names of enclosing groups are put before it, joined by "__", until it is. "_" at the start becomes "q_".
    """
    repeats = [node for node in walk(root) if isinstance(node, Repeat)]
    tables = _unique([node.path for node in repeats], taken={MAIN_TABLE})
    columns: dict[str, str] = {}
    for paths in _fields_by_table(root, MAIN_TABLE, tables).values():
        columns |= _unique(paths, taken=set())
    return _renamed(root, MAIN_TABLE, tables, columns)


def _fields_by_table(node: Node, table: str, tables: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, owner in _owners(node, table, tables):
        found.setdefault(owner, []).append(path)
    return found


def _owners(node: Node, table: str, tables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, Field):
        if not _is_key(node.path):
            yield node.path, table
        return
    inner = tables[node.path] if isinstance(node, Repeat) else table
    for child in node.children:
        yield from _owners(child, inner, tables)


def _is_key(path: str) -> bool:
    parts = path.split("/")
    return len(parts) == 4 and parts[2] == "meta" and parts[3] in WITHOUT_COLUMN


def _unique(paths: list[str], taken: set[str]) -> dict[str, str]:
    """Path -> name, unique among themselves and not in `taken`."""
    parts = {path: path.strip("/").split("/") for path in paths}
    depth = dict.fromkeys(paths, 1)
    while True:
        names = {path: _joined(parts[path], depth[path]) for path in paths}
        count = Counter(names.values())
        clashing = [path for path, name in names.items() if count[name] > 1 or name in taken]
        grown = [path for path in clashing if depth[path] < len(parts[path])]
        if not grown:
            break
        for path in grown:
            depth[path] += 1
    # Names that hold "__" themselves may still clash: number those.
    used = set(taken)
    for path in paths:
        name, number = names[path], 2
        while names[path] in used:
            names[path] = f"{name}_{number}"
            number += 1
        used.add(names[path])
    return names


def _joined(parts: list[str], depth: int) -> str:
    name = "__".join(parts[-depth:])
    return f"q{name}" if name.startswith("_") else name


def _renamed(node: Group, table: str, tables: Mapping[str, str], columns: Mapping[str, str]) -> Group:
    return replace(node, children=tuple(_renamed_node(child, table, tables, columns) for child in node.children))


def _renamed_node(node: Node, table: str, tables: Mapping[str, str], columns: Mapping[str, str]) -> Node:
    if isinstance(node, Field):
        return replace(node, table=table, column=columns.get(node.path, ""))
    inner = tables[node.path] if isinstance(node, Repeat) else table
    children = tuple(_renamed_node(child, inner, tables, columns) for child in node.children)
    if isinstance(node, Repeat):
        return replace(node, table=inner, children=children)
    return replace(node, children=children)


def build_tables(root: Group) -> tuple[Table, ...]:
    """The tables of a tree whose columns are named: main first, then repeats in form order."""
    found: list[tuple[str, str, str | None]] = [(MAIN_TABLE, root.path, None)]
    _add_tables(root, MAIN_TABLE, found)
    fields: dict[str, list[Field]] = {name: [] for name, _, _ in found}
    for node in walk(root):
        if isinstance(node, Field) and node.column:
            fields[node.table].append(node)
    return tuple(Table(name, path, parent, tuple(fields[name])) for name, path, parent in found)


def _add_tables(node: Group | Repeat, table: str, found: list[tuple[str, str, str | None]]) -> None:
    for child in node.children:
        if isinstance(child, Repeat):
            found.append((child.table, child.path, table))
            _add_tables(child, child.table, found)
        elif isinstance(child, Group):
            _add_tables(child, table, found)
