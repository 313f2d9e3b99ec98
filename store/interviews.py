"""Interviews as people mean them: a sent form with all its edits, under the instance id that it was first sent with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from schemas.central_tables import reviews
from schemas.decision_tables import decisions
from schemas.tables import attachments, people, submissions, table_batches


@dataclass(frozen=True, slots=True)
class Interview:
    """One interview.

    Attributes:
        instance_id: as first sent; it stays when edits come.
        current_id: instance id of the edit that counts, the same if there is none.
        submission_id: of that edit.
        edits: how many edits were received.
        received_at: when the first was received.
        updated_at: when the latest edit was, null without edits.
        person_id, person: who sent the first, null for imports and rehearsals.
        client: what sent it, see `schemas.fields.CLIENT`.
        state: of the one that counts: current, or held and fork while a person must settle it.
        files: attachments stored with the one that counts.
    """

    instance_id: str
    current_id: str
    submission_id: int
    version: str
    received_at: datetime
    person_id: int | None
    person: str | None
    client: str
    state: str
    edits: int = 0
    updated_at: datetime | None = None
    files: int = 0


def _roots(originals: dict[str, str], known: set[str]) -> dict[str, str]:
    """Edit -> the instance id that its chain began with, as far as it is stored."""
    roots = {}
    for edit in originals:
        first, seen = edit, {edit}
        while (before := originals.get(first)) is not None and before in known and before not in seen:
            first = before
            seen.add(first)
        roots[edit] = first
    return roots


def list_firsts(connection: Connection, form_id: str) -> dict[str, str]:
    """Instance id of each edit -> that under which its interview was first sent. Edits are few."""
    where = (submissions.c.form_id == form_id, submissions.c.deprecated_id.is_not(None))
    query = select(submissions.c.instance_id, submissions.c.deprecated_id).where(*where)
    originals = {row.instance_id: row.deprecated_id for row in connection.execute(query)}
    known = set(originals)
    names = sorted(set(originals.values()))
    for start in range(0, len(names), 500):
        some = select(submissions.c.instance_id).where(
            submissions.c.form_id == form_id, submissions.c.instance_id.in_(names[start : start + 500])
        )
        known |= set(connection.scalars(some))
    return _roots(originals, known)


def list_interviews(connection: Connection, form_id: str, instance_id: str | None = None) -> list[Interview]:
    """The interviews of a form, latest first; or only the one to which an instance id belongs."""
    firsts = list_firsts(connection, form_id)
    columns = [submissions.c[name] for name in ("id", "instance_id", "version", "received_at", "person_id")]
    columns += [submissions.c.client, submissions.c.state, people.c.name]
    query = select(*columns).select_from(submissions.outerjoin(people, people.c.id == submissions.c.person_id))
    query = query.where(submissions.c.form_id == form_id).order_by(submissions.c.id)
    if instance_id is not None:
        first = firsts.get(instance_id, instance_id)
        family = [first, *(edit for edit, root in firsts.items() if root == first)]
        query = query.where(submissions.c.instance_id.in_(family))
    counts = _count_files(connection, form_id, instance_id is None)
    found: dict[str, Interview] = {}
    for number, instance, version, received, person_id, client, state, person in connection.execute(query):
        first = firsts.get(instance, instance)
        before = found.get(first)
        if before is None:
            row = Interview(first, instance, number, version, received, person_id, person, client, state)
        else:
            row = replace(before, edits=before.edits + 1, updated_at=received)
            if state == "current" or before.state != "current":
                row = replace(row, current_id=instance, submission_id=number, version=version, state=state)
        found[first] = row
    rows = [_with_files(row, counts, connection) for row in found.values()]
    return rows[::-1]


def _count_files(connection: Connection, form_id: str, every: bool) -> dict[int, int] | None:
    if not every:
        return None
    query = select(attachments.c.submission_id, func.count(attachments.c.name.distinct()).label("files"))
    query = query.select_from(attachments.join(submissions)).where(submissions.c.form_id == form_id)
    return {row.submission_id: row.files for row in connection.execute(query.group_by(attachments.c.submission_id))}


def _with_files(row: Interview, counts: dict[int, int] | None, connection: Connection) -> Interview:
    if counts is None:
        query = select(func.count(attachments.c.name.distinct()))
        counts = {
            row.submission_id: connection.scalar(query.where(attachments.c.submission_id == row.submission_id)) or 0
        }
    return replace(row, files=counts.get(row.submission_id, 0))


@dataclass(frozen=True, slots=True)
class Mark:
    """A value that changes whenever the interviews of a form, their tables, files, reviews or states do.

    Attributes:
        newest: largest id of its submissions.
        parsed_at: when the latest was read.
        with_rows, batch_sum: how many are read into tables, and the sum of their batches.
        files, reviews, decisions, batches: largest ids of these tables, of any form.
    """

    newest: int
    parsed_at: datetime | None
    with_rows: int
    batch_sum: int
    files: int
    reviews: int
    decisions: int
    batches: int


def read_mark(connection: Connection, form_id: str) -> Mark:
    """What a form's tables show, in a few numbers."""
    batch = submissions.c.batch_id
    query = select(
        func.max(submissions.c.id), func.max(submissions.c.parsed_at), func.count(batch), func.sum(batch)
    ).where(submissions.c.form_id == form_id)
    newest, parsed_at, with_rows, batch_sum = connection.execute(query).one()
    # Each of these tables only grows, and a state is never changed without a row in one of them.
    latest = [
        connection.scalar(select(func.max(table.c.id))) or 0
        for table in (attachments, reviews, decisions, table_batches)
    ]
    return Mark(newest or 0, parsed_at, with_rows, int(batch_sum or 0), *latest)


def list_latest(connection: Connection, form_id: str) -> dict[str, str]:
    """Instance id of each submission that an edit replaced -> the one that counts now. Edits are few."""
    firsts = list_firsts(connection, form_id)
    if not firsts:
        return {}
    where = (
        submissions.c.form_id == form_id,
        submissions.c.state == "current",
        submissions.c.deprecated_id.is_not(None),
    )
    counts = {firsts[edit]: edit for edit in connection.scalars(select(submissions.c.instance_id).where(*where))}
    found = {}
    for member in {*firsts, *firsts.values()}:
        now = counts.get(firsts.get(member, member))
        if now is not None and now != member:
            found[member] = now
    return found
