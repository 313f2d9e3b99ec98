"""What stands of decisions, beside the log: the same as the whole log tells; pages and counts agree in every state."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from alembic import command
from sqlalchemy import Connection, insert, select

from schemas.decision_tables import decisions, standing_marks
from schemas.decisions import Decision
from schemas.findings import Finding
from store.arrivals import NewSubmission, add_submissions
from store.decisions import add_decision, add_decisions, list_decisions
from store.finding_notes import add_note, list_notes
from store.finding_pages import State
from store.findings import count, page, put_findings
from store.forms import add_form_version
from store.migrate import _config
from store.open import Store, make_engine
from store.people import add_person
from store.standing import count_accepted, count_marked, list_accepted, list_marked, marks_of

FORM = "encuesta"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
INSTANCES = tuple(f"i{number}" for number in range(6))
RULES = ("a", "b")
ACTIONS = ("accept", "accept", "exclude", "include", "send_back", "correct", "undo", "second", "answer")


def some_decision(chance: random.Random, log: list[Decision]) -> Decision:
    action, instance = chance.choice(ACTIONS), chance.choice(INSTANCES)
    number = chance.choice((1, 2))
    told = {"person": f"P{number}", "person_id": number, "reason": "why"}
    if action in {"undo", "second"}:
        targets = [row for row in log if action == "undo" or row.action == "exclude"]
        if targets:
            target = chance.choice(targets)
            link = {"undoes": target.id} if action == "undo" else {"seconds": target.id}
            return Decision(FORM, target.instance_id, action, **told, **link)  # type: ignore[arg-type]
        action = "accept"
    if action == "answer":
        return Decision(FORM, instance, "correct", source="answer", question="q", value="1", **told)  # type: ignore[arg-type]
    rule = chance.choice(RULES) if action == "accept" else ""
    return Decision(FORM, instance, action, rule_id=rule, **told)  # type: ignore[arg-type]


def marks(connection: Connection) -> set[tuple[str, str, str, str]]:
    table = standing_marks.c
    return {
        tuple(row) for row in connection.execute(select(table.instance_id, table.rule_id, table.row_id, table.mark))
    }


@pytest.mark.parametrize("seed", range(4))
def test_marks_are_what_the_whole_log_tells_whatever_was_decided_and_undone(store: Store, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    with store.begin() as connection:
        for _ in range(40):
            log = list_decisions(connection, FORM)
            fresh = [some_decision(chance, log) for _ in range(chance.choice((1, 1, 3)))]
            if len(fresh) == 1:
                add_decision(connection, fresh[0])
            else:
                add_decisions(connection, fresh)
            assert marks(connection) == marks_of(list_decisions(connection, FORM))
        told = marks(connection)
        for mark in ("accepted", "sent_back", "pending", "excluded"):
            assert count_marked(connection, FORM, mark) == sum(one[3] == mark for one in told)
            assert list_marked(connection, FORM, mark) == sorted({one[0] for one in told if one[3] == mark})
        assert list_accepted(connection, FORM) == {(one[1], one[0], one[2]) for one in told if one[3] == "accepted"}


@pytest.mark.parametrize("seed", range(3))
def test_pages_and_counts_agree_in_every_state_and_of_every_sender(store: Store, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    with store.begin() as connection:
        people = [add_person(connection, name, "enumerator").id for name in ("Eva", "Ida")]
        add_form_version(
            connection, store.blobs, form_id=FORM, version="1", title="", xform=b"<x/>", workbook=None, media={}
        )
        add_submissions(
            connection,
            store.blobs,
            [
                NewSubmission(FORM, "1", name, f"<{name}/>".encode(), NOW, person_id=chance.choice([*people, None]))
                for name in INSTANCES
            ],
        )
        for hours in range(3):
            found = [
                Finding(FORM, "1", name, "", rule, "check", chance.choice(("error", "warning")), "/data/x", {"en": "x"})
                for name in INSTANCES
                for rule in RULES
                if chance.random() < 0.6
            ]
            put_findings(connection, FORM, found, set(RULES), NOW + timedelta(hours=hours))
        for _ in range(15):
            add_decision(connection, some_decision(chance, list_decisions(connection, FORM)))
        numbers: dict[str, set[int]] = {}
        for state in get_args(State):
            for person in (None, *people):
                for severity in (None, "error"):
                    rows, after = [], None
                    while True:
                        some = page(
                            *(connection, FORM),
                            state=state,
                            severity=severity,
                            person_id=person,
                            after=after,
                            limit=3,
                        )
                        rows += some.rows
                        after = some.after
                        if after is None:
                            break
                    told = {row.number for row in rows}
                    assert len(told) == len(rows)
                    assert count(connection, FORM, state=state, severity=severity, person_id=person) == len(rows)
                    if person is None and severity is None:
                        numbers[state] = told
        assert numbers["open"].isdisjoint(numbers["accepted"])
        assert numbers["sent_back"] <= numbers["open"]
        assert numbers["open"] | numbers["accepted"] | numbers["closed"] == numbers["all"]
        accepted = count_accepted(connection, FORM)
        assert sum(accepted.values()) == len(numbers["accepted"])
        for told in ({}, {"severity": "error"}, {"rule_id": "a"}, {"rule_id": "b", "severity": "warning"}):
            assert count(connection, FORM, accepted=accepted, **told) == count(connection, FORM, **told)


def test_decisions_of_before_get_their_marks(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    chance = random.Random(3)  # noqa: S311 - no secret
    for url in (None, request.getfixturevalue("postgres_url")):
        engine = make_engine(tmp_path, url)
        with engine.begin() as connection:
            command.upgrade(_config(connection), "20261124j")
            log: list[Decision] = []
            for number in range(1, 61):
                row = some_decision(chance, log)
                values = {
                    name: getattr(row, name, None)
                    for name in ("form_id", "instance_id", "row_id", "rule_id", "question", "action", "value", "reason")
                }
                values |= {"person": row.person, "person_id": row.person_id, "at": NOW, "source": "desk"}
                values |= {"undoes": row.undoes, "seconds": row.seconds}
                connection.execute(insert(decisions).values(**values))
                log = list_decisions(connection, FORM)
                assert log[-1].id == number
            command.upgrade(_config(connection), "head")
            assert marks(connection) == marks_of(list_decisions(connection, FORM))
        engine.dispose()


def test_explanations_are_listed_with_their_finding_and_hidden_from_logs(store: Store) -> None:
    with store.begin() as connection:
        person = add_person(connection, "Saul", "supervisor").id
        add_note(connection, FORM, ("a", "i1", ""), person, "  the aunt came back ", NOW)
        (note,) = list_notes(connection, FORM, "i1")
        assert (note.key, note.person, note.body) == (("a", "i1", ""), "Saul", "the aunt came back")
        assert "aunt" not in repr(note)
        assert list_notes(connection, FORM, "") == []
