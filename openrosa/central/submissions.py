"""Interviews one by one: list, one, its XML, sending and editing one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from starlette.responses import Response

from forms.envelopes import read_envelope
from openrosa.central.answers import CLOSED, CONFLICT, FORBIDDEN, HEADERS, SUBMISSION_REFUSED, UNKNOWN, Refused, iso
from openrosa.central.calls import Call, Endpoint
from openrosa.central.definitions import definition, personal_paths, version_row
from openrosa.central.frames import UNKNOWN_PERSON
from openrosa.central.redaction import named_files, redact, restore
from openrosa.central.tables import review_state
from schemas.errors import StoreError
from schemas.fields import Form
from schemas.submissions import Envelope, RawSubmission
from store.arrivals import NewAttachment, NewSubmission, Outcome, derive_instance_id
from store.blobs import Content
from store.interviews import Interview, list_interviews
from store.people import Person, list_people
from store.reviews import Review, list_reviews
from store.submissions import list_attachments, read_submission

CLIENT = "import"


def submission_json(call: Call, row: Interview, review: Review | None) -> dict[str, object]:
    """An interview as Central's submission."""
    changed = max((at for at in (row.updated_at, review.at if review else None) if at), default=None)
    submitter = row.person_id or UNKNOWN_PERSON
    shared = {
        "submitterId": submitter,
        "deviceId": None,
        "userAgent": row.client,
        "instanceName": None,
    }
    found: dict[str, object] = {
        "instanceId": row.instance_id,
        **shared,
        "reviewState": review_state(row.updated_at, review),
        "createdAt": iso(row.received_at),
        "updatedAt": iso(changed),
        "deletedAt": None,
        "edits": row.edits,
        "currentVersion": {
            "instanceId": row.current_id,
            **shared,
            "formVersion": row.version,
            "current": True,
            "createdAt": iso(row.updated_at or row.received_at),
        },
    }
    if call.headers.get("x-extended-metadata", "").lower() == "true":
        found["submitter"] = {"id": submitter, "type": "actor", "displayName": row.person}
    return found


def find_interview(call: Call) -> Interview:
    """The interview of the address, by any of its instance ids.

    Raises:
        Refused: 404.1, there is none. StoreError: STO-011, there is no such form.
    """
    version_row(call.store, call.path["form"])
    with call.store.read() as connection:
        found = list_interviews(connection, call.path["form"], call.path["instance"])
    if not found:
        raise Refused(UNKNOWN, "Could not find the submission you were looking for.")
    return found[0]


def show_interview(call: Call, instance_id: str | None = None) -> dict[str, object]:
    """The interview of the address, or another of its form, as JSON."""
    if instance_id is not None:
        call = replace(call, path={**call.path, "instance": instance_id})
    row = find_interview(call)
    with call.store.read() as connection:
        review = list_reviews(connection, call.path["form"]).get(row.instance_id)
    return submission_json(call, row, review)


def list_submissions(call: Call) -> object:
    """GET submissions: latest first."""
    form_id = version_row(call.store, call.path["form"]).form_id
    with call.store.read() as connection:
        rows = list_interviews(connection, form_id)
        reviews = list_reviews(connection, form_id)
    return [submission_json(call, row, reviews.get(row.instance_id)) for row in rows]


def get_submission(call: Call) -> object:
    """GET submissions/I."""
    return show_interview(call)


def list_submitters(call: Call) -> object:
    """GET submissions/submitters: who has sent any."""
    form_id = version_row(call.store, call.path["form"]).form_id
    with call.store.read() as connection:
        numbers = {row.person_id for row in list_interviews(connection, form_id)}
        people = [person for person in list_people(connection) if person.id in numbers]
    return [_actor(person) for person in people]


def _actor(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "displayName": person.name,
        "type": "field_key" if person.role == "enumerator" else "user",
        "createdAt": iso(person.created_at),
    }


def list_keys(call: Call) -> object:
    """GET submissions/keys: forms here aren't encrypted, so there are none."""
    version_row(call.store, call.path["form"])
    return []


def read_current(call: Call, row: Interview) -> RawSubmission:
    """The bytes of the edit that counts."""
    with call.store.read() as connection:
        return read_submission(connection, call.store.blobs, call.path["form"], row.current_id)


def form_of(call: Call, version: str) -> Form:
    """The form that a submission was made with.

    Raises:
        Refused: 409.1, its version isn't registered yet, so nobody knows which of its answers are personal.
    """
    try:
        return definition(call.store, call.path["form"], version)
    except StoreError:
        message = "The form version of this submission isn't registered: what is personal in it can't be told."
        raise Refused(CONFLICT, message) from None


def hidden_paths(call: Call, form: Form) -> frozenset[str]:
    """What must not be shown: marked by the submission's own version or by the latest."""
    return personal_paths(form) | personal_paths(definition(call.store, call.path["form"]))


