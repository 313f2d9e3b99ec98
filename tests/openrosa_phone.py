"""A phone for the tests of the door: a store with a form, people, and requests as ODK Collect makes them."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from lxml import etree

from openrosa.app import create_app
from openrosa.serve import bind, make_server
from schemas.settings import Settings
from store.drafts import put_draft
from store.forms import add_form_version
from store.open import Store, open_store
from store.people import NewPerson, add_person
from store.submissions import SubmissionCounts, count_submissions
from store.trials import open_trial

FORM = "encuesta"
TITLE = "Encuesta de Ñuñoa"
XFORM = (
    "<h:html xmlns='http://www.w3.org/2002/xforms' xmlns:h='http://www.w3.org/1999/xhtml'><h:head>"
    "<h:title>Encuesta de Ñuñoa</h:title><model><instance><data id='encuesta' version='1'><q/></data></instance>"
    f"</model></h:head><h:body/></h:html><!-- {'relleno ' * 200} -->\r\n"
).encode()
MEDIA = {"comunas.csv": b"name,label\n1,Quilicura\n" * 100, "mapa ñ #1.png": b"\x89PNG" * 500}
COLLECT = {
    "User-Agent": "org.odk.collect.android/v2026.3.3 Dalvik/2.1.0 (Linux; U; Android 14)",
    "X-OpenRosa-Version": "1.0",
    "Date": "Tue, 24 Nov 2026 03:15:00 GMT",
    "Accept-Encoding": "gzip",
}
DEVICE = "deviceID=collect%3AabcdEFGH01234567"
_RESPONSE = "{http://openrosa.org/http/response}"


def submission(
    instance: str | None, answer: str = "sí", version: str = "1", form: str = FORM, edits: str = ""
) -> bytes:
    identity = f"<instanceID>{instance}</instanceID>" if instance else ""
    identity += f"<deprecatedID>{edits}</deprecatedID>" if edits else ""
    return f'<data id="{form}" version="{version}"><q>{answer}</q><meta>{identity}</meta></data>'.encode()


def parts(
    xml: bytes, files: dict[str, bytes] | None = None, *, is_incomplete: bool = False
) -> list[tuple[str, object]]:
    """The parts of a request, in Collect's order."""
    sent: list[tuple[str, object]] = [("xml_submission_file", ("encuesta_2026.xml", xml, "text/xml"))]
    sent += [(name, (name, data, "application/octet-stream")) for name, data in (files or {}).items()]
    return [*sent, ("*isIncomplete*", (None, b"yes"))] if is_incomplete else sent


def message(response: httpx.Response) -> str:
    """What Collect shows of an answer; "" where it would show its own words."""
    root = etree.fromstring(response.content)
    assert root.tag == f"{_RESPONSE}OpenRosaResponse"
    return root.findtext(f"{_RESPONSE}message") or ""


LIST = "{http://openrosa.org/xforms/xformsList}"
MANIFEST = "{http://openrosa.org/xforms/xformsManifest}"


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def listed(response: httpx.Response) -> list[dict[str, str]]:
    """The entries of a form list."""
    assert response.status_code == 200
    return [{str(c.tag).removeprefix(LIST): c.text or "" for c in form} for form in etree.fromstring(response.content)]


def listed_files(response: httpx.Response) -> list[dict[str, str]]:
    """The entries of a manifest."""
    assert response.status_code == 200
    root = etree.fromstring(response.content)
    return [{str(c.tag).removeprefix(MANIFEST): c.text or "" for c in file} for file in root]


Check = Callable[["World", Path], None]


class Lines(dict[str, Check]):
    """Checks by the line of the checklist that they hold."""

    def of(self, name: str) -> Callable[[Check], None]:
        """The decorator that keeps a check under that name."""

        def keep(check: Check) -> None:
            assert name not in self
            self[name] = check

        return keep


class World:
    """A store with one form in one version, its media, and a person for each way in."""

    def __init__(self, data: Path, settings: Settings | None = None, url: str | None = None) -> None:
        self.store: Store = open_store(data, url)
        self.settings = settings or Settings()
        with self.store.begin() as connection:
            self.add_version(connection, "1", XFORM, MEDIA)
            self.person: NewPerson = add_person(connection, "Rosa", "enumerator")
            self.named: NewPerson = add_person(connection, "María Ñuñez", "enumerator", login=True)
            self.statistician: NewPerson = add_person(connection, "Jean", "statistician")
        self.base = f"/key/{self.person.key}"
        self.app = create_app(self.store, settings=self.settings)
        self._count = 0

    def add_version(self, connection: object, version: str, xform: bytes, media: dict[str, bytes]) -> None:
        add_form_version(
            connection,  # type: ignore[arg-type]
            self.store.blobs,
            form_id=FORM,
            version=version,
            title=TITLE,
            xform=xform,
            workbook=None,
            media=media,
        )

    def draft(
        self, version: str = "borrador", xform: bytes = b"<draft/>", media: dict[str, bytes] | None = None
    ) -> str:
        """Make a draft of the form; the path of its test address."""
        with self.store.begin() as connection:
            put_draft(
                connection,
                self.store.blobs,
                form_id=FORM,
                version=version,
                title=TITLE,
                xform=xform,
                workbook=None,
                media=media or {},
                person_id=self.statistician.id,
            )
            return f"/test/{open_trial(connection, FORM)}"

    def bases(self) -> tuple[str, str]:
        """The addresses of an enumerator and of a statistician."""
        return self.base, f"/key/{self.statistician.key}"

    def fresh(self) -> str:
        """An instance id that nobody has used."""
        self._count += 1
        return f"uuid:{self._count:08d}"

    async def request(self, method: str, path: str, base: str | None = None, **options: object) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        headers = {**COLLECT, **options.pop("headers", {})}  # type: ignore[dict-item]
        url = str(options.pop("origin", "http://phone.example:8080"))
        auth = options.pop("auth", None)
        async with httpx.AsyncClient(transport=transport, base_url=url, auth=auth) as client:  # type: ignore[arg-type]
            address = path if path.startswith("http") else (self.base if base is None else base) + path
            return await client.request(method, address, headers=headers, **options)  # type: ignore[arg-type]

    def ask(self, method: str, path: str, base: str | None = None, **options: object) -> httpx.Response:
        """One request with Collect's headers and its device in the query."""
        path += ("&" if "?" in path else "?") + DEVICE
        return asyncio.run(self.request(method, path, base, **options))

    def send(self, xml: bytes, files: dict[str, bytes] | None = None, **options: object) -> httpx.Response:
        """One submission in one request."""
        is_incomplete = bool(options.pop("is_incomplete", False))
        return self.ask("POST", "/submission", files=parts(xml, files, is_incomplete=is_incomplete), **options)

    def counts(self) -> SubmissionCounts:
        with self.store.read() as connection:
            return count_submissions(connection, FORM)

    def close(self) -> None:
        self.app.state.door.writer.close()
        self.store.close()


class Running:
    """A world whose server listens on a socket of this machine, in a thread."""

    def __init__(self, data: Path, settings: Settings | None = None) -> None:
        self.world = World(data, settings)
        self._listener = bind("127.0.0.1", 0)
        self.port = int(self._listener.getsockname()[1])
        self._server = make_server(self.world.store, "127.0.0.1", self.port, self.world.settings)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()
        self.world.close()
