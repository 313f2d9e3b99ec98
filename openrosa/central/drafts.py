"""Forms in the making: a workbook or XForm becomes a draft, gets its files, and is registered for good."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote

from lxml import etree

from forms.compile import CompiledForm, compile_workbook, compile_xform
from forms.fields import read_form
from forms.lint import check_workbook
from forms.sheets import read_workbook_bytes, write_xlsx
from forms.specs import read_specs
from forms.spreading import communes_text
from openrosa.central.answers import FORBIDDEN, FORM_REFUSED, TAKEN, UNEXPECTED, WARNINGS, Refused, iso
from openrosa.central.calls import Call, Endpoint
from openrosa.central.forms import XLSX, attachment_json, draft_json, draft_md5, get_form
from schemas.errors import Problem
from schemas.rights import may
from schemas.workbook import Row, Sheet, Workbook
from store.drafts import FormDraft, drop_draft, get_draft, put_draft, put_draft_file
from store.forms import (
    add_form_version,
    get_form_version,
    list_form_versions,
    read_media,
    read_xform,
)
from store.forms import (
    read_workbook as stored_workbook,
)

XLS = "application/vnd.ms-excel"
MISSING_FILE = "FRM-135"
"""A file that the workbook names and that isn't there; files follow the workbook, so that is no fault of it."""
_ENDS = {XLSX: ".xlsx", XLS: ".xls"}


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity,
        "code": problem.code,
        "sheet": problem.sheet,
        "row": problem.row,
        "column": problem.column,
        "message": problem.message,
        "advice": problem.advice,
    }


def _workbook(call: Call, kind: str) -> Workbook:
    """The workbook of the body, named as the client wants its form named if the workbook doesn't say."""
    name = unquote(call.headers.get("x-xlsform-formid-fallback", "")) or "form"
    return replace(read_workbook_bytes(f"form{_ENDS[kind]}", call.body), name=name)


def _refuse_errors(problems: Sequence[Problem]) -> None:
    errors = [_problem(problem) for problem in problems if problem.severity == "error"]
    if errors:
        first = errors[0]
        where = f"{first['sheet']} row {first['row']}" if first["row"] else first["sheet"] or "the workbook"
        message = f"The form has {len(errors)} errors. The first, in {where}: {first['message']}"
        raise Refused(FORM_REFUSED, message, {"error": errors})


def _compile(call: Call) -> tuple[CompiledForm, bytes | None]:
    """The form of the body, with its workbook's bytes.

    Raises:
        Refused: 400.15, it has errors; 400.16, it has warnings and the client minds them. FormError: it can't be read.
    """
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in {"application/xml", "text/xml"}:
        return compile_xform(call.body, {}), None
    if kind not in _ENDS:
        raise Refused(UNEXPECTED, f"Content-Type: expected {XLSX}, {XLS} or application/xml.")
    workbook = _workbook(call, kind)
    problems = check_workbook(workbook)
    _refuse_errors(problems)
    warnings = [
        _problem(problem) for problem in problems if problem.severity == "warning" and problem.code != MISSING_FILE
    ]
    if warnings and not call.flag("ignoreWarnings"):
        raise Refused(
            WARNINGS, "The form has warnings; ignoreWarnings=true takes it with them.", {"warnings": warnings}
        )
    return compile_workbook(workbook), write_xlsx(workbook)


def _put(
    call: Call, compiled: CompiledForm, workbook: bytes | None, media: dict[str, bytes], commune: str
) -> FormDraft:
    form = compiled.form
    if not may(call.person, "manage_forms", commune):
        raise Refused(FORBIDDEN, "The form's design sheet names none of the communes in which you may manage forms.")
    with call.store.begin() as connection:
        return put_draft(
            connection,
            call.store.blobs,
            form_id=form.form_id,
            version=form.version,
            title=form.title,
            xform=compiled.xform,
            workbook=workbook,
            media=media | dict(compiled.media),
            person_id=call.person.id,
        )


