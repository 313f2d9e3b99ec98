"""The commune of each interview of a survey of many communes, beside the interview and its findings.

Read from the answers when these are read, and again when the survey is checked, since a decision may have corrected
it. Whoever is bound to communes is shown by it what is theirs (`schemas.rights.own_part`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection, Select, exists, func, select, update

from schemas.tables import findings, submissions
from store.finding_counts import count_again
from store.staging import fill, temporary
from store.submissions import CHUNK


def put_communes(connection: Connection, form_id: str, communes: Iterable[tuple[str, str]]) -> int:
    """Keep the communes of interviews (instance id, CUT); findings that are there move with their interview.

    Args:
        connection: of `Store.begin()`.
        form_id: their form.
        communes: "" for an interview whose commune isn't known. Interviews that aren't named keep theirs.

    Returns:
        How many changed.
    """
    with temporary(connection, "staged_communes", {"instance_id": str, "commune": str}, ("instance_id",)) as staged:
        fill(connection, staged, communes)
        mine = select(staged.c.commune).where(staged.c.instance_id == submissions.c.instance_id).scalar_subquery()
        named = exists().where(
            staged.c.instance_id == submissions.c.instance_id,
            func.coalesce(submissions.c.commune, "?") != staged.c.commune,
        )
        where = (submissions.c.form_id == form_id, submissions.c.instance_id.in_(select(staged.c.instance_id)), named)
        changed = connection.execute(update(submissions).where(*where).values(commune=mine)).rowcount
        if changed:
            _move_findings(connection, form_id, select(staged.c.instance_id))
    return changed


def _move_findings(connection: Connection, form_id: str, instances: Select[tuple[str]]) -> None:
    now = (
        select(func.coalesce(submissions.c.commune, ""))
        .where(submissions.c.form_id == findings.c.form_id, submissions.c.instance_id == findings.c.instance_id)
        .scalar_subquery()
    )
    where = (findings.c.form_id == form_id, findings.c.instance_id.in_(instances), findings.c.commune != now)
    if connection.execute(update(findings).where(*where).values(commune=now)).rowcount:
        for origin in ("parse", "rules"):
            count_again(connection, form_id, origin)


def put_unit_communes(connection: Connection, form_id: str, communes: Mapping[str, str]) -> int:
    """Keep of which commune findings about no single interview are; of units that aren't named, of none.

    Args:
        connection: of `Store.begin()`.
        form_id: their form.
        communes: what a finding is about ("enumerator:7") -> CUT.

    Returns:
        How many changed.
    """
    query = select(findings.c.id, findings.c.row_id, findings.c.commune)
    rows = connection.execute(query.where(findings.c.form_id == form_id, findings.c.instance_id == "")).all()
    changed = 0
    for number, unit, commune in rows:
        # "enumerator:7/question:age" is about the same enumerator; a code may hold a slash of its own.
        wanted = communes.get(unit, communes.get(unit.partition("/question:")[0], ""))
        if wanted != commune:
            connection.execute(update(findings).where(findings.c.id == number).values(commune=wanted))
            changed += 1
    if changed:
        count_again(connection, form_id, "rules")
    return changed


def communes_of(connection: Connection, form_id: str, instance_ids: Sequence[str]) -> dict[str, str]:
    """Instance id -> CUT of these interviews, "" where it isn't known; those that aren't there are left out."""
    found: dict[str, str] = {}
    for start in range(0, len(instance_ids), CHUNK):
        query = select(submissions.c.instance_id, func.coalesce(submissions.c.commune, "")).where(
            submissions.c.form_id == form_id, submissions.c.instance_id.in_(instance_ids[start : start + CHUNK])
        )
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def list_within(connection: Connection, form_id: str, communes: Collection[str]) -> set[str]:
    """Instance ids of the submissions of these communes, replaced ones too."""
    query = select(submissions.c.instance_id).where(
        submissions.c.form_id == form_id, submissions.c.commune.in_(sorted(communes))
    )
    return set(connection.scalars(query))


def count_by_commune(connection: Connection, form_id: str) -> dict[str, int]:
    """CUT -> interviews that count, in order of CUT; "" for those whose commune isn't known."""
    commune = func.coalesce(submissions.c.commune, "")
    query = select(commune, func.count()).where(submissions.c.form_id == form_id, submissions.c.state == "current")
    return {row[0]: row[1] for row in connection.execute(query.group_by(commune).order_by(commune))}
