"""Findings in bulk: the same as one by one, their engines, and pages and counts that agree with the whole list."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, insert, select, text

from expressions.profiles import Profile
from schemas.findings import ENGINES, Finding, Rule, RuleSummary
from schemas.tables import finding_counts, finding_texts, findings
from store.arrivals import NewSubmission, add_submissions
from store.finding_pages import list_instances
from store.findings import (
    FindingChanges,
    StoredFinding,
    count,
    list_findings,
    list_rule_runs,
    page,
    put_findings,
    put_parse_findings,
    put_rule_runs,
)
from store.forms import add_form_version
from store.migrate import _config
from store.open import Store, make_engine

FORM = "encuesta"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RULES = ("a", "b", "c")
INSTANCES = ("", "i1", "i2", "i3")


def finding(rule: str, instance: str, row: str = "", severity: str = "error", engines: tuple[str, ...] = ()) -> Finding:
    said = {"es": f"Se rompe {rule}", "en": f"{rule} is broken"}
    return Finding(FORM, "1", instance, row, rule, "check", severity, "/data/x", said, {}, ("x",), engines)


def put(store: Store, found: list[Finding], rules: set[str], hours: int = 0) -> FindingChanges:
    with store.begin() as connection:
        return put_findings(connection, FORM, iter(found), rules, NOW + timedelta(hours=hours))


class Reference:
    """What `put_findings` does, one finding at a time."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], tuple[Finding, int, bool]] = {}

    def put(self, found: list[Finding], rules: set[str], hours: int) -> FindingChanges:
        new: dict[tuple[str, str, str], Finding] = {}
        for one in found:
            new.setdefault((one.rule_id, one.instance_id, one.row_id), one)
        kept = closed = 0
        for key, one in new.items():
            was = self.kept.get(key)
            is_open = was is not None and was[2]
            kept += is_open
            self.kept[key] = (one, was[1] if was is not None and is_open else hours, True)
        for key, (one, opened, is_open) in self.kept.items():
            if is_open and key not in new and key[0] in rules:
                self.kept[key] = (one, opened, False)
                closed += 1
        return FindingChanges(len(new) - kept, kept, closed)


FOUND = st.lists(
    st.builds(
        finding,
        st.sampled_from(RULES),
        st.sampled_from(INSTANCES),
        st.sampled_from(("", "r[1]")),
        st.sampled_from(("error", "warning")),
        st.sampled_from(((), ("javarosa",), ENGINES)),
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.tuples(FOUND, st.sets(st.sampled_from(RULES))), min_size=1, max_size=4))
def test_whole_sets_change_as_findings_would_one_by_one(
    store: Store, runs: list[tuple[list[Finding], set[str]]]
) -> None:
    with store.begin() as connection:
        for table in (findings, finding_counts):
            connection.execute(table.delete())
    reference = Reference()
    for hours, (found, rules) in enumerate(runs):
        assert put(store, found, rules, hours) == reference.put(found, rules, hours)
        assert put(store, found, rules, hours + 100).opened == 0
    expected = {
        key: (one, NOW + timedelta(hours=hours), is_open) for key, (one, hours, is_open) in reference.kept.items()
    }
    with store.read() as connection:
        rows = every_page(connection, state="all")
        assert count(connection, FORM, state="all") == len(expected)
    found_now = {
        (row.finding.rule_id, row.finding.instance_id, row.finding.row_id): (
            row.finding,
            row.opened_at,
            row.closed_at is None,
        )
        for row in rows
    }
    assert found_now == expected


def every_page(connection: Connection, limit: int = 3, **filters: Any) -> list[StoredFinding]:  # noqa: ANN401
    rows: list[StoredFinding] = []
    after = None
    while True:
        some = page(connection, FORM, after=after, limit=limit, **filters)
        rows += some.rows
        after = some.after
        if after is None:
            return rows