def create_form(call: Call) -> object:
    """POST forms: a form that isn't known yet, as a draft or at once published."""
    compiled, workbook = _compile(call)
    with call.store.read() as connection:
        if list_form_versions(connection, compiled.form.form_id):
            message = f"A form with the id {compiled.form.form_id!r} exists: make a draft of it instead."
            raise Refused(TAKEN, message, {"fields": ["xmlFormId"]})
    draft = _put(call, compiled, workbook, {}, communes_text(compiled.specs))
    if call.flag("publish"):
        _publish(call, draft, None)
        return get_form(replace(call, path={**call.path, "form": draft.form_id}))
    return draft_json(draft, draft_md5(call, draft))


def _registered_media(call: Call, form_id: str) -> dict[str, bytes]:
    with call.store.read() as connection:
        if not list_form_versions(connection, form_id):
            return {}
        return read_media(connection, call.store.blobs, get_form_version(connection, form_id))


def create_draft(call: Call) -> object:
    """POST forms/F/draft: the next version; without a body, the registered one over again."""
    form_id = call.path["form"]
    media = _registered_media(call, form_id)
    if call.body:
        compiled, workbook = _compile(call)
        if compiled.form.form_id != form_id:
            message = f"The definition is of the form {compiled.form.form_id!r}; the address is of {form_id!r}."
            raise Refused(FORM_REFUSED, message)
        _put(call, compiled, workbook, media, communes_text(compiled.specs))
        return {"success": True}
    with call.store.read() as connection:
        row = get_form_version(connection, form_id)
        xform = read_xform(connection, call.store.blobs, row)
        book = stored_workbook(connection, call.store.blobs, row)
    _put(call, CompiledForm(xform, read_form(xform)), book, media, row.commune)
    return {"success": True}


def _draft(call: Call) -> FormDraft:
    with call.store.read() as connection:
        return get_draft(connection, call.path["form"])


def get_draft_form(call: Call) -> object:
    """GET forms/F/draft."""
    draft = _draft(call)
    return draft_json(draft, draft_md5(call, draft))


def delete_draft(call: Call) -> object:
    """DELETE forms/F/draft."""
    _draft(call)
    with call.store.begin() as connection:
        drop_draft(connection, call.path["form"])
    return {"success": True}


def _definition(call: Call, draft: FormDraft) -> tuple[bytes, bytes | None]:
    with call.store.read() as connection:
        xform = call.store.blobs.read(connection, draft.xform_sha256)
        book = None if draft.workbook_sha256 is None else call.store.blobs.read(connection, draft.workbook_sha256)
    return xform, book


def list_draft_files(call: Call) -> object:
    """GET forms/F/draft/attachments: what the form asks for and what is there."""
    draft = _draft(call)
    xform, _ = _definition(call, draft)
    there = {file.name: file for file in draft.media}
    found = []
    for name in dict.fromkeys([*read_form(xform).media, *there]):
        file = there.get(name)
        at = None if file is None else iso(file.updated_at)
        found.append(attachment_json(name, None if file is None else file.sha256, at))
    return found


def add_draft_file(call: Call) -> object:
    """POST forms/F/draft/attachments/NAME."""
    _draft(call)
    name = call.path["name"]
    if name in {".", ".."} or "/" in name or "\\" in name or "\0" in name:
        raise Refused(UNEXPECTED, "That is no name of a file.")
    with call.store.begin() as connection:
        file = put_draft_file(connection, call.store.blobs, call.path["form"], name, call.body)
    digest = hashlib.md5(call.body, usedforsecurity=False).hexdigest()
    return {"success": True, **attachment_json(name, digest, iso(file.updated_at))}


