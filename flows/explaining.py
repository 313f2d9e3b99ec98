"""Explain: one stored interview judged by its own form version and engine, for a person with the right to see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from console.acts.edited import edit_survey
from expressions.profiles import Profile
from flows.checking import READING_KINDS, rules_of
from flows.registering import load_form
from forms.compile import CompiledForm
from schemas.errors import AccessError, CommandError
from schemas.fields import INSTANCE_ID, MAIN_TABLE, Form
from schemas.findings import Finding
from schemas.rights import is_spread, may
from store import findings as finding_rows
from store import forms as form_rows
from store.audit import record
from store.communes import communes_of
from store.interviews import Interview, list_interviews
from store.open import Store
from store.people import get_person
from store.personal import PersonalAccess, read_personal
from store.tables import scan_tables
from validation.cleaning.readings import split_readings
from validation.engines import PROFILES
from validation.evaluate import evaluate_rules
from validation.explaining import Explained, Sight, explain_interview

EXPLAINER = PersonalAccess(person="comunal explain", reason="rules on personal questions")


@dataclass(frozen=True, slots=True)
class Explanation:
    """One interview's rules.

    Attributes:
        interview: who made it, when, and which edit counts.
        profile: the engine that it was judged by.
        rules: the form's rules and those of its sheet of checks, broken ones first.
        others: open findings of other rules: structure, files, field work.
        answers, personal: whether answers and personal answers are shown.
        corrections: answers that decisions changed; they are judged, and shown, as changed.
        is_excluded: whether decisions leave the interview out of checks and figures.
    """

    interview: Interview
    form_id: str
    compiled: CompiledForm
    profile: Profile
    rules: tuple[Explained, ...]
    others: tuple[Finding, ...]
    answers: bool
    personal: bool
    corrections: int = 0
    is_excluded: bool = False


def explain(
    store: Store,
    instance_id: str,
    *,
    form_id: str | None = None,
    language: str = "es",
    person_id: int | None = None,
    reason: str = "",
    at: datetime | None = None,
) -> Explanation:
    """Judge one interview again, by the form version and the engine it was made with.

    Args:
        instance_id: of any of its edits; the one that counts is explained.
        form_id: null to look in all forms.
        language: of labels.
        person_id: who looks; null shows no answer, but the names of those on which each verdict rests.
        reason: what for. Both are written down.
        at: when, null for now.

    Raises:
        CommandError: CMD-145 no such interview, or in several forms; CMD-146 it isn't read yet, or waits for a person.
        AccessError: ACC-003 no such person; ACC-004 without reason; ACC-013 without the right.
    """
    form_id, interview = _find(store, instance_id, form_id)
    sees_personal = _look(store, form_id, interview, person_id, reason, at) if person_id is not None else False
    latest = load_form(store, form_id)
    tables = _tables_of(store, latest.form, interview)
    compiled = load_form(store, form_id, interview.version)
    with store.begin() as connection:
        right = PersonalAccess(f"person {person_id}", reason) if sees_personal else EXPLAINER
        personal = read_personal(connection, right, form_id, at, instance_id=interview.current_id)
        found = finding_rows.list_findings(connection, form_id, instance_id=interview.current_id)
    survey = edit_survey(store, latest.form, tables, reader=EXPLAINER.person, personal=personal)
    edited = survey.edited
    tables, personal = edited.tables, personal if edited.personal is None else edited.personal
    rules = rules_of(compiled)
    zone = latest.specs.design.settings.get("timezone", "UTC")
    profile = PROFILES.get(interview.client, Profile.JAVAROSA)
    known = {rule.rule_id for rule in rules}
    reading = [one for one in found if one.kind in READING_KINDS and one.rule_id in known]
    read = split_readings(compiled.form, reading, survey.log, edited).open
    evaluation = evaluate_rules(compiled.form, rules, tables, personal=personal, parsed=read, zone=zone)
    shown = {(row, name): value for row, name, value in personal.select("row_id", "question", "value").iter_rows()}
    sight = Sight(person_id is not None, shown if sees_personal else None)
    explained = explain_interview(compiled.form, evaluation, tables, language, sight, profile=profile, zone=zone)
    others = tuple(one for one in found if one.rule_id not in known)
    return Explanation(
        interview,
        form_id,
        compiled,
        profile,
        tuple(explained),
        others,
        sight.answers,
        sees_personal,
        corrections=len(edited.applied),
        is_excluded=interview.current_id in edited.excluded,
    )


def _find(store: Store, instance_id: str, form_id: str | None) -> tuple[str, Interview]:
    with store.read() as connection:
        forms = [form_id] if form_id is not None else _form_ids(store)
        found = [(name, row) for name in forms for row in list_interviews(connection, name, instance_id)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(name for name, _ in found)
        message = f"There are interviews {instance_id} of several forms: {names}."
        raise CommandError("CMD-145", message, "Name one: --form FORM.")
    where = f"of the form '{form_id}'" if form_id is not None else "of any form"
    raise CommandError(
        "CMD-145",
        f"There is no interview {instance_id} {where}.",
        "Take the id as findings and tables have it: uuid:...",
    )


def _form_ids(store: Store) -> list[str]:
    with store.read() as connection:
        return list(dict.fromkeys(row.form_id for row in form_rows.list_form_versions(connection)))


def _look(store: Store, form_id: str, interview: Interview, person_id: int, reason: str, at: datetime | None) -> bool:
    """Write down who looks, if they may; whether they may see personal answers too."""
    with store.read() as connection:
        person = get_person(connection, person_id)
        commune = form_rows.get_form_version(connection, form_id, interview.version).commune
        if is_spread(commune):
            commune = communes_of(connection, form_id, [interview.current_id]).get(interview.current_id, "")
    PersonalAccess(person.name, reason)  # refuses what has no reason
    allowed = person.revoked_at is None and may(person, "see_interviews", commune)
    with store.begin() as connection:
        note = f"answers for person {person_id}"
        outcome = "done" if allowed else "refused"
        record(connection, "interview.explain", "interview", interview.current_id, outcome=outcome, note=note, at=at)
    if not allowed:
        raise AccessError(
            "ACC-013",
            f"The person with the number {person_id} has no right to see answers of this interview.",
            "Supervisors, statisticians and reviewers have it, in their communes and until they are revoked.",
        )
    return may(person, "see_personal", commune)


def _tables_of(store: Store, form: Form, interview: Interview) -> Mapping[str, pl.DataFrame]:
    lazy = scan_tables(store, form.form_id, form)
    wanted = pl.col(INSTANCE_ID) == interview.current_id
    frames = dict(zip(lazy, pl.collect_all([frame.filter(wanted) for frame in lazy.values()]), strict=True))
    if frames[MAIN_TABLE].height:
        return frames
    if interview.state != "current":
        message = f"The interview {interview.current_id} is an edit that waits for a decision ({interview.state})."
        raise CommandError("CMD-146", message, "Settle which edit counts, then ask again.")
    raise CommandError(
        "CMD-146",
        f"The interview {interview.current_id} is stored, but not in the tables: it isn't read yet, could not be read, "
        "or is encrypted and waits for its key.",
        "Run: comunal run ingest (with --private-key for encrypted interviews).",
    )
