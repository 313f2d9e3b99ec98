"""What stands of people's decisions about findings and interviews, kept beside the log so that pages need no log.

    accepted    a finding that was accepted as true, by its key
    sent_back   an interview that the enumerator is asked to correct, until an answer is decided on
    pending     an interview whose exclusion waits for a second person      excluded    one that counts nowhere

`store.decisions` keeps these marks in the transaction that writes the log; what holds, `schemas.decisions` says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from schemas.decision_tables import standing_marks
from schemas.decisions import Decision, InForce, in_force
from schemas.tables import findings, submissions
from store.inserts import keyed_insert

Mark = tuple[str, str, str, str]
"""Interview, rule, row, and what stands of it."""

CHUNK = 500
_MANY = 100
MARKING = frozenset({"accept", "exclude", "include", "second", "send_back", "undo"})
"""Actions that change a mark; so does a correction with an answer that came home."""


def marks_of(log: Iterable[Decision]) -> set[Mark]:
    """The marks of a log of one form, oldest first."""
    rows = list(log)
    now = in_force(rows)
    marks: set[Mark] = {(instance, rule, row, "accepted") for rule, instance, row in now.accepted}
    marks |= {(instance, "", "", "excluded") for instance in now.excluded}
    marks |= {(row.instance_id, "", "", "pending") for row in now.pending}
    return marks | {(instance, "", "", "sent_back") for instance in _waiting(now)}


def _waiting(now: InForce) -> set[str]:
    """Interviews sent back whose answers nobody has decided on yet."""
    settled = {row.instance_id: row.id or 0 for row in now.decisions if row.source == "answer"}
    return {name for name, row in now.sent_back.items() if (row.id or 0) > settled.get(name, 0)}


def changes_marks(row: Decision) -> bool:
    """Whether a row of the log may change a mark of its interview."""
    return row.action in MARKING or row.source == "answer"


def add_accepted(connection: Connection, rows: Sequence[Decision]) -> None:
    """Marks of findings that were accepted just now: accepting takes no mark away."""
    values = [
        {"form_id": row.form_id, "instance_id": row.instance_id, "rule_id": row.rule_id, "row_id": row.row_id}
        | {"mark": "accepted"}
        for row in rows
    ]
    connection.execute(keyed_insert(connection, standing_marks).on_conflict_do_nothing(), values)
    _tell_how_many(connection, len(values))


def mark_again(connection: Connection, form_id: str, instances: Collection[str], log: Iterable[Decision]) -> None:
    """Bring the marks of some interviews up to date from their whole logs."""
    names = sorted(instances)
    for start in range(0, len(names), CHUNK):
        mine = standing_marks.c.instance_id.in_(names[start : start + CHUNK])
        connection.execute(delete(standing_marks).where(standing_marks.c.form_id == form_id, mine))
    values = [
        {"form_id": form_id, "instance_id": instance, "rule_id": rule, "row_id": row, "mark": mark}
        for instance, rule, row, mark in sorted(marks_of(log))
    ]
    if values:
        connection.execute(keyed_insert(connection, standing_marks).on_conflict_do_nothing(), values)
        _tell_how_many(connection, len(values))


def _tell_how_many(connection: Connection, added: int) -> None:
    """Let PostgreSQL count the marks where many were added: until it does by itself, pages of them take seconds."""
    if added >= _MANY and connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE standing_marks")


def count_marked(connection: Connection, form_id: str, mark: str, communes: Collection[str] | None = None) -> int:
    """How many findings or interviews have that mark; in interviews of these communes alone, if given."""
    query = select(func.count()).where(standing_marks.c.form_id == form_id, standing_marks.c.mark == mark)
    return int(connection.execute(query.where(*_in_communes(communes))).scalar_one())


def list_marked(connection: Connection, form_id: str, mark: str, communes: Collection[str] | None = None) -> list[str]:
    """Interviews that have that mark themselves or by a finding, in their order; as `count_marked`."""
    query = (
        select(standing_marks.c.instance_id)
        .distinct()
        .where(standing_marks.c.form_id == form_id, standing_marks.c.mark == mark)
    )
    return sorted(connection.scalars(query.where(*_in_communes(communes))))


def _in_communes(communes: Collection[str] | None) -> tuple[ColumnElement[bool], ...]:
    if communes is None:
        return ()
    mine = [standing_marks.c[name] == submissions.c[name] for name in ("form_id", "instance_id")]
    return (exists().where(*mine, submissions.c.commune.in_(sorted(communes))),)


def is_accepted() -> ColumnElement[bool]:
    """Whether somebody accepted the finding."""
    return exists().where(
        *(standing_marks.c[name] == findings.c[name] for name in ("form_id", "instance_id", "rule_id", "row_id")),
        standing_marks.c.mark == "accepted",
    )


def is_of_marked(form_id: str, mark: str) -> ColumnElement[bool]:
    """Whether the finding's interview is among those with a mark: what `is_accepted` asks, found from its other end."""
    here = standing_marks.c
    return findings.c.instance_id.in_(select(here.instance_id).where(here.form_id == form_id, here.mark == mark))


def is_open_of_few() -> ColumnElement[bool]:
    """Whether the finding is open, said so that a database looks for it by its interview."""
    return _Unindexed(findings.c.closed_at).is_(None)


class _Unindexed(FunctionElement[datetime]):
    """A column by which SQLite is not to look: counting nothing, it would read the million open findings for a few."""

    inherit_cache = True


@compiles(_Unindexed)
def _plain(element: _Unindexed, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401 - as SQLAlchemy hands it on
    return compiler.process(element.clauses, **more)


@compiles(_Unindexed, "sqlite")
def _unindexed(element: _Unindexed, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401 - as above
    return f"+{compiler.process(element.clauses, **more)}"


def has_accepted(connection: Connection, form_id: str) -> bool:
    """Whether any finding of the form was accepted."""
    here = standing_marks.c
    marked = select(here.mark).where(here.form_id == form_id, here.mark == "accepted")
    return connection.execute(marked.limit(1)).first() is not None


def list_accepted(connection: Connection, form_id: str) -> set[tuple[str, str, str]]:
    """The findings that somebody accepted, open or not: rule, interview, row."""
    here = standing_marks.c
    query = select(here.rule_id, here.instance_id, here.row_id)
    rows = connection.execute(query.where(here.form_id == form_id, here.mark == "accepted"))
    return {(row.rule_id, row.instance_id, row.row_id) for row in rows}


def count_accepted(
    connection: Connection, form_id: str, communes: Collection[str] | None = None
) -> dict[tuple[str, str], int]:
    """Rule and severity -> open findings that somebody accepted; in interviews of these communes alone, if given."""
    if not has_accepted(connection, form_id):
        return {}
    table = findings.c
    where = [table.form_id == form_id, is_open_of_few(), is_of_marked(form_id, "accepted"), is_accepted()]
    if communes is not None:
        where.append(table.commune.in_(sorted(communes)))
    query = select(table.rule_id, table.severity, func.count()).where(*where).group_by(table.rule_id, table.severity)
    return {(rule, severity): number for rule, severity, number in connection.execute(query)}
