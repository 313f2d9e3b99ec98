"""A survey whose interviews are encrypted on the phone: keys, form, receiving, waiting, opening."""

from __future__ import annotations

import json
import re
import stat
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.encrypting import encrypt_sends
from flows.ingesting import ingest
from flows.keys import load_private_key, make_keys, with_public_key
from flows.registering import add_form, load_form
from flows.rehearsing import rehearse_over_http
from forms.audit import AUDIT_TABLE
from forms.encryption import encrypt_submission
from forms.encryption.keys import make_private_key, public_text, read_public_key
from forms.lint import check_workbook
from forms.rehearsal import rehearse
from forms.rehearsal.interviews import Send
from forms.sheets import read_workbook, write_xlsx
from forms.sheets.markdown import workbook_from_markdown
from openrosa.serve import bind, make_server
from schemas.errors import CommandError
from schemas.workbook import Workbook
from store.arrivals import NewAttachment, NewSubmission, add_submissions
from store.attachments import read_files
from store.findings import list_findings
from store.open import Store, open_store
from store.people import add_person
from store.submissions import count_submissions, list_attachments, mark_unparsed, read_submission
from store.tables import read_tables

START = datetime(2026, 3, 2, tzinfo=UTC)
PASSPHRASE = "correct horse battery"
KEY = make_private_key(2048)
PUBLIC = public_text(KEY)


