"""Interviews sent back: an entity on the enumerator's phone, a follow-up form that asks again, and what comes home."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from console.acts.rights import require
from console.surveys import load_survey
from forms.compile import CompiledForm, compile_workbook
from forms.followups import PROPERTIES, REMARK, ROW, SOURCE, can_ask_again, followup_id, list_id, make_followup
from forms.sheets import write_xlsx
from forms.spreading import communes_text
from schemas.decisions import Decision
from schemas.entities import EntityAction
from schemas.errors import StoreError
from schemas.fields import INSTANCE_ID, MAIN_TABLE, RECEIVED_AT
from schemas.findings import Finding
from store import forms as form_rows
from store.communes import list_within
from store.entities import find_entity, put_list
from store.entity_changes import Source, apply_action
from store.interviews import Interview, list_interviews
from store.open import Store
from store.people import Person, get_person
from store.tables import read_tables
from validation.cleaning.cells import Questions, to_texts

_NAMESPACE = uuid.UUID("7f0c2d1e-5f0b-4c55-9d1a-3f6a5f3a2c11")


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer that came home for an interview that was sent back; whoever may decides on it.

    Attributes:
        instance_id, row_id, question: the answer it is about; value: what was answered now.
        answer_id: instance id of the follow-up interview.
    """

    instance_id: str
    row_id: str
    question: str
    value: str = field(repr=False)
    answer_id: str
    at: datetime


def entity_id(instance_id: str) -> str:
    """Id of the entity of an interview: its own where that is a UUID.

    >>> entity_id("uuid:5b9cf8d1-106f-4004-844f-c072d76762ed")
    '5b9cf8d1-106f-4004-844f-c072d76762ed'
    """
    bare = instance_id.removeprefix("uuid:")
    try:
        return str(uuid.UUID(bare))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, instance_id))


def put_on_phone(
    store: Store, form_id: str, decision: Decision, number: int, questions: Sequence[str], finding: Finding | None
) -> None:
    """Have the enumerator's phone show an interview that was sent back.

    Args:
        store: where.
        form_id: of the survey.
        decision: the sending back; its reason is shown as it is, so it holds no answer.
        number: of the decision.
        questions: columns of the questions to ask again.
        finding: what was found, whose message is shown in the enumerator's language; null if nothing was.
    """
    compiled = load_survey(store, form_id)
    asked = [one.column for one in compiled.form.fields() if one.column in set(questions) and can_ask_again(one)]
    at = decision.at or datetime.now(UTC)
    _register(store, compiled, asked, at)
    with store.begin() as connection:
        found = list_interviews(connection, form_id, decision.instance_id)
        enumerator = ""
        if found and found[0].person_id is not None:
            enumerator = get_person(connection, found[0].person_id).login
        name = list_id(form_id)
        put_list(connection, name, PROPERTIES, at)
        identity = entity_id(decision.instance_id)
        known = find_entity(connection, name, identity)
        message: Mapping[str, str] = {} if finding is None else finding.message
        action = EntityAction(
            list_name=name,
            uuid=identity,
            create=known is None,
            update=known is not None,
            label=_label(found, decision, identity),
            data={
                "instance_id": decision.instance_id,
                "row": decision.row_id,
                "questions": " ".join(asked),
                "reason": decision.reason,
                **{f"why_{language}": message.get(language, "") for language in ("es", "ht", "en")},
                "enumerator": enumerator,
                "status": "open",
            },
            base_version=None if known is None else int(known.version),
        )
        apply_action(connection, action, Source(form_id, f"decision:{number}", at))


def _label(found: Sequence[Interview], decision: Decision, identity: str) -> str:
    day = f"{found[0].received_at:%d-%m-%Y} " if found else ""
    return f"{day}{decision.row_id} · {identity[:8]}".replace("  ", " ")


def _register(store: Store, survey: CompiledForm, questions: Sequence[str], at: datetime) -> None:
    """Register a version of the follow-up form that asks these questions, unless the latest one does."""
    name = followup_id(survey.form.form_id)
    try:
        known = {one.column for one in load_survey(store, name).form.fields()}
    except StoreError:
        known = set()
    if known and known.issuperset(questions):
        return
    wanted = sorted({*(one.column for one in survey.form.fields() if one.column in known), *questions})
    told = f"{survey.form.version}\0{' '.join(wanted)}"
    version = f"{at:%Y%m%d%H%M%S}-{hashlib.sha256(told.encode()).hexdigest()[:6]}"
    workbook = make_followup(survey.form, wanted, version)
    compiled = compile_workbook(workbook)
    with store.begin() as connection:
        form_rows.add_form_version(
            connection,
            store.blobs,
            form_id=name,
            version=version,
            title=compiled.form.title,
            xform=compiled.xform,
            workbook=write_xlsx(workbook),
            media=compiled.media,
            at=at,
            commune=communes_text(survey.specs),
        )


def list_proposals(store: Store, person: Person, form_id: str) -> list[Proposal]:
    """The answers that came home, oldest first: proposals, which change nothing until somebody decides on them.

    Raises:
        AccessError: ACC-123, no right to see interviews there.
    """
    within = require(store, person, "see_interviews", form_id)
    mine = None
    if within is not None:
        with store.read() as connection:
            mine = list_within(connection, form_id, within)
    try:
        followup = load_survey(store, followup_id(form_id)).form
    except StoreError:
        return []
    questions = Questions(load_survey(store, form_id).form)
    main = read_tables(store, followup.form_id, followup)[MAIN_TABLE]
    found: list[Proposal] = []
    for one in followup.fields():
        if one.table != MAIN_TABLE or questions.find(one.column) is None or one.column not in main.columns:
            continue
        if not one.control:
            continue
        texts = to_texts(main[one.column])
        keys = main.select(SOURCE, ROW, INSTANCE_ID, RECEIVED_AT).rows()
        for (source, row, answer, at), text in zip(keys, texts, strict=True):
            if text is not None and source and (mine is None or source in mine):
                found.append(Proposal(source, row or "", one.column, text, answer, at))
    return sorted(found, key=lambda row: (row.at, row.answer_id))


def list_remarks(store: Store, form_id: str) -> dict[str, tuple[str, str]]:
    """Follow-up interview -> who answered it and what they said about it, "" where unknown or nothing."""
    try:
        followup = load_survey(store, followup_id(form_id)).form
    except StoreError:
        return {}
    with store.read() as connection:
        senders = {row.current_id: row.person or "" for row in list_interviews(connection, followup.form_id)}
    main = read_tables(store, followup.form_id, followup)[MAIN_TABLE]
    remarks = main[REMARK].to_list() if REMARK in main.columns else [None] * main.height
    names = main[INSTANCE_ID].to_list()
    return {name: (senders.get(name, ""), said or "") for name, said in zip(names, remarks, strict=True)}
