"""The desk as part of a server, or served alone; loaded when somebody first opens it."""

from __future__ import annotations

import asyncio
import os

import uvicorn
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from schemas.settings import Settings, read_settings
from store.open import Store

PATH = "/desk"


class LazyDesk:
    """The desk, made at its first request: a server for phones alone stays small.

    Args:
        store: open for as long as it lives.
        settings: of the server.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._app: ASGIApp | None = None
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the desk does."""
        async with self._turn:
            if self._app is None:
                self._app = await asyncio.to_thread(self._load)
        await self._app(scope, receive, send)

    def _load(self) -> ASGIApp:
        from console.app import create_desk
        from flows.desk_runs import DeskRunner
        from flows.handing_out import sheet_page

        runner = DeskRunner(self._store.data)
        return create_desk(self._store, settings=self._settings, runner=runner, cards=sheet_page)


def desk_routes(store: Store, settings: Settings | None = None) -> list[BaseRoute]:
    """The desk under `PATH`."""
    settings = settings or read_settings(os.environ)

    async def enter(_: object) -> RedirectResponse:
        return RedirectResponse(f"{PATH}/")

    return [Route(PATH, enter, methods=["GET"]), Mount(PATH, LazyDesk(store, settings))]


def serve_desk(store: Store, host: str, port: int) -> None:
    """Serve the desk alone until SIGTERM or SIGINT."""
    routes = desk_routes(store)

    async def enter(_: object) -> RedirectResponse:
        return RedirectResponse(f"{PATH}/")

    app = Starlette(routes=[Route("/", enter, methods=["GET"]), *routes])
    # Addresses of the desk hold ids, but still no log is kept of who opened what when: the audit log is that log.
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, proxy_headers=False
    )
    uvicorn.Server(config).run()
