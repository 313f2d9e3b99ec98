"""Who asks: a bearer token of a session, or a name and secret at every request as Excel and Power BI send them."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from openrosa.access import client_address
from openrosa.central.answers import FORBIDDEN, TOO_MANY, UNAUTHENTICATED, Refused
from openrosa.routes import Door, origin
from schemas.errors import AccessError
from store.open import Store
from store.people import Person
from store.sessions import TOUCHED, get_session, mark_used

NOBODY = "Could not authenticate with the provided credentials."

_HERE = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from: `name` is address and program, as the audit log keeps them."""

    address: str
    name: str


def client_of(request: Request, here: Door) -> Client:
    """The client of a request."""
    address = client_address(request, here.settings)
    program = request.headers.get("user-agent", "").partition(" ")[0]
    return Client(address, f"{address} {program}".strip())


def check_secret(here: Door, name: str, secret: str, client: Client) -> Person:
    """The person of that name and password, or name and key.

    Raises:
        Refused: 401.2, there is none; 403.1, their role doesn't log in; 429.1, too many wrong ones.
    """
    try:
        return here.access.logins.check(name, secret, address=client.address, client=client.name)
    except AccessError as error:
        code = {"ACC-010": UNAUTHENTICATED, "ACC-011": TOO_MANY}.get(error.code, FORBIDDEN)
        message = error.message if code != UNAUTHENTICATED else NOBODY
        raise Refused(code, message, retry_after=getattr(error, "seconds", None)) from None


def bearer(request: Request) -> str:
    """The token that a request carries, "" if none."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, key = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, key) if colon else None


def identify(request: Request, here: Door) -> Person:
    """Who sent a request.

    Raises:
        Refused: 401.2, nobody that we know; 401.3, a secret in the clear over a network; 403.1, an enumerator; 429.1,
            too many wrong secrets.
    """
    if token := bearer(request):
        if (person := _person_of(here.store, token)) is not None:
            return person
    elif (named := _basic(request)) is not None:
        address = origin(request, here.settings)
        host = address.partition("://")[2].rpartition(":")[0] or address.partition("://")[2]
        if not address.startswith("https://") and host not in _HERE:
            raise Refused(401.3, "Name and password or key are only taken over https.")
        return check_secret(here, *named, client_of(request, here))
    raise Refused(UNAUTHENTICATED, NOBODY)


def _person_of(store: Store, token: str) -> Person | None:
    """Whose session it is; from time to time the use is written down, so that the session goes on."""
    at = datetime.now(UTC)
    with store.read() as connection:
        session = get_session(connection, token, at)
    if session is None:
        return None
    if at - session.used_at >= TOUCHED:
        with store.begin() as connection:
            mark_used(connection, token, at)
    return session.person
