"""Whole forms of the conformance cases: what an XForm gives to a scope, and its calculations over a final instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from expressions.instance import Element
from expressions.mixed_reading import read_mixed
from expressions.profiles import Profile
from expressions.records import compile_lazily, to_string
from expressions.scope import Scope
from expressions.stored import store_text
from expressions.syntax import Call, walk
from schemas.errors import ExpressionError

_CHANGING = frozenset(("random", "uuid", "now", "today", "once", "randomize", "property", "version"))
"""Functions whose value at another time is another."""


def read_form_scope(form_xml: str, root: Element, now: datetime) -> Scope:
    """A scope over a submission with the lists, types, choice labels and texts of its form.

    Raises:
        ExpressionError: EXP-040, when the form isn't well-formed XML; EXP-043, when it has no model.
    """
    model, body = _parts(form_xml)
    instances = {
        found.attributes["id"]: found.children[0]
        for found in model.by_name.get("instance", [])[1:]
        if found.children and "id" in found.attributes
    }
    texts = _texts(model)
    labels = dict(_labels(body, instances, texts))
    return Scope(
        root,
        now,
        instances=instances,
        types=dict(_bound(model, "type")),
        references={node.name: node.path for node in reversed(list(root.walk()))},
        labels=lambda path, value: labels.get((path.strip(), value)) or _by_name(labels, path, value),
        itext=lambda text_id: texts.get(text_id, ""),
        version=root.attributes.get("version", ""),
    )


def evaluate_form(case: Mapping[str, Any], profile: Profile, now: datetime) -> dict[str, Any]:
    """Compute a form's calculations again over the final instance that its engine produced.

    Returns:
        `value`: path with places -> text, of each calculation that comes out otherwise than it was stored (none: they
        all agree); `type` "calculations"; `computed`: how many were computed. What differs each time (`now()`,
        `random()`) isn't.

    Raises:
        ExpressionError: EXP-040, EXP-043.
    """
    if not case.get("form_xml") or not case.get("final_instance_xml"):
        raise ExpressionError("EXP-043", "The case has no expression, and no form with a final instance.", "Add one.")
    root = Element.from_xml(_unlisted(str(case["final_instance_xml"])))
    scope = read_form_scope(str(case["form_xml"]), root, now)
    model, _ = _parts(str(case["form_xml"]))
    types = dict(_bound(model, "type"))
    differing: dict[str, str] = {}
    computed = 0
    for path, text in _bound(model, "calculate"):
        expr = compile_lazily(text, profile)
        if any(isinstance(part, Call) and part.name in _CHANGING for part in walk(expr.tree)):
            continue
        for node in (node for node in root.walk() if node.path == path):
            computed += 1
            try:
                value = expr.evaluate(node, scope)
                found = (
                    store_text(value, types.get(path, ""), now.tzinfo)
                    if profile is Profile.JAVAROSA
                    else to_string(value, profile)
                )
            except ExpressionError as error:
                found = str(error)
            if found != node.text:
                differing[f"{path}[{node.position}]"] = found
    return {"value": differing, "type": "calculations", "computed": computed}


def _unlisted(xml: str) -> bytes:
    """The document as bytes, without a declaration of another encoding than it has now."""
    text = xml.strip()
    return (text.partition("?>")[2] if text.startswith("<?xml") else text).encode()


def _parts(form_xml: str) -> tuple[Element, Element]:
    top = read_mixed(form_xml.strip().encode())
    html = top.children[0]
    head, body = html.child("head"), html.child("body")
    model = head.child("model") if head is not None else None
    if model is None or not model.by_name.get("instance"):
        raise ExpressionError("EXP-043", "The case's form has no model with an instance.", "Give it an XForm.")
    return model, body if body is not None else Element("body")


def _bound(model: Element, attribute: str) -> Iterator[tuple[str, str]]:
    for bind in model.by_name.get("bind", []):
        value = bind.attributes.get(attribute)
        if value:
            yield bind.attributes.get("nodeset", "").strip(), value.removeprefix("xsd:")


def _texts(model: Element) -> dict[str, str]:
    itext = model.child("itext")
    translations = itext.by_name.get("translation", []) if itext is not None else []
    chosen = next((found for found in translations if "default" in found.attributes), None)
    found: dict[str, str] = {}
    for translation in [chosen] if chosen is not None else translations[:1]:
        for text in translation.by_name.get("text", []):
            value = text.child("value")
            found[text.attributes.get("id", "")] = value.string_value() if value is not None else ""
    return found


def _labels(
    body: Element, instances: Mapping[str, Element], texts: Mapping[str, str]
) -> Iterator[tuple[tuple[str, str], str]]:
    """((path of the select, choice), label) of every select, from its own choices or those of its list."""
    for select in body.walk():
        if select.name not in {"select", "select1", "rank"}:
            continue
        path = select.attributes.get("ref", "").strip()
        for item in select.by_name.get("item", []):
            value, label = item.child("value"), item.child("label")
            if value is not None and label is not None:
                shown = texts.get(_text_id(label.attributes.get("ref", "")), "") or label.string_value()
                yield (path, value.string_value()), shown
        for itemset in select.by_name.get("itemset", []):
            yield from _list_labels(path, itemset, instances, texts)


def _list_labels(
    path: str, itemset: Element, instances: Mapping[str, Element], texts: Mapping[str, str]
) -> Iterator[tuple[tuple[str, str], str]]:
    value, label = itemset.child("value"), itemset.child("label")
    name = itemset.attributes.get("nodeset", "").partition("instance('")[2].partition("'")[0]
    if value is None or label is None or name not in instances:
        return
    code_name, shown = value.attributes.get("ref", ""), label.attributes.get("ref", "")
    label_name = _text_id(shown)
    for item in instances[name].children:
        code, text = item.child(code_name), item.child(label_name)
        if code is not None and text is not None:
            read = text.string_value()
            yield (path, code.string_value()), texts.get(read, "") if "itext(" in shown else read


def _text_id(reference: str) -> str:
    return reference.removeprefix("jr:itext(").removesuffix(")").strip("'\" ")


def _by_name(labels: Mapping[tuple[str, str], str], path: str, value: str) -> str:
    """A path that is relative, or names positions, is known by its last name."""
    name = path.strip().rpartition("/")[2]
    return next(
        (label for (known, code), label in labels.items() if code == value and known.rpartition("/")[2] == name), ""
    )
