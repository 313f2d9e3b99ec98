"""A form compiled once into a walk over its submissions.

Submissions of one form nearly always carry the same nodes in the same order. So the walk looks at the tags of a whole
section at once: the first time it works out where each of them goes (a `Layout`), later it only looks that up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.fields import Field, Form, Group, Repeat, Table

UNKNOWN: Final = -1
"""Slot of a node that the form doesn't have."""
IGNORED: Final = -2
"""Slot of a node that has no column by intention (`meta/instanceID`)."""

META: Final = frozenset(
    ("instanceID", "instanceName", "deprecatedID", "timeStart", "timeEnd", "userID", "deviceID", "email", "phoneNumber")
)
"""Nodes that OpenRosa allows in `meta`, also where the form doesn't have them (an edit adds `deprecatedID`)."""

MAX_LAYOUTS: Final = 2_000
"""Layouts remembered for a section. Tags come from outside: don't remember any number of them."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the children of one section go, for one sequence of tags.

    Attributes:
        moves: position among the children and slot in the row, of the questions met.
        is_plain: whether the children are exactly the row's questions, in order.
        sections: position and section of the groups and repeats met.
        unknown: positions of nodes that the form doesn't have.
        doubled: position and slot of questions that were already met.
    """

    moves: tuple[tuple[int, int], ...]
    is_plain: bool
    sections: tuple[tuple[int, Section], ...]
    unknown: tuple[int, ...]
    doubled: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Section:
    """A group, a repeat or the root.

    Attributes:
        entries: node name -> slot in the table's row, or a section, or `IGNORED`.
        repeat: index of the repeat's table, null for a group.
        name: node name, for row ids.
        width: number of columns of the table that the children go to.
    """

    path: str
    name: str
    width: int
    repeat: int | None = None
    entries: dict[str, int | Section] = field(default_factory=dict)
    layouts: dict[tuple[str, ...], Layout] = field(default_factory=dict)

    def lay_out(self, tags: Sequence[str]) -> Layout:
        """Work out where children with these tags go; namespaces are disregarded."""
        moves: list[tuple[int, int]] = []
        sections: list[tuple[int, Section]] = []
        unknown: list[int] = []
        doubled: list[tuple[int, int]] = []
        seen: set[int] = set()
        for position, tag in enumerate(tags):
            entry = self.entries.get(tag.rpartition("}")[2], UNKNOWN)
            if isinstance(entry, Section):
                sections.append((position, entry))
            elif entry == UNKNOWN:
                unknown.append(position)
            elif entry in seen:
                doubled.append((position, entry))
            elif entry != IGNORED:
                seen.add(entry)
                moves.append((position, entry))
        is_plain = moves == [(slot, slot) for slot in range(self.width)] and len(tags) == self.width
        layout = Layout(tuple(moves), is_plain, tuple(sections), tuple(unknown), tuple(doubled))
        if len(self.layouts) < MAX_LAYOUTS:
            self.layouts[tuple(tags)] = layout
        return layout


def plan_form(form: Form) -> Section:
    """Compile the walk of a form: the section of its root."""
    indices = {table.name: index for index, table in enumerate(form.tables)}
    slots = {question.path: slot for table in form.tables for slot, question in enumerate(table.fields)}
    root = _section(form.root, form.tables, 0, indices, slots)
    meta = root.entries.setdefault("meta", Section(f"{root.path}/meta", "meta", root.width))
    if isinstance(meta, Section):
        for name in META:
            meta.entries.setdefault(name, IGNORED)
    return root


def _section(
    node: Group | Repeat, tables: Sequence[Table], table: int, indices: Mapping[str, int], slots: Mapping[str, int]
) -> Section:
    repeat = indices[node.table] if isinstance(node, Repeat) else None
    table = table if repeat is None else repeat
    section = Section(node.path, node.name, len(tables[table].fields), repeat)
    for child in node.children:
        if isinstance(child, Field):
            section.entries[child.name] = slots.get(child.path, IGNORED)
        else:
            section.entries[child.name] = _section(child, tables, table, indices, slots)
    return section
