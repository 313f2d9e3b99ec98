"""Files of interviews. Those that answer a personal question, and audit logs of forms that have one, stay inside."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from openrosa.central.answers import FORBIDDEN, HEADERS, UNKNOWN, Refused
from openrosa.central.calls import Call, Endpoint
from openrosa.central.forms import disposition
from openrosa.central.redaction import named_files
from openrosa.central.submissions import binary_paths, find_interview, form_of, hidden_paths, read_current
from store.arrivals import NewAttachment, NewSubmission
from store.submissions import list_attachments

AUDIT = "audit.csv"


def list_files(call: Call) -> object:
    """GET submissions/I/attachments: those that the XML names, then others that came; and which are here."""
    row = find_interview(call)
    raw = read_current(call, row)
    names = dict.fromkeys(named_files(raw.xml, binary_paths(form_of(call, raw.version))))
    with call.store.read() as connection:
        stored = {file.name for file in list_attachments(connection, row.submission_id)}
    return [{"name": name, "exists": name in stored} for name in [*names, *sorted(stored - set(names))]]


def add_file(call: Call) -> object:
    """POST submissions/I/attachments/NAME: a file that the XML names."""
    raw = read_current(call, find_interview(call))
    name = call.path["name"]
    if name not in named_files(raw.xml, binary_paths(form_of(call, raw.version))):
        raise Refused(UNKNOWN, "The submission's XML names no such file.")
    if call.content is None:
        raise AssertionError("the endpoint takes uploads")
    file = NewAttachment(name, call.content, call.headers.get("content-type", ""))
    item = NewSubmission(
        form_id=raw.form_id,
        version=raw.version,
        instance_id=raw.instance_id,
        xml=raw.xml,
        received_at=datetime.now(UTC),
        person_id=call.person.id,
        attachments=(file,),
    )
    call.door.writer.add_now(item)
    return {"success": True}


def get_file(call: Call) -> object:
    """GET submissions/I/attachments/NAME."""
    row = find_interview(call)
    raw = read_current(call, row)
    name = call.path["name"]
    form = form_of(call, raw.version)
    hidden = hidden_paths(call, form)
    path = named_files(raw.xml, binary_paths(form)).get(name)
    # A file that no question names, or an audit log, may hold what a personal question was answered.
    if path in hidden or (hidden and (path is None or name == AUDIT)):
        raise Refused(FORBIDDEN, "This file may answer a personal question: it stays inside.")
    with call.store.read() as connection:
        files = [file for file in list_attachments(connection, row.submission_id) if file.name == name]
        if not files:
            raise Refused(UNKNOWN, "There is no such file.")
        file = min(files, key=lambda found: found.is_conflict)
        body = call.store.blobs.read(connection, file.sha256)
    headers = HEADERS | disposition(name) | {"Content-Security-Policy": "sandbox"}
    return Response(body, headers=headers, media_type=file.content_type or "application/octet-stream")


_FILES = "/projects/{project}/forms/{form}/submissions/{instance}/attachments"
_BYTES = "application/octet-stream"
ENDPOINTS = (
    Endpoint("GET", _FILES, list_files, "The files that it names, and which are here.", "Submissions"),
    Endpoint("GET", f"{_FILES}/{{name}}", get_file, "One file.", "Submissions", gives=_BYTES),
    Endpoint(
        "POST",
        f"{_FILES}/{{name}}",
        add_file,
        "Send one file.",
        "Submissions",
        "edit_interview",
        takes=_BYTES,
        upload=True,
    ),
)
