"""What ODK Collect expects of a server, line by line: sending interviews, the settings code, work in the background."""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import openrosa_phone as phone
import pytest
from lxml import etree

from openrosa.settings_qr import MOST_CHARACTERS, draw_code, encode_settings, phone_settings
from schemas.settings import Settings
from store.submissions import list_attachments, list_by_state, list_unparsed, read_submission

World, message, submission = phone.World, phone.message, phone.submission
LINES = phone.Lines()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    made = World(tmp_path_factory.mktemp("checklist") / "data")
    yield made
    made.close()


def files_of(world: World, instance: str) -> list[str]:
    with world.store.read() as connection:
        rows = list_unparsed(connection, world.store.blobs, phone.FORM)
        (stored,) = (row for row in rows if row.instance_id == instance)
        return [file.name for file in list_attachments(connection, stored.submission_id)]


# ----------------------------------------------------------------------------------------------------------- HEAD


@LINES.of("OR-head-01")
def _(world: World, _folder: Path) -> None:
    for _time in range(2):
        answer = world.ask("HEAD", "/submission")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["x-openrosa-version"] == "1.0"
        assert answer.headers["x-openrosa-accept-content-length"] == "100000000"


@LINES.of("OR-head-02")
def _(world: World, _folder: Path) -> None:
    assert world.ask("HEAD", "/submission", "").status_code == 401
    # A refusal never looks like an invitation: on 404 and 500 Collect would go on to POST, and is refused there too.
    for base, status in (("/key/wrong", 403), ("/nothing", 404)):
        assert world.ask("HEAD", "/submission", base).status_code == status
        assert world.send(submission(world.fresh()), base=base).status_code == status


@LINES.of("OR-head-03")
def _(world: World, _folder: Path) -> None:
    assert "location" not in world.ask("HEAD", "/submission").headers


# ----------------------------------------------------------------------------------------------------------- POST


@LINES.of("OR-post-01")
def _(world: World, _folder: Path) -> None:
    instance = world.fresh()
    assert (
        world.send(submission(instance), {"foto.jpg": b"1", "lista.csv": b"2", "sin extension": b"3"}).status_code
        == 201
    )
    assert files_of(world, instance) == ["foto.jpg", "lista.csv", "sin extension"]


@LINES.of("OR-post-02")
def _(world: World, _folder: Path) -> None:
    instance = world.fresh()
    assert world.send(submission(instance), {"audit.csv": b"event", "nadie lo nombra.bin": b"?"}).status_code == 201
    assert files_of(world, instance) == ["audit.csv", "nadie lo nombra.bin"]


@LINES.of("OR-post-03")
def _(world: World, _folder: Path) -> None:
    xml = submission(instance := world.fresh())
    many = {f"{number:03}.jpg": b"%d" % number for number in range(205)}
    names = sorted(many, reverse=True)
    for start in (0, 101, 202):
        some = {name: many[name] for name in names[start : start + 101]}
        answer = world.send(xml, some, is_incomplete=start < 202)
        assert answer.status_code == 201
        assert ("Parte" in message(answer)) == (start < 202)
    assert files_of(world, instance) == sorted(many)


@LINES.of("OR-post-04")
def _(world: World, folder: Path) -> None:
    here = World(folder / "data", Settings(accept_bytes=6_000, request_bytes=200_000))
    assert here.ask("HEAD", "/submission").headers["x-openrosa-accept-content-length"] == "6000"
    assert here.send(submission("uuid:1"), {"foto.jpg": b"x" * 150_000}).status_code == 201
    here.close()


@LINES.of("OR-post-05")
def _(world: World, _folder: Path) -> None:
    xml = submission(world.fresh())
    answers = [world.send(xml), world.send(xml), world.send(xml, {"a.jpg": b"1"}, is_incomplete=True)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]


@LINES.of("OR-post-06")
def _(world: World, _folder: Path) -> None:
    instance = world.fresh()
    answers = {
        201: world.send(submission(instance)),
        409: world.send(submission(instance, "otra")),
        400: world.send(submission(instance)[:-3]),
        404: world.send(submission(instance, form="otra")),
        413: world.send(b"<data id='encuesta'>" + b"x" * (17 * 1024 * 1024)),
    }
    words = {201: "recibida", 409: "supervisor", 400: "encuesta", 404: "formulario", 413: "grande"}
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        assert words[status] in message(answer)


@LINES.of("OR-post-07")
def _(world: World, _folder: Path) -> None:
    xml = submission(instance := world.fresh())
    assert world.send(xml, {"a.jpg": b"1"}, is_incomplete=True).status_code == 201
    # The rest failed: all of it comes again from the first part.
    assert world.send(xml, {"a.jpg": b"1"}, is_incomplete=True).status_code == 201
    assert world.send(xml, {"b.jpg": b"2"}).status_code == 201
    assert files_of(world, instance) == ["a.jpg", "b.jpg"]
    assert world.send(submission(instance, "otra")).status_code == 409


