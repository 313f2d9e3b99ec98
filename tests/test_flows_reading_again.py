"""Reading stored submissions again: tables that were read wrongly are put right, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from decided_survey import AT, FORM, add_people, interview_xml, make_survey, person_xml, send
from typer.testing import CliRunner

from flows.cli import app
from flows.ingesting import ingest, read_again
from flows.registering import load_form
from forms.rows import read_rows
from schemas.decisions import Decision
from schemas.errors import CommandError
from schemas.fields import PRESENT
from store.decisions import add_decisions, list_decisions
from store.open import Store, open_store
from store.settings import personal_key
from store.submissions import count_submissions, list_unparsed, mark_unparsed
from store.tables import read_tables, write_tables

BLANK = "uuid:blank"


def marks(store: Store) -> dict[str, str | None]:
    main = read_tables(store, FORM, load_form(store, FORM).form)["main"]
    return dict(main.select("_instance_id", "head").rows())


def spoil(store: Store) -> None:
    """Leave the tables as a version did that took a blank personal answer for one that was given."""
    form = load_form(store, FORM).form
    with store.begin() as connection:
        mark_unparsed(connection, FORM)
        key = personal_key(connection)
    with store.read() as connection:
        batch = list_unparsed(connection, store.blobs, FORM)
    parsed = read_rows(form, batch, key)
    wrong = parsed.tables["main"].with_columns(pl.lit(PRESENT).alias("head"))
    numbers = [raw.submission_id for raw in batch]
    write_tables(store, FORM, form.version, replace(parsed, tables={**parsed.tables, "main": wrong}), numbers, AT)


def test_tables_that_were_read_wrongly_are_put_right_and_decisions_stay(tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as store:
        make_survey(store, tmp_path)
        xml = interview_xml(BLANK, person_xml(30, 1, "no")).decode()
        head = xml[xml.index("<head>") + 6 : xml.index("</head>")]
        send(store, (BLANK, xml.replace(f"<head>{head}</head>", "<head></head>").encode()))
        who = add_people(store)["ana"]
        with store.begin() as connection:
            add_decisions(connection, [Decision(FORM, "uuid:sound", "accept", "right", who.name, rule_id="check:x")])
        before = {name: frame.sort("_instance_id", "_row_id") for name, frame in read_tables(store, FORM).items()}
        assert marks(store)[BLANK] is None
        spoil(store)
        assert marks(store)[BLANK] == PRESENT
    again = ["run", "ingest", "--form", FORM, "--again", "--plain", "--data", str(tmp_path / "data")]
    for _ in range(2):
        result = CliRunner().invoke(app, again)
        assert result.exit_code == 0, (result.output, result.exception)
        assert "4 submissions of hogar are read again." in result.output and "4 submissions read" in result.output
        with open_store(tmp_path / "data") as store:
            after = {name: frame.sort("_instance_id", "_row_id") for name, frame in read_tables(store, FORM).items()}
            assert {name: frame.equals(after[name]) for name, frame in before.items()} == dict.fromkeys(before, True)
            with store.read() as connection:
                assert len(list_decisions(connection, FORM)) == 1
                assert count_submissions(connection, FORM).unparsed == 0


def test_rows_stay_until_they_are_replaced(tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as store:
        make_survey(store, tmp_path)
        before = marks(store)
        assert read_again(store, FORM) == 3
        assert marks(store) == before  # cut off here, nothing is missing
        assert ingest(store, FORM).read == 3
        assert (marks(store), ingest(store, FORM).read) == (before, 0)


def test_every_survey_at_once_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", "ingest", "--again", "--plain", "--data", str(tmp_path / "data")])
    assert getattr(result.exception, "code", None) == "CMD-129"


def test_an_encrypted_survey_is_not_marked_without_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(tmp_path / "data") as store:
        make_survey(store, tmp_path)
        form = replace(load_form(store, FORM).form, public_key="a key")
        monkeypatch.setattr("flows.ingesting._versions", lambda store, form_id: [form])
        with pytest.raises(CommandError, match="CMD-128"):
            read_again(store, FORM)
        with store.read() as connection:
            assert count_submissions(connection, FORM).unparsed == 0
        assert read_again(store, FORM, has_key=True) == 3
