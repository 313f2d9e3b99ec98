"""Typed rows: written once, read as one table over all versions, only from submissions that count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import func, select

from schemas.errors import StoreError
from schemas.fields import (
    CLIENT,
    FORM_VERSION,
    INSTANCE_ID,
    PARENT_ROW_ID,
    PERSONAL_ID,
    POSITION,
    PRESENT,
    RECEIVED_AT,
    ROW_ID,
    Field,
    Form,
    Group,
    Table,
)
from schemas.findings import Finding
from schemas.submissions import ParsedBatch, PersonalAnswer, RawSubmission
from schemas.tables import table_batches, table_segments
from store.arrivals import NewSubmission, add_submissions
from store.compaction import compact_tables, sweep_segments
from store.findings import list_findings
from store.forms import add_form_version
from store.open import Store
from store.personal import PersonalAccess, read_personal
from store.segment_files import folder_name
from store.segments import common_type, table_schema
from store.submissions import count_submissions, list_unparsed, mark_unparsed
from store.tables import read_tables, scan_tables, write_tables

FORM_ID = "encuesta"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MAIN_FIELDS = (
    Field("age", "/data/age", "int", column="age"),
    Field("born", "/data/born", "date", column="born"),
    Field("note", "/data/note", column="note"),
    Field("name", "/data/name", "int", column="name", personal="name"),
)
FORM = Form(
    FORM_ID,
    "1",
    "Encuesta",
    Group("data", "/data"),
    (
        Table("main", "/data", None, MAIN_FIELDS),
        Table("person", "/data/person", "main", (Field("pay", "/data/person/pay", "decimal", column="pay"),)),
    ),
)


@pytest.fixture
def ready(store: Store) -> Store:
    for version in ("1", "2"):
        with store.begin() as connection:
            add_form_version(
                connection,
                store.blobs,
                form_id=FORM_ID,
                version=version,
                title="Encuesta",
                xform=f"<x v='{version}'/>".encode(),
                workbook=None,
                media={},
            )
    return store


def receive(store: Store, *instances: str, version: str = "1", edits: str | None = None) -> None:
    items = [
        NewSubmission(FORM_ID, version, name, f"<data><i>{name}</i></data>".encode(), NOW, edits) for name in instances
    ]
    with store.begin() as connection:
        add_submissions(connection, store.blobs, items)


def parse(raws: Sequence[RawSubmission], age: int | str = 30) -> ParsedBatch:
    """Two persons a submission, none for those whose id ends in 0."""
    keys = {
        INSTANCE_ID: [raw.instance_id for raw in raws],
        ROW_ID: [""] * len(raws),
        PERSONAL_ID: [f"p-{raw.instance_id}" for raw in raws],
        FORM_VERSION: [raw.version for raw in raws],
        RECEIVED_AT: pl.Series([raw.received_at for raw in raws], dtype=pl.Datetime("ms", "UTC")),
        CLIENT: [raw.client for raw in raws],
    }
    answers = {"age": [age] * len(raws), "born": [date(1990, 1, 2)] * len(raws), "note": ["ñ"] * len(raws)}
    main = pl.DataFrame(keys | answers | {"name": [PRESENT] * len(raws)}).cast({RECEIVED_AT: pl.Datetime("ms", "UTC")})
    rows = [(raw.instance_id, n) for raw in raws if not raw.instance_id.endswith("0") for n in (1, 2)]
    person = pl.DataFrame(
        {
            INSTANCE_ID: [instance for instance, _ in rows],
            ROW_ID: [f"person[{n}]" for _, n in rows],
            PARENT_ROW_ID: [""] * len(rows),
            POSITION: [n for _, n in rows],
            PERSONAL_ID: pl.Series([None] * len(rows), dtype=pl.String),
            "pay": [n * 1.5 for _, n in rows],
        },
        schema=table_schema(FORM.table("person")),
    )
    personal = tuple(PersonalAnswer(f"p-{r.instance_id}", r.instance_id, "", "name", "name", "Rosa") for r in raws)
    return ParsedBatch({"main": main, "person": person}, personal)


def ingest(store: Store, limit: int = 100, age: int | str = 30) -> int:
    with store.read() as connection:
        raws = list_unparsed(connection, store.blobs, FORM_ID, limit)
    for version in dict.fromkeys(raw.version for raw in raws):
        some = [raw for raw in raws if raw.version == version]
        write_tables(store, FORM_ID, version, parse(some, age), [raw.submission_id for raw in some])
    return len(raws)


def ids(store: Store, table: str = "main") -> list[str]:
    return read_tables(store, FORM_ID)[table][INSTANCE_ID].to_list()


def segment_count(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(table_segments)) or 0


def test_rows_come_back_as_they_were_parsed(ready: Store) -> None:
    receive(ready, "a1", "a2", "a0")
    with ready.read() as connection:
        raws = list_unparsed(connection, ready.blobs, FORM_ID)
    assert ingest(ready) == 3
    tables = read_tables(ready, FORM_ID, FORM)
    for name, frame in parse(raws).tables.items():
        assert_frame_equal(tables[name], frame)
    assert {name: dict(frame.schema) for name, frame in tables.items()} == {
        table.name: table_schema(table) for table in FORM.tables
    }
    assert ingest(ready) == 0


def test_a_form_without_submissions_has_its_tables_empty_and_typed(ready: Store) -> None:
    tables = read_tables(ready, FORM_ID, FORM)
    assert {name: frame.height for name, frame in tables.items()} == {"main": 0, "person": 0}
    assert dict(tables["person"].schema) == table_schema(FORM.table("person"))
    assert read_tables(ready, FORM_ID) == {}


def test_a_table_without_rows_is_there_beside_one_that_has_them(ready: Store) -> None:
    receive(ready, "a0")
    ingest(ready)
    assert read_tables(ready, FORM_ID, FORM)["person"].height == 0
    assert list(read_tables(ready, FORM_ID)) == ["main"]


def test_writing_the_same_again_changes_nothing(ready: Store) -> None:
    receive(ready, "a1", "a2")
    with ready.read() as connection:
        raws = list_unparsed(connection, ready.blobs, FORM_ID)
    numbers = [raw.submission_id for raw in raws]
    first = write_tables(ready, FORM_ID, "1", parse(raws), numbers)
    before = {path: path.stat().st_mtime_ns for path in (ready.data / "tables").rglob("*.parquet")}
    assert write_tables(ready, FORM_ID, "1", parse(raws), numbers) == first
    assert len(before) == segment_count(ready) == 2
    assert set((ready.data / "tables").rglob("*.parquet")) == set(before)
    assert ids(ready) == ["a1", "a2"]
    assert list((ready.data / "incoming").iterdir()) == []


def test_a_rebuild_yields_the_same_tables(ready: Store) -> None:
    receive(ready, *(f"i{number}" for number in range(30)))
    while ingest(ready, limit=7):
        pass
    before = read_tables(ready, FORM_ID, FORM)
    with ready.begin() as connection:
        mark_unparsed(connection, FORM_ID)
    assert_frame_equal(read_tables(ready, FORM_ID, FORM)["person"], before["person"])
    while ingest(ready, limit=11):
        pass
    for name, frame in read_tables(ready, FORM_ID, FORM).items():
        assert_frame_equal(frame, before[name])


def test_versions_stand_one_after_the_other_and_children_follow_their_parents(ready: Store) -> None:
    receive(ready, "b1", version="2")
    receive(ready, "a1", version="1")
    ingest(ready)
    receive(ready, "b2", version="2")
    receive(ready, "a2", version="1")
    ingest(ready)
    assert ids(ready) == ["a1", "a2", "b1", "b2"]
    person = read_tables(ready, FORM_ID)["person"]
    assert person[INSTANCE_ID].unique(maintain_order=True).to_list() == ["a1", "a2", "b1", "b2"]
    assert person[POSITION].to_list() == [1, 2] * 4


def test_a_late_reading_takes_its_place_in_the_order(ready: Store) -> None:
    receive(ready, "a1", "a2", "a3")
    ingest(ready, limit=2)
    with ready.begin() as connection:
        mark_unparsed(connection, FORM_ID)
    ingest(ready, limit=1, age=31)
    assert ids(ready) == ["a1", "a2"]
    assert read_tables(ready, FORM_ID)["main"]["age"].to_list() == [31, 30]


def test_a_column_that_another_version_reads_otherwise_loses_nothing(ready: Store) -> None:
    receive(ready, "a1", version="1")
    ingest(ready, age=30)
    receive(ready, "b1", version="2")
    ingest(ready, age="thirty")
    assert read_tables(ready, FORM_ID, FORM)["main"]["age"].to_list() == ["30", "thirty"]


def test_an_edited_interview_counts_once(ready: Store) -> None:
    receive(ready, "a1", "a2")
    ingest(ready)
    receive(ready, "a3", edits="a1")
    assert ids(ready) == ["a2"]
    ingest(ready)
    assert ids(ready) == ["a2", "a3"]
    assert read_tables(ready, FORM_ID)["person"].height == 4
    receive(ready, "a4", edits="a1")
    receive(ready, "a5", edits="unknown")
    ingest(ready)
    assert ids(ready) == ["a2", "a3"]


def test_what_could_not_be_read_has_no_rows_and_is_counted(ready: Store) -> None:
    receive(ready, "a1", "a2")
    with ready.read() as connection:
        raws = list_unparsed(connection, ready.blobs, FORM_ID)
    good = parse(raws[:1])
    batch = ParsedBatch(good.tables, good.personal, (), {raws[1].submission_id: "not this form"})
    write_tables(ready, FORM_ID, "1", batch, [raw.submission_id for raw in raws])
    assert ids(ready) == ["a1"]
    with ready.read() as connection:
        counts = count_submissions(connection, FORM_ID)
    assert (counts.failed, counts.unparsed) == (1, 0)


def test_personal_answers_and_findings_of_a_reading_replace_those_of_the_last(ready: Store) -> None:
    receive(ready, "a1", "a2")
    with ready.read() as connection:
        raws = list_unparsed(connection, ready.blobs, FORM_ID)
    numbers = [raw.submission_id for raw in raws]
    found = Finding(FORM_ID, "1", "a1", "", "attachment:missing", "attachment", "warning", "/data/photo", {"es": "x"})
    first = parse(raws)
    write_tables(ready, FORM_ID, "1", ParsedBatch(first.tables, first.personal, (found,)), numbers)
    with ready.begin() as connection:
        assert list_findings(connection, FORM_ID) == [found]
        assert read_personal(connection, PersonalAccess("Ana", "call back"), FORM_ID).height == 2
    write_tables(ready, FORM_ID, "1", ParsedBatch(first.tables, first.personal[:1]), numbers)
    with ready.begin() as connection:
        assert list_findings(connection, FORM_ID) == []
        assert list_findings(connection, FORM_ID, "closed") == [found]
        assert read_personal(connection, PersonalAccess("Ana", "call back"), FORM_ID)["instance_id"].to_list() == ["a1"]


def test_a_failure_registers_nothing(ready: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(ready, "a1")

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("store.tables.mark_failed", fail)
    with pytest.raises(RuntimeError):
        ingest(ready)
    monkeypatch.undo()
    assert segment_count(ready) == 0
    with ready.begin() as connection:
        assert read_personal(connection, PersonalAccess("Ana", "look"), FORM_ID).height == 0
    assert read_tables(ready, FORM_ID) == {}
    assert ingest(ready) == 1
    assert ids(ready) == ["a1"]


def test_a_missing_segment_is_told(ready: Store) -> None:
    receive(ready, "a1")
    ingest(ready)
    for path in (ready.data / "tables").rglob("*.parquet"):
        path.unlink()
    with pytest.raises(StoreError, match=r"^STO-015 .*tables/encuesta/main/"):
        read_tables(ready, FORM_ID)


def test_tables_can_be_scanned_without_reading_all(ready: Store) -> None:
    receive(ready, *(f"i{number}" for number in range(1, 6)))
    ingest(ready)
    lazy = scan_tables(ready, FORM_ID, FORM)
    assert lazy["person"].select(pl.col("pay").sum()).collect().item() == 5 * 4.5


def test_compacting_keeps_every_row_and_leaves_few_files(ready: Store) -> None:
    receive(ready, *(f"i{number}" for number in range(1, 10)))
    receive(ready, "e1", edits="i1")
    receive(ready, "v1", version="2")
    while ingest(ready, limit=1):
        pass
    before = read_tables(ready, FORM_ID, FORM)
    assert segment_count(ready) == 22
    assert compact_tables(ready, FORM_ID, at_least=100) == 0
    assert compact_tables(ready, FORM_ID, at_least=3) == 10
    for name, frame in read_tables(ready, FORM_ID, FORM).items():
        assert_frame_equal(frame, before[name])
    assert segment_count(ready) == 4
    assert compact_tables(ready, FORM_ID, at_least=3) == 0
    files = set((ready.data / "tables").rglob("*.parquet"))
    assert sweep_segments(ready) == 0
    assert sweep_segments(ready, older_than_seconds=-1) == len(files) - 4
    for name, frame in read_tables(ready, FORM_ID, FORM).items():
        assert_frame_equal(frame, before[name])
    with ready.read() as connection:
        assert connection.scalar(select(func.count()).select_from(table_batches)) == 2


def test_compacting_fills_segments_up_to_a_size(ready: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(ready, *(f"i{number}" for number in range(1, 8)))
    while ingest(ready, limit=1):
        pass
    before = read_tables(ready, FORM_ID)
    monkeypatch.setattr("store.compaction.ENOUGH_ROWS", 3)
    # Two persons a batch: two batches fill a segment, the seventh has no companion.
    assert compact_tables(ready, FORM_ID, at_least=2) == 6
    assert compact_tables(ready, FORM_ID, at_least=2) == 0
    assert segment_count(ready) == 8
    for name, frame in read_tables(ready, FORM_ID).items():
        assert_frame_equal(frame, before[name])


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([pl.Int64(), pl.Int64()], pl.Int64()),
        ([pl.Int64(), pl.Float64()], pl.Float64()),
        ([pl.Int64(), pl.String()], pl.String()),
        ([pl.Date(), pl.Datetime("ms", "UTC")], pl.String()),
        ([pl.Null(), pl.Date()], pl.Date()),
        ([pl.Null()], pl.String()),
    ],
)
def test_the_type_of_a_column_holds_the_values_of_all_versions(types: list[pl.DataType], expected: pl.DataType) -> None:
    assert common_type(types) == common_type(types[::-1]) == expected


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "a b", "ñ", "x" * 400, "X", "%00", "\x00"])
def test_any_form_id_is_a_folder_of_its_own(tmp_path: Path, name: str) -> None:
    folder = tmp_path / folder_name(name)
    folder.mkdir()
    assert folder.resolve().parent == tmp_path.resolve()
    others = ["..", ".", "", "a/b", "a b", "ñ", "x" * 400, "x" * 399, "X", "%00", "\x00"]
    assert len({folder_name(other) for other in others}) == len(others)