def get_submission_xml(call: Call) -> object:
    """GET submissions/I.xml: personal answers are marks."""
    raw = read_current(call, find_interview(call))
    body = redact(raw.xml, hidden_paths(call, form_of(call, raw.version)))
    return Response(body, headers=HEADERS, media_type="application/xml")


def _envelope(call: Call) -> Envelope:
    """The body's envelope.

    Raises:
        SubmissionError: SUB-0xx, it is no submission. Refused: 400.19, of another form. StoreError: STO-011, of a
            version that isn't registered.
    """
    envelope = read_envelope(call.body)
    if envelope.form_id != call.path["form"]:
        message = f"The submission is of the form {envelope.form_id!r}; the address is of {call.path['form']!r}."
        raise Refused(SUBMISSION_REFUSED, message)
    version_row(call.store, envelope.form_id, envelope.version)
    return envelope


def _accepted(outcome: Outcome) -> None:
    if outcome.status == "conflict":
        raise Refused(CONFLICT, "A submission with this instanceID exists and differs. Both are kept; to edit, PUT.")
    if outcome.status == "closed_form":
        raise Refused(CLOSED, "The form is closed and takes no more submissions.")
    if outcome.status == "unknown_form":
        raise Refused(UNKNOWN, "Could not find the form you were looking for.")
    if outcome.status == "revoked":
        raise Refused(FORBIDDEN, "Whoever sends this may no longer do so.")


def create_submission(call: Call) -> object:
    """POST submissions: one as XML; its files follow."""
    envelope = _envelope(call)
    item = NewSubmission(
        form_id=envelope.form_id,
        version=envelope.version,
        instance_id=envelope.instance_id or derive_instance_id(call.body),
        xml=call.body,
        received_at=datetime.now(UTC),
        deprecated_id=envelope.deprecated_id,
        client=CLIENT,
        person_id=call.person.id,
    )
    _accepted(call.door.writer.add_now(item))
    return show_interview(call, item.instance_id)


def edit_submission(call: Call) -> object:
    """PUT submissions/I: a new version, whose deprecatedID is the one that counts now."""
    row = find_interview(call)
    envelope = _envelope(call)
    raw = read_current(call, row)
    if not envelope.instance_id:
        raise Refused(SUBMISSION_REFUSED, "The edit has no meta/instanceID.")
    if envelope.instance_id != row.current_id and envelope.deprecated_id != row.current_id:
        message = "The edit's meta/deprecatedID must be the instanceID of the version that it replaces."
        raise Refused(CONFLICT, message, {"expected": row.current_id})
    form = form_of(call, envelope.version)
    xml = restore(call.body, raw.xml, hidden_paths(call, form))
    item = NewSubmission(
        form_id=envelope.form_id,
        version=envelope.version,
        instance_id=envelope.instance_id,
        xml=xml,
        received_at=datetime.now(UTC),
        deprecated_id=envelope.deprecated_id,
        client=CLIENT,
        person_id=call.person.id,
        attachments=_carried(call, form, row, xml),
    )
    _accepted(call.door.writer.add_now(item))
    call.record("interview.edit", "interview", envelope.instance_id, f"form {envelope.form_id}")
    return show_interview(call)


def binary_paths(form: Form) -> frozenset[str]:
    """Paths of the questions whose answer is a file."""
    return frozenset(field.path for field in form.fields() if field.type == "binary")


def _carried(call: Call, form: Form, row: Interview, xml: bytes) -> tuple[NewAttachment, ...]:
    """The files of the version before that the edit still names."""
    wanted = named_files(xml, binary_paths(form))
    with call.store.read() as connection:
        files = list_attachments(connection, row.submission_id)
    return tuple(
        NewAttachment(file.name, Content(file.sha256, 0, None), file.content_type)
        for file in files
        if file.name in wanted and not file.is_conflict
    )


_SUBMISSIONS = "/projects/{project}/forms/{form}/submissions"
_XML = "application/xml"
_TAG = "Submissions"
_DEVICE = {"deviceID": "Taken and not kept."}
ENDPOINTS = (
    Endpoint("GET", _SUBMISSIONS, list_submissions, "The interviews, latest first.", _TAG),
    Endpoint("POST", _SUBMISSIONS, create_submission, "Send one.", _TAG, "edit_interview", query=_DEVICE, takes=_XML),
    Endpoint("GET", f"{_SUBMISSIONS}/submitters", list_submitters, "Who has sent any.", _TAG),
    Endpoint("GET", f"{_SUBMISSIONS}/keys", list_keys, "Keys of encryption: none.", _TAG),
    Endpoint(
        "GET",
        f"{_SUBMISSIONS}/{{instance}}.xml",
        get_submission_xml,
        "The XML; marks for personal answers.",
        _TAG,
        gives=_XML,
    ),
    Endpoint("GET", f"{_SUBMISSIONS}/{{instance}}", get_submission, "One interview.", _TAG),
    Endpoint(
        "PUT",
        f"{_SUBMISSIONS}/{{instance}}",
        edit_submission,
        "Edit it: a new version.",
        _TAG,
        "edit_interview",
        takes=_XML,
    ),
)
