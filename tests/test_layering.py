"""The house: who may import whom, and which room alone may touch what (docs/decisions/0001-flat-rooms.md)."""

from __future__ import annotations

import ast
import importlib.util
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Lower lines first. Rooms on one line are siblings and never import each other; openrosa stands above forms, store and
# below only, the desk above all siblings: what people decide there is judged and told on the spot.
LINES: tuple[tuple[str, ...], ...] = (
    ("schemas",),
    ("expressions",),
    ("forms", "store", "validation", "estimation", "reports"),
    ("openrosa", "console"),
    ("flows",),
)
DOOR_MAY_USE = {"schemas", "expressions", "forms", "store"}
ROOMS = [room for line in LINES for room in line if (ROOT / room).is_dir()]


def modules(room: str) -> Iterator[Path]:
    yield from sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Top-level name, line, and whether the import stands at module level, for each import of the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, id(node) in top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno, id(node) in top


def allowed(room: str) -> set[str]:
    if room == "openrosa":
        return DOOR_MAY_USE | {room}
    below: set[str] = set()
    for line in LINES:
        if room in line:
            break
        below |= set(line)
    return below | {room}


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_only_rooms_on_lower_lines(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules(room)
        for name, line, _ in imports(path)
        if name.split(".")[0] in ROOMS and name.split(".")[0] not in allowed(room)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("prefect", {"flows"}),
        ("sqlalchemy", {"store", "schemas"}),
        ("alembic", {"store"}),
        ("psycopg", {"store"}),
        ("sqlite3", {"store"}),
        ("svy", {"estimation"}),
        ("great_expectations", {"validation"}),
        ("starlette", {"openrosa", "console", "flows"}),
        ("altair", {"reports"}),
    ],
)
def test_library_stays_in_its_room(library: str, rooms: set[str]) -> None:
    users = {
        room
        for room in ROOMS
        for path in modules(room)
        for name, _, _ in imports(path)
        if name.split(".")[0] == library
    }
    assert users <= rooms


@pytest.mark.parametrize(("library", "room"), [("great_expectations", "validation"), ("svy", "estimation")])
def test_one_file_alone_wraps_the_library_and_imports_it_lazily(library: str, room: str) -> None:
    users = {
        path.name: at_top
        for path in modules(room)
        for name, _, at_top in imports(path)
        if name.split(".")[0] == library
    }
    assert len(users) == 1, users
    assert not any(users.values()), f"{library} takes seconds to import: import it inside the function that needs it"


def test_command_line_does_not_import_prefect_before_a_flow_runs() -> None:
    at_top = [
        f"{path.name}:{line}"
        for path in modules("flows")
        for name, line, top in imports(path)
        if top and name.split(".")[0] == "prefect" and path.name != "prefect_flows.py"
    ]
    assert not at_top, at_top


def test_only_disclosure_control_makes_a_safe_table() -> None:
    makers = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in modules(room)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "SafeTable"
    }
    assert makers <= {"reports/disclosure.py"}


def test_every_room_is_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert sorted(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == sorted(ROOMS)
    assert sorted(project["tool"]["mypy"]["packages"]) == sorted(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_is_shadowed_by_an_installed_package(room: str) -> None:
    spec = importlib.util.find_spec(room)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve() == (ROOT / room / "__init__.py").resolve()


@pytest.mark.parametrize("room", ROOMS)
def test_modules_stay_small(room: str) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules(room)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long, long