def test_pages_and_counts_agree_with_the_whole_list_newest_first(store: Store) -> None:
    chance = random.Random(4)  # noqa: S311 - a workload, no secret
    everything = [
        finding(rule, instance, row, chance.choice(("error", "warning", "info")), chance.choice(((), ("enketo",))))
        for rule in RULES
        for instance in (*INSTANCES, "replaced")
        for row in ("", "r[1]", "r[2]")
    ]
    chance.shuffle(everything)
    with store.begin() as connection:
        add_form_version(
            connection, store.blobs, form_id=FORM, version="1", title="E", xform=b"<x/>", workbook=None, media={}
        )
        add_submissions(connection, store.blobs, [NewSubmission(FORM, "1", "replaced", b"<a/>", NOW)])
        add_submissions(connection, store.blobs, [NewSubmission(FORM, "1", "i1", b"<b/>", NOW, "replaced")])
    for hours, some in enumerate((everything[:15], everything[10:], everything[5:40])):
        put(store, some, set(RULES), hours)
    with store.begin() as connection:  # reading tells of one that a rule tells of too, and of one of its own
        twin = next(one for one in everything[5:40] if one.instance_id == "i2")
        put_parse_findings(connection, FORM, ["i2", "i3"], [twin, finding("type:/x", "i3")], NOW)
    with store.read() as connection:
        listed = list_findings(connection, FORM)
        for rule in RULES:
            expected_of = {one.instance_id for one in listed if one.rule_id == rule}
            assert list_instances(connection, FORM, rule) == expected_of
        for filters in (
            {},
            {"severity": "info"},
            {"rule_id": "b"},
            {"rule_id": twin.rule_id, "severity": twin.severity},
            {"engine_dependent": True},
            {"engine_dependent": False, "severity": "error"},
            {"instance_id": "i2"},
        ):
            rows = every_page(connection, **filters)
            assert [(row.opened_at, row.number) for row in rows] == sorted(
                ((row.opened_at, row.number) for row in rows), reverse=True
            )
            expected = [one for one in listed if all(getattr(one, name) == value for name, value in filters.items())]
            assert len({row.number for row in rows}) == len(rows) == len(expected)
            assert {repr(row.finding) for row in rows} == {repr(one) for one in expected}
            assert count(connection, FORM, **filters) == len(rows)
        for state in ("closed", "all"):
            assert count(connection, FORM, state=state) == len(every_page(connection, state=state))
        closed = list_findings(connection, FORM, "closed")
        assert len(every_page(connection, state="closed")) == len(closed)
        both = {(one.rule_id, one.instance_id, one.row_id) for one in (*listed, *closed)}
        assert len(every_page(connection, state="all")) == len(both)
        assert list_findings(connection, FORM, kinds={"type"}) == []
        assert not page(connection, "other").rows
        assert count(connection, "other") == 0


def test_engines_of_a_finding_are_kept_and_can_change(store: Store) -> None:
    assert tuple(profile.value for profile in Profile) == ENGINES
    one = finding("a", "i1", engines=("javarosa", "enketo"))
    put(store, [one], {"a"})
    with store.read() as connection:
        assert list_findings(connection, FORM) == [one]
        columns = (findings.c.engines, findings.c.engine_dependent)
        assert connection.execute(select(*columns)).one() == ("javarosa enketo", True)
    assert put(store, [replace(one, engines=ENGINES)], {"a"}) == FindingChanges(0, 1, 0)
    with store.begin() as connection:
        assert count(connection, FORM, engine_dependent=True) == 0
        rule = Rule("a", "check", "main", "error", "1 = 1", {"es": "ñ"})
        put_rule_runs(connection, FORM, [RuleSummary(rule, 3, 2, 1)])
        assert list_rule_runs(connection, FORM) == [RuleSummary(rule, 3, 2, 1)]


def test_what_many_findings_say_is_kept_once(store: Store) -> None:
    put(store, [finding(rule, f"i{n}") for n in range(50) for rule in RULES], set(RULES))
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(finding_texts)) == len(RULES)


def test_the_same_findings_again_write_nothing(store: Store) -> None:
    found = [finding("a", f"i{n}") for n in range(20)]
    put(store, found, {"a"})
    with store.read() as connection:
        before = [tuple(row) for row in connection.execute(select(findings).order_by(findings.c.id))]
    assert put(store, found[::-1], {"a"}, hours=5) == FindingChanges(0, 20, 0)
    with store.read() as connection:
        assert [tuple(row) for row in connection.execute(select(findings).order_by(findings.c.id))] == before