def _workbook(form_id: str = "secret") -> Workbook:
    return workbook_from_markdown(
        f"""
| survey |         |        |       |          |
|        | type    | name   | label | personal |
|        | audit   | audit  |       |          |
|        | text    | person | Name  | name     |
|        | integer | age    | Age   |          |
|        | image   | photo  | Photo |          |
| settings |           |         |
|          | form_id   | version |
|          | {form_id} | 1       |
""",
        form_id,
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    file = tmp_path / "secret.xlsx"
    file.write_bytes(write_xlsx(_workbook()))
    store = open_store(tmp_path / "data")
    assert add_form(store, file, public_key=PUBLIC).version == "1"
    return store


def _receive(store: Store, sends: list[Send]) -> None:
    with store.begin() as connection:
        items = [
            NewSubmission(
                "secret",
                "1",
                send.instance_id,
                send.xml,
                START,
                attachments=tuple(
                    NewAttachment(name, store.blobs.hold(content)) for name, content in send.attachments.items()
                ),
            )
            for send in sends
        ]
        add_submissions(connection, store.blobs, items)


def _sends(store: Store, count: int) -> list[Send]:
    interviews = rehearse(load_form(store, "secret"), count, 7, START)
    return [Send(item.instance_id, item.xml, item.attachments) for item in interviews]


def test_encrypted_interviews_wait_for_their_key_and_are_read_with_it(store: Store) -> None:
    assert load_form(store, "secret").form.public_key == PUBLIC
    plain = _sends(store, 3)
    _receive(store, list(encrypt_sends(plain, PUBLIC)))
    report = ingest(store, "secret")
    assert (report.read, report.failed, report.waiting) == (0, 0, 3)
    with store.read() as connection:
        counts = count_submissions(connection, "secret")
    assert (counts.unparsed, counts.failed) == (3, 0)

    report = ingest(store, "secret", private_key=KEY)
    assert (report.read, report.failed, report.findings, report.waiting) == (3, 0, 0, 0)
    tables = read_tables(store, "secret", load_form(store, "secret").form)
    assert tables["main"]["_instance_id"].to_list() == [send.instance_id for send in plain]
    assert tables["main"]["person"].to_list() == ["***"] * 3
    assert tables[AUDIT_TABLE]["_instance_id"].n_unique() == 3
    assert ingest(store, "secret", private_key=KEY).read == 0
    assert ingest(store, "secret").waiting == 0


def test_photos_of_encrypted_interviews_are_in_the_clear_once_they_are_read(store: Store) -> None:
    photo = bytes(range(256)) * 2_000  # larger than what the database keeps in rows
    (plain,) = _sends(store, 1)
    named = plain.xml.replace(b"</age>", b"</age><photo>door.jpg</photo>")
    if b"<photo>" in plain.xml:
        named = re.sub(rb"<photo>[^<]*</photo>|<photo/>", b"<photo>door.jpg</photo>", plain.xml)
    files = {"door.jpg": photo, "audit.csv": b"event,node,start,end\n"}
    (sent,) = encrypt_sends([Send(plain.instance_id, named, files)], PUBLIC)
    _receive(store, [sent])
    ingest(store, "secret")
    with store.read() as connection:
        raw = read_submission(connection, store.blobs, "secret", plain.instance_id)
        assert photo not in read_files(connection, store.blobs, raw.submission_id).values()
    assert ingest(store, "secret", private_key=KEY).read == 1
    with store.begin() as connection:
        assert read_files(connection, store.blobs, raw.submission_id)["door.jpg"] == photo
        rows = {row.name: row.content_type for row in list_attachments(connection, raw.submission_id)}
        assert rows.pop("door.jpg") == "image/jpeg"
        assert set(rows) == {"door.jpg.enc", "audit.csv.enc", "submission.xml.enc"}
        mark_unparsed(connection, "secret")
    # Read again, nothing is stored a second time.
    assert ingest(store, "secret", private_key=KEY).read == 1
    with store.read() as connection:
        assert len(list_attachments(connection, raw.submission_id)) == 4


def test_damaged_interview_is_a_finding_and_unsent_files_are_waited_for(store: Store) -> None:
    whole, cut, unsent = encrypt_sends(_sends(store, 3), PUBLIC)
    interview = "submission.xml.enc"
    files = dict(cut.attachments) | {interview: cut.attachments[interview][:-16]}
    late = {name: unsent.attachments[name] for name in unsent.attachments if name != interview}
    _receive(store, [whole, Send(cut.instance_id, cut.xml, files), Send(unsent.instance_id, unsent.xml, late)])
    report = ingest(store, "secret", private_key=KEY)
    assert (report.read, report.failed, report.waiting) == (1, 1, 1)
    with store.read() as connection:
        found = list_findings(connection, "secret")
    assert [(item.rule_id, item.severity, item.instance_id) for item in found] == [
        ("encryption:damaged", "error", cut.instance_id)
    ]
    _receive(store, [unsent])
    assert ingest(store, "secret", private_key=KEY).read == 1


def test_key_of_another_survey_is_refused_and_nothing_fails(store: Store) -> None:
    _receive(store, list(encrypt_sends(_sends(store, 1), PUBLIC)))
    with pytest.raises(CommandError) as caught:
        ingest(store, "secret", private_key=make_private_key(2048))
    assert caught.value.code == "CMD-126"
    # One that was locked for another key though the form says this one: it waits.
    other = make_private_key(2048).public_key()
    (send,) = _sends(store, 1)
    sent = encrypt_submission(send.xml.replace(b"uuid:", b"uuid:f"), {}, other, bytes(32))
    _receive(store, [Send("uuid:f" + send.instance_id.removeprefix("uuid:"), sent.xml, sent.files)])
    report = ingest(store, "secret", private_key=KEY)
    assert (report.read, report.failed, report.waiting) == (1, 0, 1)


def test_second_sending_repeats_the_first_ones_manifest(store: Store) -> None:
    first, second = _sends(store, 2)
    early = Send(second.instance_id, second.xml, incomplete=True)
    again = Send(first.instance_id, first.xml, first.attachments, round=1)
    late = Send(second.instance_id, second.xml, second.attachments, round=1)
    sent = list(encrypt_sends([first, early, again, late], PUBLIC))
    assert [(item.instance_id, item.round, item.incomplete, bool(item.attachments)) for item in sent] == [
        (first.instance_id, 0, False, True),
        (first.instance_id, 1, False, True),
        (second.instance_id, 1, True, False),
        (second.instance_id, 1, False, True),
    ]
    assert sent[0].xml == sent[1].xml
    assert sent[0].attachments == sent[1].attachments
    assert sent[2].xml == sent[3].xml
    assert list(encrypt_sends([first, early], "")) == [first, early]


def test_public_key_of_the_settings_sheet_is_checked() -> None:
    assert not [
        item for item in check_workbook(with_public_key(_workbook(), PUBLIC), False) if item.code.startswith("FRM-70")
    ]
    (found,) = [
        item for item in check_workbook(with_public_key(_workbook(), "MIIBIjAN"), False) if item.code == "FRM-701"
    ]
    assert (found.severity, found.sheet, found.row, found.column) == ("error", "settings", 2, "public_key")


def test_keys_are_made_once_locked_and_for_their_owner(tmp_path: Path) -> None:
    made = make_keys("norte", tmp_path / "stick", PASSPHRASE)
    assert stat.S_IMODE(made.private_file.stat().st_mode) == 0o600
    key = load_private_key(made.private_file, lambda: PASSPHRASE)
    assert key.key_size >= 2048
    assert public_text(key) == made.public_key == made.public_file.read_text().strip()
    assert public_text(read_public_key(made.public_key)) == made.public_key
    for survey, code in (("norte", "CMD-124"), ("../norte", "CMD-125"), ("", "CMD-125")):
        with pytest.raises(CommandError) as caught:
            make_keys(survey, tmp_path / "stick", PASSPHRASE)
        assert caught.value.code == code


def test_commands_make_keys_and_register_an_encrypted_form_without_telling_the_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = CliRunner()
    monkeypatch.delenv("COMUNAL_KEY_PASSPHRASE", raising=False)
    stick = tmp_path / "stick"
    typed = f"{PASSPHRASE}\n{PASSPHRASE}\n"
    made = runner.invoke(app, ["keys", "make", "norte", "--out", str(stick)], input=typed)
    assert made.exit_code == 0, made.output
    assert PASSPHRASE not in made.output
    assert "norte-private.pem" in made.output

    file = tmp_path / "norte.xlsx"
    file.write_bytes(write_xlsx(_workbook("norte")))
    data = ["--data", str(tmp_path / "data")]
    added = runner.invoke(app, ["forms", "add", str(file), "--public-key", str(stick / "norte-public.txt"), *data])
    assert added.exit_code == 0, added.output
    with open_store(tmp_path / "data") as store:
        form = load_form(store, "norte").form
        assert form.public_key == (stick / "norte-public.txt").read_text().strip()
    monkeypatch.setenv("COMUNAL_KEY_PASSPHRASE", PASSPHRASE)
    key = ["--private-key", str(stick / "norte-private.pem")]
    ran = runner.invoke(app, ["run", "ingest", "--form", "norte", "--json", *key, *data])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout.splitlines()[-1])["waiting"] == 0
    assert PASSPHRASE not in ran.output


