"""Reports, keys, signatures and questions in the store: keyed, only added to, each in the audit log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from schemas.errors import ComunalError, StoreError
from store.audit import list_log
from store.open import Store
from store.people import add_person
from store.quality_questions import add_question, list_questions
from store.quality_reports import (
    ReportRow,
    add_report,
    add_signature,
    get_signing_key,
    list_reports,
    list_signatures,
    put_signing_key,
    standing_signatures,
)

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
REPORT = ReportRow("r1", "f", "13125", "2026", "folder/r1", "a" * 64, "d" * 64, {"submissions": 1}, "1", AT)


def sign(store: Store, person: int, act: str, signature: str, report: str = "r1") -> None:
    with store.begin() as connection:
        add_signature(
            connection,
            report_id=report,
            person_id=person,
            act=act,
            statement="{}",
            signature=signature,
            public_key="k",
            signed_at=AT,
            reasons="" if act == "sign" else "porque no",
        )


def test_a_report_is_registered_once_and_never_with_other_contents(store: Store) -> None:
    with store.begin() as connection:
        assert add_report(connection, REPORT) == add_report(connection, REPORT) == REPORT
        with pytest.raises(StoreError, match="STO-091"):
            add_report(connection, replace(REPORT, sha256="b" * 64))
    with store.read() as connection:
        assert list_reports(connection, "f") == [REPORT]
        assert [row.act for row in list_log(connection, act="report")] == ["report.add"]


def test_the_newest_key_signs_and_its_sealed_half_is_in_no_repr(store: Store) -> None:
    with store.begin() as connection:
        person = add_person(connection, "Rosa", "reviewer").id
        put_signing_key(connection, person, "one", "sealed-1")
        put_signing_key(connection, person, "two", None)
        key = get_signing_key(connection, person)
    assert key is not None
    assert (key.public_key, key.sealed) == ("two", None)
    assert "sealed-1" not in repr(replace(key, sealed="sealed-1"))


def test_what_each_person_said_last_of_the_same_data_stands(store: Store) -> None:
    with store.begin() as connection:
        rosa, luc = (add_person(connection, name, "reviewer").id for name in ("Rosa", "Luc"))
        add_report(connection, REPORT)
        add_report(connection, replace(REPORT, report_id="r2"))
        add_report(connection, replace(REPORT, report_id="r3", data_sha256="e" * 64))
    sign(store, rosa, "refuse", "s1")
    sign(store, rosa, "sign", "s2", "r2")
    sign(store, luc, "sign", "s3")
    sign(store, luc, "refuse", "s4", "r3")
    with store.read() as connection:
        standing = standing_signatures(connection, "f", "d" * 64)
        assert {(row.person_id, row.act) for row in standing} == {(rosa, "sign"), (luc, "sign")}
        assert len(list_signatures(connection, "r1")) == 2


@pytest.mark.parametrize("statement", ["UPDATE report_signatures SET act = 'sign'", "DELETE FROM report_signatures"])
def test_the_database_itself_keeps_signatures_as_they_are(store: Store, statement: str) -> None:
    with store.begin() as connection:
        rosa = add_person(connection, "Rosa", "reviewer").id
        add_report(connection, REPORT)
    sign(store, rosa, "refuse", "s1")
    with pytest.raises(ComunalError), store.begin() as connection:
        connection.execute(text(statement))
    with store.read() as connection:
        assert [row.act for row in list_signatures(connection, "r1")] == ["refuse"]


def test_a_refusal_gives_reasons_and_a_question_names_a_report(store: Store) -> None:
    with store.begin() as connection:
        rosa = add_person(connection, "Rosa", "reviewer").id
        add_report(connection, REPORT)
        with pytest.raises(StoreError, match="STO-092"):
            add_signature(
                connection,
                report_id="r1",
                person_id=rosa,
                act="refuse",
                statement="{}",
                signature="s",
                public_key="k",
                signed_at=AT,
                reasons=" ",
            )
        with pytest.raises(StoreError, match="STO-090"):
            add_question(connection, "r9", "", "¿Qué?", rosa)
        asked = add_question(connection, "r1", "fig-found", "¿Qué?", rosa, AT)
        assert list_questions(connection, state="open") == [asked]
        assert [row.note for row in list_log(connection, act="report.ask")] == [f"question {asked.id} fig-found"]
