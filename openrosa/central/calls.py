"""One call of the API as its handler sees it, and everything around a handler: who asks, what is refused, the log."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from openrosa.central.answers import (
    FAILED,
    FORBIDDEN,
    MISSING,
    NO_RIGHT,
    TOO_LARGE,
    UNAVAILABLE,
    UNEXPECTED,
    UNKNOWN,
    UNREADABLE,
    Refused,
    as_answer,
    as_json,
    refused_by,
)
from openrosa.central.gate import Client, client_of, identify
from openrosa.routes import Door, door, origin
from schemas.errors import ComunalError
from schemas.rights import may, may_in_part
from store.audit import acting, person_actor, record
from store.blobs import Content, ContentWriter
from store.drafts import list_drafts
from store.forms import list_form_versions
from store.open import Store
from store.people import Person

PROJECT = 1
"""The only project there is: the installation."""

_log = logging.getLogger("openrosa.central")


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler works with; handlers run in a thread and may block.

    Attributes:
        path: parameters of the address.
        query: parameters after the question mark, the last of a name; without OData's options that are empty.
        client: where the request comes from.
        caller: who asks; null only at addresses that are open to everybody.
        body: the whole body, empty where it is taken as `content`.
        content: the body as a stored content, of uploads only.
    """

    door: Door
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    base: str
    client: Client
    caller: Person | None = None
    body: bytes = field(default=b"", repr=False)
    content: Content | None = None

    @property
    def store(self) -> Store:
        """The store."""
        return self.door.store

    @property
    def person(self) -> Person:
        """Who asks, of addresses that need somebody."""
        if self.caller is None:
            raise Refused(FORBIDDEN, "This needs a session.")
        return self.caller

    def record(self, act: str, kind: str, object_id: str, note: str = "") -> None:
        """Write down what the caller did, where no function of the store does it."""
        with self.store.begin() as connection:
            record(connection, act, kind, object_id, note=note)

    def json(self, *needed: str) -> dict[str, Any]:
        """The body as a JSON object with these keys.

        Raises:
            Refused: 400.1, it is none; 400.2, a key is missing.
        """
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            raise Refused(UNREADABLE, "The body can't be read: expected a JSON object.") from None
        if not isinstance(value, dict):
            raise Refused(UNREADABLE, "The body can't be read: expected a JSON object.")
        if missing := [name for name in needed if value.get(name) is None]:
            raise Refused(MISSING, f"Required: {', '.join(missing)}.", {"expected": list(needed), "missing": missing})
        return value

    def text(self, name: str) -> str:
        """A text of the JSON body that isn't blank.

        Raises:
            Refused: 400.1, 400.2, as `json`; 400.8, it is no text or blank.
        """
        value = self.json(name)[name]
        if not isinstance(value, str) or not value.strip():
            raise Refused(UNEXPECTED, f"{name}: expected a text that isn't blank.")
        return value

    def flag(self, name: str) -> bool:
        """A parameter that is true or false, false if absent; pyODK writes True and False.

        Raises:
            Refused: 400.8, it is neither.
        """
        value = self.query.get(name, "false").lower()
        if value not in {"true", "false", "1", "0", ""}:
            raise Refused(UNEXPECTED, f"{name}: expected true or false.")
        return value in {"true", "1"}


