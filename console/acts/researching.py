"""Records for research: who may have them, and that they were written, in the audit log."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from console.acts.edited import edit_survey
from console.acts.rights import require
from console.surveys import load_survey
from reports.research import ResearchFile, ResearchRules, make_research_file, safe_columns
from schemas.errors import CommandError
from schemas.fields import INSTANCE_ID, MAIN_TABLE
from schemas.rights import may
from store import findings as finding_rows
from store.audit import person_actor, record
from store.communes import list_within
from store.open import Store
from store.people import Person
from store.tables import read_tables

READER = "comunal disclosure research-file"


def write_research(
    store: Store,
    form_id: str,
    rules: ResearchRules,
    *,
    table: str = MAIN_TABLE,
    person: Person | None = None,
    columns: Sequence[str] = (),
) -> ResearchFile:
    """The accepted interviews as records for research, corrections applied.

    Args:
        store: where they are.
        form_id: of the survey.
        rules: how safe they must be.
        table: typed table, a row a record.
        person: who asks, of whose communes alone the records are; null for the operator of this machine.
        columns: of those that may stand in it, only these besides the keys; empty for all.

    Raises:
        AccessError: ACC-123, the person may not export tables.
        CommandError: CMD-144, the form has no such table; CMD-158, a key may not stand in such a file.
        ReleaseError: REL-040, REL-056.
    """
    within = None if person is None else _part_of(store, person, form_id)
    form = load_survey(store, form_id).form
    tables = edit_survey(store, form, read_tables(store, form_id, form), reader=READER).tables
    found = next((each for each in form.tables if each.name == table), None)
    if found is None:
        raise CommandError(
            "CMD-144",
            f"The form has no table {table}.",
            f"It has {', '.join(each.name for each in form.tables)}.",
        )
    with store.read() as connection:
        blocked = sorted(finding_rows.blocked_instances(connection, form_id))
        mine = None if within is None else sorted(list_within(connection, form_id, within))
    frame = tables[table].filter(~pl.col(INSTANCE_ID).is_in(blocked))
    if mine is not None:
        frame = frame.filter(pl.col(INSTANCE_ID).is_in(mine))
    safe = [name for name in safe_columns(found, rules.keys) if name in frame.columns]
    wanted = [*rules.keys, *([rules.sensitive] if rules.sensitive else []), *columns]
    known = {*frame.columns, *(field.column for field in found.fields)}
    if barred := [name for name in wanted if name in known and name not in safe]:
        raise CommandError(
            "CMD-158",
            f"{', '.join(barred)} may not stand in a file for research: it is personal, a place or a file.",
            f"Columns that may: {', '.join(safe[:20])}.",
        )
    kept = [name for name in safe if not columns or name in wanted]
    made = make_research_file(frame.select(kept), rules)
    note = f"{table}: {made.frame.height} records, k {rules.k} on {' '.join(rules.keys)}"
    with store.begin() as connection:
        if person is None:
            record(connection, "write_research_file", "form", form_id, note=note)
        else:
            record(connection, "write_research_file", "form", form_id, note=note, by=person_actor(person.id))
    return made


def _part_of(store: Store, person: Person, form_id: str) -> frozenset[str] | None:
    """The communes whose records a person gets; null for all. Exporting is asked for, and seeing, which can be cut."""
    if not may(person, "export_data"):
        require(store, person, "export_data", form_id)  # refuses, and writes it down
    return require(store, person, "see_interviews", form_id)
