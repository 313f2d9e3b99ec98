"""The desk as one ASGI app: its addresses, who may open each, and what every answer carries."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from console.cards import CardMaker
from console.layout import read_static
from console.pages import addresses
from console.pages.addresses import Page
from console.runs import FlowRunner
from console.surveys import list_surveys
from console.visiting import FORM_BYTES, Desk, Visit, csrf_of, is_ours, read_visit, status_of
from schemas.errors import ComunalError
from schemas.settings import Settings
from store.attempts import Attempts
from store.audit import acting, record
from store.logins import Logins
from store.open import Store

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NOT_THERE = frozenset(
    {"ACC-003", "STO-011", "STO-013", "STO-018", "STO-022", "STO-090", "STO-093", "REL-064", "REL-121"}
)
"""Errors that say that something named by an address isn't there."""

_log = logging.getLogger("console")


def create_desk(
    store: Store,
    *,
    settings: Settings | None = None,
    runner: FlowRunner | None = None,
    attempts: Attempts | None = None,
    cards: CardMaker | None = None,
) -> Starlette:
    """The desk of a store, to be served alone or mounted under an address of another app.

    Args:
        store: open for as long as the app lives; the app doesn't close it.
        settings: addresses; null takes the defaults.
        runner: who runs flows; null leaves the page of flows out.
        attempts: failed logins, if another door counts them too.
        cards: who draws cards for phones; null leaves them out.
    """
    desk = Desk(store, Logins(store, attempts or Attempts()), settings or Settings(), runner, cards)
    routes = [Route(page.path, _endpoint(desk, page), methods=[page.method]) for page in addresses.PAGES]
    static = Route("/static/{version}/{name:path}", _static, methods=["GET"])
    app = Starlette(routes=[static, *routes], exception_handlers={404: _missing(desk), 405: _missing(desk)})
    app.router.redirect_slashes = False
    return app


async def _static(request: Request) -> Response:
    found = await asyncio.to_thread(read_static, request.path_params["name"])
    if found is None:
        return Response(status_code=404, headers=HEADERS)
    # The address holds a digest of the content, so a browser may keep it.
    return Response(found[0], headers=HEADERS | {"Cache-Control": "public, max-age=31536000"}, media_type=found[1])


def _endpoint(desk: Desk, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await _read_body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return Response("413", 413, HEADERS)
        response = await asyncio.to_thread(_answer, desk, page, request, body)
        response.headers.update(HEADERS | dict(response.headers))
        return response

    return endpoint


async def _read_body(request: Request) -> bytes | None:
    """What was sent, null if it is more than any of our forms."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            return None
    return bytes(body)


def _answer(desk: Desk, page: Page, request: Request, body: bytes) -> Response:
    visit: Visit | None = None
    try:
        visit = read_visit(desk, request, body)
        return _guarded(page, visit)
    except ComunalError as error:
        _log.info("%s %s", error.code, page.path)
        if visit is None:
            return Response(error.code, error.http_status)
        return visit.page("error.html", _status(error), error=error, kind="")
    except Exception as error:
        # The log gets kind and place, never the text: it may hold an answer.
        _log.error("%s at %s", type(error).__name__, page.path)
        if visit is None:
            return Response("500", 500)
        return visit.page("error.html", 500, error=None, kind="broken")


def _status(error: ComunalError) -> int:
    """The same, and what isn't there is told as such."""
    if error.code in NOT_THERE:
        return 404
    return status_of(error)


def _guarded(page: Page, visit: Visit) -> Response:
    """The page's answer, if the form is ours, somebody is logged in, and they may."""
    request = visit.request
    if request.method == "POST" and not is_ours(request):
        return visit.page("error.html", 403, error=None, kind="foreign")
    if page.act == addresses.ANYBODY:
        with acting(visit.actor):
            return page.answer(visit)
    if visit.person is None:
        target = visit.request.url.path if request.method == "GET" else ""
        return visit.go(visit.url("login", next=target))
    if request.method == "POST" and not _has_token(visit):
        return visit.page("error.html", 403, error=None, kind="stale")
    if "form" in request.path_params:
        act = page.act or "see_progress"
        surveys = list_surveys(visit.store, visit.who, act)
        found = next((one for one in surveys if one.form_id == request.path_params["form"]), None)
        if found is None:
            return _refuse(visit, page)
        visit = replace(visit, survey=found)
    if page.act and not visit.may(page.act):
        return _refuse(visit, page)
    with acting(visit.actor):
        return page.answer(visit)


def _refuse(visit: Visit, page: Page) -> Response:
    """What isn't there and what one may not see look alike, so that nobody learns which surveys there are."""
    with visit.store.begin() as connection:
        record(connection, "desk.open", "page", page.path, outcome="refused", by=visit.actor)
    return visit.page("error.html", 403, error=None, kind="refused")


def _has_token(visit: Visit) -> bool:
    return hmac.compare_digest(visit.posted.get("csrf", "").encode(), csrf_of(visit.token).encode())


def _missing(desk: Desk) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def missing(request: Request, error: Exception) -> Response:
        def answer() -> Response:
            return read_visit(desk, request, b"").page("error.html", 404, error=None, kind="missing")

        response = await asyncio.to_thread(answer)
        response.headers.update(HEADERS)
        return response

    return missing