@LINES.of("OR-post-08")
def _(world: World, _folder: Path) -> None:
    first, second = world.fresh(), world.fresh()
    assert world.send(submission(first)).status_code == 201
    assert world.send(submission(second, "corregida", edits=first)).status_code == 201
    with world.store.read() as connection:
        assert first in list_by_state(connection, phone.FORM, "superseded")
        assert second in list_by_state(connection, phone.FORM, "current")


@LINES.of("OR-post-09")
def _(world: World, folder: Path) -> None:
    # That an answer outlives kill -9 is in test_openrosa_serve; here: nothing is answered 201 that isn't committed.
    here = World(folder / "data")
    assert here.send(submission("uuid:1")).status_code == 201
    again = World.__new__(World)
    again.__dict__.update(here.__dict__ | {"store": phone.open_store(here.store.data)})
    assert again.counts().received == 1
    again.store.close()
    with here.store.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER no BEFORE INSERT ON submissions BEGIN SELECT RAISE(ABORT, 'x'); END")
    assert here.send(submission("uuid:2")).status_code == 503
    here.close()


@LINES.of("OR-post-10")
def _(world: World, _folder: Path) -> None:
    for number, (prefix, stamp, gap) in enumerate(
        [("", "2026-11-24T03:40:56.39+00:00", ""), ("orx:", "2026-11-24T03:40:56.390-03:00", "\n  ")]
    ):
        instance = f"uuid:meta-{number}"
        xml = (
            f'<data xmlns:orx="http://openrosa.org/xforms" id="{phone.FORM}" version="1">{gap}<start>{stamp}</start>'
            f"{gap}<{prefix}meta>{gap}<{prefix}instanceID>{instance}</{prefix}instanceID>{gap}</{prefix}meta></data>"
        ).encode()
        assert world.send(xml).status_code == 201
        with world.store.read() as connection:
            assert read_submission(connection, world.store.blobs, phone.FORM, instance).xml == xml


@LINES.of("OR-post-11")
def _(world: World, _folder: Path) -> None:
    # Where Central says 404 we keep: the original of an edit, or the version, may come tomorrow.
    assert world.send(submission(world.fresh(), edits="uuid:never-came")).status_code == 201
    answer = world.send(submission(world.fresh(), version="99"))
    assert (answer.status_code, "versión" in message(answer)) == (201, True)


# -------------------------------------------------------------------------------------------------- settings code


@LINES.of("OR-qr-01")
def _(world: World, _folder: Path) -> None:
    address = "https://encuesta.example/key/" + "k" * 43
    settings = phone_settings(address, username="maría", password="p", project={"name": "Ñuñoa"})
    text = encode_settings(settings)
    assert len(text) < 480
    read = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
    assert read == settings
    assert read["general"]["server_url"] == address
    assert {"general", "admin", "project"} == set(read)
    assert draw_code(text, "png").startswith(b"\x89PNG\r\n")
    assert etree.fromstring(draw_code(text, "svg")).tag == "{http://www.w3.org/2000/svg}svg"
    noise = {f"k{number}": str(hash(str(number))) for number in range(400)}
    with pytest.raises(ValueError, match=f"holds {MOST_CHARACTERS}"):
        encode_settings(phone_settings(address, general=noise))


# ----------------------------------------------------------------------------------------------------- background


@LINES.of("OR-background-02")
def _(world: World, folder: Path) -> None:
    # After a morning without a net a phone sends all at once; a program that never stops is told to wait.
    here = World(folder / "data", dataclasses.replace(Settings(), requests_per_minute=40))
    burst = [here.send(submission(f"uuid:{number}")) for number in range(42)]
    assert [answer.status_code for answer in burst[:40]] == [201] * 40
    assert burst[-1].status_code == 429
    assert "espere" in message(burst[-1])
    assert 1 <= int(burst[-1].headers["retry-after"]) <= 2
    assert here.ask("GET", "/formList", here.bases()[1]).status_code == 200
    here.close()


@LINES.of("OR-background-03")
def _(world: World, _folder: Path) -> None:
    # The user name stands in interviews that ask for it: plain letters, and nobody else's.
    assert (world.named.login, world.person.login) == ("maria-nunez-2", "rosa-1")


@pytest.mark.parametrize("name", LINES)
def test_line_of_the_checklist(name: str, world: World, tmp_path: Path) -> None:
    LINES[name](world, tmp_path)
