"""An enumerator's day, as somebody new would live it: from the printed card to the tables, over a real server."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from phone_cards import scan
from served_store import serve
from typer.testing import CliRunner

from flows.cli import app
from flows.collect_client import CollectClient
from flows.collect_sending import send_all
from forms.compile import compile_xform
from forms.rehearsal import rehearse
from forms.rehearsal.interviews import RehearsedInterview, Send
from schemas.errors import CommandError
from store.audit import check_log
from store.submissions import count_submissions

INTERVIEWS = 30
FORM = """| survey | | | | | |
| | type | name | label | constraint | personal |
| | username | username | | | |
| | start | start | | | |
| | text | nombre | Nombre | | name |
| | integer | dormitorios | Dormitorios | . >= 0 and . <= 9 | |
| | begin repeat | persona | Persona | | |
| | integer | edad | Edad | . >= 0 and . <= 99 | |
| | end repeat | persona | | | |
| settings | | | |
| | form_id | version | form_title |
| | hogares | 1 | Encuesta de hogares |
| design | | |
| | setting | value |
| | commune | 13125 |
"""


def comunal(data: Path, *arguments: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(app, [*arguments, "--data", str(data), "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def corrected(interview: RehearsedInterview) -> Send:
    """The interview opened again on the phone, with one number changed and finalized: a new instance id."""
    new = "uuid:corrected"
    xml = re.sub(r"<dormitorios>\d+</dormitorios>", "<dormitorios>77</dormitorios>", interview.xml.decode())
    (element,) = re.findall(r"<[^<]*instanceID>[^<]*</[^<]*instanceID>", xml)
    edits = element.replace("instanceID", "deprecatedID")
    return Send(new, xml.replace(element, element.replace(interview.instance_id, new) + edits).encode())


def test_thirty_interviews_sent_twice_and_one_corrected_are_thirty_rows(tmp_path: Path) -> None:
    data, file, sheet = tmp_path / "data", tmp_path / "hogares.md", tmp_path / "hoja.html"
    file.write_text(FORM, encoding="utf-8")
    with serve(data) as (store, address):
        comunal(data, "forms", "add", str(file))
        url = address.partition("/key/")[0]
        rosa = ("--name", "Rosa Ñancupil", "--commune", "13125", "--url", url, "--sheet", str(sheet))
        (told,) = comunal(data, "people", "add", *rosa)

        (card,) = scan(sheet.read_text(encoding="utf-8"))
        assert card.settings["project"]["name"] == "Encuesta de hogares"
        with CollectClient(card.settings["general"]["server_url"]) as phone:
            assert [form.form_id for form in phone.list_forms()] == ["hogares"]
            fetched = phone.fetch_form("hogares")
            # From here to the sending nothing is asked of the server.
            compiled = compile_xform(fetched.xform, dict(fetched.media))
            day = list(rehearse(compiled, INTERVIEWS, 11, datetime(2026, 3, 2, 12, tzinfo=UTC)))
            sends = [Send(interview.instance_id, interview.xml, interview.attachments) for interview in day]
            for _ in range(2):
                report = send_all(phone, sends, parallel=4)
                assert (report.sent, report.refused) == (INTERVIEWS, 0)
            receipt = phone.send(corrected(day[4]))
            assert (receipt.status, receipt.message) == (201, "Encuesta recibida y guardada.")

        with store.read() as connection:
            counts = count_submissions(connection, "hogares")
        assert (counts.received, counts.current, counts.superseded) == (INTERVIEWS + 1, INTERVIEWS, 1)
        out = tmp_path / "tables"
        waiting = CliRunner().invoke(app, ["tables", "hogares", "--out", str(out), "--data", str(data)])
        assert "31 interviews wait" in waiting.stdout
        comunal(data, "run", "ingest", "--form", "hogares", "--plain")
        comunal(data, "tables", "hogares", "--out", str(out))
        main = pl.read_csv(out / "main.csv")
        assert main.height == INTERVIEWS
        assert set(main["_instance_id"]) == {i.instance_id for i in day if i is not day[4]} | {"uuid:corrected"}
        assert main.filter(pl.col("_instance_id") == "uuid:corrected")["dormitorios"].to_list() == [77]
        assert main.filter(pl.col("dormitorios") == 77).height == 1
        people = pl.read_csv(out / "persona.csv")
        assert people.height == sum(i.xml.count(b"<persona>") for i in day)

        comunal(data, "people", "revoke", str(told["id"]))
        with store.read() as connection:
            assert check_log(connection).broken_at is None

    # A server believes a good key for some seconds; one just started asks the store.
    with serve(data) as (_, address):
        lost = f"{address.rpartition('/')[0]}/{told['key']}"
        with CollectClient(lost) as phone, pytest.raises(CommandError, match="CMD-102"):
            phone.list_forms()