def test_reading_some_interviews_again_leaves_the_findings_of_others(store: Store) -> None:
    with store.begin() as connection:
        one, two = finding("type:/a", "i1"), finding("type:/a", "i2")
        put_parse_findings(connection, FORM, ["i1", "i2"], [one, two, finding("type:/a", "not read")], NOW)
        put_parse_findings(connection, FORM, ["i1"], [], NOW)
        put_parse_findings(connection, FORM, ["i3"], [], NOW)
    with store.read() as connection:
        assert list_findings(connection, FORM) == [two]
        assert list_findings(connection, FORM, "closed") == [one]
        assert (count(connection, FORM), count(connection, FORM, state="closed")) == (1, 1)


@pytest.mark.parametrize("stage", ["open", "failed"])
def test_a_failed_change_leaves_findings_as_they_were(store: Store, stage: str) -> None:
    put(store, [finding("a", "i1")], {"a"})

    def broken() -> Iterator[Finding]:
        yield finding("a", "i2")
        raise RuntimeError(stage)

    with pytest.raises(RuntimeError, match=stage), store.begin() as connection:
        put_findings(connection, FORM, broken(), {"a"}, NOW)
    assert put(store, [finding("a", "i1")], {"a"}) == FindingChanges(0, 1, 0)


def test_findings_of_an_older_store_keep_what_they_say(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    for url in (None, request.getfixturevalue("postgres_url")):
        engine = make_engine(tmp_path, url)
        with engine.begin() as connection:
            command.upgrade(_config(connection), "20261124c")
            columns = "form_id, form_version, instance_id, row_id, rule_id, kind, severity, path, message, advice,"
            old = text(
                f"INSERT INTO findings ({columns} variables, origin, opened_at, closed_at) VALUES ('f', '1', :instance,"
                " '', 'r', 'check', 'error', '/data/x', :message, '{}', '[\"x\"]', 'rules', :at, NULL)"
            )
            for instance, message in (("i1", '{"es": "ñ"}'), ("i2", '{"es": "ñ"}'), ("i3", '{"es": "o"}')):
                connection.execute(old, {"instance": instance, "message": message, "at": NOW})
            command.upgrade(_config(connection), "head")
            listed = list_findings(connection, "f")
            assert [(one.instance_id, one.message, one.variables) for one in listed] == [
                ("i1", {"es": "ñ"}, ("x",)),
                ("i2", {"es": "ñ"}, ("x",)),
                ("i3", {"es": "o"}, ("x",)),
            ]
            assert count(connection, "f") == 3
            changes = put_findings(connection, "f", listed, {"r"}, NOW)
            assert changes == FindingChanges(0, 3, 0)
            number = select(func.count()).select_from(finding_texts)
            assert connection.scalar(number) == 2
            row = {"path": "/y", "message": {}, "advice": {}, "variables": [], "sha256": "0" * 64}
            connection.execute(insert(finding_texts), row)
            assert connection.scalar(number) == 3
        engine.dispose()


def test_counts_kept_batch_by_batch_are_those_of_all_findings(store: Store) -> None:
    chance = random.Random(4)  # noqa: S311 - no secret
    for hours in range(12):
        some = chance.sample(INSTANCES[1:], chance.randint(1, 3))
        found = [
            replace(finding(rule, instance, severity=chance.choice(("error", "warning"))), kind="type")
            for rule in RULES
            for instance in some
            if chance.random() < 0.5
        ]
        with store.begin() as connection:
            put_parse_findings(connection, FORM, some, found, NOW + timedelta(hours=hours))
        is_open = findings.c.closed_at.is_(None)
        keys = (findings.c.rule_id, findings.c.severity, is_open)
        with store.read() as connection:
            counted = {(*key, n) for *key, n in connection.execute(select(*keys, func.count()).group_by(*keys))}
            kept = select(*(finding_counts.c[name] for name in ("rule_id", "severity", "is_open", "number")))
            assert {tuple(row) for row in connection.execute(kept)} == counted
