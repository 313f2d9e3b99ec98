"""Sessions, users, the one project, its app users (enumerators) and what they are assigned to."""

from __future__ import annotations

from datetime import datetime

from openrosa.central.answers import FORBIDDEN, NO_RIGHT, UNAUTHENTICATED, UNEXPECTED, UNKNOWN, Refused, iso
from openrosa.central.calls import PROJECT, Call, Endpoint
from openrosa.central.gate import check_secret
from schemas.rights import may_manage
from store.assignments import add_assignment, list_assigned, remove_assignment
from store.forms import get_form_version, list_form_versions
from store.people import Person, add_person, get_person, list_people, revoke_person
from store.sessions import add_session, end_session

APP_USER = "enumerator"
ROLES = (
    (1, "statistician", "admin"),
    (2, "enumerator", "app-user"),
    (3, "reviewer", "viewer"),
    (4, "supervisor", "supervisor"),
    (5, "administrator", "administrator"),
)


def log_in(call: Call) -> object:
    """POST sessions."""
    person = check_secret(call.door, call.text("email"), call.text("password"), call.client)
    with call.store.begin() as connection:
        session = add_session(connection, person, client=call.client.name)
    return {
        "token": session.token,
        "csrf": None,
        "createdAt": iso(session.created_at),
        "expiresAt": iso(session.expires_at),
    }


def get_session(call: Call) -> object:
    """GET sessions/restore: what Central's own pages ask first."""
    return {"createdAt": iso(call.person.created_at), "actorId": call.person.id}


def log_out(call: Call) -> object:
    """DELETE sessions/TOKEN, or sessions/current."""
    token = call.path["token"]
    if token == "current":  # noqa: S105  a word of the address
        kind, _, token = call.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise Refused(UNAUTHENTICATED, "There is no session to end.")
    with call.store.begin() as connection:
        if not end_session(connection, token.strip()):
            raise Refused(UNKNOWN, "There is no such session.")
    return {"success": True}


def actor(person: Person) -> dict[str, object]:
    """A person as Central's actor."""
    kind = "field_key" if person.role == APP_USER else "user"
    return {
        "id": person.id,
        "type": kind,
        "displayName": person.name,
        "createdAt": iso(person.created_at),
        "updatedAt": None,
        "deletedAt": iso(person.revoked_at),
    }


def current_user(call: Call) -> object:
    """GET users/current."""
    return {**actor(call.person), "email": call.person.name, "verbs": []}


def _made_at(call: Call) -> datetime:
    with call.store.read() as connection:
        times = [row.created_at for row in list_people(connection)]
        times += [row.created_at for row in list_form_versions(connection)]
    # Whoever asks has a key, so there is one.
    return min(times)


def _project(call: Call) -> dict[str, object]:
    with call.store.read() as connection:
        people = list_people(connection)
        forms = {row.form_id for row in list_form_versions(connection)}
    host = call.door.settings.public_url.partition("://")[2]
    return {
        "id": PROJECT,
        "name": f"Comunal {host}".strip(),
        "description": None,
        "archived": None,
        "keyId": None,
        "createdAt": iso(_made_at(call)),
        "updatedAt": None,
        "deletedAt": None,
        "forms": len(forms),
        "appUsers": sum(row.role == APP_USER and row.revoked_at is None for row in people),
        "verbs": [],
    }


def list_projects(call: Call) -> object:
    """GET projects."""
    return [_project(call)]


def get_project(call: Call) -> object:
    """GET projects/1."""
    return _project(call)


def _app_user(person: Person, token: str | None = None) -> dict[str, object]:
    return {**actor(person), "projectId": PROJECT, "token": token, "lastUsed": None}


def list_app_users(call: Call) -> object:
    """GET app-users: enumerators whose key still works. Keys are shown once, when they are made: `token` is null."""
    with call.store.read() as connection:
        people = list_people(connection)
    return [_app_user(row) for row in people[::-1] if _is_managed(call, row)]


def _is_managed(call: Call, person: Person) -> bool:
    """Whether it is an enumerator whose key works, and one of those whom the caller may manage."""
    in_force = person.role == APP_USER and person.revoked_at is None
    return in_force and may_manage(call.person, APP_USER, person.communes)


def create_app_user(call: Call) -> object:
    """POST app-users."""
    name = call.text("displayName")
    # Whoever is bound to communes gives the same ones on: nobody gives more than they have.
    communes = call.person.communes
    if not may_manage(call.person, APP_USER, communes):
        raise Refused(FORBIDDEN, NO_RIGHT)
    with call.store.begin() as connection:
        made = add_person(connection, name, APP_USER, communes=communes)
        person = get_person(connection, made.id)
    return _app_user(person, made.key)


