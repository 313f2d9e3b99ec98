"""A server with the Central API, of this process, for its tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from forms.compile import CompiledForm, compile_workbook
from forms.sheets import write_xlsx
from forms.sheets.markdown import workbook_from_markdown
from openrosa.serve import bind, make_server
from schemas.settings import Settings
from store.forms import add_form_version
from store.open import Store, open_store
from store.people import add_person

FORM = """
| survey  |                 |             |                    |          |          |
|         | type            | name        | label              | personal | relevant |
|         | begin group     | hogar       | Hogar              |          |          |
|         | integer         | dormitorios | Dormitorios        |          |          |
|         | select_one tipo | vivienda    | Vivienda           |          |          |
|         | end group       | hogar       |                    |          |          |
|         | text            | jefe        | Nombre             | name     |          |
|         | geopoint        | plaza       | Plaza más cercana  |          |          |
|         | geopoint        | puerta      | Puerta             | position |          |
|         | date            | llegada     | Llegada            |          |          |
|         | decimal         | renta       | Renta              |          |          |
|         | select_multiple tipo | usos   | Usos               |          |          |
|         | select_one_from_file list.csv | barrio | Barrio     |          |          |
|         | image           | foto        | Foto               |          |          |
|         | image           | cara        | Cara               | other    |          |
|         | begin repeat    | persona     | Persona            |          |          |
|         | integer         | edad        | Edad               |          |          |
|         | text            | nombre      | Nombre             | name     |          |
|         | end repeat      | persona     |                    |          |          |
| choices |           |      |       |
|         | list_name | name | label |
|         | tipo      | 1    | Casa  |
|         | tipo      | 2    | Pieza |
| settings |            |         |         |
|          | form_title | form_id | version |
|          | Visita     | {id}    | {version} |
"""
LIST = b"name,label\n1,Centro\n2,San Luis\n"
PHOTO = b"\xff\xd8\xff\xe0photo"


def xlsx(form_id: str = "visita", version: str = "1") -> bytes:
    """The workbook of the tests' form."""
    return write_xlsx(workbook_from_markdown(FORM.format(id=form_id, version=version), form_id))


@cache
def _compiled(form_id: str, version: str) -> CompiledForm:
    return compile_workbook(workbook_from_markdown(FORM.format(id=form_id, version=version), form_id))


def register(store: Store, form_id: str = "visita", version: str = "1") -> None:
    """Register the tests' form without asking the API, which would look it through each time."""
    compiled = _compiled(form_id, version)
    with store.begin() as connection:
        add_form_version(
            connection,
            store.blobs,
            form_id=form_id,
            version=version,
            title="Visita",
            xform=compiled.xform,
            workbook=xlsx(form_id, version),
            media={},
        )


def write_folder(folder: Path) -> None:
    """The files that the examples send."""
    folder.mkdir()
    (folder / "form.xlsx").write_bytes(xlsx())
    (folder / "newer.xlsx").write_bytes(xlsx(version="2"))
    (folder / "other.xlsx").write_bytes(xlsx("otra"))
    (folder / "list.csv").write_bytes(LIST)
    (folder / "photo.jpg").write_bytes(PHOTO)


@dataclass
class Central:
    """A running server, its store, and a statistician's name and key."""

    store: Store
    url: str
    name: str
    key: str

    def client(self, **options: object) -> httpx.Client:
        """A client with the statistician's session."""
        with httpx.Client(base_url=f"{self.url}/v1", trust_env=False) as guest:
            token = guest.post("/sessions", json={"email": self.name, "password": self.key}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"{self.url}/v1", headers=headers, trust_env=False, timeout=60, **options)  # type: ignore[arg-type]


@contextmanager
def running(data: Path) -> Iterator[Central]:
    """A server on a free port of loopback with an empty store."""
    with open_store(data) as store:
        with store.begin() as connection:
            person = add_person(connection, "ana@example.org", "statistician")
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        server = make_server(store, "127.0.0.1", port, Settings())
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield Central(store, f"http://127.0.0.1:{port}", "ana@example.org", person.key)
        finally:
            server.should_exit = True
            thread.join()