def test_key_goes_into_text_sheets_too(tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    folder.mkdir()
    (folder / "survey.csv").write_text("type,name,label\ntext,a,A\n", encoding="utf-8")
    (folder / "settings.csv").write_text("form_id,version\nsheets,1\n", encoding="utf-8")
    with open_store(tmp_path / "data") as store:
        assert add_form(store, folder, public_key=PUBLIC).version == "1"
        assert load_form(store, "sheets").form.public_key == PUBLIC
    assert read_workbook(folder).rows("settings")[0].cells == {"form_id": "sheets", "version": "1"}


def test_rehearsed_phones_encrypt_for_the_form_they_fetched(store: Store) -> None:
    with store.begin() as connection:
        key = add_person(connection, "rehearsal", "enumerator").key
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = make_server(store, "127.0.0.1", port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    try:
        url = f"http://127.0.0.1:{port}/key/{key}"
        report = rehearse_over_http(
            "secret", interviews=20, seed=1, spoil=0.3, server_url=url, store=store, start=START
        )
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
    assert report.refused == 0
    waiting = ingest(store, "secret")
    assert (waiting.read, waiting.failed) == (0, 0)
    opened = ingest(store, "secret", private_key=KEY)
    assert (opened.read, opened.failed, opened.waiting) == (waiting.waiting, 0, 0)
    with store.read() as connection:
        counts = count_submissions(connection, "secret")
        rules = Counter(finding.rule_id for finding in list_findings(connection, "secret"))
    assert counts.conflicts == 0
    assert not rules["encryption:damaged"]
    assert not rules["attachment:missing"]
