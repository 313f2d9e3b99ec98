"""Audit files through ingest: one more table of the form, picked up late, kept once, exported."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.checking import check
from flows.exporting import export_tables
from flows.ingesting import ingest
from flows.registering import load_form
from forms.audit import AUDIT_TABLE, MALFORMED
from forms.compile import compile_workbook
from forms.rehearsal import rehearse
from forms.sheets import write_xlsx
from forms.sheets.markdown import workbook_from_markdown
from store.arrivals import NewAttachment, NewSubmission, add_submissions
from store.findings import list_findings
from store.forms import add_form_version
from store.open import Store, open_store
from store.tables import read_tables

START = datetime(2026, 3, 2, tzinfo=UTC)
WORKBOOK = workbook_from_markdown(
    """
| survey |             |        |       |          |
|        | type        | name   | label | personal |
|        | audit       | audit  |       |          |
|        | begin group | home   | Home  |          |
|        | text        | person | Name  | name     |
|        | integer     | age    | Age   |          |
|        | end group   |        |       |          |
| settings |         |         |
|          | form_id | version |
|          | visits  | 1       |
""",
    "visits",
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    compiled = compile_workbook(WORKBOOK)
    store = open_store(tmp_path / "data")
    with store.begin() as connection:
        add_form_version(
            connection,
            store.blobs,
            form_id="visits",
            version="1",
            title="Visits",
            xform=compiled.xform,
            workbook=write_xlsx(WORKBOOK),
            media={},
        )
    return store


def _send(store: Store, instance_id: str, xml: bytes, audit: bytes | None) -> None:
    files = () if audit is None else (NewAttachment("audit.csv", store.blobs.hold(audit), "text/csv"),)
    with store.begin() as connection:
        add_submissions(
            connection, store.blobs, [NewSubmission("visits", "1", instance_id, xml, START, attachments=files)]
        )


def test_rehearsed_audit_files_become_a_table_once_and_are_exported(store: Store, tmp_path: Path) -> None:
    compiled = load_form(store, "visits")
    interviews = list(rehearse(compiled, 3, 1, START))
    for interview in interviews[:2]:
        _send(store, interview.instance_id, interview.xml, interview.attachments["audit.csv"])
    late = interviews[2]
    _send(store, late.instance_id, late.xml, None)
    assert ingest(store, "visits").rows[AUDIT_TABLE] > 0
    first = read_tables(store, "visits", compiled.form)[AUDIT_TABLE]
    assert first["_instance_id"].n_unique() == 2

    _send(store, late.instance_id, late.xml, late.attachments["audit.csv"])
    ingest(store, "visits")
    assert ingest(store, "visits").read == 0
    tables = read_tables(store, "visits", compiled.form)
    assert tables["main"].height == 3
    events = tables[AUDIT_TABLE]
    assert events["_instance_id"].n_unique() == 3
    assert events.unique(["_instance_id", "_position"]).height == events.height
    assert {"person", "age"} <= set(events["question"].drop_nulls())
    assert check(store, "visits", expectations=False).findings == 0

    written = {item.table: item for item in export_tables(store, "visits", tmp_path / "out", "csv").tables}
    assert written[AUDIT_TABLE].rows == events.height
    sections = pl.read_csv(written[f"{AUDIT_TABLE}_sections"].path)
    assert sections.filter(section="home").height == 3
    assert (sections["seconds"] > 0).all()


def test_malformed_audit_file_is_a_finding_and_the_interview_is_read(store: Store) -> None:
    xml = b'<data id="visits" version="1"><home><age>3</age></home><meta><instanceID>uuid:a</instanceID></meta></data>'
    _send(store, "uuid:a", xml, b"\xff\xff")
    assert ingest(store, "visits").findings == 1
    with store.read() as connection:
        assert [finding.rule_id for finding in list_findings(connection, "visits")] == [MALFORMED]
