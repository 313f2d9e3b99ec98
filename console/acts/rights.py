"""Whether somebody may do something, asked before it is done; a refusal stands in the audit log."""

from __future__ import annotations

from schemas.errors import AccessError
from schemas.rights import may
from store import forms as form_rows
from store.audit import person_actor, record
from store.open import Store
from store.people import Person


def require(store: Store, person: Person, act: str, form_id: str) -> None:
    """Go on only if the person may do that with a survey, in the commune that its latest version names.

    Raises:
        AccessError: ACC-123, they may not. StoreError: STO-011, no such form.
    """
    with store.read() as connection:
        commune = form_rows.get_form_version(connection, form_id).commune
    if person.revoked_at is None and may(person, act, commune):
        return
    with store.begin() as connection:
        record(connection, act, "form", form_id, outcome="refused", by=person_actor(person.id))
    message = f"A {person.role} may not do that here ({act})."
    raise AccessError("ACC-123", message, "Ask someone who may: comunal people list shows the roles.")
