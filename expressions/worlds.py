"""What every submission of a form shares when its expressions are evaluated: lists, names, types, labels and files."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from expressions.instance import Element
from expressions.scope import Scope
from expressions.values import EPOCH_TIME
from schemas.fields import Form
from schemas.text import pick


@dataclass(frozen=True, slots=True)
class _World:
    """What every submission of a form shares: its lists, names, types, labels and files."""

    form: Form
    lists: Mapping[str, Element]
    references: Mapping[str, str]
    types: Mapping[str, str]
    labels: Callable[[str, str], str]
    files: Mapping[str, Sequence[Mapping[str, str]]]


_KEPT = 8
"""Forms whose worlds are kept: building one costs more than evaluating most expressions."""

_WORLDS: OrderedDict[int, _World] = OrderedDict()
"""By the form's identity; each holds its form, so that no other takes its id."""


def _world_of(form: Form) -> _World:
    world = _WORLDS.get(id(form))
    if world is None:
        fields = list(form.fields())
        references = {field.name: field.path for field in reversed(fields)}
        repeats = [table for table in form.tables if table.parent is not None]
        references |= {table.path.rpartition("/")[2]: table.path for table in repeats}
        lists = {name: _list_tree(instance.items) for name, instance in form.instances.items()}
        types = {field.path: field.type for field in fields}
        world = _WORLDS[id(form)] = _World(form, lists, references, types, choice_labels(form), media_rows(form))
        while len(_WORLDS) > _KEPT:
            _WORLDS.popitem(last=False)
    return world


def make_scope(form: Form, root: Element, zone: str) -> Scope:
    """The scope of a form's submissions; its root and clock are set for each."""
    world = _world_of(form)
    return Scope(
        root,
        EPOCH_TIME.astimezone(ZoneInfo(zone)),
        instances=world.lists,
        references=world.references,
        types=world.types,
        labels=world.labels,
        files=world.files,
        version=form.version,
    )


def _list_tree(items: tuple[Mapping[str, str], ...]) -> Element:
    root = Element("root")
    for item in items:
        node = root.append(Element("item"))
        for name, text in item.items():
            node.append(Element(name, text))
    return root


def choice_labels(form: Form) -> Callable[[str, str], str]:
    """A function of a select's path (or its name) and a choice's code: the label in the form's first language."""
    labels = {
        (field.path, choice.value): pick(choice.label, form.languages[0])
        for field in form.fields()
        for choice in field.choices
    }
    names = {(path.rpartition("/")[2], value): label for (path, value), label in labels.items()}

    def label(path: str, value: str) -> str:
        return labels.get((path, value)) or names.get((path.rpartition("/")[2].strip(), value), "")

    return label


def media_rows(form: Form) -> dict[str, tuple[Mapping[str, str], ...]]:
    """The rows of the form's CSV files by file name, for `pulldata`."""
    files = {}
    for instance in form.instances.values():
        if instance.src and instance.src.endswith(".csv"):
            files[instance.src.rpartition("/")[2]] = instance.items
    return files
