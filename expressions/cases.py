"""Conformance cases: one expression in one document with one engine's meaning; and one-off evaluation on a submission.

>>> evaluate_case({"expr": "/data/a + 1", "context_xml": "<data><a>2</a></data>", "type": "number"})
{'value': 3.0, 'type': 'number'}
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from expressions.case_forms import evaluate_form, read_form_scope
from expressions.case_nodes import find_node, name_node
from expressions.instance import Element
from expressions.mixed_reading import read_mixed
from expressions.profiles import Profile
from expressions.records import NodeSet, Value, compile_lazily, compile_record, to_boolean, to_number, to_string
from expressions.scope import Scope
from expressions.script_dates import script_number_of
from expressions.stored import store_text
from expressions.values import unpack
from schemas.errors import ExpressionError


def evaluate_case(case: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]:
    """Evaluate one case.

    Args:
        case: `expr`; `context_xml` (null: an empty document) and `context_node` (path of the context node, null: the
            root); optional `engine` (javarosa, webforms, enketo; else javarosa), `tz` (name of the time zone, else
            UTC), and `type`: what the value is to be converted to (boolean, number, string, nodeset, or one of these
            with a suffix: "number-rounded:100", "string-matches", "string-stored:int"). Without `type` the value
            keeps its own. `form_xml`: the XForm of the document, whose lists, types, labels and texts are known then.
            Without `expr`: `form_xml` and `final_instance_xml`, whose calculations are computed again.
        now: the moment of `now()`; the clock's if null.

    Returns:
        `{"value", "type"}` with type boolean, number, string, date, dateTime or nodeset (a list of paths with
        positions); NaN and infinities are the texts "NaN", "Infinity", "-Infinity". Or `{"error"}` with code and
        sentence, if the expression can't be read or evaluated.
    """
    try:
        profile = Profile(str(case.get("engine") or "javarosa"))
        zone = ZoneInfo(str(case.get("tz") or "UTC"))
    except (ValueError, ZoneInfoNotFoundError) as error:
        return {"error": f"EXP-041 The case names an engine or time zone that doesn't exist: {error}."}
    try:
        moment = (now or datetime.now(UTC)).astimezone(zone)
        if "expr" not in case:
            return evaluate_form(case, profile, moment)
        top = _read_document(case.get("context_xml"), profile)
        scope = _make_scope(top, moment)
        if case.get("form_xml"):
            scope = read_form_scope(str(case["form_xml"]), scope.root, moment)
        node = find_node(top, case.get("context_node"), scope.root)
        value = compile_lazily(str(case["expr"]), profile).evaluate(node, scope)
        return _convert(value, str(case.get("type") or ""), profile, scope)
    except ExpressionError as error:
        return {"error": str(error)}


def evaluate_on_submission(expr: str, xml: bytes, now: datetime | None = None) -> dict[str, Any]:
    """Evaluate an expression with the root of a submission as context.

    Without the form nothing is known of types: every answer is text, by JavaRosa's rules for such. `${name}` is the
    question of that name wherever it stands in the submission.

    Returns:
        As `evaluate_case`.
    """
    try:
        root = Element.from_xml(xml)
        scope = Scope(root, now or datetime.now(UTC), references=references_of(root))
        value = compile_record(expr).evaluate(root, scope)
        return _convert(value, "", Profile.JAVAROSA, scope)
    except ExpressionError as error:
        return {"error": str(error)}


def references_of(root: Element) -> dict[str, str]:
    """Name -> path of every node; of two with one name the shallower, then the earlier, wins."""
    found: dict[str, str] = {}
    for node in sorted(root.walk(), key=lambda node: node.path.count("/")):
        found.setdefault(node.name, node.path)
    return found


def _read_document(xml: str | None, profile: Profile) -> Element:
    text = (xml or "<data/>").strip().encode()
    return Element.from_xml(text) if profile is Profile.JAVAROSA else read_mixed(text)


def _make_scope(top: Element, now: datetime) -> Scope:
    """The scope of a document: of a whole XForm its instances and texts, else the document itself."""
    root = top if top.kind != "document" else top.children[0]
    namespaces = {"xhtml": "http://www.w3.org/1999/xhtml", "ev": "http://some-namespace.com/nss"}
    model = _find_model(root)
    if model is None:
        return Scope(root, now, namespaces=namespaces, random=random.Random(1))  # noqa: S311 - not for secrets
    instances = model.by_name.get("instance", [])
    named = {found.attributes.get("id", ""): found.children[0] for found in instances if found.children}
    namespaces[""] = "http://www.w3.org/2002/xforms"
    return Scope(
        instances[0].children[0],
        now,
        instances=named,
        itext=lambda text_id: _itext(model, text_id),
        namespaces=namespaces,
        random=random.Random(1),  # noqa: S311 - not for secrets
    )


def _find_model(root: Element) -> Element | None:
    if root.name != "html" or root.prefix != "h":
        return None
    head = root.child("head")
    model = head.child("model") if head else None
    return model if model is not None and "instance" in model.by_name else None


def _itext(model: Element, text_id: str) -> str:
    itext = model.child("itext")
    translations = itext.by_name.get("translation", []) if itext else []
    chosen = next((found for found in translations if "default" in found.attributes), None)
    for translation in [chosen] if chosen else translations[:1]:
        for text in translation.by_name.get("text", []):
            if text.attributes.get("id") == text_id:
                value = text.child("value")
                return value.string_value() if value else ""
    return ""


def _convert(value: Value, wanted: str, profile: Profile, scope: Scope) -> dict[str, Any]:
    kind, _, detail = wanted.partition(":")
    if kind.startswith("boolean"):
        return {"value": to_boolean(value, profile), "type": "boolean"}
    if kind.startswith("number"):
        zone = scope.now.tzinfo
        number = to_number(value) if profile is Profile.JAVAROSA else script_number_of(_single(value), profile, zone)
        return {"value": _json_number(number), "type": "number"}
    if kind == "string-stored":
        return {"value": store_text(value, detail, scope.now.tzinfo), "type": "string"}
    if kind.startswith("string"):
        return {"value": to_string(value, profile), "type": "string"}
    return _natural(value, profile)


def _single(value: Value) -> Value:
    """The first node's text, in the engines that take that."""
    return unpack(value, Profile.ENKETO)


def _natural(value: Value, profile: Profile) -> dict[str, Any]:
    match value:
        case bool():
            return {"value": value, "type": "boolean"}
        case float():
            return {"value": _json_number(value), "type": "number"}
        case str():
            return {"value": value, "type": "string"}
        case datetime():
            return {"value": value.isoformat(timespec="milliseconds"), "type": "dateTime"}
        case date():
            return {"value": value.isoformat(), "type": "date"}
        case NodeSet():
            return {"value": [name_node(node, profile) for node in value.nodes], "type": "nodeset"}


def _json_number(value: float) -> float | str:
    if value != value:
        return "NaN"
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, value)
