"""The `body` of an XForm: who is asked what, with which choices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from forms.fields.model import Model, children, label_text, plain_path
from forms.xml_bytes import local_name
from schemas.fields import Choice, SecondaryInstance
from schemas.text import DEFAULT_LANGUAGE, Text

CONTROLS: Final = frozenset({"input", "secret", "select1", "select", "rank", "range", "trigger", "upload"})

_INSTANCE = re.compile(r"""instance\(\s*['"]([^'"]+)['"]\s*\)""")
_NOT_PARAMETERS: Final = frozenset({"ref", "nodeset", "bind", "appearance", "mediatype", "class"})


@dataclass(frozen=True, slots=True)
class Control:
    """One control of the body, or a group's element, by the path it stands for."""

    kind: str
    label: Text = field(default_factory=dict)
    hint: Text = field(default_factory=dict)
    appearance: str = ""
    media_type: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    list_name: str | None = None
    itemset: str | None = None
    value_ref: str = "name"


@dataclass(slots=True)
class Body:
    """What the body says.

    Attributes:
        controls: path -> control, of questions.
        groups: path -> label and appearance, of groups and repeats.
        repeats: path -> expression of its count, null if free.
    """

    controls: dict[str, Control] = field(default_factory=dict)
    groups: dict[str, Control] = field(default_factory=dict)
    repeats: dict[str, str | None] = field(default_factory=dict)


def read_body(html: etree._Element, model: Model) -> Body:
    """Read every control, group and repeat of the body; references may be relative to the enclosing group."""
    body = Body()
    for element in (child for child in html if local_name(child) == "body"):
        _read_children(element, f"/{local_name(model.root)}", model, body)
    return body


def _read_children(parent: etree._Element, context: str, model: Model, body: Body) -> None:
    for element in parent:
        name = local_name(element)
        if name in CONTROLS:
            path = _path(element, context, model)
            body.controls.setdefault(path, _read_control(element, name, model))
        elif name == "group":
            path = _path(element, context, model)
            if path != context or element.get("ref"):
                label = label_text(next(iter(children(element, "label")), None), model)
                body.groups[path] = Control("group", label, appearance=element.get("appearance", ""))
            _read_children(element, path, model, body)
        elif name == "repeat":
            path = _path(element, context, model)
            count = next((str(value) for key, value in element.attrib.items() if str(key).endswith("}count")), None)
            body.repeats[path] = count.strip() if count else None
            if element.get("appearance") and path in body.groups:
                group = body.groups[path]
                appearance = f"{group.appearance} {element.get('appearance')}".strip()
                body.groups[path] = Control("group", group.label, appearance=appearance)
            _read_children(element, path, model, body)


def _path(element: etree._Element, context: str, model: Model) -> str:
    if bind := element.get("bind"):
        return model.bind_paths.get(bind, context)
    reference = plain_path(element.get("ref", element.get("nodeset", "")))
    if not reference:
        return context
    if reference.startswith("/"):
        return reference
    parts = context.split("/")
    for step in reference.split("/"):
        if step == "..":
            parts.pop()
        elif step != ".":
            parts.append(step)
    return "/".join(parts)


def _read_control(element: etree._Element, name: str, model: Model) -> Control:
    itemset = next(iter(children(element, "itemset")), None)
    nodeset = itemset.get("nodeset", "").strip() if itemset is not None else None
    instance = _itemset_instance(nodeset, model)
    value_ref = _child_ref(itemset, "value", "name")
    label_ref = _child_ref(itemset, "label", "label")
    if instance is not None:
        choices = tuple(_instance_choice(item, value_ref, label_ref, model) for item in instance.items)
    else:
        choices = tuple(_inline_choice(item, model) for item in children(element, "item"))
    return Control(
        kind="input" if name == "secret" else name,
        label=label_text(next(iter(children(element, "label")), None), model),
        hint=label_text(next(iter(children(element, "hint")), None), model),
        appearance=element.get("appearance", ""),
        media_type=element.get("mediatype", ""),
        parameters={
            key: str(value)
            for attribute, value in element.attrib.items()
            if (key := str(attribute).rpartition("}")[2]) not in _NOT_PARAMETERS
        },
        choices=choices if name in {"select1", "select", "rank"} else (),
        list_name=_instance_id(nodeset),
        itemset=nodeset,
        value_ref=value_ref,
    )


def _instance_id(nodeset: str | None) -> str | None:
    found = _INSTANCE.search(nodeset or "")
    return found.group(1) if found else None


def _itemset_instance(nodeset: str | None, model: Model) -> SecondaryInstance | None:
    name = _instance_id(nodeset)
    return model.instances.get(name) if name else None


def _child_ref(itemset: etree._Element | None, name: str, default: str) -> str:
    child = next(iter(children(itemset, name)), None) if itemset is not None else None
    return child.get("ref", default).strip() if child is not None else default


def _instance_choice(item: Mapping[str, str], value_ref: str, label_ref: str, model: Model) -> Choice:
    text_child = re.sub(r"^jr:itext\((.*)\)$", r"\1", label_ref).strip()
    shown = item.get(text_child, "")
    label = (
        dict(model.texts.get(shown, {})) if text_child != label_ref else ({DEFAULT_LANGUAGE: shown} if shown else {})
    )
    further = {key: text for key, text in item.items() if key not in {value_ref, text_child}}
    return Choice(value=item.get(value_ref, ""), label=label, columns=further)


def _inline_choice(item: etree._Element, model: Model) -> Choice:
    value = next(iter(children(item, "value")), None)
    label = label_text(next(iter(children(item, "label")), None), model)
    return Choice(value=("".join(map(str, value.itertext())).strip() if value is not None else ""), label=label)
