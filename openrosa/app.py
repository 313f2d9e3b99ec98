"""The server as one ASGI app: addresses, and what starts and stops with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Receive, Scope, Send

from openrosa.access import Access
from openrosa.answers import Refusal
from openrosa.entities import entity_routes
from openrosa.limits import Buckets
from openrosa.offering import form_list, form_xml, manifest, media
from openrosa.pages import front_page
from openrosa.quick import QuickDoor
from openrosa.routes import HEADERS, Door, answered, say
from openrosa.submitting import ask_submission, submit
from openrosa.web import web_file, web_page
from schemas.settings import Settings
from store.open import Store
from store.writer import GroupWriter

PREFIXES = (
    "",
    "/key/{key}",
    "/v1/key/{key}/projects/{project}",
    "/test/{token}",
    "/v1/test/{token}/projects/{project}/forms/{form}/draft",
    "/web/{link}",
)
"""What stands before each address: nothing for whoever logs in with name and password, a key, the token of a
draft's test address (each of the two also as ODK Central writes it), or a link for answering in a browser."""


CENTRAL_PATHS = ("/v1/{rest:path}", "/docs", "/docs/{rest:path}")
"""What the Central API answers of the addresses that are no phone's."""


async def front(request: Request) -> Response:
    """GET /: says what this is, and nothing that anybody may not know."""
    return HTMLResponse(
        front_page(), headers=HEADERS | {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    )


async def missing(request: Request, error: Exception) -> Response:
    """Any other address."""
    return say(request, Refusal("SUB-113").answer)


def routes(base_path: str = "") -> list[Route]:
    """Every address of the protocol, below each of `PREFIXES`."""
    found = [
        Route(f"{base_path}/", answered(front), methods=["GET"]),
        Route(f"{base_path}/web/static/{{version}}/{{name}}", answered(web_file), methods=["GET"]),
        Route(f"{base_path}/web/{{link}}", answered(web_page), methods=["GET"]),
    ]
    for prefix in PREFIXES:
        root = base_path + prefix
        found += [
            Route(f"{root}/formList", answered(form_list), methods=["GET"]),
            Route(f"{root}/forms/{{number:int}}/form.xml", answered(form_xml), methods=["GET"]),
            Route(f"{root}/forms/{{number:int}}/manifest", answered(manifest), methods=["GET"]),
            Route(f"{root}/forms/{{number:int}}/media/{{name:path}}", answered(media), methods=["GET"]),
            *entity_routes(root),
            Route(f"{root}/submission", answered(ask_submission), methods=["GET"]),
            Route(f"{root}/submission", answered(submit, failed=503), methods=["POST"]),
        ]
    return found


class Central:
    """ODK Central's API, loaded when somebody first asks for it: a server for phones alone stays small.

    Args:
        base_path: as of `create_app`.
    """

    def __init__(self, base_path: str) -> None:
        self._base_path = base_path
        self._router: Router | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the route of the API would that has this path."""
        if self._router is None:
            self._router = await asyncio.to_thread(self._load)
        await self._router(scope, receive, send)

    def _load(self) -> Router:
        from openrosa.central.routes import central_routes

        return Router(central_routes(self._base_path), redirect_slashes=False)


def create_app(
    store: Store, base_path: str = "", *, settings: Settings | None = None, more: Sequence[BaseRoute] = ()
) -> Starlette:
    """The OpenRosa server of a store.

    Args:
        store: open for as long as the app lives; the app doesn't close it.
        base_path: what a proxy or an outer app leaves before our addresses, "" or "/something".
        settings: limits and addresses; null takes the defaults.
        more: what else this server offers, such as the desk.
    """
    settings = settings or Settings()
    writer = GroupWriter(store)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(store.blobs.sweep)
        try:
            yield
        finally:
            await asyncio.to_thread(writer.close)

    base_path = base_path.rstrip("/")
    central = Central(base_path)
    app = Starlette(
        routes=[*routes(base_path), *(Route(base_path + path, central) for path in CENTRAL_PATHS), *more],
        lifespan=lifespan,
        exception_handlers={404: missing, 405: missing},
    )
    app.router.redirect_slashes = False
    door = Door(store, writer, Access(store), settings, Buckets(settings.requests_per_minute))
    app.state.door = door
    app.add_middleware(QuickDoor, door=door, base_path=base_path)
    return app
