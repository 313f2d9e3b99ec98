"""Forms: list, one, its XForm, its workbook, its versions, its fields and its media."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from starlette.responses import Response

from openrosa.central.answers import HEADERS, UNEXPECTED, UNKNOWN, Refused, iso
from openrosa.central.calls import PROJECT, Call, Endpoint
from openrosa.central.definitions import definition, personal_paths
from openrosa.central.frames import UNKNOWN_PERSON
from schemas.fields import Field, Node, Repeat
from schemas.rights import may_in_part
from store.drafts import FormDraft, list_drafts
from store.forms import FormVersionRow, get_form_version, list_form_versions, read_workbook, read_xform, set_form_state
from store.submissions import count_submissions, last_received

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STATES = ("open", "closing", "closed")


def form_json(rows: list[FormVersionRow]) -> dict[str, object]:
    """A form from its versions, in order of registration."""
    row = rows[-1]
    return {
        "projectId": PROJECT,
        "xmlFormId": row.form_id,
        "name": row.title or None,
        "version": row.version,
        "hash": row.xform_md5,
        "sha256": row.xform_sha256,
        "state": row.state,
        "keyId": None,
        "enketoId": None,
        "enketoOnceId": None,
        "draftToken": None,
        "createdAt": iso(rows[0].created_at),
        "updatedAt": iso(row.created_at) if len(rows) > 1 else None,
        "publishedAt": iso(row.created_at),
    }


def draft_json(draft: FormDraft, md5: str) -> dict[str, object]:
    """A draft as a form that isn't published."""
    return {
        "projectId": PROJECT,
        "xmlFormId": draft.form_id,
        "name": draft.title or None,
        "version": draft.version,
        "hash": md5,
        "sha256": draft.xform_sha256,
        "state": "open",
        "keyId": None,
        "enketoId": None,
        "enketoOnceId": None,
        "draftToken": None,
        "createdAt": iso(draft.created_at),
        "updatedAt": None,
        "publishedAt": None,
    }


def _by_form(call: Call) -> dict[str, list[FormVersionRow]]:
    found: dict[str, list[FormVersionRow]] = {}
    with call.store.read() as connection:
        for row in list_form_versions(connection):
            found.setdefault(row.form_id, []).append(row)
    return found


def _versions(call: Call) -> list[FormVersionRow]:
    with call.store.read() as connection:
        rows = list_form_versions(connection, call.path["form"])
    if not rows:
        raise Refused(UNKNOWN, "Could not find the form you were looking for.")
    return rows


def draft_md5(call: Call, draft: FormDraft) -> str:
    """Digest of a draft's XForm, as OpenRosa's clients compare it."""
    with call.store.read() as connection:
        xform = call.store.blobs.read(connection, draft.xform_sha256)
    return hashlib.md5(xform, usedforsecurity=False).hexdigest()


def _is_extended(call: Call) -> bool:
    return call.headers.get("x-extended-metadata", "").lower() == "true"


# Who registered a form is in the audit log; clients need somebody.
_NOTHING: dict[str, object] = {
    "submissions": 0,
    "lastSubmission": None,
    "excelContentType": None,
    "createdBy": {"id": UNKNOWN_PERSON, "type": "user", "displayName": "Comunal"},
}


def _extended(call: Call, row: FormVersionRow) -> dict[str, object]:
    """What Central adds to a form for those who ask for more."""
    with call.store.read() as connection:
        count, last = count_submissions(connection, row.form_id).current, last_received(connection, row.form_id)
    workbook = XLSX if row.workbook_sha256 else None
    return _NOTHING | {"submissions": count, "lastSubmission": iso(last), "excelContentType": workbook}


def list_forms(call: Call) -> object:
    """GET forms: those of the person's communes in order of id; a form that is only a draft too."""
    known = _by_form(call)
    forms = {
        form_id: form_json(rows)
        for form_id, rows in known.items()
        if may_in_part(call.person, "see_forms", rows[-1].commune)
    }
    with call.store.read() as connection:
        drafts = list_drafts(connection)
    for form_id in forms if _is_extended(call) else ():
        forms[form_id] |= _extended(call, known[form_id][-1])
    for draft in drafts:
        if draft.form_id not in known and (not call.person.communes or draft.person_id == call.person.id):
            forms[draft.form_id] = draft_json(draft, draft_md5(call, draft)) | (_NOTHING if _is_extended(call) else {})
    return [forms[form_id] for form_id in sorted(forms)]


def get_form(call: Call) -> object:
    """GET forms/F."""
    with call.store.read() as connection:
        rows = list_form_versions(connection, call.path["form"])
        draft = next((row for row in list_drafts(connection) if row.form_id == call.path["form"]), None)
    if not rows and draft is not None:
        return draft_json(draft, draft_md5(call, draft)) | (_NOTHING if _is_extended(call) else {})
    if not rows:
        raise Refused(UNKNOWN, "Could not find the form you were looking for.")
    found = form_json(rows)
    return found | _extended(call, rows[-1]) if _is_extended(call) else found


def change_form(call: Call) -> object:
    """PATCH forms/F: open, closing or closed."""
    state = call.text("state")
    if state not in STATES:
        raise Refused(UNEXPECTED, f"state: expected one of {', '.join(STATES)}.")
    with call.store.begin() as connection:
        row = get_form_version(connection, call.path["form"])
        set_form_state(connection, row.form_id, row.version, state)
    return get_form(call)


