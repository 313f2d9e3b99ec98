"""What each address does. A handler is the story of one request; `answered` turns every failure into a sentence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from forms.envelopes import read_envelope
from openrosa.access import Access
from openrosa.answers import (
    BROKEN,
    RECEIVED,
    RECEIVED_EARLY,
    RECEIVED_PART,
    REFUSALS,
    UNAVAILABLE,
    Answer,
    Refusal,
    language_of,
    of_submission_error,
)
from openrosa.documents import ListedFile, ListedForm, write_form_list, write_manifest, write_response
from openrosa.receive import Parts, drain, read_parts
from schemas.errors import StoreError, SubmissionError
from schemas.settings import Settings
from schemas.submissions import Envelope
from schemas.text import pick
from store.arrivals import Malformed, NewSubmission, Outcome, derive_instance_id
from store.forms import FormVersionRow, get_form_version_by_id, list_offered, read_xform
from store.open import Store
from store.people import Person
from store.writer import GroupWriter

HEADERS = {"X-OpenRosa-Version": "1.0", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
XML = "text/xml; charset=utf-8"
INLINE_BYTES = 64 * 1024
"""XML above this is read in a thread, so that others needn't wait."""

Handler = Callable[[Request], Awaitable[Response]]
_log = logging.getLogger("openrosa")


@dataclass(frozen=True, slots=True)
class Door:
    """What the handlers work with."""

    store: Store
    writer: GroupWriter
    access: Access
    settings: Settings


def door(request: Request) -> Door:
    """The door of this app."""
    found: Door = request.app.state.door
    return found


def say(request: Request, answer: Answer) -> Response:
    """The answer as an OpenRosa document, in the client's language."""
    language = language_of(request.headers.get("accept-language", ""))
    body = write_response(pick(answer.text, language))
    return Response(body, answer.status, HEADERS, media_type=XML)


def answered(handler: Handler, failed: int = 500) -> Handler:
    """The handler, with every failure as a status and a sentence; the log gets its kind and place, never its text.

    Args:
        handler: a route's.
        failed: status when the store refuses. For documents 500: a phone then keeps the forms that it has.
    """

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            return say(request, refusal.answer)
        except StoreError as error:
            _log.error("%s %s", error.code, error.message)
            return say(request, Answer(failed, UNAVAILABLE))
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            last = error.__traceback__
            while last is not None and last.tb_next is not None:
                last = last.tb_next
            place = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last is not None else "?"
            _log.error("A request failed: %s at %s", type(error).__name__, place)
            return say(request, Answer(500, BROKEN))

    return answer


async def _person(request: Request) -> Person:
    return await door(request).access.person(request.path_params["key"])


# ---------------------------------------------------------------------------------------------------- documents


def origin(request: Request, settings: Settings) -> str:
    """Scheme and host under which the client reaches us.

    X-Forwarded headers are believed only if the settings say so: anybody can send them.
    """
    if settings.public_url:
        return settings.public_url
    scheme, host = request.url.scheme, request.headers.get("host") or request.url.netloc
    if settings.trust_forwarded:
        scheme = request.headers.get("x-forwarded-proto", scheme).split(",")[0].strip()
        host = request.headers.get("x-forwarded-host", host).split(",")[0].strip()
    return f"{scheme}://{host}"


def server_url(request: Request) -> str:
    """The address that the enumerator's phone has for this server, key included."""
    tail = request.scope["path"]
    for end in ("/formList", "/forms/"):
        tail = tail.partition(end)[0]
    return origin(request, door(request).settings) + quote(tail)


async def form_list(request: Request) -> Response:
    """GET formList: the latest open version of each form."""
    await _person(request)

    def read() -> list[FormVersionRow]:
        with door(request).store.read() as connection:
            return list_offered(connection)

    wanted = request.query_params.get("formID")
    base = server_url(request)
    listed = [
        ListedForm(
            row.form_id,
            row.version,
            row.title,
            row.xform_md5,
            f"{base}/forms/{row.id}/form.xml",
            f"{base}/forms/{row.id}/manifest" if row.media else None,
        )
        for row in await asyncio.to_thread(read)
        if not wanted or row.form_id == wanted
    ]
    return Response(write_form_list(listed), headers=HEADERS, media_type=XML)


def _form(request: Request, content: Callable[[FormVersionRow], bytes | None]) -> bytes:
    """A content of the form version in the path.

    Raises:
        Refusal: SUB-113, there is no such version or content.
    """
    with door(request).store.read() as connection:
        row = get_form_version_by_id(connection, request.path_params["number"])
    found = None if row is None else content(row)
    if found is None:
        raise Refusal("SUB-113")
    return found


