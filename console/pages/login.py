"""Coming and going: name and password, the language, and the end of a session."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from console.visiting import LANGUAGE_COOKIE, SESSION_COOKIE, Visit, is_secure
from schemas.errors import AccessError
from schemas.rights import may
from schemas.text import LANGUAGES
from store.logins import TooManyAttempts
from store.people import Person, get_person_by_key
from store.sessions import LIFETIME, add_session, end_session

YEAR = timedelta(days=365)


def local_path(visit: Visit, wanted: str) -> str:
    """An address of this desk, home if `wanted` is none: nobody is sent elsewhere by a link of ours."""
    home = visit.url()
    is_fine = wanted.startswith(home) and not wanted.startswith("//")
    return wanted if is_fine and "\\" not in wanted and wanted.isprintable() else home


def show(visit: Visit) -> Response:
    """The page on which one logs in."""
    if visit.person is not None:
        return visit.go(visit.url())
    return visit.page("login.html", next=visit.request.query_params.get("next", ""), problem="", seconds=0)


def log_in(visit: Visit) -> Response:
    """Open a session, if name and password are right."""
    wanted = visit.posted.get("next", "")
    try:
        person = visit.desk.logins.check(
            visit.posted.get("name", "")[:200],
            visit.posted.get("password", "")[:1000],
            address=visit.actor.client.removeprefix("desk "),
            client=visit.actor.client,
        )
    except TooManyAttempts as error:
        return visit.page("login.html", 429, next=wanted, problem="wait", seconds=error.seconds)
    except AccessError as error:
        sender = _sender(visit) if error.code == "ACC-012" else None
        if sender is None:
            return visit.page("login.html", 403, next=wanted, problem="wrong", seconds=0)
        person = sender
    with visit.store.begin() as connection:
        session = add_session(connection, person, visit.desk.now(), client=visit.actor.client)
    response = visit.go(local_path(visit, wanted))
    _set_cookie(visit, response, SESSION_COOKIE, session.token, LIFETIME)
    return response


def _sender(visit: Visit) -> Person | None:
    """Whoever sends interviews and gave name and key: they may see the own progress, and no other page opens."""
    with visit.store.read() as connection:
        person = get_person_by_key(connection, visit.posted.get("password", ""))
    return person if person is not None and may(person, "see_own_progress") else None


def log_out(visit: Visit) -> Response:
    """End the session, here and for whoever else has its token."""
    with visit.store.begin() as connection:
        end_session(connection, visit.token)
    response = visit.go(visit.url("login"))
    response.delete_cookie(SESSION_COOKIE, path=visit.url())
    return response


def choose_language(visit: Visit) -> Response:
    """Keep the language that was chosen, and go back to where one was."""
    response = visit.go(local_path(visit, visit.request.query_params.get("next", "")))
    language = visit.request.path_params["language"]
    if language in LANGUAGES:
        _set_cookie(visit, response, LANGUAGE_COOKIE, language, YEAR)
    return response


def _set_cookie(visit: Visit, response: Response, name: str, value: str, age: timedelta) -> None:
    secure = is_secure(visit.request, visit.desk.settings)
    seconds = int(age.total_seconds())
    response.set_cookie(name, value, max_age=seconds, path=visit.url(), secure=secure, httponly=True, samesite="lax")
