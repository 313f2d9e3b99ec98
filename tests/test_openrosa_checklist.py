"""What ODK Collect expects of a server, line by line: requests, form list, forms and media.

Each line of the checklist is one check, here or in the files beside this one, or has its reason in `NOT_OURS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import openrosa_phone as phone
import pytest
from lxml import etree

from openrosa.documents import ListedFile, ListedForm, write_form_list, write_manifest
from store.assignments import add_assignment, remove_assignment
from store.forms import add_form_version, set_form_state
from store.submissions import list_attachments, list_unparsed, read_submission

World, message, submission = phone.World, phone.message, phone.submission
LINES = phone.Lines()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    made = World(tmp_path_factory.mktemp("checklist") / "data")
    yield made
    made.close()


LIST, MANIFEST = phone.LIST, phone.MANIFEST
HEADINGS = {
    "Every request": ("request", 6),
    "Authentication": ("auth", 8),
    "GET {server}/formList": ("formList", 12),
    "GET downloadUrl (form XML)": ("form", 4),
    "GET manifestUrl and media": ("manifest", 8),
    "HEAD {server}/submission": ("head", 3),
    "POST {server}/submission": ("post", 11),
    "Settings QR": ("qr", 2),
    "Background behaviour": ("background", 3),
}
NOT_OURS = {
    "OR-request-03": "The phone's own time limits; ours (idle_seconds) are in test_openrosa_serve. No redirects.",
    "OR-form-02": "A property of the form: forms/ compiles a title, an id and a version; tested in test_forms_*.",
    "OR-form-03": "A property of the form: the door serves its bytes unchanged (OR-formList-08) and adds no action.",
    "OR-form-04": "A property of the form: likewise.",
    "OR-manifest-05": "The phone's own omission; the hashes are right all the same (OR-manifest-04).",
    "OR-manifest-08": "The phone's own handling of .zip and last-saved.xml.",
    "OR-qr-02": "The phone's own reading of settings; what we write is in OR-qr-01.",
    "OR-background-01": "The phone's own schedule; the list costs a few queries each time.",
}

# ------------------------------------------------------------------------------------------------ every request


@LINES.of("OR-request-01")
def _(world: World, _folder: Path) -> None:
    url = phone.listed(world.ask("GET", "/formList?a=1"))[0]["downloadUrl"]
    assert world.ask("GET", url).content == phone.XFORM
    assert world.ask("HEAD", "/submission").status_code == 204
    assert world.send(submission(world.fresh())).status_code == 201


@LINES.of("OR-request-02")
def _(world: World, _folder: Path) -> None:
    for date in ("Tue, 24 Nov 2026 03:15:00 GMT", "Thu, 01 Jan 1970 12:00:00 GMT", "nonsense"):
        assert world.send(submission(world.fresh()), headers={"Date": date}).status_code == 201


@LINES.of("OR-request-04")
def _(world: World, _folder: Path) -> None:
    url = phone.listed(world.ask("GET", "/formList"))[0]["downloadUrl"]
    packed, plain = (world.ask("GET", url, headers={"Accept-Encoding": how}) for how in ("gzip", "gzip;q=0"))
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(phone.XFORM) / 2
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == phone.XFORM


@LINES.of("OR-request-05")
def _(world: World, _folder: Path) -> None:
    form = phone.listed(world.ask("GET", "/formList"))[0]
    manifest = world.ask("GET", form["manifestUrl"])
    media = etree.fromstring(manifest.content).findtext(f"{MANIFEST}mediaFile/{MANIFEST}downloadUrl")
    for path in ("/formList", form["downloadUrl"], form["manifestUrl"], media):
        answer = world.ask("GET", path)
        assert answer.headers["cache-control"] == "no-store"
        assert "last-modified" not in answer.headers
        # Whoever keeps a copy all the same may ask whether it is still right.
        again = world.ask("GET", path, headers={"If-None-Match": f'"other", {answer.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert world.ask("GET", path, headers={"If-None-Match": '"other"'}).status_code == 200


@LINES.of("OR-request-06")
def _(world: World, _folder: Path) -> None:
    assert phone.listed(world.ask("GET", "/formList"))[0]["name"] == "Encuesta de Ñuñoa"
    files = {"foto de ñandú é.jpg": b"x"}
    instance = world.fresh()
    assert world.send(submission(instance, "ñandú"), files).status_code == 201
    with world.store.read() as connection:
        assert "ñandú" in read_submission(connection, world.store.blobs, phone.FORM, instance).xml.decode()
        (stored,) = (s for s in list_unparsed(connection, world.store.blobs, phone.FORM) if s.instance_id == instance)
        assert [file.name for file in list_attachments(connection, stored.submission_id)] == list(files)


# ------------------------------------------------------------------------------------------------------ formList


@LINES.of("OR-formList-01")
def _(world: World, _folder: Path) -> None:
    assert world.ask("GET", "/formList").status_code == 200
    assert world.ask("GET", "/formList/").status_code == 404


@LINES.of("OR-formList-02")
def _(world: World, _folder: Path) -> None:
    assert [world.ask("GET", "/formList", base).status_code for base in ("", "/nothing")] == [401, 404]
    with world.store.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE form_media RENAME TO elsewhere")
    assert world.ask("GET", "/formList").status_code == 500
    with world.store.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO form_media")


@LINES.of("OR-formList-03")
def _(world: World, _folder: Path) -> None:
    assert world.ask("GET", "/formList").headers["content-type"] == "text/xml; charset=utf-8"


@LINES.of("OR-formList-04")
def _(world: World, _folder: Path) -> None:
    assert world.ask("GET", "/formList").headers["x-openrosa-version"] == "1.0"


@LINES.of("OR-formList-05")
def _(world: World, _folder: Path) -> None:
    root = etree.fromstring(world.ask("GET", "/formList").content)
    assert (root.tag, root.nsmap) == (f"{LIST}xforms", {None: LIST[1:-1]})


@LINES.of("OR-formList-06")
def _(world: World, _folder: Path) -> None:
    (form,) = phone.listed(world.ask("GET", "/formList"))
    assert all(form[name] for name in ("formID", "name", "downloadUrl", "version", "hash", "manifestUrl"))
    nameless = etree.fromstring(write_form_list([ListedForm("id", "", "  ", "0" * 32, "http://x", None)]))
    assert nameless.findtext(f"{LIST}xform/{LIST}name") == "id"


@LINES.of("OR-formList-07")
def _(world: World, _folder: Path) -> None:
    (form,) = phone.listed(world.ask("GET", "/formList"))
    assert form["downloadUrl"].startswith("http://phone.example:8080/")
    assert form["manifestUrl"].startswith("http://phone.example:8080/")


@LINES.of("OR-formList-08")
def _(world: World, _folder: Path) -> None:
    (form,) = phone.listed(world.ask("GET", "/formList"))
    body = world.ask("GET", form["downloadUrl"]).content
    assert body == phone.XFORM
    assert form["hash"] == f"md5:{phone.md5(body)}"


@LINES.of("OR-formList-09")
def _(world: World, _folder: Path) -> None:
    # The same bytes whoever asks, however often: there is nothing in a form that depends on the person.
    bases = (world.base, f"/key/{world.statistician.key}", f"/v1/key/{world.person.key}/projects/1")
    seen = {
        (form["hash"], world.ask("GET", form["downloadUrl"]).content)
        for base in (*bases, *bases)
        for form in phone.listed(world.ask("GET", "/formList", base))
    }
    assert seen == {(f"md5:{phone.md5(phone.XFORM)}", phone.XFORM)}
    assert re.fullmatch("md5:[0-9a-f]{32}", next(iter(seen))[0])


@LINES.of("OR-formList-10")
def _(world: World, folder: Path) -> None:
    here = World(folder / "data")
    before = phone.listed(here.ask("GET", "/formList"))[0]
    with here.store.begin() as connection:
        here.add_version(connection, "2", phone.XFORM + b"\n", {})
    (after,) = phone.listed(here.ask("GET", "/formList"))
    assert (before["version"], after["version"]) == ("1", "2")
    assert before["hash"] != after["hash"]
    assert here.ask("GET", before["downloadUrl"]).content == phone.XFORM
    assert here.send(submission("uuid:late", version="1")).status_code == 201
    here.close()


@LINES.of("OR-formList-11")
def _(world: World, folder: Path) -> None:
    here = World(folder / "data")
    with here.store.begin() as connection:
        add_form_version(
            connection,
            here.store.blobs,
            form_id="otra",
            version="1",
            title="Otra",
            xform=b"<x/>",
            workbook=None,
            media={},
        )
        add_assignment(connection, here.person.id, "otra")
    offered = [[form["formID"] for form in phone.listed(here.ask("GET", "/formList", base))] for base in here.bases()]
    assert offered == [["otra"], [phone.FORM, "otra"]]
    # What is sent of a form that isn't assigned is taken all the same: the phone must not lose it.
    assert here.send(submission("uuid:1")).status_code == 201
    with here.store.begin() as connection:
        remove_assignment(connection, here.person.id, "otra")
        set_form_state(connection, "otra", "1", "closing")
    assert [form["formID"] for form in phone.listed(here.ask("GET", "/formList"))] == [phone.FORM]
    with here.store.begin() as connection:
        set_form_state(connection, "otra", "1", "closed")
        connection.exec_driver_sql("ALTER TABLE assignments RENAME TO elsewhere")
    assert here.ask("GET", "/formList").status_code == 500
    here.close()


@LINES.of("OR-formList-12")
def _(world: World, _folder: Path) -> None:
    head = world.ask("HEAD", "/formList")
    assert (head.status_code, head.content) == (200, b"")
    assert [form["formID"] for form in phone.listed(world.ask("GET", f"/formList?formID={phone.FORM}"))] == [phone.FORM]
    assert phone.listed(world.ask("GET", "/formList?formID=otra")) == []


# -------------------------------------------------------------------------------------------------- form and media


@LINES.of("OR-form-01")
def _(world: World, _folder: Path) -> None:
    url = phone.listed(world.ask("GET", "/formList"))[0]["downloadUrl"]
    assert world.ask("GET", url).status_code == 200
    assert world.ask("GET", url.replace("/1/form.xml", "/99/form.xml")).status_code == 404


def manifest_of(world: World) -> object:
    return world.ask("GET", phone.listed(world.ask("GET", "/formList"))[0]["manifestUrl"])


@LINES.of("OR-manifest-01")
def _(world: World, _folder: Path) -> None:
    answer = manifest_of(world)
    root = etree.fromstring(answer.content)
    assert (root.tag, root.nsmap) == (f"{MANIFEST}manifest", {None: MANIFEST[1:-1]})
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.headers["x-openrosa-version"] == "1.0"


@LINES.of("OR-manifest-02")
def _(world: World, _folder: Path) -> None:
    files = phone.listed_files(manifest_of(world))
    assert all(re.fullmatch("md5:[0-9a-f]{32}", file["hash"]) for file in files)
    url = phone.listed(world.ask("GET", "/formList"))[0]["manifestUrl"]
    with world.store.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE form_media RENAME TO elsewhere")
    assert world.ask("GET", url).status_code == 500
    with world.store.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO form_media")


@LINES.of("OR-manifest-03")
def _(world: World, _folder: Path) -> None:
    files = phone.listed_files(manifest_of(world))
    assert [file["filename"] for file in files] == list(phone.MEDIA)
    assert all(set(file) == {"filename", "hash", "downloadUrl"} for file in files)


@LINES.of("OR-manifest-04")
def _(world: World, _folder: Path) -> None:
    for file in phone.listed_files(manifest_of(world)):
        assert file["hash"] == f"md5:{phone.md5(phone.MEDIA[file['filename']])}"


@LINES.of("OR-manifest-06")
def _(world: World, _folder: Path) -> None:
    for file in phone.listed_files(manifest_of(world)):
        answer = world.ask("GET", file["downloadUrl"])
        assert (answer.status_code, answer.content) == (200, phone.MEDIA[file["filename"]])
        # Text shrinks; a picture is what it is.
        assert ("content-encoding" in answer.headers) == file["filename"].endswith(".csv")


@LINES.of("OR-manifest-07")
def _(world: World, _folder: Path) -> None:
    entry = ListedFile("hogares.csv", "0" * 32, "http://x/1", kind="entityList", integrity_url="http://x/2")
    (file,) = etree.fromstring(write_manifest([entry]))
    assert file.get("type") == "entityList"
    assert file.findtext(f"{MANIFEST}integrityUrl") == "http://x/2"
    (plain,) = etree.fromstring(write_manifest([ListedFile("a.csv", "0" * 32, "http://x/1")]))
    assert plain.get("type") is None


def test_every_line_of_the_checklist_has_a_check_or_a_reason() -> None:
    here = Path(__file__)
    pattern = re.compile(r'@LINES\.of\("(OR-[a-zA-Z]+-\d\d)"\)')
    checked = [name for file in here.parent.glob(f"{here.stem}*.py") for name in pattern.findall(file.read_text())]
    assert len(checked) == len(set(checked))
    assert not set(checked) & set(NOT_OURS)
    expected = {f"OR-{name}-{number:02}" for name, count in HEADINGS.values() for number in range(1, count + 1)}
    assert set(checked) | set(NOT_OURS) == expected


def test_the_checklist_has_the_lines_that_we_counted() -> None:
    source = Path(__file__).resolve().parents[2] / "shared" / "OPENROSA.md"
    if not source.is_file():
        pytest.skip(f"{source} isn't there")
    chapter = source.read_text(encoding="utf-8").partition("\n## 3.")[2].partition("\n## ")[0]
    found = {part.partition("\n")[0]: part.count("\n- ") for part in chapter.split("\n### ")[1:]}
    qr = next(title for title in found if title.startswith("Settings QR"))
    found[qr] -= 3  # its lists of names, which no phone checks of a server
    counted = {title: count for title, (_, count) in HEADINGS.items()}
    assert {title.partition(" [")[0]: count for title, count in found.items()} == counted


@pytest.mark.parametrize("name", LINES)
def test_line_of_the_checklist(name: str, world: World, tmp_path: Path) -> None:
    LINES[name](world, tmp_path)
