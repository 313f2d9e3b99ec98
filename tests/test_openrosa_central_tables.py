"""Kept tables: whatever happens to interviews, what is added to them shows the same as tables made anew."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from openrosa.central import tables as kept
from openrosa.central.definitions import definition
from openrosa.central.shapes import read_shape
from openrosa.central.tables import open_tables
from schemas.fields import INSTANCE_ID
from store.arrivals import NewAttachment, NewSubmission, add_submissions
from store.compaction import compact_tables
from store.edits import keep_edit
from store.interview_frames import FIRST, SUBMISSION, interview_frame, read_snapshot
from store.interviews import list_interviews
from store.open import Store
from store.people import add_person
from store.reviews import add_review
from store.submissions import list_by_state, mark_failed, mark_unparsed
from tests.central_server import register

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Survey:
    """Interviews of the tests' form, to which things happen."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.rng = random.Random(seed)  # noqa: S311  the same things happen at every run
        self.sent: list[NewSubmission] = []
        register(store)
        with store.begin() as connection:
            self.person = add_person(connection, "Ana", "enumerator").id

    def _add(self, item: NewSubmission) -> None:
        with self.store.begin() as connection:
            add_submissions(connection, self.store.blobs, [item])

    def _new(self, edits: str | None = None) -> NewSubmission:
        number = len(self.sent)
        people = "".join(f"<persona><edad>{self.rng.randint(0, 90)}</edad></persona>" for _ in range(number % 3))
        meta = f"<instanceID>uuid:{number}</instanceID>" + (f"<deprecatedID>{edits}</deprecatedID>" if edits else "")
        xml = (
            f'<data id="visita" version="1"><hogar><dormitorios>{number}</dormitorios></hogar><plaza>-33.1 -70.2 0 0'
            f"</plaza><foto>f{number}.jpg</foto>{people}<meta>{meta}</meta></data>"
        ).encode()
        at = AT + timedelta(seconds=number, microseconds=number * 1001)
        person = self.person if self.rng.random() < 0.5 else None
        item = NewSubmission("visita", "1", f"uuid:{number}", xml, at, edits, person_id=person)
        self.sent.append(item)
        return item

    def arrive(self) -> None:
        for _ in range(self.rng.randint(1, 4)):
            self._add(self._new())

    def edit(self) -> None:
        self._add(self._new(edits=self.rng.choice(self.sent).instance_id))

    def file(self) -> None:
        old = self.rng.choice(self.sent)
        name = f"f{old.instance_id[5:]}.jpg" if self.rng.random() < 0.7 else "other.jpg"
        held = NewAttachment(name, self.store.blobs.hold(b"photo"), "image/jpeg")
        self._add(NewSubmission("visita", "1", old.instance_id, old.xml, old.received_at, old.deprecated_id,
                                attachments=(held,)))  # fmt: skip

    def review(self) -> None:
        with self.store.begin() as connection:
            one = self.rng.choice(list_interviews(connection, "visita")).instance_id
            add_review(connection, "visita", one, self.rng.choice(["approved", "received"]), self.person)

    def settle(self) -> None:
        with self.store.begin() as connection:
            for instance in list_by_state(connection, "visita", "fork")[:1]:
                keep_edit(connection, "visita", instance, person="Ana", reason="Vuelta a visitar.")

    def reread(self) -> None:
        with self.store.begin() as connection:
            mark_unparsed(connection, "visita")

    def fail(self) -> None:
        with self.store.begin() as connection:
            mark_failed(connection, {self.rng.choice(list_interviews(connection, "visita")).submission_id: "broken"})

    def compact(self) -> None:
        compact_tables(self.store, "visita", at_least=2)


ACTS = (Survey.arrive,) * 5 + (Survey.file,) * 3 + (Survey.edit, Survey.review, Survey.settle, Survey.reread,
                                                   Survey.fail, Survey.compact)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_tables_to_which_changes_were_added_are_as_if_made_anew(
    store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    advanced: list[bool] = []
    advance = kept._advance

    def watched(*what: object) -> object:
        found = advance(*what)  # type: ignore[arg-type]
        advanced.append(found is not None)
        return found

    monkeypatch.setattr(kept, "_advance", watched)
    survey = Survey(store, seed)
    survey.arrive()
    shape = read_shape(definition(store, "visita"))
    for _ in range(25):
        survey.rng.choice(ACTS)(survey)
        tables = open_tables(store, shape)
        snapshot = read_snapshot(store, "visita")
        assert snapshot is not None
        anew = kept._make(store, shape, snapshot).tables
        for entity in shape.entities:
            assert tables.schema(entity) == anew.schema(entity)
            assert_frame_equal(tables.frame(entity).collect(), anew.frame(entity).collect())
    assert 8 < advanced.count(True) < 25, "some of the changes are added, others need all of it"


def test_interviews_in_columns_are_the_interviews_one_by_one(store: Store) -> None:
    survey = Survey(store, 3)
    survey.arrive()
    for act in (survey.edit, survey.edit, survey.file, survey.edit, survey.settle, survey.arrive, survey.edit) * 3:
        act()
    open_tables(store, read_shape(definition(store, "visita")))
    with store.read() as connection:
        frame = interview_frame(connection, "visita")
        rows = [row for row in list_interviews(connection, "visita") if row.state == "current"]
    assert rows
    columns = (FIRST, INSTANCE_ID, SUBMISSION, "version", "received_at", "person_id", "person", "edits", "updated_at")
    found = frame.sort(FIRST).select(*columns, "files").rows()
    assert found == sorted(
        (
            row.instance_id, row.current_id, row.submission_id, row.version, row.received_at, row.person_id,
            row.person, row.edits, row.updated_at, row.files,
        )
        for row in rows
    )  # fmt: skip


def test_tables_too_large_to_keep_are_read_from_their_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    survey = Survey(store, 4)
    survey.arrive()
    shape = read_shape(definition(store, "visita"))
    whole = {entity.name: open_tables(store, shape).frame(entity).collect() for entity in shape.entities}
    monkeypatch.setattr(kept, "MOST_CELLS", 0)
    survey.arrive()
    tables = open_tables(store, shape)
    assert all(made.frames is None for (of, _), made in kept._made.items() if of is store)
    for entity in shape.entities:
        frame = tables.frame(entity).collect()
        assert frame.schema == tables.schema(entity)
        assert frame.height > whole[entity.name].height
        assert_frame_equal(frame.join(whole[entity.name].select("__id"), on="__id"), whole[entity.name])
    assert isinstance(tables.rows(shape.entities[0], pl.Series([0])).collect(), pl.DataFrame)
