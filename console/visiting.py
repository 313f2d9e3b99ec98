"""Who asks the desk for what: the session behind a request, the language, the form that was posted, and the answer."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.cards import CardMaker
from console.layout import render
from console.runs import FlowRunner
from console.surveys import Survey
from console.wording import DeskWording, wording
from schemas.errors import CommandError, ComunalError, ReleaseError
from schemas.rights import may_in_part, own_part
from schemas.settings import Settings
from schemas.text import LANGUAGES
from store.audit import Actor, person_actor
from store.logins import Logins
from store.open import Store
from store.people import Person
from store.sessions import TOUCHED, Session, get_session, mark_used

SESSION_COOKIE = "comunal_desk"
LANGUAGE_COOKIE = "comunal_language"
FORM_BYTES = 256 * 1024
FORM_FIELDS = 2000
WORDLESS = frozenset({"STO-092", "STO-094", "STO-095"})
"""Errors of the store that say that words are missing."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages work with.

    Attributes:
        runner: runs flows; null where the desk can only look.
        cards: draws cards for phones; null where it can't.
        now: the clock.
    """

    store: Store
    logins: Logins
    settings: Settings
    runner: FlowRunner | None = None
    cards: CardMaker | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, with everything about it that pages want to know.

    Attributes:
        person, session: null before login.
        survey: the survey that the address names, null if it names none.
        posted: fields of the form that was sent, the last of a name.
        everything: the same, every value of every name.
        token: of the session.
    """

    desk: Desk
    request: Request
    words: DeskWording
    person: Person | None = None
    session: Session | None = None
    survey: Survey | None = None
    posted: Mapping[str, str] = field(default_factory=dict, repr=False)
    everything: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    token: str = field(default="", repr=False)

    @property
    def store(self) -> Store:
        """The store."""
        return self.desk.store

    @property
    def who(self) -> Person:
        """The person who is logged in; pages that need one are never asked without."""
        if self.person is None:
            raise AssertionError("this page is only for people who are logged in")
        return self.person

    @property
    def about(self) -> Survey:
        """The survey of the address; pages without one never ask."""
        if self.survey is None:
            raise AssertionError("this page's address names no survey")
        return self.survey

    @property
    def actor(self) -> Actor:
        """Who the audit log says did it."""
        client = f"desk {client_address(self.request, self.desk.settings)}".strip()
        return Actor("nobody", client) if self.person is None else person_actor(self.person.id, client)

    @property
    def is_partial(self) -> bool:
        """Whether only a part of the page is wanted: htmx asks, and has the rest."""
        return self.request.headers.get("hx-request") == "true"

    def may(self, act: str) -> bool:
        """Whether the person may do that, in this survey's commune if the address names one."""
        return self.person is not None and may_in_part(self.person, act, self.survey.commune if self.survey else None)

    @property
    def within(self) -> frozenset[str] | None:
        """The communes to which everything that is shown of this survey is cut; null for all of it."""
        return own_part(self.who, self.about.commune)

    def url(self, *parts: str, **query: str | None) -> str:
        """An address of the desk."""
        path = str(self.request.scope.get("root_path", "")) + "".join(f"/{quote(part, safe='')}" for part in parts)
        told = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)
        return (path if parts else f"{path}/") + (f"?{told}" if told else "")

    def in_survey(self, *parts: str, **query: str | None) -> str:
        """An address within the survey."""
        return self.url("s", self.about.form_id, *parts, **query)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401  # what templates show
        """A page from a template."""
        return HTMLResponse(render(template, self, values), status)

    def go(self, address: str) -> Response:
        """Send the browser there after a form was sent."""
        return RedirectResponse(address, 303)


def client_address(request: Request, settings: Settings) -> str:
    """The network address that a request comes from, "" if unknown; a proxy's word counts if the settings trust it."""
    address = request.client.host if request.client is not None else ""
    if settings.trust_forwarded:
        address = request.headers.get("x-forwarded-for", address).rpartition(",")[2].strip()
    return address


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether the browser came by HTTPS."""
    if settings.public_url:
        return settings.public_url.startswith("https:")
    if settings.trust_forwarded and "x-forwarded-proto" in request.headers:
        return request.headers["x-forwarded-proto"] == "https"
    return request.url.scheme == "https"


def csrf_of(token: str) -> str:
    """What each form carries, so that no other site can send one: it is made of the session's token alone."""
    return hmac.new(token.encode(), b"comunal desk form", hashlib.sha256).hexdigest()


def is_ours(request: Request) -> bool:
    """Whether a form was sent from a page of this host, as far as the browser tells."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    # A page without referrer sends "null" as its origin: then the fields above and the token have to do.
    return origin in {None, "null"} or urlsplit(str(origin)).netloc == request.headers.get("host", "")


def language_of(request: Request) -> str:
    """The language that was chosen, else the first of ours that the browser asks for, else Spanish."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    wanted = [part.partition(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(",")]
    return next((code for code in (chosen, *wanted) if code in LANGUAGES), LANGUAGES[0])


def read_visit(desk: Desk, request: Request, body: bytes) -> Visit:
    """Look up the session and read the form that was sent. Its use is kept, at most once a minute."""
    told: dict[str, list[str]] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FORM_FIELDS):
        told.setdefault(name, []).append(value.replace("\r\n", "\n"))
    token, session = request.cookies.get(SESSION_COOKIE, ""), None
    if token:
        now = desk.now()
        with desk.store.read() as connection:
            session = get_session(connection, token, now)
        if session is not None and session.used_at + TOUCHED <= now:
            with desk.store.begin() as connection:
                mark_used(connection, token, now)
    return Visit(
        desk=desk,
        request=request,
        words=wording(language_of(request)),
        person=session.person if session else None,
        session=session,
        posted={name: values[-1] for name, values in told.items()},
        everything={name: tuple(values) for name, values in told.items()},
        token=token if session else "",
    )


def status_of(error: ComunalError) -> int:
    """What a browser is told of an error: what can't be done just now is nobody's failure."""
    is_refused = isinstance(error, CommandError | ReleaseError) or error.code in WORDLESS
    return 409 if is_refused else error.http_status
