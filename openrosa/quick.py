"""The common submission by the shortest way: one small interview without files, all of it there, and nothing odd.

It is looked at and either kept, or handed on untouched to the app, which reads it again its own way. So this file
decides nothing that `openrosa.submitting` doesn't decide: it only knows the case that needs no decision, and what it
answers is what the app would have answered.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forms.envelopes import read_envelope
from openrosa.answers import REFUSALS, Answer, language_of
from openrosa.routes import Door, document, failure
from openrosa.submitting import INLINE_BYTES, answer_of, client_of
from schemas.errors import SubmissionError
from schemas.text import pick
from store.arrivals import NewSubmission, derive_instance_id
from store.people import Person

_TYPE = re.compile(rb"""multipart/form-data; ?boundary=(?:([A-Za-z0-9'+_.-]{1,70})|"([A-Za-z0-9'+_.-]{1,70})")""", re.I)
# What phones and libraries write before the XML. Of any other head, and of a length that isn't the XML's, the app's
# own parser is to judge.
_HEAD = re.compile(
    rb'Content-Disposition: form-data; name="xml_submission_file"(?:; filename="[^"\\\r\n]*")?'
    rb"(?:\r\nContent-Type: [A-Za-z0-9/+._-]+(?:; charset=[A-Za-z0-9-]+)?)?(?:\r\nContent-Length: ([1-9][0-9]*))?",
    re.I,
)
_LONGEST_HEAD = 1024


def only_xml(body: bytes, content_type: bytes) -> bytes | None:
    r"""The XML of a body that has one part, that one, and ends where it should; null for any other body.

    >>> only_xml(b'--b\r\nContent-Disposition: form-data; name="xml_submission_file"\r\n\r\n<a/>\r\n--b--\r\n',
    ...     b"multipart/form-data; boundary=b")
    b'<a/>'
    """
    kind = _TYPE.fullmatch(content_type)
    if kind is None:
        return None
    line = b"--" + (kind[1] or kind[2])
    end = body.rfind(b"\r\n" + line + b"--")
    start = body.find(b"\r\n\r\n", 0, _LONGEST_HEAD) + 4
    first = len(line) + 2
    is_whole = end > start > first and body.startswith(line + b"\r\n") and body[end + len(line) + 4 :] in {b"", b"\r\n"}
    # The line may stand twice: at the start and at the end.
    if not is_whole or body.count(line) != 2:
        return None
    head = _HEAD.fullmatch(body, first, start - 4)
    if head is None or (head[1] is not None and int(head[1]) != end - start):
        return None
    return body[start:end]


@functools.lru_cache(maxsize=64)
def _messages(status: int, sentence: str) -> tuple[Message, Message]:
    """An answer, ready to be sent; there are few, so each is made once."""
    response = document(status, sentence)
    return (
        {"type": "http.response.start", "status": status, "headers": response.raw_headers},
        {"type": "http.response.body", "body": response.body},
    )


class QuickDoor:
    """Before the app: it keeps the common submission and leaves all else to the app.

    Args:
        app: who answers everything else.
        door: what it works with.
        base_path: what stands before each address.
    """

    def __init__(self, app: ASGIApp, door: Door, base_path: str) -> None:
        self._app = app
        self._door = door
        key = r"(?:/key/([^/\s]+)|/v1/key/([^/\s]+)/projects/[^/\s]+)"
        self._address = re.compile(re.escape(base_path) + key + "/submission")
        settings = door.settings
        self._most = min(INLINE_BYTES, settings.xml_bytes, settings.request_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or let the app do it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        headers = _first_of_each(scope["headers"])
        person = self._sender(scope["path"], headers)
        if person is None:
            return await self._app(scope, receive, send)
        taken: list[Message] = []
        answer = await self._keep(taken, receive, headers, person)
        if answer is None:
            return await self._app(scope, _again(taken, receive), send)
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        start, body = _messages(answer.status, pick(answer.text, language))
        await send(start)
        await send(body)

    async def _keep(
        self, taken: list[Message], receive: Receive, headers: Mapping[bytes, bytes], person: Person
    ) -> Answer | None:
        """Store the submission, and what to say; null if the app is to look at what was `taken`."""
        try:
            await self._take(taken, receive)
        except TimeoutError:
            return REFUSALS["SUB-107"]
        try:
            item = self._read(taken, headers, person)
            if item is None or self._door.buckets.take(("person", person.id)):
                return None
            return answer_of(await self._door.writer.add(item))
        except Exception as error:
            return failure(error, 503)

    def _sender(self, path: str, headers: Mapping[bytes, bytes]) -> Person | None:
        """Who sends a small submission; null if it isn't one, or isn't known without asking the store."""
        address = self._address.fullmatch(path)
        if address is None or b"content-encoding" in headers:
            return None
        length = headers.get(b"content-length", b"")
        if not (length.isdigit() and len(length) < 10 and int(length) <= self._most):
            return None
        return self._door.access.recall(address[1] or address[2])

    async def _take(self, taken: list[Message], receive: Receive) -> None:
        """Take messages until the body is whole or isn't a small one; TimeoutError after too long a silence."""
        loop, idle = asyncio.get_running_loop(), self._door.settings.idle_seconds
        left = self._most
        async with asyncio.timeout(idle) as patience:
            while left >= 0:
                message = await receive()
                taken.append(message)
                if not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
                patience.reschedule(loop.time() + idle)

    def _read(self, taken: Sequence[Message], headers: Mapping[bytes, bytes], person: Person) -> NewSubmission | None:
        """The submission of a whole body; null if the app is to look at it."""
        if taken[-1]["type"] != "http.request" or taken[-1].get("more_body", False):
            return None
        body = b"".join([message.get("body", b"") for message in taken])
        xml = only_xml(body, headers.get(b"content-type", b""))
        if xml is None:
            return None
        try:
            envelope = read_envelope(xml)
        except SubmissionError:
            return None
        return NewSubmission(
            form_id=envelope.form_id,
            version=envelope.version,
            instance_id=envelope.instance_id or derive_instance_id(xml),
            xml=xml,
            received_at=datetime.now(UTC),
            deprecated_id=envelope.deprecated_id,
            client=client_of(headers.get(b"user-agent", b"").decode("latin-1")),
            person_id=person.id,
        )


def _first_of_each(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Name -> value; of a header that came twice the first counts, as everywhere in the app."""
    return dict(reversed(headers))


def _again(taken: Sequence[Message], receive: Receive) -> Receive:
    """What gives the messages that were taken already, and then the rest."""
    waiting = deque(taken)

    async def replay() -> Message:
        return waiting.popleft() if waiting else await receive()

    return replay
