"""What every address of the door shares: who asks, under which address, and every failure as a sentence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from openrosa.access import Access, Unauthenticated, client_address
from openrosa.answers import BROKEN, LOG_IN, UNAVAILABLE, Answer, Refusal, language_of
from openrosa.documents import write_response
from openrosa.limits import Buckets
from openrosa.web_links import look_up
from schemas.errors import StoreError
from schemas.settings import Settings
from schemas.text import pick
from store.drafts import FormDraft
from store.links import WebLink
from store.open import Store
from store.people import Person
from store.trials import get_trial
from store.writer import GroupWriter

HEADERS = {"X-OpenRosa-Version": "1.0", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
XML = "text/xml; charset=utf-8"

Handler = Callable[[Request], Awaitable[Response]]
_log = logging.getLogger("openrosa")


@dataclass(frozen=True, slots=True)
class Door:
    """What the handlers work with."""

    store: Store
    writer: GroupWriter
    access: Access
    settings: Settings
    buckets: Buckets


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: a person, or whoever has the test address of a draft, or a link. Two of the three are null."""

    person: Person | None
    trial: FormDraft | None
    link: WebLink | None = None


def door(request: Request) -> Door:
    """The door of this app."""
    found: Door = request.app.state.door
    return found


def say(request: Request, answer: Answer, headers: Mapping[str, str] | None = None) -> Response:
    """The answer as an OpenRosa document, in the client's language."""
    sentence = pick(answer.text, language_of(request.headers.get("accept-language", "")))
    return document(answer.status, sentence, headers)


def document(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """The sentence as an OpenRosa document."""
    return Response(write_response(sentence), status, {**HEADERS, **(headers or {})}, media_type=XML)


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
            wait = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
            return say(request, refusal.answer, wait)
        except Unauthenticated as error:
            return _ask_to_log_in(request, stale=error.stale)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            return say(request, failure(error, failed))

    return answer


def failure(error: Exception, failed: int) -> Answer:
    """What is said when the server fails, after the log has got what it may know; `failed` as of `answered`."""
    if isinstance(error, StoreError):
        _log.error("%s %s", error.code, error.message)
        return Answer(failed, UNAVAILABLE)
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last is not None else "?"
    _log.error("A request failed: %s at %s", type(error).__name__, place)
    return Answer(500, BROKEN)


async def visit(request: Request) -> Visitor:
    """Who asks, if they may; counted, so that one key can't keep all others waiting.

    Raises:
        Refusal: ACC-101, ACC-102 the key; ACC-103, ACC-104 the link; SUB-113, no draft has this test address; SUB-115,
            too many requests.
        Unauthenticated: the address has no key, and name and password are missing or wrong.
        StoreError: the store can't be asked.
    """
    here = door(request)
    if "token" in request.path_params:
        trial = await asyncio.to_thread(_trial, here.store, request.path_params["token"])
        visitor = Visitor(None, trial)
        name: tuple[str, object] = ("test", trial.form_id)
    elif "link" in request.path_params:
        link = await asyncio.to_thread(look_up, here.store, request.path_params["link"])
        visitor = Visitor(None, None, link)
        name = ("link", link.id)
    else:
        person = await _person(request, here)
        visitor = Visitor(person, None)
        name = ("person", person.id)
    if wait := here.buckets.take(name):
        raise Refusal("SUB-115", retry_after=wait)
    return visitor


def _trial(store: Store, token: str) -> FormDraft:
    with store.read() as connection:
        found = get_trial(connection, token)
    if found is None:
        raise Refusal("SUB-113")
    return found


async def _person(request: Request, here: Door) -> Person:
    if "key" in request.path_params:
        return await here.access.person(request.path_params["key"], client_address(request, here.settings))
    return await here.access.login(
        request.headers.get("authorization", ""),
        request.method,
        _targets(request, here.settings),
        is_secure=is_secure(request, here.settings),
        address=client_address(request, here.settings),
    )


def _targets(request: Request, settings: Settings) -> set[str]:
    """Path and query as the client wrote them, also below the path of the public address."""
    raw = (request.scope.get("raw_path") or quote(request.scope["path"]).encode()).decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    target = f"{raw}?{query}" if query else raw
    return {target, urlsplit(settings.public_url).path + target}


def _ask_to_log_in(request: Request, *, stale: bool) -> Response:
    here = door(request)
    response = say(request, LOG_IN)
    for value in here.access.challenges(stale=stale, is_secure=is_secure(request, here.settings)):
        response.headers.append("WWW-Authenticate", value)
    return response


# ---------------------------------------------------------------------------------------------------- addresses


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether the request came encrypted: to us, or to a proxy that the settings trust."""
    return _scheme(request, settings) == "https"


def _scheme(request: Request, settings: Settings) -> str:
    scheme = request.url.scheme
    if settings.trust_forwarded:
        scheme = request.headers.get("x-forwarded-proto", scheme).split(",")[0].strip()
    return scheme


def origin(request: Request, settings: Settings) -> str:
    """Scheme and host under which the client reaches us.

    X-Forwarded headers are believed only if the settings say so: anybody can send them.
    """
    if settings.public_url:
        return settings.public_url
    host = request.headers.get("host") or request.url.netloc
    if settings.trust_forwarded:
        host = request.headers.get("x-forwarded-host", host).split(",")[0].strip()
    return f"{_scheme(request, settings)}://{host}"


def server_url(request: Request, tail: str) -> str:
    """The address that the phone has for this server, key included.

    Args:
        request: whose path ends in `tail`.
        tail: what stands behind that address.
    """
    return origin(request, door(request).settings) + quote(request.scope["path"].removesuffix(tail))