def list_versions(call: Call) -> object:
    """GET forms/F/versions: latest first."""
    return [form_json([row]) for row in reversed(_versions(call))]


def get_xml(call: Call) -> object:
    """GET forms/F.xml: exactly the registered bytes."""
    with call.store.read() as connection:
        row = get_form_version(connection, call.path["form"])
        body = read_xform(connection, call.store.blobs, row)
    return Response(body, headers=HEADERS | {"ETag": f'"{row.xform_md5}"'}, media_type="application/xml")


def get_xlsx(call: Call) -> object:
    """GET forms/F.xlsx: the workbook that the form was made of."""
    with call.store.read() as connection:
        body = read_workbook(connection, call.store.blobs, get_form_version(connection, call.path["form"]))
    if body is None:
        raise Refused(UNKNOWN, "This form was registered without its workbook.")
    return Response(body, headers=HEADERS | disposition(f"{call.path['form']}.xlsx"), media_type=XLSX)


def disposition(name: str) -> dict[str, str]:
    """The header that names a download."""
    return {"Content-Disposition": f"attachment; filename=\"{quote(name)}\"; filename*=UTF-8''{quote(name, safe='')}"}


def list_attachments(call: Call) -> object:
    """GET forms/F/attachments."""
    row = _versions(call)[-1]
    wanted = dict.fromkeys([*definition(call.store, row.form_id).media, *(file.name for file in row.media)])
    there = {file.name: file.md5 for file in row.media}
    return [attachment_json(name, there.get(name), iso(row.created_at) if name in there else None) for name in wanted]


def attachment_json(name: str, md5: str | None, updated_at: str | None) -> dict[str, object]:
    """One media file of a form."""
    ends = {"image": (".png", ".jpg", ".jpeg", ".gif", ".svg"), "audio": (".mp3", ".wav", ".m4a", ".ogg")}
    ends["video"] = (".mp4", ".mkv", ".webm", ".3gp")
    kind = next((kind for kind, suffixes in ends.items() if name.lower().endswith(suffixes)), "file")
    exists = md5 is not None
    return {
        "name": name,
        "type": kind,
        "hash": md5,
        "exists": exists,
        "blobExists": exists,
        "datasetExists": False,
        "updatedAt": updated_at,
    }


def get_attachment(call: Call) -> object:
    """GET forms/F/attachments/NAME."""
    digests = {file.name: file.sha256 for file in _versions(call)[-1].media}
    name = call.path["name"]
    if name not in digests:
        raise Refused(UNKNOWN, "The form has no such file.")
    with call.store.read() as connection:
        body = call.store.blobs.read(connection, digests[name])
    return Response(body, headers=HEADERS | disposition(name), media_type="application/octet-stream")


def _kind(node: Node) -> str:
    if isinstance(node, Field):
        return node.type
    return "repeat" if isinstance(node, Repeat) else "structure"


def list_fields(call: Call) -> object:
    """GET forms/F/fields: what the tables have, so without personal questions."""
    form = definition(call.store, _versions(call)[-1].form_id)
    hidden = personal_paths(form)
    found: list[dict[str, object]] = []

    def add(node: Node, order: int) -> int:
        if node.path in hidden:
            return order
        path = node.path.removeprefix(form.root.path)
        if path:
            multiple = isinstance(node, Field) and node.is_multiple
            found.append(
                {
                    "path": path,
                    "name": node.name,
                    "type": _kind(node),
                    "binary": (isinstance(node, Field) and node.type == "binary") or None,
                    "selectMultiple": multiple or None,
                    "order": order,
                }
            )
            order += 1
        for child in () if isinstance(node, Field) else node.children:
            order = add(child, order)
        return order

    add(form.root, 0)
    return found


_FORM = "/projects/{project}/forms/{form}"
_BYTES = "application/octet-stream"
ENDPOINTS = (
    Endpoint("GET", "/projects/{project}/forms", list_forms, "The forms.", "Forms", "see_forms"),
    Endpoint(
        "GET", f"{_FORM}.xml", get_xml, "The XForm, byte for byte.", "Forms", "see_forms", gives="application/xml"
    ),
    Endpoint("GET", f"{_FORM}.xlsx", get_xlsx, "The workbook.", "Forms", "see_forms", gives=XLSX),
    Endpoint("GET", f"{_FORM}/versions", list_versions, "The versions, latest first.", "Forms", "see_forms"),
    Endpoint("GET", f"{_FORM}/fields", list_fields, "The fields, without personal ones.", "Forms", "see_forms"),
    Endpoint("GET", f"{_FORM}/attachments", list_attachments, "The media files.", "Forms", "see_forms"),
    Endpoint(
        "GET", f"{_FORM}/attachments/{{name}}", get_attachment, "One media file.", "Forms", "see_forms", gives=_BYTES
    ),
    Endpoint("GET", _FORM, get_form, "One form.", "Forms", "see_forms"),
    Endpoint(
        "PATCH",
        _FORM,
        change_form,
        "Set its state: open, closing, closed.",
        "Forms",
        "manage_forms",
        takes="application/json",
    ),
)
