"""What phones send. Each submission is streamed in, its envelope read, made durable, and only then answered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from forms.envelopes import read_envelope
from openrosa.access import Unauthenticated
from openrosa.answers import (
    RECEIVED,
    RECEIVED_EARLY,
    RECEIVED_PART,
    RECEIVED_TRIAL,
    REFUSALS,
    Answer,
    Refusal,
    of_submission_error,
)
from openrosa.receive import Parts, drain, read_parts
from openrosa.routes import HEADERS, Door, Visitor, door, say, visit
from openrosa.web_links import Claim
from schemas.errors import SubmissionError
from schemas.submissions import Envelope
from store.arrivals import Malformed, NewSubmission, Outcome, derive_instance_id
from store.drafts import FormDraft
from store.trials import add_trial

INLINE_BYTES = 64 * 1024
"""XML above this is read in a thread, so that others needn't wait."""


async def ask_submission(request: Request) -> Response:
    """HEAD (or GET) submission: 204, and how much a request should hold. Collect asks before every submission."""
    await visit(request)
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
        visitor = await visit(request)
        # Nobody who sends forms compresses them; a small body that grows without end is no phone's.
        if request.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
            raise Refusal("SUB-114")
    except (Refusal, Unauthenticated):
        # Read out, so that the client hears the answer and may use the connection again.
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
        return say(request, await _keep(request, here, parts, visitor))
    finally:
        parts.discard()


async def _keep(request: Request, here: Door, parts: Parts, visitor: Visitor) -> Answer:
    at = datetime.now(UTC)
    # A link's page has one engine, whatever its browser calls itself.
    client = "webforms" if visitor.link is not None else client_of(request.headers.get("user-agent", ""))
    person_id = visitor.person.id if visitor.person else None
    content = await asyncio.to_thread(here.store.blobs.hold, parts.xml) if len(parts.xml) > INLINE_BYTES else None
    try:
        envelope = await _envelope(parts.xml)
    except SubmissionError as error:
        content = content or here.store.blobs.hold(parts.xml)
        files = await parts.finish()
        await here.writer.quarantine(Malformed(content, error.code, error.message, at, client, person_id, files))
        return of_submission_error(error)
    item = NewSubmission(
        form_id=envelope.form_id,
        version=envelope.version,
        instance_id=envelope.instance_id or derive_instance_id(parts.xml),
        xml=parts.xml,
        received_at=at,
        deprecated_id=envelope.deprecated_id,
        client=client,
        person_id=person_id,
        attachments=await parts.finish(),
        content=content,
    )
    if visitor.trial is not None:
        return await asyncio.to_thread(_keep_trial, here, visitor.trial, item)
    if visitor.link is not None:
        claim = Claim(here.store, visitor.link, request.path_params["link"])
        return answer_of(await claim.add(here.writer, item), is_incomplete=parts.is_incomplete)
    return answer_of(await here.writer.add(item), is_incomplete=parts.is_incomplete)


def _keep_trial(here: Door, trial: FormDraft, item: NewSubmission) -> Answer:
    """Keep what came to a test address, apart from the survey."""
    if item.form_id != trial.form_id:
        return REFUSALS["SUB-111"]
    with here.store.begin() as connection:
        add_trial(connection, here.store.blobs, item)
    return RECEIVED_TRIAL


async def _envelope(xml: bytes) -> Envelope:
    return await asyncio.to_thread(read_envelope, xml) if len(xml) > INLINE_BYTES else read_envelope(xml)


_REFUSED = {"conflict": "SUB-110", "unknown_form": "SUB-111", "closed_form": "SUB-112", "revoked": "ACC-101"}


def answer_of(outcome: Outcome, *, is_incomplete: bool = False) -> Answer:
    """What is said of what became of a submission.

    Args:
        outcome: the store's.
        is_incomplete: whether the client says that more requests follow.
    """
    if outcome.status in _REFUSED:
        return REFUSALS[_REFUSED[outcome.status]]
    if not outcome.version_known:
        return RECEIVED_EARLY
    return RECEIVED_PART if is_incomplete else RECEIVED
