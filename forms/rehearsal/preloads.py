"""What Collect fills in before the first question: times, device, person, and the instance's id."""

from __future__ import annotations

from collections.abc import Callable

from expressions.instance import Element
from forms.rehearsal.calculation import moment_text
from forms.rehearsal.plan import Plan
from forms.rehearsal.times import Visit
from schemas.fields import Field

SetText = Callable[[str, Element, str], None]


def fill_preloads(plan: Plan, root: Element, visit: Visit, instance_id: str, set_text: SetText) -> None:
    """Give every preloaded node outside repeats its value, and `meta` its instanceID and audit."""
    for field in plan.preloads:
        node: Element | None = root
        for name in field.path.strip("/").split("/")[1:]:
            node = node.child(name) if node is not None else None
        if node is not None:
            set_text(field.path, node, _preload(field, visit, instance_id))
    meta = root.child("meta")
    if meta is None:
        return
    identity = meta.child("instanceID")
    if identity is not None:
        set_text(f"{plan.form.root.path}/meta/instanceID", identity, instance_id)
    audit = meta.child("audit")
    if audit is not None:
        set_text(f"{plan.form.root.path}/meta/audit", audit, "audit.csv")


def _preload(field: Field, visit: Visit, instance_id: str) -> str:
    kind, _, parameter = (field.preload or "").partition("/")
    match kind, parameter:
        case "timestamp", "start":
            return moment_text(visit.start)
        case "timestamp", "end":
            return moment_text(visit.end)
        case "date", _:
            return visit.start.date().isoformat()
        case "uid", _:
            return instance_id
        case "property", "deviceid" | "uri:deviceid":
            return f"collect:rehearsal{visit.enumerator:07d}"
        case "property", "username":
            return f"rehearsal_{visit.enumerator:02d}"
        case _:
            return field.default
