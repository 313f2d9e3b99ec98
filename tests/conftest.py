"""Fixtures that several rooms' tests share: a PostgreSQL of the session, and a store on each database."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text

from store.open import Store, open_store

# A run in CI draws the same examples each time, so that a change is judged by itself and not by the day's luck; at home
# every run draws new ones, and finds what nobody thought of.
# Neither judges how long an example takes: a busy machine is no defect.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("home", **UNTIMED)
settings.register_profile("ci", derandomize=True, **UNTIMED)
settings.load_profile("ci" if os.environ.get("CI") else "home")


def _programs() -> Path | None:
    """Folder of the newest PostgreSQL of Debian's packages, or of the path; null if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    on_path = shutil.which("initdb")
    return found[-1] if found else Path(on_path).parent if on_path else None


def _as_other_user() -> tuple[dict[str, object], int | None]:
    """PostgreSQL refuses to run as root: who runs it then, for `subprocess`, and their number."""
    if os.geteuid() != 0:
        return {}, None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}, user.pw_uid
    return {}, None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a PostgreSQL server that lives as long as the session, without a database name."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL isn't installed: apt-get install postgresql")
    identity, owner = _as_other_user()
    folder = Path(tempfile.mkdtemp(prefix="comunal-postgres-"))
    if owner is not None:
        os.chown(folder, owner, -1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run: dict[str, object] = {"cwd": folder, "check": True, "capture_output": True, **identity}
    initdb = [str(programs / "initdb"), "-D", "data", "-U", "comunal", "-A", "trust", "-E", "UTF8", "--locale=C"]
    subprocess.run(initdb, **run)  # type: ignore[call-overload]
    command = [str(programs / "postgres"), "-D", "data", "-p", str(port), "-k", str(folder), "-h", "127.0.0.1"]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **identity)  # type: ignore[call-overload]
    try:
        for _ in range(200):
            ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
            if subprocess.run(ready, capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.05)
        else:
            pytest.fail((folder / "log").read_text())
        yield f"postgresql://comunal@127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(server: str, template: str = "template1") -> Iterator[str]:
    """A database of that server as long as the block lasts, a copy of another; its name."""
    name = f"test_{secrets.token_hex(6)}"
    address = server.replace("postgresql:", "postgresql+psycopg:") + "/postgres"
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield name
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """Address of an empty database of its own."""
    with _database(postgres_server) as name:
        yield f"{postgres_server}/{name}"


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database that has the tables and nothing in them: a copy is made faster than the tables are."""
    with _database(postgres_server) as name:
        open_store(tmp_path_factory.mktemp("template") / "data", f"{postgres_server}/{name}").close()
        yield name


@pytest.fixture
def postgres_ready(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """Address of a database of its own that has the tables."""
    with _database(postgres_server, postgres_template) as name:
        yield f"{postgres_server}/{name}"


@pytest.fixture(scope="module")
def postgres_module(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The same for all tests of a file."""
    with _database(postgres_server, postgres_template) as name:
        yield f"{postgres_server}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """What `open_store` takes as address: null is SQLite; then that of a PostgreSQL database of its own."""
    url: str | None = request.getfixturevalue("postgres_ready") if request.param == "postgresql" else None
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens a store of this test, each time anew and each time the same one: once on SQLite, once on PostgreSQL."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    return lambda: open_store(tmp_path / "data", url)


@pytest.fixture
def store(tmp_path: Path, database_url: str | None) -> Iterator[Store]:
    """An empty store, once on SQLite and once on PostgreSQL."""
    with open_store(tmp_path / "data", database_url) as opened:
        yield opened
