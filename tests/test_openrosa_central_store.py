"""What the Central API keeps and asks, on SQLite and PostgreSQL: interviews with edits, reviews, drafts, entities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schemas.entities import EntityAction
from schemas.errors import StoreError
from store.arrivals import NewAttachment, NewSubmission, add_submissions
from store.drafts import drop_draft, get_draft, list_drafts, put_draft, put_draft_file
from store.entities import put_list
from store.entity_edits import edit_entity, get_entities, get_lists
from store.forms import add_form_version
from store.interviews import list_interviews, read_mark
from store.open import Store
from store.people import add_person
from store.reviews import add_comment, add_review, list_comments, list_review_log, list_reviews

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
TREE = "7f3b1a52-6d1c-4a58-9b9e-0c7d4f6e2a11"


def send(store: Store, instance: str, edits: str | None = None, minutes: int = 0, files: int = 0) -> None:
    xml = f'<data id="f" version="1"><q>{instance}</q></data>'.encode()
    held = tuple(NewAttachment(f"{n}.jpg", store.blobs.hold(b"%d" % n), "image/jpeg") for n in range(files))
    item = NewSubmission("f", "1", instance, xml, AT + timedelta(minutes=minutes), edits, attachments=held)
    with store.begin() as connection:
        add_submissions(connection, store.blobs, [item])


@pytest.fixture
def filled(store: Store) -> Store:
    with store.begin() as connection:
        form = {"form_id": "f", "version": "1", "title": "F", "xform": b"<x/>", "workbook": None, "media": {}}
        add_form_version(connection, store.blobs, **form)  # type: ignore[arg-type]
        add_person(connection, "Ana", "reviewer", AT)
    return store


def test_an_interview_keeps_its_first_id_whatever_edits_come_in_whatever_order(filled: Store) -> None:
    send(filled, "a", files=1)
    send(filled, "c", edits="b", minutes=2, files=2)
    send(filled, "alone", edits="never came", minutes=3)
    with filled.read() as connection:
        before = [(row.instance_id, row.current_id, row.state, row.edits) for row in list_interviews(connection, "f")]
    assert before == [("alone", "alone", "held", 0), ("c", "c", "held", 0), ("a", "a", "current", 0)]
    send(filled, "b", edits="a", minutes=4)
    with filled.read() as connection:
        rows = list_interviews(connection, "f")
        (one,) = list_interviews(connection, "f", "c")
        assert list_interviews(connection, "f", "nobody") == []
    assert [row.instance_id for row in rows] == ["alone", "a"]
    assert one == rows[1]
    assert (one.current_id, one.edits, one.state, one.files) == ("c", 2, "current", 2)
    assert (one.received_at, one.updated_at) == (AT, AT + timedelta(minutes=4))


def test_the_mark_of_a_form_changes_with_all_that_its_tables_show(filled: Store) -> None:
    marks = []

    def mark() -> None:
        with filled.read() as connection:
            marks.append(read_mark(connection, "f"))

    mark()
    send(filled, "a")
    mark()
    send(filled, "a", files=1)
    mark()
    with filled.begin() as connection:
        add_review(connection, "f", "a", "approved", 1, AT)
    mark()
    mark()
    assert len(set(marks)) == 4


def test_the_latest_review_counts_and_none_is_lost(filled: Store) -> None:
    with filled.begin() as connection:
        for state in ("hasIssues", "approved"):
            add_review(connection, "f", "a", state, 1, AT)
        add_review(connection, "f", "b", "rejected", 1, AT)
        assert {key: review.state for key, review in list_reviews(connection, "f").items()} == {
            "a": "approved",
            "b": "rejected",
        }
        assert [review.state for review in list_review_log(connection, "f", "a")] == ["approved", "hasIssues"]
        with pytest.raises(StoreError) as caught:
            add_review(connection, "f", "a", "good", 1, AT)
        assert caught.value.code == "STO-020"
        made = add_comment(connection, "f", "a", "Llamar a Rosa", 1, AT)
        assert list_comments(connection, "f", "a") == [made]
        assert (made.person, "Rosa" in repr(made)) == ("Ana", False)


def test_a_draft_is_one_a_form_and_replaced_as_a_whole(filled: Store) -> None:
    with filled.begin() as connection:
        for version, media in (("2", {"a.csv": b"1"}), ("3", {"b.csv": b"2"})):
            put_draft(
                connection,
                filled.blobs,
                form_id="f",
                version=version,
                title="F",
                xform=b"<x/>",
                workbook=None,
                media=media,
                person_id=1,
                at=AT,
            )
        put_draft_file(connection, filled.blobs, "f", "b.csv", b"3", AT)
        (draft,) = list_drafts(connection)
        assert (draft.version, [file.name for file in draft.media]) == ("3", ["b.csv"])
        assert filled.blobs.read(connection, draft.media[0].sha256) == b"3"
        drop_draft(connection, "f")
        with pytest.raises(StoreError) as caught:
            get_draft(connection, "f")
        assert caught.value.code == "STO-021"


def test_entities_changed_by_hand_tell_by_whom(filled: Store) -> None:
    with filled.begin() as connection:
        put_list(connection, "trees", ["kind"], AT)
        made = EntityAction("trees", TREE, create=True, label="Quillay", data={"kind": "quillay"})
        assert edit_entity(connection, made, person="Ana", reason="api", at=AT).status == "created"
        changed = EntityAction("trees", TREE, update=True, label="Otro", base_version=1)
        assert edit_entity(connection, changed, person="Eva", reason="api", at=AT).status == "updated"
        (row,) = get_entities(connection, "trees", TREE)
        assert (row.creator, row.editor, row.version, row.label, row.base_version) == ("Ana", "Eva", 2, "Otro", 1)
        assert dict(row.data) == {"kind": "quillay"}
        assert [found.name for found in get_lists(connection)] == ["trees"]