def _with_version(
    call: Call, xform: bytes, book: bytes | None, form_id: str, version: str
) -> tuple[bytes, bytes | None]:
    """The same form under another version: in the workbook, so that both say the same, and in the XForm."""
    root = etree.fromstring(xform, etree.XMLParser(resolve_entities=False, no_network=True))
    instance = next(root.iter("{http://www.w3.org/2002/xforms}instance"))
    instance[0].set("version", version)
    changed = bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
    if book is None:
        return changed, None
    workbook = read_workbook_bytes(f"{form_id}.xlsx", book)
    return changed, write_xlsx(_set_version(workbook, version))


def _set_version(workbook: Workbook, version: str) -> Workbook:
    """The workbook with another version in its settings."""
    sheet = workbook.sheets.get("settings", Sheet("settings", (), ()))
    header = next((name for name in sheet.headers if name.strip().lower() == "version"), "version")
    first = sheet.rows[0] if sheet.rows else Row(2, {})
    rows = (replace(first, cells={**first.cells, header: version}), *sheet.rows[1:])
    changed = replace(sheet, headers=tuple(dict.fromkeys([*sheet.headers, header])), rows=rows)
    return replace(workbook, sheets={**workbook.sheets, "settings": changed})


def _publish(call: Call, draft: FormDraft, version: str | None) -> None:
    xform, book = _definition(call, draft)
    with call.store.read() as connection:
        media = {file.name: call.store.blobs.read(connection, file.sha256) for file in draft.media}
        taken = {row.version for row in list_form_versions(connection, draft.form_id)}
    commune = ""
    if book is not None:
        workbook = replace(read_workbook_bytes(f"{draft.form_id}.xlsx", book), media=media)
        commune = communes_text(read_specs(workbook))
        if media:
            _refuse_errors(check_workbook(workbook))
    final = version or draft.version
    if final != draft.version:
        xform, book = _with_version(call, xform, book, draft.form_id, final)
    if final in taken:
        message = f"The version {final!r} of this form is registered already: phones have it. Choose another."
        raise Refused(TAKEN, message, {"fields": ["xmlFormId", "version"]})
    with call.store.begin() as connection:
        add_form_version(
            connection,
            call.store.blobs,
            form_id=draft.form_id,
            version=final,
            title=draft.title,
            xform=xform,
            workbook=book,
            media=media,
            commune=commune,
        )
        drop_draft(connection, draft.form_id)


def publish_draft(call: Call) -> object:
    """POST forms/F/draft/publish: under `version`, without it under the draft's own."""
    draft = _draft(call)
    _publish(call, draft, call.query.get("version") or None)
    return {"success": True}


_FORMS = "/projects/{project}/forms"
_DRAFT = f"{_FORMS}/{{form}}/draft"
_TAG = "Form drafts"
_MIND = {"ignoreWarnings": "Take a form that has warnings."}
_BYTES = "application/octet-stream"
ENDPOINTS = (
    Endpoint(
        "POST",
        _FORMS,
        create_form,
        "Make a form: .xlsx, .xls or XForm.",
        _TAG,
        "manage_forms",
        query={**_MIND, "publish": "Register it at once."},
        takes=XLSX,
    ),
    Endpoint("POST", _DRAFT, create_draft, "Make its next version.", _TAG, "manage_forms", query=_MIND, takes=XLSX),
    Endpoint("GET", _DRAFT, get_draft_form, "The draft.", _TAG, "see_forms"),
    Endpoint("DELETE", _DRAFT, delete_draft, "Forget the draft.", _TAG, "manage_forms"),
    Endpoint("GET", f"{_DRAFT}/attachments", list_draft_files, "The files of the draft.", _TAG, "see_forms"),
    Endpoint(
        "POST", f"{_DRAFT}/attachments/{{name}}", add_draft_file, "Give it a file.", _TAG, "manage_forms", takes=_BYTES
    ),
    Endpoint(
        "POST",
        f"{_DRAFT}/publish",
        publish_draft,
        "Register it for good.",
        _TAG,
        "manage_forms",
        query={"version": "The version to register it under."},
    ),
)
