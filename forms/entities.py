"""Entities of a form: what its XForm declares, and what a submission asks for.

Format: ODK XForms, "Entities". Which answers may leave an interview this way: docs/decisions/0014.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from forms.envelopes import meta_children, read_submission
from forms.fields.model import plain_path, read_model
from forms.xml_bytes import XmlRefusedError, local_name, read_xml
from schemas.entities import EntityAction
from schemas.errors import FormError

TRUE: Final = frozenset({"1", "true"})

_FILE_LIST: Final = re.compile(rb"""src\s*=\s*["']jr://file-csv/([^"'/]+)\.csv["']""")


@dataclass(frozen=True, slots=True)
class EntityPlan:
    """One kind of entity that a form declares.

    Attributes:
        list_name: the list.
        path: path of the node whose `meta` declares it: the form's root, or a repeat (an entity a row).
        properties: (path of the question, property), in form order.
    """

    list_name: str
    path: str
    properties: tuple[tuple[str, str], ...]

    @property
    def label_path(self) -> str:
        """Path of the label's node."""
        return f"{self.path}/meta/entity/label"


def read_entity_plans(xform: bytes) -> tuple[EntityPlan, ...]:
    """The entities that an XForm declares; none for most forms.

    Raises:
        FormError: FRM-020, FRM-021, no XForm.
    """
    if b"<entity" not in xform and b":entity" not in xform:
        return ()
    try:
        model = read_model(read_xml(xform))
    except XmlRefusedError as error:
        raise FormError("FRM-020", f"The XForm can't be read: {error}.", "Compile it again.") from error
    declared = dict(_declared(model.root, f"/{local_name(model.root)}"))
    saved: dict[str, list[tuple[str, str]]] = {path: [] for path in declared}
    for path, bind in model.binds.items():
        owner = _owner(plain_path(path), declared)
        if owner is not None and (name := bind.get("saveto", "").strip()):
            saved[owner].append((plain_path(path), name))
    return tuple(EntityPlan(name, path, tuple(saved[path])) for path, name in declared.items())


def _declared(element: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    for child in element:
        if local_name(child) == "meta":
            for node in child:
                if local_name(node) == "entity" and node.get("dataset"):
                    yield path, node.get("dataset", "")
        else:
            yield from _declared(child, f"{path}/{local_name(child)}")


def _owner(path: str, declared: dict[str, str]) -> str | None:
    """The innermost node with an entity above a path."""
    above = [place for place in declared if path.startswith(f"{place}/")]
    return max(above, key=len, default=None)


def attached_lists(xform: bytes) -> tuple[str, ...]:
    """Names of the CSV files (without ".csv") that a form chooses from: each may be a list of entities.

    >>> attached_lists(b'<instance id="trees" src="jr://file-csv/trees.csv"/>')
    ('trees',)
    """
    # Read as text: a server asks this of every form it offers, also of one whose XML it would not understand.
    names = (html.unescape(name.decode("utf-8", "replace")) for name in _FILE_LIST.findall(xform))
    return tuple(dict.fromkeys(names))


def read_entity_actions(plans: Sequence[EntityPlan], xml: bytes) -> list[EntityAction]:
    """What a submission asks for, in its order. Empty for an edit: what it changes is for a person to carry over.

    Raises:
        SubmissionError: SUB-001 to SUB-007, no submission.
    """
    if not plans:
        return []
    root = read_submission(xml)
    if any(local_name(child) == "deprecatedID" and (child.text or "").strip() for child in meta_children(root)):
        return []
    found = []
    for plan in plans:
        for place in _nodes(root, plan.path.split("/")[2:]):
            entity = next((node for node in meta_children(place) if local_name(node) == "entity"), None)
            if entity is not None:
                found.append(_action(plan, place, entity))
    return [action for action in found if action.create or action.update]


def _nodes(element: etree._Element, steps: Sequence[str]) -> Iterator[etree._Element]:
    if not steps:
        yield element
        return
    for child in element:
        if local_name(child) == steps[0]:
            yield from _nodes(child, steps[1:])


def _action(plan: EntityPlan, place: etree._Element, entity: etree._Element) -> EntityAction:
    data = {}
    for path, name in plan.properties:
        node = next(_nodes(place, path.removeprefix(f"{plan.path}/").split("/")), None)
        if node is not None:
            data[name] = (node.text or "").strip()
    label = next((node.text or "" for node in entity if local_name(node) == "label"), "")
    return EntityAction(
        list_name=plan.list_name,
        uuid=entity.get("id", "").strip(),
        create=entity.get("create", "").strip() in TRUE,
        update=entity.get("update", "").strip() in TRUE,
        label=label.strip(),
        data=data,
        base_version=_number(entity.get("baseVersion", "")),
        trunk_version=_number(entity.get("trunkVersion", "")),
        branch_id=entity.get("branchId", "").strip(),
    )


def _number(text: str) -> int | None:
    bare = text.strip()
    return int(bare) if bare.isascii() and bare.isdecimal() and len(bare) < 10 else None