Handler = Callable[[Call], object]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of the API: what makes its route and its description.

    Attributes:
        path: below `/v1`, Starlette's way.
        handle: gives a value to be written as JSON, or a whole response.
        says: one sentence for the description.
        tag: chapter of the description.
        right: the act (`schemas.rights.ACTS`) that the person must be allowed; "open" for everybody.
        query: parameter -> what it does.
        takes: media type of the body, "" if there is none.
        gives: media type of the answer.
        upload: whether the body is taken as a stored content, in pieces.
    """

    method: str
    path: str
    handle: Handler
    says: str
    tag: str
    right: str = "export_data"
    query: Mapping[str, str] = field(default_factory=dict)
    takes: str = ""
    gives: str = "application/json"
    upload: bool = False


async def _read(request: Request, limit: int) -> bytes:
    pieces = bytearray()
    async for piece in request.stream():
        pieces += piece
        if len(pieces) > limit:
            raise Refused(TOO_LARGE, f"The body is larger than {limit} bytes.")
    return bytes(pieces)


async def _take(request: Request, here: Door) -> Content:
    writer = ContentWriter(here.store.blobs)
    try:
        async for piece in request.stream():
            if writer.size + len(piece) > here.settings.request_bytes:
                raise Refused(TOO_LARGE, f"The file is larger than {here.settings.request_bytes} bytes.")
            await asyncio.to_thread(writer.write, piece)
        return await asyncio.to_thread(writer.finish)
    finally:
        writer.discard()


def _commune(store: Store, person: Person, path: Mapping[str, str]) -> str | None:
    """Which commune an address is about; see `schemas.rights.may`. Only asked for people who are bound to some."""
    if "list" in path:
        # A list may be filled by forms of any commune.
        return ""
    if "form" not in path:
        return None
    with store.read() as connection:
        rows = list_form_versions(connection, path["form"])
        drafts = {draft.form_id: draft.person_id for draft in list_drafts(connection)} if not rows else {}
    if rows:
        return rows[-1].commune
    return None if drafts.get(path["form"]) == person.id else ""


def _check_right(store: Store, person: Person, endpoint: Endpoint, path: Mapping[str, str]) -> None:
    commune = _commune(store, person, path) if person.communes else None
    # Blank forms are whole in each commune of a survey of many; data aren't cut here, so they need the right in all.
    is_allowed = may_in_part if endpoint.right == "see_forms" else may
    if is_allowed(person, endpoint.right, commune):
        return
    with store.begin() as connection:
        record(connection, "api", outcome="refused", note=f"{endpoint.method} {endpoint.path}: {endpoint.right}")
    raise Refused(FORBIDDEN, NO_RIGHT)


async def _call(endpoint: Endpoint, request: Request) -> tuple[Response, Person | None]:
    here = door(request)
    client = client_of(request, here)
    if endpoint.right == "open":
        return await _handle(endpoint, request, client, None), None
    person = await asyncio.to_thread(identify, request, here)
    with acting(person_actor(person.id, client.name)):
        await asyncio.to_thread(_check_right, here.store, person, endpoint, request.path_params)
        return await _handle(endpoint, request, client, person), person


async def _handle(endpoint: Endpoint, request: Request, client: Client, person: Person | None) -> Response:
    here = door(request)
    if request.path_params.get("project", str(PROJECT)) != str(PROJECT):
        raise Refused(UNKNOWN, "There is no such project: this installation has one, with the number 1.")
    content = await _take(request, here) if endpoint.upload else None
    # Workbooks may be larger than any interview.
    body = b"" if endpoint.upload else await _read(request, max(here.settings.xml_bytes, 64 * 1024 * 1024))
    call = Call(
        here,
        request.path_params,
        # Some clients write `$top=&$skip=` for options that they don't use.
        {name: value for name, value in request.query_params.items() if value or not name.startswith("$")},
        request.headers,
        origin(request, here.settings) + request.scope.get("root_path", ""),
        client,
        person,
        body,
        content,
    )
    value = await asyncio.to_thread(endpoint.handle, call)
    return value if isinstance(value, Response) else as_json(value)


def show_accesses() -> None:
    """Have the log of accesses written to stderr, unless the program has its own way of keeping it."""
    _log.setLevel(logging.INFO)
    if not _log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        _log.addHandler(handler)


def _place(error: BaseException) -> str:
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last is not None else "?"


async def _answer(endpoint: Endpoint, request: Request) -> tuple[Response, Person | None]:
    try:
        return await _call(endpoint, request)
    except Refused as refused:
        return as_answer(refused), None
    except ClientDisconnect:
        return Response(status_code=400), None
    except ComunalError as error:
        refused_below = refused_by(error)
        if refused_below is not None:
            return as_answer(refused_below), None
        _log.error("%s %s", error.code, error.message)
        message = "The server can't do this now; its log says why."
        return as_answer(Refused(UNAVAILABLE, message, {"code": error.code})), None
    except Exception as error:
        # Never the error's text: it may hold an answer.
        _log.error("A request failed: %s at %s", type(error).__name__, _place(error))
        return as_answer(Refused(FAILED, "The server failed; its log says where.")), None


def answered(endpoint: Endpoint) -> Callable[[Request], Any]:
    """The endpoint as Starlette calls it; each call is logged with its route, its person's number and its status."""

    async def answer(request: Request) -> Response:
        response, person = await _answer(endpoint, request)
        who = "nobody" if person is None else f"person {person.id}"
        _log.info("%s /v1%s by %s: %d", endpoint.method, endpoint.path, who, response.status_code)
        return response

    return answer