def _person(call: Call, number: str) -> Person:
    with call.store.read() as connection:
        found = next((row for row in list_people(connection) if str(row.id) == number), None)
    if found is None:
        raise Refused(UNKNOWN, "There is no such person.")
    return found


def revoke_app_user(call: Call) -> object:
    """DELETE app-users/ID."""
    person = _person(call, call.path["user"])
    if person.role != APP_USER or not may_manage(call.person, APP_USER, person.communes):
        raise Refused(UNKNOWN, "There is no such app user.")
    with call.store.begin() as connection:
        revoke_person(connection, person.id)
    return {"success": True}


def list_roles(call: Call) -> object:
    """GET roles."""
    return [{"id": number, "name": name, "system": system, "verbs": []} for number, name, system in ROLES]


def list_assignments(call: Call) -> object:
    """GET assignments of a form: enumerators to whom it is offered; whoever has no assignment has every form."""
    form_id = call.path["form"]
    with call.store.read() as connection:
        get_form_version(connection, form_id)
        people = [row for row in list_people(connection) if _is_managed(call, row)]
        assigned = {row.id: list_assigned(connection, row.id) for row in people}
    return [{"actorId": row.id, "roleId": 2} for row in people if not assigned[row.id] or form_id in assigned[row.id]]


def _assignee(call: Call) -> Person:
    """The enumerator of the address, whose role there is that of app users."""
    if call.path["role"] not in {"2", "app-user"}:
        raise Refused(UNEXPECTED, "Only the role of app users (2) is assigned to forms here.")
    person = _person(call, call.path["user"])
    if not _is_managed(call, person):
        raise Refused(UNEXPECTED, "That person is no enumerator whose key works.")
    with call.store.read() as connection:
        get_form_version(connection, call.path["form"])
    return person


def assign(call: Call) -> object:
    """POST assignments/2/USER: from now on the enumerator has this form and others so assigned, and no more."""
    person = _assignee(call)
    with call.store.begin() as connection:
        add_assignment(connection, person.id, call.path["form"])
    return {"success": True}


def unassign(call: Call) -> object:
    """DELETE assignments/2/USER."""
    person = _assignee(call)
    with call.store.begin() as connection:
        remove_assignment(connection, person.id, call.path["form"])
    return {"success": True}


_FORM = "/projects/{project}/forms/{form}"
_JSON = "application/json"
ENDPOINTS = (
    Endpoint(
        "POST", "/sessions", log_in, "Log in with a name (email) and password or key.", "Sessions", "open", takes=_JSON
    ),
    Endpoint("GET", "/sessions/restore", get_session, "The session of this request.", "Sessions", "log_in"),
    Endpoint("DELETE", "/sessions/{token}", log_out, "Log out.", "Sessions", "log_in"),
    Endpoint("GET", "/users/current", current_user, "Who asks.", "Sessions", "log_in"),
    Endpoint("GET", "/projects", list_projects, "The one project: this installation.", "Projects", "log_in"),
    Endpoint("GET", "/projects/{project}", get_project, "The one project.", "Projects", "log_in"),
    Endpoint("GET", "/roles", list_roles, "The roles that people have here.", "Projects", "log_in"),
    Endpoint(
        "GET",
        "/projects/{project}/app-users",
        list_app_users,
        "Enumerators; without their keys.",
        "App users",
        "manage_people",
    ),
    Endpoint(
        "POST",
        "/projects/{project}/app-users",
        create_app_user,
        "Add one; its key is shown once.",
        "App users",
        "manage_people",
        takes=_JSON,
    ),
    Endpoint(
        "DELETE", "/projects/{project}/app-users/{user}", revoke_app_user, "Revoke a key.", "App users", "manage_people"
    ),
    Endpoint(
        "GET",
        f"{_FORM}/assignments",
        list_assignments,
        "Which enumerators have the form.",
        "App users",
        "manage_people",
    ),
    Endpoint(
        "POST",
        f"{_FORM}/assignments/{{role}}/{{user}}",
        assign,
        "Give an enumerator the form.",
        "App users",
        "manage_people",
    ),
    Endpoint(
        "DELETE", f"{_FORM}/assignments/{{role}}/{{user}}", unassign, "Take it from them.", "App users", "manage_people"
    ),
)
