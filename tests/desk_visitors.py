"""People at the desk, for its tests: a session of anybody without a password, and forms as a browser sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from console.app import create_desk
from console.runs import FlowRunner
from console.visiting import SESSION_COOKIE, csrf_of
from store.open import Store
from store.people import Person
from store.sessions import add_session

HOST = "http://desk.test"


def serve(store: Store, runner: FlowRunner | None = None) -> Starlette:
    return Starlette(routes=[Mount("/desk", create_desk(store, runner=runner))])


class Client:
    """A browser without a page: it keeps cookies and follows nothing."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.cookies = httpx.Cookies()

    def request(
        self,
        method: str,
        path: str,
        *,
        data: Mapping[str, object] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=HOST, cookies=self.cookies) as client:
                answer = await client.request(method, path, data=data, content=content, headers=headers)
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers=headers)

    def post(
        self,
        path: str,
        data: Mapping[str, object] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return self.request("POST", path, data=data, content=content, headers=headers)


@dataclass
class Visitor:
    """Whoever opens pages; without a session, a stranger."""

    client: Client
    token: str = ""

    def get(self, path: str, language: str = "en") -> tuple[int, str]:
        answer = self.client.get(f"/desk{path}", {"accept-language": language})
        return answer.status_code, unescape(answer.text)

    def post(self, path: str, token: str | None = None, **fields: object) -> tuple[int, str]:
        """Send a form; a field with a list is sent once a value. Of a redirect, the page it leads to."""
        sent = {"csrf": csrf_of(self.token) if token is None else token} | fields
        answer = self.client.post(f"/desk{path}", sent, headers={"accept-language": "en"})
        if answer.status_code == 303:
            return 303, answer.headers["location"]
        return answer.status_code, unescape(answer.text)


def visit(app: Starlette, store: Store, person: Person | None = None) -> Visitor:
    client = Client(app)
    if person is None:
        return Visitor(client)
    with store.begin() as connection:
        token = add_session(connection, person).token
    client.cookies.set(SESSION_COOKIE, token)
    return Visitor(client, token)
