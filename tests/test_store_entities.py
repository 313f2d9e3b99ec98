"""Entities in the store: versions only added, conflicts marked, phones' branches followed, lists given back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.entities import EntityAction, EntityOutcome
from schemas.errors import StoreError
from store.entities import (
    entity_list_csv,
    entity_list_md5,
    find_deleted,
    list_entities,
    list_names,
    list_versions,
    mark_deleted,
    put_list,
    settle_conflict,
)
from store.entity_changes import Source, apply_action, apply_waiting, count_waiting
from store.open import Store, open_store

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
TREE = "5b9cf8d1-106f-4004-844f-c072d76762ed"
OTHER = "22525f8e-4f2d-41ed-94da-4c46a2478448"
BRANCH = "99b303d9-6494-477b-a30d-d8aae8867335"


def _with_list(store: Store) -> Store:
    with store.begin() as connection:
        put_list(connection, "trees", ["species", "girth"], AT)
    return store


@pytest.fixture
def trees(tmp_path: Path) -> Store:
    return _with_list(open_store(tmp_path / "data"))


@pytest.fixture
def each(store: Store) -> Store:
    """The same, once on SQLite and once on PostgreSQL."""
    return _with_list(store)


def _do(store: Store, instance_id: str, **asked: object) -> EntityOutcome:
    action = EntityAction(**({"list_name": "trees", "uuid": TREE} | asked))  # type: ignore[arg-type]
    with store.begin() as connection:
        return apply_action(connection, action, Source("form", instance_id, AT))


def _create(store: Store, **more: object) -> EntityOutcome:
    return _do(store, "uuid:0", **({"create": True, "label": "oak", "data": {"species": "oak", "girth": "10"}} | more))


def _change(store: Store, instance_id: str, data: dict[str, str], **more: object) -> EntityOutcome:
    return _do(store, instance_id, update=True, data=data, **more)


def _state(store: Store) -> tuple[int, str | None, dict[str, str], str]:
    with store.read() as connection:
        (row,) = list_entities(connection, "trees")
    return row.version, row.conflict, dict(row.data), row.label


def _versions(store: Store) -> list[tuple[int, str | None, str]]:
    with store.read() as connection:
        rows = list_versions(connection, "trees", TREE)
    return [(row.version, row.instance_id, row.data["girth"]) for row in rows]


def test_entity_is_created_and_changed_once_for_each_submission(each: Store) -> None:
    assert _create(each) == EntityOutcome("created")
    assert _create(each) == EntityOutcome("unchanged")
    assert _change(each, "uuid:1", {"girth": "12"}, base_version=1) == EntityOutcome("updated")
    assert _change(each, "uuid:1", {"girth": "12"}, base_version=1) == EntityOutcome("unchanged")
    assert _change(each, "uuid:2", {}, base_version=2, label="old oak") == EntityOutcome("updated")
    assert _state(each) == (3, None, {"species": "oak", "girth": "12"}, "old oak")
    assert _versions(each) == [(1, "uuid:0", "10"), (2, "uuid:1", "12"), (3, "uuid:2", "12")]


def test_what_cannot_be_applied_is_refused_with_its_reason(trees: Store) -> None:
    _create(trees)
    cases: list[tuple[dict[str, object], str]] = [
        ({"create": True, "label": "x", "uuid": ""}, "uuid"),
        ({"create": True, "label": "x", "uuid": "7"}, "uuid"),
        ({"update": True, "uuid": "", "base_version": 1}, "uuid"),
        ({"create": True, "label": "", "uuid": OTHER}, "label"),
        ({"create": True, "label": "x"}, "exists"),
        ({"update": True, "uuid": OTHER, "base_version": 1}, "unknown"),
        ({"update": True, "base_version": 7}, "version"),
        ({"update": True}, "version"),
    ]
    for asked, reason in cases:
        assert _do(trees, "uuid:9", **asked) == EntityOutcome("refused", reason)
    assert _state(trees)[0] == 1


def test_with_both_asked_an_entity_that_exists_is_changed_and_another_created(trees: Store) -> None:
    both = {"create": True, "update": True, "label": "oak", "base_version": 1}
    assert _do(trees, "uuid:0", **both) == EntityOutcome("created")
    assert _do(trees, "uuid:1", **both) == EntityOutcome("updated")


def test_change_of_something_else_meanwhile_is_a_soft_conflict_and_of_the_same_a_hard_one(trees: Store) -> None:
    _create(trees)
    _change(trees, "uuid:1", {"girth": "12"}, base_version=1)
    assert _change(trees, "uuid:2", {"species": "elm"}, base_version=1).conflict == "soft"
    assert _state(trees) == (3, "soft", {"species": "elm", "girth": "12"}, "oak")
    assert _change(trees, "uuid:3", {"girth": "14"}, base_version=1).conflict == "hard"
    assert _state(trees) == (4, "hard", {"species": "elm", "girth": "14"}, "oak")
    # The same value twice contradicts nobody.
    assert _change(trees, "uuid:4", {"girth": "14"}, base_version=1).conflict == "soft"
    assert _state(trees)[1] == "hard"


def test_labels_conflict_like_values(trees: Store) -> None:
    _create(trees)
    _change(trees, "uuid:1", {}, base_version=1, label="old oak")
    assert _change(trees, "uuid:2", {}, base_version=1, label="tall oak").conflict == "hard"


def test_person_settles_a_conflict_by_choosing_a_version(trees: Store) -> None:
    _create(trees)
    _change(trees, "uuid:1", {"girth": "12"}, base_version=1)
    _change(trees, "uuid:2", {"girth": "14"}, base_version=1)
    with trees.begin() as connection:
        kept = settle_conflict(connection, "trees", TREE, keep=2, person="Ana", reason="measured twice", at=AT)
    assert kept == 4
    assert _state(trees) == (4, None, {"species": "oak", "girth": "12"}, "oak")
    assert _versions(trees)[-1] == (4, None, "12")
    _change(trees, "uuid:3", {"girth": "13"}, base_version=1)
    with trees.begin() as connection:
        assert settle_conflict(connection, "trees", TREE, keep=5, person="Ana", reason="right", at=AT) == 5
        assert not list_entities(connection, "trees", conflicts_only=True)
        with pytest.raises(StoreError) as caught:
            settle_conflict(connection, "trees", TREE, keep=9, person="Ana", reason="", at=AT)
        assert caught.value.code == "STO-061"
        with pytest.raises(StoreError) as unknown:
            settle_conflict(connection, "trees", OTHER, keep=1, person="Ana", reason="", at=AT)
        assert unknown.value.code == "STO-060"


def _offline(base: int, trunk: int | None = 1) -> dict[str, object]:
    return {"base_version": base, "trunk_version": trunk, "branch_id": BRANCH}


def test_changes_of_one_phone_follow_each_other_without_conflict(trees: Store) -> None:
    _create(trees)
    assert _change(trees, "uuid:1", {"girth": "11"}, **_offline(1)).conflict is None
    assert _change(trees, "uuid:2", {"girth": "12"}, **_offline(2)).conflict is None
    # Somebody else's change in between is one; the branch goes on from its own step.
    _change(trees, "uuid:x", {"species": "elm"}, base_version=3)
    assert _change(trees, "uuid:3", {"girth": "13"}, **_offline(3)).conflict == "soft"
    assert _change(trees, "uuid:4", {"girth": "14"}, **_offline(4)).conflict is None
    assert _state(trees) == (6, "soft", {"species": "elm", "girth": "14"}, "oak")


def test_changes_that_arrive_out_of_order_wait_for_their_predecessor(each: Store) -> None:
    _create(each)
    for _ in range(2):
        assert _change(each, "uuid:3", {"girth": "13"}, **_offline(3)) == EntityOutcome("waiting")
    assert _change(each, "uuid:2", {"girth": "12"}, **_offline(2)) == EntityOutcome("waiting")
    assert _state(each)[0] == 1
    assert _change(each, "uuid:1", {"girth": "11"}, **_offline(1)) == EntityOutcome("updated")
    assert _versions(each) == [(1, "uuid:0", "10"), (2, "uuid:1", "11"), (3, "uuid:2", "12"), (4, "uuid:3", "13")]
    assert _state(each)[1] is None
    with each.read() as connection:
        assert count_waiting(connection, "trees") == 0
    assert _change(each, "uuid:3", {"girth": "13"}, **_offline(3)) == EntityOutcome("unchanged")


def test_changes_of_an_entity_created_without_a_network_wait_for_its_creation(trees: Store) -> None:
    assert _change(trees, "uuid:2", {"girth": "12"}, **_offline(2, None)) == EntityOutcome("waiting")
    assert _change(trees, "uuid:1", {"girth": "11"}, **_offline(1, None)) == EntityOutcome("waiting")
    assert _create(trees, branch_id=BRANCH) == EntityOutcome("created")
    assert _versions(trees) == [(1, "uuid:0", "10"), (2, "uuid:1", "11"), (3, "uuid:2", "12")]


def test_change_whose_predecessor_never_came_is_applied_in_the_end_as_a_conflict(trees: Store) -> None:
    _create(trees)
    _change(trees, "uuid:2", {"girth": "12"}, **_offline(2))
    _change(trees, "uuid:3", {"girth": "13"}, **_offline(3))
    with trees.begin() as connection:
        assert apply_waiting(connection, "trees", AT) == 0
        assert apply_waiting(connection, "trees", AT + timedelta(days=5)) == 1
        assert count_waiting(connection, "trees") == 0
    assert _versions(trees) == [(1, "uuid:0", "10"), (2, "uuid:2", "12"), (3, "uuid:3", "13")]
    assert _state(trees)[1] == "hard"


def test_list_for_phones_has_every_property_and_the_same_bytes_each_time(each: Store) -> None:
    with each.read() as connection:
        assert entity_list_csv(connection, "trees") == b"name,label,__version,species,girth\n"
    _create(each, label='oak, "old"')
    _do(each, "uuid:o", uuid=OTHER, create=True, label="elm", data={"species": "elm"})
    with each.begin() as connection:
        put_list(connection, "trees", ["girth", "height"], AT)
        content = entity_list_csv(connection, "trees")
        assert entity_list_md5(content) == entity_list_md5(entity_list_csv(connection, "trees"))
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        assert list(rows[0]) == ["name", "label", "__version", "species", "girth", "height"]
        assert [(row["name"], row["label"], row["__version"], row["girth"]) for row in rows] == [
            (TREE, 'oak, "old"', "1", "10"),
            (OTHER, "elm", "1", ""),
        ]
        mark_deleted(connection, "trees", TREE, AT)
        assert TREE.encode() not in entity_list_csv(connection, "trees")
        assert find_deleted(connection, "trees", [TREE, OTHER, BRANCH]) == {TREE: True, OTHER: False}
        assert list_names(connection) == ["trees"]


def test_answers_stay_out_of_reprs(trees: Store) -> None:
    _create(trees, label="Zentinela", data={"species": "Zentinela", "girth": "1"})
    with trees.read() as connection:
        shown = repr((list_entities(connection, "trees"), list_versions(connection, "trees", TREE)))
    assert "Zentinela" not in shown + repr(EntityAction("trees", TREE, label="Zentinela", data={"a": "Zentinela"}))


def test_a_list_with_communes_is_cut_to_those_of_whoever_gets_it(each: Store) -> None:
    _do(each, "uuid:a", uuid=TREE, create=True, label="oak", data={"commune": "13125"})
    _do(each, "uuid:b", uuid=OTHER, create=True, label="elm", data={"commune": "13101"})
    _do(each, "uuid:c", uuid=BRANCH, create=True, label="ash", data={})
    with each.begin() as connection:
        before = entity_list_csv(connection, "trees", ["13125"])
        assert all(name.encode() in before for name in (TREE, OTHER, BRANCH)), "no property, nothing to cut by"
        put_list(connection, "trees", ["commune"], AT)
        mine = entity_list_csv(connection, "trees", ["13125"]).decode()
        assert TREE in mine and BRANCH in mine and OTHER not in mine
        assert OTHER in entity_list_csv(connection, "trees").decode()
