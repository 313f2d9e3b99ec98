"""Reading in several processes: the same store as in one, also when a worker dies."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from flows.ingesting import IngestReport, ingest
from flows.reading import ENOUGH, ReadBatch, Readers, count_processes
from flows.registering import add_form, load_form
from forms.rows import read_rows
from schemas.personal_tables import personal_answers
from schemas.submissions import RawSubmission
from schemas.tables import findings, table_segments
from store.arrivals import NewSubmission, add_submissions
from store.open import Store, open_store
from store.submissions import list_unparsed
from store.tables import read_tables

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FORM = """
| survey |
| | type | name | label | personal |
| | text | name | N | name |
| | integer | age | A | |
| | begin repeat | person | P | |
| | integer | years | Y | |
| | end repeat | | | |
| settings |
| | form_id | version |
| | hogar | {version} |
"""


def fill(store: Store, folder: Path, interviews: int) -> None:
    form = folder / "hogar.md"
    for version in ("1", "2"):
        form.write_text(FORM.format(version=version), encoding="utf-8")
        assert add_form(store, form).version == version
    rows = []
    for number in range(interviews):
        people = "".join(f"<person><years>{n}</years></person>" for n in range(number % 3))
        age = "x" if number % 50 == 0 else str(number)
        broken = "<" if number % 333 == 7 else ""
        xml = f'<data id="hogar" version="{number % 2 + 1}"><name>Rosa {number}</name><age>{age}</age>{people}{broken}'
        xml += f"<meta><instanceID>uuid:{number}</instanceID></meta></data>"
        rows.append(NewSubmission("hogar", str(number % 2 + 1), f"uuid:{number}", xml.encode(), NOW))
    for start in range(0, interviews, 256):
        with store.begin() as connection:
            add_submissions(connection, store.blobs, rows[start : start + 256])


def kept(store: Store) -> list[object]:
    with store.read() as connection:
        segments = connection.execute(select(table_segments.c.path).order_by(table_segments.c.path))
        told = connection.execute(select(findings.c.rule_id, findings.c.instance_id).order_by(findings.c.id))
        personal = (personal_answers.c.personal_id, personal_answers.c.value)
        answers = connection.execute(select(*personal).order_by(personal_answers.c.id))
        return [[tuple(row) for row in rows] for rows in (segments, told)] + [len(list(answers))]


def test_any_number_of_processes_leaves_the_same_store(tmp_path: Path) -> None:
    reports: list[IngestReport] = []
    stores: list[list[object]] = []
    frames: list[dict[str, pl.DataFrame]] = []
    for processes in (1, 2):
        with open_store(tmp_path / str(processes)) as store:
            fill(store, tmp_path, 5_000)
            if processes == 2:  # the key that makes ids is each store's own
                copy_key(tmp_path / "1", store)
            reports.append(ingest(store, "hogar", processes=processes))
            stores.append(kept(store))
            frames.append(read_tables(store, "hogar"))
    assert reports[0] == reports[1]
    assert reports[0].failed == 15
    assert reports[0].rows == {"main": 4985, "person": frames[0]["person"].height}
    assert stores[0] == stores[1]
    assert all(frame.equals(frames[1][name]) for name, frame in frames[0].items())


def copy_key(other: Path, store: Store) -> None:
    from store.settings import personal_key

    with open_store(other) as first, first.begin() as connection:
        key = personal_key(connection)
    with store.begin() as connection:
        personal_key(connection)
        connection.exec_driver_sql("UPDATE settings SET value = ? WHERE name LIKE '%key%'", (key,))
        assert personal_key(connection) == key


def test_a_worker_that_dies_loses_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "data") as store:
        fill(store, tmp_path, 600)
        with store.read() as connection:
            waiting = [raw for raw in list_unparsed(connection, store.blobs, "hogar", 600) if raw.version == "1"]
        form = load_form(store, "hogar", "1").form
        batches: list[list[RawSubmission]] = [waiting[at : at + 50] for at in range(0, len(waiting), 50)]
        done: list[tuple[int, int]] = []

        def finish(label: int, batch: ReadBatch) -> None:
            done.append((label, sum(one.rows for one in batch.segments)))

        with Readers(store.data, b"key", 2, finish) as readers:
            for number, batch in enumerate(batches):
                readers.read(number, form, batch)
                if number == 3 and readers._pool is not None:
                    for worker in readers._pool._processes:
                        os.kill(worker, signal.SIGKILL)
        expected = [sum(frame.height for frame in read_rows(form, batch, b"key").tables.values()) for batch in batches]
    assert done == list(enumerate(expected))


@pytest.mark.parametrize("waiting", [0, 1, ENOUGH - 1])
def test_few_submissions_are_read_in_this_process(waiting: int) -> None:
    assert count_processes(waiting) == 1
