"""Who asks: a bearer token of a session, or a name and key at every request as Excel and Power BI send them."""

from __future__ import annotations

import base64
import binascii
import secrets

from starlette.requests import Request

from openrosa.central.answers import FORBIDDEN, UNAUTHENTICATED, Refused
from openrosa.routes import Door, origin
from store.open import Store
from store.people import Person, get_person_by_key
from store.sessions import get_person_by_token

READERS = frozenset({"statistician", "reviewer"})
"""Who may read data. An enumerator's key sends interviews and gets none back."""

WRITERS = frozenset({"statistician"})
"""Who may change forms, people and interviews."""

_HERE = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})


def check_key(store: Store, name: str, key: str) -> Person:
    """The person of that name and key.

    Raises:
        Refused: 401.2, there is none; 403.1, their key sends interviews and gives no data out.
    """
    with store.read() as connection:
        person = get_person_by_key(connection, key)
    named = name.strip().casefold().encode("utf-8", "surrogatepass")
    if person is None or not secrets.compare_digest(person.name.casefold().encode(), named):
        raise Refused(UNAUTHENTICATED, "Could not authenticate with the provided credentials.")
    if person.role not in READERS:
        raise Refused(FORBIDDEN, "This person's key sends interviews; it gives no right to read data.")
    return person


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
        Refused: 401.2, nobody that we know; 401.3, a key in the clear over a network; 403.1, an enumerator.
    """
    if token := bearer(request):
        with here.store.read() as connection:
            person = get_person_by_token(connection, token)
        if person is not None:
            return person
    elif (named := _basic(request)) is not None:
        address = origin(request, here.settings)
        host = address.partition("://")[2].rpartition(":")[0] or address.partition("://")[2]
        if not address.startswith("https://") and host not in _HERE:
            raise Refused(401.3, "Name and key are only taken over https.")
        return check_key(here.store, *named)
    raise Refused(UNAUTHENTICATED, "Could not authenticate with the provided credentials.")
