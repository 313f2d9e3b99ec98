"""The commune of interviews and findings: kept, moved, counted, and pages by it that agree with the whole list."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from schemas.findings import Finding, FindingSeverity
from store.arrivals import NewSubmission, add_submissions
from store.communes import communes_of, count_by_commune, list_within, put_communes
from store.finding_counts import list_rule_counts
from store.findings import StoredFinding, count, list_findings, page, put_findings, put_parse_findings
from store.forms import add_form_version
from store.open import Store
from store.spread import is_spread

FORM = "panel"
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
CUTS = ("13101", "13108", "13125")
COMMUNES = {f"i{number}": CUTS[number % 3] for number in range(30)}


@pytest.fixture
def panel(store: Store) -> Store:
    items = [
        NewSubmission(FORM, "1", name, f"<data><meta><instanceID>{name}</instanceID></meta></data>".encode(), AT)
        for name in COMMUNES
    ]
    with store.begin() as connection:
        add_form_version(
            connection, store.blobs, form_id=FORM, version="1", title="P", xform=b"<x/>", workbook=None, media={}
        )
        add_submissions(connection, store.blobs, items)
        put_communes(connection, FORM, COMMUNES.items())
    return store


def finding(rule: str, instance: str, severity: FindingSeverity = "error") -> Finding:
    return Finding(FORM, "1", instance, "", rule, "check", severity, "/data/x", {"en": rule}, {}, ("x",))


def put(store: Store, hours: int = 0, seed: int = 1) -> None:
    chance = random.Random(seed)  # noqa: S311
    found = [
        finding(rule, instance, "error" if rule == "a" else "warning")
        for rule in ("a", "b", "c")
        for instance in ("", *COMMUNES)
        if chance.random() < 0.6
    ]
    with store.begin() as connection:
        put_findings(connection, FORM, found, {"a", "b", "c"}, AT + timedelta(hours=hours))


def pages(store: Store, communes: list[str], **filters: object) -> list[StoredFinding]:
    rows: list[StoredFinding] = []
    with store.read() as connection:
        after = None
        while True:
            found = page(connection, FORM, communes=communes, after=after, limit=4, **filters)  # type: ignore[arg-type]
            rows += found.rows
            after = found.after
            if after is None:
                return rows


def test_pages_and_counts_by_commune_agree_with_the_whole_list(panel: Store) -> None:
    for hours in (0, 1, 2):
        put(panel, hours, seed=hours)
    for communes in (["13101"], ["13108", "13125"], ["13102"], []):
        compare(panel, communes)


def compare(panel: Store, communes: list[str]) -> None:
    with panel.read() as connection:
        everything = list_findings(connection, FORM, "all")
        closed = {(row.rule_id, row.instance_id) for row in list_findings(connection, FORM, "closed")}
        rules = {row.rule_id: (row.open, row.closed) for row in list_rule_counts(connection, FORM, communes)}
        mine = [row for row in everything if COMMUNES.get(row.instance_id) in communes]
        for state in ("open", "closed", "all"):
            for severity in (None, "error", "warning"):
                wanted = {
                    (row.rule_id, row.instance_id)
                    for row in mine
                    if severity in {None, row.severity}
                    and (state == "all" or ((row.rule_id, row.instance_id) in closed) == (state == "closed"))
                }
                rows = pages(panel, communes, state=state, severity=severity)
                assert {(row.finding.rule_id, row.finding.instance_id) for row in rows} == wanted
                places = [(row.opened_at, row.number) for row in rows]
                assert places == sorted(places, reverse=True)
                told = count(connection, FORM, state=state, severity=severity, communes=communes)
                assert told == len(wanted)
    for rule, numbers in rules.items():
        keys = [(row.rule_id, row.instance_id) for row in mine if row.rule_id == rule]
        assert numbers == (sum(key not in closed for key in keys), sum(key in closed for key in keys))


def test_findings_move_with_their_interview_and_so_do_the_counts(panel: Store) -> None:
    put(panel)
    with panel.begin() as connection:
        put_parse_findings(connection, FORM, ["i0"], [finding("type:/data/x", "i0")], AT)
    with panel.begin() as connection:
        before = {cut: count(connection, FORM, communes=[cut]) for cut in CUTS}
        own = count(connection, FORM, instance_id="i0")
        assert own
        assert put_communes(connection, FORM, [("i0", "13108"), ("i1", COMMUNES["i1"])]) == 1
        after = {cut: count(connection, FORM, communes=[cut]) for cut in CUTS}
        assert after == {**before, "13101": before["13101"] - own, "13108": before["13108"] + own}
        assert {row.instance_id for row in list_findings(connection, FORM, communes=["13108"])} >= {"i0"}
        assert put_communes(connection, FORM, [("i0", "13108")]) == 0
    put(panel, 1)
    with panel.read() as connection:
        assert count(connection, FORM, communes=["13108"]) == after["13108"], "judged again, nothing moves back"


def test_what_is_asked_of_interviews(panel: Store) -> None:
    with panel.read() as connection:
        assert count_by_commune(connection, FORM) == dict.fromkeys(CUTS, 10)
        assert list_within(connection, FORM, ["13101"]) == {name for name, cut in COMMUNES.items() if cut == "13101"}
        assert communes_of(connection, FORM, ["i0", "i1", "nobody"]) == {"i0": "13101", "i1": "13108"}
        assert is_spread(connection, FORM)
        assert not is_spread(connection, "another")


def test_a_page_of_a_commune_comes_straight_from_an_index(panel: Store) -> None:
    put(panel)
    if panel.engine.dialect.name != "sqlite":
        pytest.skip("how PostgreSQL reads so few rows says nothing")
    with panel.engine.connect() as connection:
        asked: list[str] = []

        def keep(_: object, __: object, statement: str, values: object, *___: object) -> None:
            plan = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[union-attr]
            asked.extend(str(row[-1]) for row in plan)

        from sqlalchemy import event

        event.listen(connection, "before_cursor_execute", keep)
        page(connection, FORM, communes=["13101"], severity="error")
        event.remove(connection, "before_cursor_execute", keep)
        connection.execute(text("SELECT 1"))
    assert any("ix_findings__open_of_commune (form_id=? AND commune=?)" in line for line in asked), asked
    assert not any("TEMP B-TREE" in line for line in asked), asked
