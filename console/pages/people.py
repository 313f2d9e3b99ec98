"""People: who is there, adding somebody, keys and passwords that are shown once."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from console.acts import managing
from console.visiting import Visit
from schemas.communes import find_commune
from schemas.errors import AccessError
from schemas.rights import ROLES, may_manage


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
    )


def _name(cut: str) -> str:
    commune = find_commune(cut)
    return cut if commune is None else commune.name


def add(visit: Visit) -> Response:
    """Add somebody; key and password are on this page and on no other."""
    told = visit.posted
    communes = [*visit.everything.get("commune", ()), *told.get("communes", "").replace(",", " ").split()]
    try:
        role = told.get("role", "")
        made = managing.add(
            visit.store, visit.who, told.get("name", "").strip()[:200], role, set(filter(None, communes))
        )
        password = managing.give_password(visit.store, visit.who, made.id) if managing.logs_in(role) else None
    except AccessError as error:
        return _page(visit, error=error)
    # Who logs in needs no key at a phone, unless they send interviews too.
    return _page(
        visit, Secret(made.name, made.login, made.key if role in {"enumerator", "supervisor"} else None, password)
    )


def change(visit: Visit) -> Response:
    """Another key, another password, or an end."""
    number = int(visit.request.path_params["number"])
    act = visit.posted.get("act", "")
    try:
        if act == "revoke":
            managing.revoke(visit.store, visit.who, number)
            return visit.go(visit.url("people"))
        if act == "key":
            made = managing.renew(visit.store, visit.who, number)
            return _page(visit, Secret(made.name, made.login, made.key))
        password = managing.give_password(visit.store, visit.who, number)
    except AccessError as error:
        return _page(visit, error=error)
    person = next(one for one in managing.list_managed(visit.store, visit.who) if one.id == number)
    return _page(visit, Secret(person.name, person.login, None, password))
