"""People: who is there, adding somebody, keys and passwords that are shown once."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from starlette.responses import HTMLResponse, Response

from console.acts import managing
from console.visiting import Visit, is_secure
from schemas.communes import find_commune
from schemas.errors import AccessError
from schemas.rights import ROLES, may_manage

CARDED: Final = frozenset({"enumerator", "supervisor"})
"""Roles whose phones are set up with a card."""

_HERE = ("http://127.0.0.1", "http://localhost", "http://[::1]")


@dataclass(frozen=True, slots=True)
class Secret:
    """What is shown once: a key, a password, or both; null where it isn't made. Its repr hides nothing useful."""

    name: str
    login: str
    key: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return "Secret(...)"


def show(visit: Visit) -> Response:
    """The list, and the form for adding somebody."""
    return _page(visit)


def _page(visit: Visit, secret: Secret | None = None, error: AccessError | None = None) -> Response:
    mine = visit.who.communes
    return visit.page(
        "people.html",
        200 if error is None else error.http_status,
        section="people",
        people=managing.list_managed(visit.store, visit.who),
        roles=[role for role in ROLES if may_manage(visit.who, role, mine)],
        communes={cut: _name(cut) for cut in sorted(mine)},
        name_of=_name,
        logs_in=managing.logs_in,
        secret=secret,
        error=error,
        carded=CARDED if visit.desk.cards is not None else frozenset(),
        phones=phone_address(visit),
        is_local=phone_address(visit).startswith(_HERE),
        notice="done_changed" if visit.request.query_params.get("done") == "changed" else "",
    )


def phone_address(visit: Visit) -> str:
    """Where phones reach the server: as the settings say, else the address at which this page was opened."""
    if visit.desk.settings.public_url:
        return visit.desk.settings.public_url
    scheme = "https" if is_secure(visit.request, visit.desk.settings) else "http"
    return f"{scheme}://{visit.request.headers.get('host', '127.0.0.1')}"


def _name(cut: str) -> str:
    commune = find_commune(cut)
    return cut if commune is None else commune.name


def add(visit: Visit) -> Response:
    """Add somebody; key and password are on this page and on no other."""
    told = visit.posted
    try:
        role = told.get("role", "")
        made = managing.add(visit.store, visit.who, told.get("name", "").strip()[:200], role, _communes(visit))
        password = managing.give_password(visit.store, visit.who, made.id) if managing.logs_in(role) else None
    except AccessError as error:
        return _page(visit, error=error)
    # Who logs in needs no key at a phone, unless they send interviews too.
    return _page(
        visit, Secret(made.name, made.login, made.key if role in {"enumerator", "supervisor"} else None, password)
    )


def change(visit: Visit) -> Response:
    """Another key, password, role or communes, or an end."""
    number = int(visit.request.path_params["number"])
    told, act = visit.posted, visit.posted.get("act", "")
    try:
        match act:
            case "revoke":
                managing.revoke(visit.store, visit.who, number)
            case "role":
                managing.change_role(visit.store, visit.who, number, told.get("role", ""))
            case "communes":
                managing.change_communes(visit.store, visit.who, number, _communes(visit))
            case "key":
                made = managing.renew(visit.store, visit.who, number)
                return _page(visit, Secret(made.name, made.login, made.key))
            case _:
                return _with_password(visit, number)
    except AccessError as error:
        return _page(visit, error=error)
    return visit.go(visit.url("people", done="changed"))


def _with_password(visit: Visit, number: int) -> Response:
    password = managing.give_password(visit.store, visit.who, number)
    person = next(one for one in managing.list_managed(visit.store, visit.who) if one.id == number)
    return _page(visit, Secret(person.name, person.login, None, password))


def _communes(visit: Visit) -> set[str]:
    written = visit.posted.get("communes", "").replace(",", " ").split()
    return {*filter(None, visit.everything.get("commune", ())), *written}


def print_cards(visit: Visit) -> Response:
    """The sheet of cards with new keys: to be printed from the browser, and nowhere kept."""
    draw = visit.desk.cards
    numbers = [int(one) for one in visit.everything.get("person", ()) if one.isdecimal() and len(one) < 10]
    try:
        if draw is None:
            raise AccessError("ACC-128", "This desk draws no cards.", "Use comunal people sheet.")
        address = phone_address(visit)
        page, _ = managing.renew_many(visit.store, visit.who, numbers, lambda made: draw(visit.store, made, address))
    except AccessError as error:
        return _page(visit, error=error)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = b64encode(sha256((style[1] if style else "").encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})
