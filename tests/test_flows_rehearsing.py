"""A rehearsal through the real server: everything sent arrives once, whole, and marked as rehearsed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from served_store import serve

from flows.rehearsing import first_field_day, kept_file, rehearse_over_http
from forms.compile import compile_workbook
from forms.sheets import write_xlsx
from forms.sheets.markdown import workbook_from_markdown
from schemas.errors import CommandError
from store.forms import add_form_version
from store.open import Store
from store.submissions import list_unparsed

START = datetime(2026, 3, 2, tzinfo=UTC)
WORKBOOK = workbook_from_markdown(
    """
| survey    |                   |          |       |                     |          |          |
|           | type              | name     | label | constraint          | required | personal |
|           | start             | start    |       |                     |          |          |
|           | end               | end      |       |                     |          |          |
|           | audit             | audit    |       |                     |          |          |
|           | text              | person   | Name  |                     | yes      | name     |
|           | integer           | age      | Age   | . >= 18 and . <= 99 | yes      |          |
|           | select_one yes_no | works    | Works |                     | yes      |          |
| choices   |                   |          |       |                     |          |          |
|           | list_name         | name     | label |                     |          |          |
|           | yes_no            | yes      | Yes   |                     |          |          |
|           | yes_no            | no       | No    |                     |          |          |
| settings  |                   |          |       |                     |          |          |
|           | form_id           | version  |       |                     |          |          |
|           | small             | 1        |       |                     |          |          |
| rehearsal |                   |          |       |                     |          |          |
|           | question          | value    | weight |                    |          |          |
|           | works             | yes      | 1     |                     |          |          |
|           | works             | no       | 3     |                     |          |          |
""",
    "small",
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Store, str]]:
    """A store with the form, and a server over it with an enumerator's address."""
    compiled = compile_workbook(WORKBOOK)
    with serve(tmp_path / "data") as (store, url):
        with store.begin() as connection:
            add_form_version(
                connection,
                store.blobs,
                form_id="small",
                version="1",
                title="Small",
                xform=compiled.xform,
                workbook=write_xlsx(WORKBOOK),
                media={},
            )
        yield store, url


def arrived(store: Store) -> dict[str, tuple[bytes, tuple[str, ...], str]]:
    with store.read() as connection:
        rows = list_unparsed(connection, store.blobs, "small", 1000)
    assert len({row.instance_id for row in rows}) == len(rows)
    return {row.instance_id: (row.xml, row.attachments, row.client) for row in rows}


def test_clean_and_spoiled_interviews_arrive_once_with_their_files(served: tuple[Store, str], tmp_path: Path) -> None:
    store, url = served
    truth = tmp_path / "truth.jsonl"
    progress: list[tuple[int, int | None]] = []
    report = rehearse_over_http(
        "small",
        interviews=40,
        seed=1,
        spoil=0.2,
        server_url=url,
        truth_path=truth,
        store=store,
        progress=lambda done, total: progress.append((done, total)),
        start=START,
    )
    acts = [json.loads(line) for line in truth.read_text().splitlines()]
    assert report.refused == 0
    assert report.spoiled == Counter(act["kind"] for act in acts)
    assert report.spoiled.keys() >= {"out_of_range", "missing_required", "duplicate_person"}
    additional = {act["instance_id"] for act in acts if act["expected"] == "finding"}
    found = arrived(store)
    assert len(found) == 40 + len(additional)
    assert additional <= set(found)
    assert {client for _, _, client in found.values()} == {"rehearsal"}
    assert all("audit.csv" in attachments for _, attachments, _ in found.values())
    assert sum(b"<works>yes</works>" in xml for key, (xml, _, _) in found.items() if key not in additional) == 10
    assert progress[-1] == (report.sent, report.sent)
    assert "40 interviews and 8 spoiled acts" in str(report)


def test_a_form_known_to_the_server_alone_is_rehearsed_without_quotas(served: tuple[Store, str]) -> None:
    store, url = served
    report = rehearse_over_http("small", interviews=12, seed=1, spoil=0.0, server_url=url, start=START)
    assert (report.sent, report.refused, report.spoiled) == (12, 0, {})
    assert len(arrived(store)) == 12


def test_the_same_rehearsal_sent_again_adds_nothing(served: tuple[Store, str]) -> None:
    store, url = served
    for _ in range(2):
        report = rehearse_over_http("small", interviews=5, seed=1, spoil=0.0, server_url=url, store=store, start=START)
        assert report.refused == 0
    assert len(arrived(store)) == 5


def test_a_rehearsal_that_a_server_refuses_goes_on_where_it_stopped(served: tuple[Store, str], tmp_path: Path) -> None:
    store, url = served
    kept = kept_file(tmp_path, "small", 60, 1, 0.0, url)
    options = {"interviews": 60, "seed": 1, "spoil": 0.0, "server_url": url, "store": store, "kept": kept}

    def close_the_door(done: int, _: int | None) -> None:
        if done == 12:
            with store.begin() as connection:
                connection.exec_driver_sql("ALTER TABLE submissions RENAME TO elsewhere")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(CommandError, match=r"^CMD-107 .*teléfono"):
        patch.setattr("flows.collect_client.FIRST_PAUSE_SECONDS", 0.0)
        rehearse_over_http("small", progress=close_the_door, **options)  # type: ignore[arg-type]
    with store.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO submissions")
    before = arrived(store)
    assert 12 <= len(before) < 60
    assert url.rpartition("/")[2] not in kept.name + kept.read_text()
    report = rehearse_over_http("small", **options)  # type: ignore[arg-type]
    assert (report.refused, report.sent < 60) == (0, True)
    after = arrived(store)
    assert len(after) == 60
    assert {instance: after[instance] for instance in before} == before
    assert not kept.exists()


def test_another_form_under_the_same_id_is_not_sent(served: tuple[Store, str]) -> None:
    _, url = served
    other = compile_workbook(
        workbook_from_markdown("| survey |\n| | type | name | label |\n| | text | q | Q |", "small")
    )
    with pytest.raises(CommandError, match="CMD-106"):
        rehearse_over_http("small", interviews=1, seed=1, spoil=0.0, server_url=url, compiled=other)
    with pytest.raises(CommandError, match="CMD-103"):
        rehearse_over_http("nothing", interviews=1, seed=1, spoil=0.0, server_url=url)
    with pytest.raises(CommandError, match=r"CMD-10[24]") as caught:
        rehearse_over_http("small", interviews=1, seed=1, spoil=0.0, server_url=f"{url}x")
    assert url.rpartition("/")[2] not in str(caught.value)


def test_a_field_period_lies_wholly_in_the_past() -> None:
    start = first_field_day(1021, 0.05)
    assert start.tzinfo is not None
    assert (datetime.now(UTC) - start).days >= 26
