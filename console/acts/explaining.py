"""Explanations of findings by people who know the field: they decide nothing, and stand beside what is decided."""

from __future__ import annotations

from console.acts.rights import require_within
from schemas.errors import DecisionError
from store.audit import acting, person_actor
from store.finding_notes import Note, add_note, list_notes
from store.findings import list_findings
from store.open import Store
from store.people import Person


def explain(store: Store, person: Person, form_id: str, rule_id: str, instance_id: str, row_id: str, body: str) -> None:
    """Keep why it came to a finding.

    Args:
        instance_id: "" of a finding about no single interview: of an enumerator, a unit, a day.

    Raises:
        AccessError: ACC-123, only whoever may send interviews back explains. DecisionError: DEC-009, there is no such
            open finding. StoreError: STO-095, nothing is said.
    """
    require_within(store, person, "send_back", form_id, [instance_id] if instance_id else [])
    with store.read() as connection:
        kinds = None if instance_id else {"field"}
        found = list_findings(connection, form_id, kinds=kinds, instance_id=instance_id)
    if (rule_id, row_id) not in {(row.rule_id, row.row_id) for row in found}:
        message = f"There is no open finding of {rule_id or 'that rule'} there."
        raise DecisionError("DEC-009", message, "Name the rule and the row as the finding does.")
    with acting(person_actor(person.id)), store.begin() as connection:
        add_note(connection, form_id, (rule_id, instance_id, row_id), person.id, body)


def read_notes(store: Store, person: Person, form_id: str, instance_id: str) -> dict[tuple[str, str], list[Note]]:
    """Rule and row -> what was said of the finding, oldest first.

    Raises:
        AccessError: ACC-123, no right to see findings there.
    """
    require_within(store, person, "see_findings", form_id, [instance_id] if instance_id else [])
    with store.read() as connection:
        rows = list_notes(connection, form_id, instance_id)
    found: dict[tuple[str, str], list[Note]] = {}
    for row in rows:
        found.setdefault((row.rule_id, row.row_id), []).append(row)
    return found