async def form_xml(request: Request) -> Response:
    """GET a form: exactly the bytes whose MD5 the list told."""
    await _person(request)
    store = door(request).store

    def read(row: FormVersionRow) -> bytes:
        with store.read() as connection:
            return read_xform(connection, store.blobs, row)

    return Response(await asyncio.to_thread(_form, request, read), headers=HEADERS, media_type=XML)


async def manifest(request: Request) -> Response:
    """GET the list of a form's media files."""
    await _person(request)
    base = f"{server_url(request)}/forms/{request.path_params['number']}/media"

    def write(row: FormVersionRow) -> bytes:
        return write_manifest(
            ListedFile(file.name, file.md5, f"{base}/{quote(file.name, safe='')}") for file in row.media
        )

    return Response(await asyncio.to_thread(_form, request, write), headers=HEADERS, media_type=XML)


async def media(request: Request) -> Response:
    """GET one media file of a form."""
    await _person(request)
    store = door(request).store

    def read(row: FormVersionRow) -> bytes | None:
        digests = {file.name: file.sha256 for file in row.media}
        name = request.path_params["name"]
        if name not in digests:
            return None
        with store.read() as connection:
            return store.blobs.read(connection, digests[name])

    body = await asyncio.to_thread(_form, request, read)
    return Response(body, headers=HEADERS, media_type="application/octet-stream")


# ---------------------------------------------------------------------------------------------------- submissions


async def ask_submission(request: Request) -> Response:
    """HEAD (or GET) submission: 204, and how much a request should hold. Collect asks before every submission."""
    await _person(request)
    limit = str(door(request).settings.accept_bytes)
    return Response(status_code=204, headers=HEADERS | {"X-OpenRosa-Accept-Content-Length": limit})


def client_of(user_agent: str) -> str:
    """Which program sent it: see `schemas.fields.CLIENT`.

    >>> client_of("org.odk.collect.android/v2026.3.3 Dalvik/2.1.0"), client_of("Mozilla/5.0 (X11)"), client_of("")
    ('collect', 'webforms', 'unknown')
    """
    agent = user_agent.lower()
    for mark, client in (("rehearsal", "rehearsal"), ("odk.collect", "collect"), ("enketo", "enketo")):
        if mark in agent:
            return client
    return "webforms" if agent.startswith("mozilla/") else "unknown"


async def submit(request: Request) -> Response:
    """POST submission: stream it in, read its envelope, make it durable, answer."""
    here = door(request)
    try:
        person = await _person(request)
    except Refusal:
        await drain(request.stream(), here.settings)
        raise
    parts = Parts()
    try:
        length = request.headers.get("content-length", "")
        await read_parts(
            parts,
            request.stream(),
            request.headers.get("content-type", ""),
            int(length) if length.isdecimal() else None,
            here.store.blobs,
            here.settings,
        )
        return say(request, await _keep(request, parts, person))
    finally:
        parts.discard()


async def _keep(request: Request, parts: Parts, person: Person) -> Answer:
    here = door(request)
    at = datetime.now(UTC)
    client = client_of(request.headers.get("user-agent", ""))
    content = await asyncio.to_thread(here.store.blobs.hold, parts.xml) if len(parts.xml) > INLINE_BYTES else None
    try:
        envelope = await _envelope(parts.xml)
    except SubmissionError as error:
        content = content or here.store.blobs.hold(parts.xml)
        await here.writer.quarantine(Malformed(content, error.code, error.message, at, client, person.id))
        return of_submission_error(error)
    item = NewSubmission(
        form_id=envelope.form_id,
        version=envelope.version,
        instance_id=envelope.instance_id or derive_instance_id(parts.xml),
        xml=parts.xml,
        received_at=at,
        deprecated_id=envelope.deprecated_id,
        client=client,
        person_id=person.id,
        attachments=await parts.finish(),
        content=content,
    )
    return _answer(await here.writer.add(item), parts.is_incomplete)


async def _envelope(xml: bytes) -> Envelope:
    return await asyncio.to_thread(read_envelope, xml) if len(xml) > INLINE_BYTES else read_envelope(xml)


def _answer(outcome: Outcome, is_incomplete: bool) -> Answer:
    refused = {"conflict": "SUB-110", "unknown_form": "SUB-111", "closed_form": "SUB-112"}
    if outcome.status in refused:
        return REFUSALS[refused[outcome.status]]
    if not outcome.version_known:
        return RECEIVED_EARLY
    return RECEIVED_PART if is_incomplete else RECEIVED
