"""How a form's typed tables look as OData: entity sets, properties, and which column each property has.

`Submissions` is the main table; a repeat's table is named by its path, `Submissions.roster.person`. Groups are complex
values, so a property's path is that of its question without the root: `cover/dwelling`. Personal questions are absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from openrosa.central.answers import UNKNOWN, Refused
from openrosa.central.definitions import personal_paths
from schemas.fields import MAIN_TABLE, Field, Form, Group, Node, Repeat, Table

SUBMISSIONS = "Submissions"


def identifier(name: str) -> str:
    """A name as OData allows it: letters, digits and underscores, not beginning with a digit.

    >>> identifier("edad.años"), identifier("2nd-visit")
    ('edad_años', '_2nd_visit')
    """
    plain = "".join(letter if letter.isalnum() or letter == "_" else "_" for letter in name)
    return f"_{plain}" if plain[:1].isdigit() else plain


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity set.

    Attributes:
        name: of the set, `Submissions.roster.person`.
        table: of the store.
        path: names from the root to the repeat, empty for the main table.
        parent: the enclosing entity's name, null for the main table.
        root: the group or repeat whose children are its properties.
    """

    name: str
    table: str
    path: tuple[str, ...]
    parent: str | None
    root: Group | Repeat

    @property
    def is_main(self) -> bool:
        """Whether it has one row an interview."""
        return self.parent is None

    @property
    def parent_key(self) -> str:
        """The property that holds the id of the parent's row, `__Submissions-roster-person-id`."""
        return f"__{(self.parent or '').replace('.', '-')}-id"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The entity sets of a form, main first, and what must not be shown. Two shapes are equal if they are the same."""

    form: Form
    entities: tuple[Entity, ...]
    hidden: frozenset[str]

    def entity(self, name: str) -> Entity:
        """The entity set of that name; a repeat's own table name will do as well.

        Raises:
            Refused: 404.1, there is none.
        """
        for entity in self.entities:
            if name in {entity.name, f"{SUBMISSIONS}.{entity.table}"}:
                return entity
        names = [entity.name for entity in self.entities]
        raise Refused(UNKNOWN, "There is no such table in this form.", {"expected": names})

    def children(self, node: Group | Repeat) -> Iterator[Node]:
        """What stands below a node, in form order, without what must not be shown and without empty groups."""
        for child in node.children:
            if isinstance(child, Group):
                if any(True for _ in self.children(child)):
                    yield child
            elif child.path not in self.hidden and (isinstance(child, Repeat) or child.column):
                yield child

    def leaves(self, node: Group | Repeat, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Field]]:
        """Property path and field of every question below a node, those of repeats not included."""
        for child in self.children(node):
            if isinstance(child, Field):
                yield "/".join((*path, identifier(child.name))), child
            elif isinstance(child, Group):
                yield from self.leaves(child, (*path, identifier(child.name)))

    def repeats(self, node: Group | Repeat) -> Iterator[Repeat]:
        """The repeats right below a node, through its groups."""
        for child in self.children(node):
            if isinstance(child, Repeat):
                yield child
            elif isinstance(child, Group):
                yield from self.repeats(child)

    def of_repeat(self, repeat: Repeat) -> Entity:
        """A repeat's entity set."""
        return next(entity for entity in self.entities if entity.table == repeat.table)


def read_shape(form: Form) -> Shape:
    """The entity sets of a form."""
    main = Entity(SUBMISSIONS, MAIN_TABLE, (), None, form.root)
    hidden = personal_paths(form)
    found = [main]
    names = {MAIN_TABLE: SUBMISSIONS}
    nodes = {node.path: node for node in _repeats(form.root)}
    for table in form.tables:
        if table.name == MAIN_TABLE:
            continue
        entity = _entity(form, table, names, nodes[table.path])
        names[table.name] = entity.name
        found.append(entity)
    return Shape(form, tuple(found), hidden)


def _repeats(node: Node) -> Iterator[Repeat]:
    if isinstance(node, Field):
        return
    if isinstance(node, Repeat):
        yield node
    for child in node.children:
        yield from _repeats(child)


def _entity(form: Form, table: Table, names: dict[str, str], repeat: Repeat) -> Entity:
    path = tuple(map(identifier, table.path.removeprefix(form.root.path).strip("/").split("/")))
    return Entity(".".join((SUBMISSIONS, *path)), table.name, path, names[table.parent or MAIN_TABLE], repeat)
