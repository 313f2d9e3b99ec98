"""What people decided about records: a log that only grows, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from schemas.errors import StoreError
from schemas.tables import decisions
from store.audit import record

ACTIONS = ("accept", "exclude", "include", "correct")


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    Attributes:
        row_id, rule_id, question: "" where the decision is about the whole interview, row or no rule.
        action: accept (the finding is right as it is), exclude (the interview counts nowhere), include (it counts
            again), correct (`question` gets `value`).
        value: of a correction, null otherwise. Never of a personal question.
        person: who decided.
    """

    form_id: str
    instance_id: str
    action: str
    reason: str
    person: str
    row_id: str = ""
    rule_id: str = ""
    question: str = ""
    value: str | None = None
    at: datetime | None = None


_COLUMNS = ("form_id", "instance_id", "action", "reason", "person", "row_id", "rule_id", "question", "value", "at")


def add_decision(connection: Connection, decision: Decision) -> None:
    """Write a decision into the log; `at` null is now.

    Raises:
        StoreError: STO-016, no such action, or no reason or person.
    """
    if decision.action not in ACTIONS or not decision.reason.strip() or not decision.person.strip():
        message = f"A decision needs an action of {', '.join(ACTIONS)}, a reason and a person."
        raise StoreError("STO-016", message, "Say what was decided, why and by whom.")
    values = {name: getattr(decision, name) for name in _COLUMNS}
    connection.execute(insert(decisions).values(**(values | {"at": decision.at or datetime.now(UTC)})))
    note = f"form {decision.form_id} {decision.rule_id}".strip()
    record(connection, f"decision.{decision.action}", "interview", decision.instance_id, note=note, at=decision.at)


def list_decisions(connection: Connection, form_id: str) -> list[Decision]:
    """The log of a form, oldest first."""
    query = select(*(decisions.c[name] for name in _COLUMNS)).where(decisions.c.form_id == form_id)
    return [Decision(**row._mapping) for row in connection.execute(query.order_by(decisions.c.id))]
