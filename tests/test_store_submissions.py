"""Submissions as they arrive: duplicates, conflicts, edits in any order, versions that are not known yet."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from schemas.errors import StoreError
from store.arrivals import (
    Malformed,
    NewAttachment,
    NewSubmission,
    add_malformed,
    add_submissions,
    derive_instance_id,
    is_same_xml,
)
from store.edits import keep_edit
from store.forms import add_form_version, set_form_state
from store.open import Store, open_store
from store.submissions import (
    count_submissions,
    list_attachments,
    list_by_state,
    list_unparsed,
    mark_failed,
    mark_parsed,
    mark_unparsed,
    read_submission,
)

FORM = "encuesta"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def register(store: Store, version: str = "1", form_id: str = FORM) -> None:
    with store.begin() as connection:
        add_form_version(
            connection,
            store.blobs,
            form_id=form_id,
            version=version,
            title="Encuesta",
            xform=b"<x/>",
            workbook=None,
            media={},
            at=NOW,
        )


@pytest.fixture
def ready(store: Store) -> Store:
    register(store)
    return store


def new(instance: str, edits: str | None = None, answer: str = "1", version: str = "1") -> NewSubmission:
    xml = f'<data id="{FORM}" version="{version}"><q>{answer}</q><i>{instance}</i></data>'.encode()
    return NewSubmission(FORM, version, instance, xml, NOW, deprecated_id=edits)


def add(store: Store, *items: NewSubmission) -> list[str]:
    with store.begin() as connection:
        return [outcome.status for outcome in add_submissions(connection, store.blobs, items)]


def states(store: Store) -> dict[str, str]:
    with store.read() as connection:
        found = {state: list_by_state(connection, FORM, state) for state in ("current", "superseded", "fork", "held")}
    return {instance: state for state, instances in found.items() for instance in instances}


def test_a_batch_holds_every_kind_of_outcome_in_order(ready: Store) -> None:
    register(ready, form_id="cerrada")
    with ready.begin() as connection:
        set_form_state(connection, "cerrada", "1", "closed")
    assert add(ready, new("a")) == ["added"]
    elsewhere = NewSubmission("otra", "1", "x", b"<x/>", NOW)
    closed = NewSubmission("cerrada", "1", "x", b"<x/>", NOW)
    outcomes = add(ready, new("b"), new("a"), elsewhere, new("b"), new("b", answer="2"), closed, new("c", version="9"))
    assert outcomes == ["added", "duplicate", "unknown_form", "duplicate", "conflict", "closed_form", "added"]
    with ready.read() as connection:
        counts = count_submissions(connection, FORM)
    assert (counts.received, counts.conflicts, counts.unparsed, counts.unknown_version) == (3, 1, 2, 1)


def test_a_closing_form_is_still_received_and_a_closed_version_not(ready: Store) -> None:
    register(ready, "2")
    for version, state in (("1", "closed"), ("2", "closing")):
        with ready.begin() as connection:
            set_form_state(connection, FORM, version, state)
    assert add(ready, new("a", version="1"), new("b", version="2")) == ["closed_form", "added"]


def test_unparsed_submissions_come_in_order_of_arrival_and_exactly_once(ready: Store) -> None:
    names = [f"i{number}" for number in range(7)]
    add(ready, *(new(name) for name in names))
    seen: list[str] = []
    while True:
        with ready.begin() as connection:
            some = list_unparsed(connection, ready.blobs, FORM, limit=3)
            mark_parsed(connection, [raw.submission_id for raw in some])
        if not some:
            break
        seen += [raw.instance_id for raw in some]
        assert [raw.xml for raw in some] == [new(raw.instance_id).xml for raw in some]
        assert {raw.received_at for raw in some} == {NOW}
    assert seen == names
    with ready.begin() as connection:
        assert mark_unparsed(connection, FORM) == len(names)
        assert len(list_unparsed(connection, ready.blobs, FORM, after=3)) == len(names) - 3


def test_what_could_not_be_read_is_counted_and_not_offered_again(ready: Store) -> None:
    add(ready, new("a"))
    with ready.begin() as connection:
        (raw,) = list_unparsed(connection, ready.blobs, FORM)
        mark_failed(connection, {raw.submission_id: "no such question"})
        assert list_unparsed(connection, ready.blobs, FORM) == []
        assert count_submissions(connection, FORM).failed == 1


def test_a_late_attachment_has_the_submission_read_again(ready: Store) -> None:
    add(ready, new("a"))
    with ready.begin() as connection:
        mark_parsed(connection, [raw.submission_id for raw in list_unparsed(connection, ready.blobs, FORM)])
    item = new("a")
    photo = NewAttachment("casa.jpg", ready.blobs.hold(b"photo"), "image/jpeg")
    late = NewSubmission(FORM, "1", "a", item.xml, NOW + timedelta(hours=1), attachments=(photo, photo))
    assert add(ready, late) == ["duplicate"]
    with ready.read() as connection:
        (raw,) = list_unparsed(connection, ready.blobs, FORM)
        (file,) = list_attachments(connection, raw.submission_id)
    assert raw.attachments == ("casa.jpg",)
    assert (file.content_type, file.received_at) == ("image/jpeg", NOW + timedelta(hours=1))
    with ready.begin() as connection:
        mark_parsed(connection, [raw.submission_id])
    assert add(ready, late) == ["duplicate"]
    with ready.read() as connection:
        assert list_unparsed(connection, ready.blobs, FORM) == []


def test_an_edit_takes_the_place_of_what_it_edits(ready: Store) -> None:
    add(ready, new("a"), new("b", edits="a"), new("c", edits="b"), new("z"))
    assert states(ready) == {"a": "superseded", "b": "superseded", "c": "current", "z": "current"}


def test_an_edit_whose_original_never_came_is_held_until_a_person_lets_it_count(ready: Store) -> None:
    add(ready, new("b", edits="a"), new("c", edits="b"))
    assert states(ready) == {"b": "held", "c": "held"}
    with ready.begin() as connection:
        keep_edit(connection, FORM, "c", person="Ana", reason="the first phone was lost")
    assert states(ready) == {"b": "superseded", "c": "current"}


def test_two_edits_of_one_interview_are_a_fork_that_a_person_settles(ready: Store) -> None:
    add(ready, new("a"), new("b", edits="a"))
    add(ready, new("c", edits="a"), new("d", edits="c"))
    assert states(ready) == {"a": "superseded", "b": "current", "c": "superseded", "d": "fork"}
    with ready.begin() as connection:
        keep_edit(connection, FORM, "d", person="Ana", reason="the second visit is right")
    assert states(ready) == {"a": "superseded", "b": "superseded", "c": "superseded", "d": "current"}
    with ready.begin() as connection, pytest.raises(StoreError, match=r"^STO-013"):
        keep_edit(connection, FORM, "nobody", person="Ana", reason="?")


def test_submissions_that_edit_themselves_or_each_other_do_not_hang(ready: Store) -> None:
    add(ready, new("a", edits="a"), new("b", edits="c"), new("c", edits="b"))
    assert states(ready) == {"a": "current", "b": "held", "c": "held"}


CHAIN: dict[str, str | None] = {"a": None, "b": "a", "c": "b", "d": "c"}


def test_a_chain_of_edits_ends_the_same_in_whatever_order_it_arrives(tmp_path: Path) -> None:
    ends = set()
    for number, order in enumerate(itertools.permutations(CHAIN)):
        with open_store(tmp_path / str(number)) as store:
            register(store)
            for instance in order:
                add(store, new(instance, edits=CHAIN[instance]))
            ends.add(tuple(sorted(states(store).items())))
    assert ends == {(("a", "superseded"), ("b", "superseded"), ("c", "superseded"), ("d", "current"))}


@settings(max_examples=20, deadline=None)
@given(
    edits=st.lists(st.sampled_from([None, "0", "1", "2", "3", "4", "5"]), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
    sizes=st.integers(1, 4),
)
def test_however_edits_are_tied_at_most_one_of_a_family_counts(
    tmp_path_factory: pytest.TempPathFactory, edits: Sequence[str | None], order: object, sizes: int
) -> None:
    items = [new(str(number), edits=original) for number, original in enumerate(edits)]
    order.shuffle(items)  # type: ignore[attr-defined]
    with open_store(tmp_path_factory.mktemp("data")) as store:
        register(store)
        for start in range(0, len(items), sizes):
            add(store, *items[start : start + sizes])
        state = states(store)
    assert len(state) == len(items)
    parents = {item.instance_id: item.deprecated_id for item in items}
    roots: dict[str, list[str]] = {}
    for instance in parents:
        seen = [instance]
        while (above := parents.get(seen[-1])) is not None and above in parents and above not in seen:
            seen.append(above)
        roots.setdefault(seen[-1], []).append(instance)
    for family in roots.values():
        assert sum(state[instance] == "current" for instance in family) <= 1


def test_writers_of_several_programs_agree_on_one_row(open_again: Callable[[], Store]) -> None:
    with open_again() as first:
        register(first)
    outcomes: list[str] = []

    def work() -> None:
        with open_again() as store:
            for number in range(20):
                outcomes.extend(add(store, new(f"i{number}"), new(f"i{19 - number}")))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(outcomes)) == ["added", "duplicate"]
    assert (outcomes.count("added"), len(outcomes)) == (20, 120)
    with open_again() as store, store.read() as connection:
        assert count_submissions(connection, FORM).received == 20


def test_no_query_of_an_arrival_reads_the_whole_table(tmp_path: Path) -> None:
    statements: dict[str, object] = {}

    def remember(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        statements[statement] = parameters

    with open_store(tmp_path) as store:
        register(store)
        add(store, *(new(f"i{number}") for number in range(300)))
        event.listen(store.engine, "before_cursor_execute", remember)
        add(store, *(new(f"n{number}") for number in range(8)), new("e1", edits="i1"), new("e2", edits="i1"), new("i2"))
        with store.read() as connection:
            list_unparsed(connection, store.blobs, FORM, limit=3)
        event.remove(store.engine, "before_cursor_execute", remember)
        with store.read() as connection:
            plans = {
                statement: [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]  # type: ignore[arg-type]
                for statement, parameters in statements.items()
                if statement.startswith(("SELECT", "UPDATE"))
            }
    assert len(plans) > 5
    for statement, plan in plans.items():
        assert not [step for step in plan if step.startswith(("SCAN submissions", "SCAN blobs"))], statement


def test_malformed_bytes_are_kept_once_with_the_reason(ready: Store) -> None:
    item = Malformed(ready.blobs.hold(b"<data"), "SUB-006", "cut off", NOW)
    for _ in range(2):
        with ready.begin() as connection:
            add_malformed(connection, ready.blobs, [item, item])
    with ready.read() as connection:
        assert count_submissions(connection, FORM).quarantined == 1
        assert ready.blobs.read(connection, item.content.sha256) == b"<data"


def test_changed_bytes_are_noticed_when_read(ready: Store) -> None:
    large = b"<data>" + b"x" * 300_000 + b"</data>"
    add(ready, NewSubmission(FORM, "1", "big", large, NOW))
    with ready.read() as connection:
        raw = read_submission(connection, ready.blobs, FORM, "big")
        assert raw.xml == large
        path = ready.blobs.path(raw.sha256)
        path.write_bytes(large.replace(b"x", b"y", 1))
        with pytest.raises(StoreError, match=rf"^STO-012 .*{raw.sha256}"):
            read_submission(connection, ready.blobs, FORM, "big")
        path.unlink()
        with pytest.raises(StoreError, match=r"^STO-012"):
            read_submission(connection, ready.blobs, FORM, "big")
        with pytest.raises(StoreError, match=r"^STO-013"):
            read_submission(connection, ready.blobs, FORM, "nobody")


def test_a_derived_id_depends_on_every_byte_and_on_nothing_else() -> None:
    assert derive_instance_id(b"<a/>") == derive_instance_id(b"<a/>")
    assert derive_instance_id(b"<a/>") != derive_instance_id(b"<a />")
    assert derive_instance_id(b"<a/>").startswith("uuid:")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"<a b='1' c='2'/>", b'<?xml version="1.0"?>\n<a c="2" b="1"></a>\n', True),
        (b"<a>\r\n</a>", b"<a>\n</a>", True),
        (b"<a><!-- x --></a>", b"<a/>", True),
        (b"<a>1</a>", b"<a>1 </a>", False),
        (b"<a xmlns='u'/>", b"<a/>", False),
    ],
)
def test_documents_are_the_same_only_if_their_content_is(one: bytes, other: bytes, same: bool) -> None:
    assert is_same_xml(one, other) is same
