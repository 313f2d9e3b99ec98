"""Entities at ingest: what submissions ask of lists, applied in order of arrival."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from forms.compile import CompiledForm
from forms.entities import EntityPlan, read_entity_actions, read_entity_plans
from forms.specs import YES
from schemas.entities import EntityAction, EntityOutcome
from schemas.errors import SubmissionError
from schemas.fields import Form
from schemas.findings import Finding
from schemas.submissions import RawSubmission
from schemas.text import Text
from store.entities import put_list
from store.entity_changes import Source, apply_action
from store.open import Store

PERSONAL_SETTING = "entities_personal"
_MESSAGES: dict[str, Text] = {
    "uuid": {
        "es": "La encuesta quería guardar una ficha, pero no trae su identificador.",
        "ht": "Ankèt la te vle anrejistre yon fich, men li pa gen idantifyan li.",
        "en": "The interview meant to save an entity but carries no id for it.",
    },
    "label": {
        "es": "La encuesta quería crear una ficha sin nombre.",
        "ht": "Ankèt la te vle kreye yon fich san non.",
        "en": "The interview meant to create an entity without a label.",
    },
    "exists": {
        "es": "La encuesta quería crear una ficha que ya existe.",
        "ht": "Ankèt la te vle kreye yon fich ki egziste deja.",
        "en": "The interview meant to create an entity that exists already.",
    },
    "unknown": {
        "es": "La encuesta quería cambiar una ficha que no existe.",
        "ht": "Ankèt la te vle chanje yon fich ki pa egziste.",
        "en": "The interview meant to change an entity that does not exist.",
    },
    "version": {
        "es": "La encuesta quería cambiar una ficha a partir de una versión que no existe.",
        "ht": "Ankèt la te vle chanje yon fich sou baz yon vèsyon ki pa egziste.",
        "en": "The interview meant to change an entity from a version that does not exist.",
    },
    "soft": {
        "es": "La encuesta cambió una ficha que otra persona había cambiado mientras tanto, en otros datos.",
        "ht": "Ankèt la chanje yon fich yon lòt moun te chanje pandan tan sa a, nan lòt done.",
        "en": "The interview changed an entity that somebody had changed meanwhile, in other values.",
    },
    "hard": {
        "es": "La encuesta cambió los mismos datos de una ficha que otra persona había cambiado mientras tanto.",
        "ht": "Ankèt la chanje menm done yon fich yon lòt moun te chanje pandan tan sa a.",
        "en": "The interview changed the same values of an entity that somebody had changed meanwhile.",
    },
}
_ADVICE: Text = {
    "es": "La encuesta vale igual. Decida qué versión de la ficha queda, o corrija el formulario.",
    "ht": "Ankèt la bon kanmenm. Deside ki vèsyon fich la ki rete, oswa korije fòmilè a.",
    "en": "The interview counts all the same. Decide which version of the entity stays, or mend the form.",
}


def declare_lists(store: Store, compiled: CompiledForm, at: datetime) -> None:
    """Makes the lists that a form fills known, so that phones get them before the first interview."""
    plans = saved_plans(compiled)
    if plans:
        with store.begin() as connection:
            for plan in plans:
                put_list(connection, plan.list_name, (name for _, name in plan.properties), at)


def saved_plans(compiled: CompiledForm) -> tuple[EntityPlan, ...]:
    """The form's entities, without personal answers unless its design sheet allows them (docs/decisions/0014).

    An encrypted form has none: its answers are for whoever holds the private key, and lists go to every phone.
    """
    if compiled.form.public_key:
        return ()
    plans = _plans(compiled.xform)
    if not plans or allows_personal(compiled):
        return plans
    personal = {field.path for field in compiled.form.fields() if field.personal}
    return tuple(
        EntityPlan(plan.list_name, plan.path, tuple(pair for pair in plan.properties if pair[0] not in personal))
        for plan in plans
    )


@lru_cache(maxsize=64)
def _plans(xform: bytes) -> tuple[EntityPlan, ...]:
    return read_entity_plans(xform)


def allows_personal(compiled: CompiledForm) -> bool:
    """Whether the design sheet allows personal answers in lists."""
    return compiled.specs.design.settings.get(PERSONAL_SETTING, "").strip().lower() in YES


def apply_entities(store: Store, batch: Iterable[tuple[CompiledForm, RawSubmission]]) -> dict[str, list[Finding]]:
    """Applies what submissions ask of lists, in order of arrival; the same again changes nothing.

    Args:
        batch: each submission in the clear with its form version.

    Returns:
        Form version -> findings (rule `entity:<list>`, warning): what was refused, and conflicts.
    """
    asked: list[tuple[Form, RawSubmission, EntityAction]] = []
    lists: dict[str, dict[str, datetime]] = {}
    for compiled, raw in sorted(batch, key=lambda pair: pair[1].submission_id):
        plans = saved_plans(compiled)
        for action in _actions(compiled.form, plans, raw):
            asked.append((compiled.form, raw, action))
        for plan in plans:
            lists.setdefault(plan.list_name, {}).update((name, raw.received_at) for _, name in plan.properties)
    found: dict[str, list[Finding]] = {}
    if not asked:
        return found
    with store.begin() as connection:
        for name, properties in lists.items():
            put_list(connection, name, properties, asked[0][1].received_at)
        for form, raw, action in asked:
            source = Source(raw.form_id, raw.instance_id, raw.received_at)
            outcome = apply_action(connection, action, source)
            if reason := outcome.reason or outcome.conflict:
                found.setdefault(raw.version, []).append(_finding(form, raw, action, outcome, reason))
    return found


def _actions(form: Form, plans: tuple[EntityPlan, ...], raw: RawSubmission) -> list[EntityAction]:
    if not plans or (f'"{form.form_id}"'.encode() not in raw.xml and f"'{form.form_id}'".encode() not in raw.xml):
        return []
    try:
        return read_entity_actions(plans, raw.xml)
    except SubmissionError:
        return []  # reading the rows says what is wrong


def _finding(form: Form, raw: RawSubmission, action: EntityAction, outcome: EntityOutcome, reason: str) -> Finding:
    return Finding(
        form_id=form.form_id,
        form_version=raw.version,
        instance_id=raw.instance_id,
        row_id="",
        rule_id=f"entity:{action.list_name}",
        kind="structure",
        severity="warning" if outcome.status == "refused" or reason == "hard" else "info",
        path=f"{form.root.path}/meta/entity",
        message=_MESSAGES[reason],
        advice=_ADVICE,
    )
