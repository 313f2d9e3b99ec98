"""A form compiled once into a walk over its submissions: tag -> slot, group or repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.fields import Field, Form, Group, Repeat, Table

UNKNOWN: Final = -1
"""What a tag leads to that the form doesn't have."""
IGNORED: Final = -2
"""What a tag leads to that has no column by intention (`meta/instanceID`)."""


@dataclass(slots=True)
class Section:
    """Where the children of a group, repeat or the root go.

    Attributes:
        entries: tag -> slot in the table's row, or a section, or `UNKNOWN` or `IGNORED`. Tags with a namespace are
            added as they are met.
        repeat: index of the repeat's table, null for a group.
        name: node name, for row ids.
    """

    path: str
    name: str
    entries: dict[str, int | Section] = field(default_factory=dict)
    repeat: int | None = None

    def resolve(self, tag: str) -> int | Section:
        """Where a tag leads that isn't among the entries: by its name without namespace."""
        entry = self.entries.get(tag.rpartition("}")[2], UNKNOWN) if tag.startswith("{") else UNKNOWN
        if len(self.entries) < 10_000:  # tags come from outside: don't remember any number of them
            self.entries[tag] = entry
        return entry


@dataclass(frozen=True, slots=True)
class Plan:
    """The compiled walk.

    Attributes:
        root: section of the instance's root.
        tables: the form's tables; a repeat's index in them is `Section.repeat`.
    """

    root: Section
    tables: tuple[Table, ...]


def plan_form(form: Form) -> Plan:
    """Compile the walk of a form."""
    indices = {table.name: index for index, table in enumerate(form.tables)}
    slots = {question.path: slot for table in form.tables for slot, question in enumerate(table.fields)}
    return Plan(_section(form.root, indices, slots), form.tables)


def _section(node: Group | Repeat, indices: Mapping[str, int], slots: Mapping[str, int]) -> Section:
    section = Section(node.path, node.name, repeat=indices[node.table] if isinstance(node, Repeat) else None)
    for child in node.children:
        if isinstance(child, Field):
            section.entries[child.name] = slots.get(child.path, IGNORED)
        else:
            section.entries[child.name] = _section(child, indices, slots)
    return section
