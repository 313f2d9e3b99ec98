"""What people decide about releases: a candidate is approved, then superseded by the next or withdrawn."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.errors import AccessError, ReleaseError
from schemas.rights import may
from store import forms as form_rows
from store import releases
from store.audit import person_actor, record
from store.open import Store
from store.people import Person
from store.releases import ReleaseRow

NEXT: Mapping[str, tuple[str, ...]] = {
    "draft": ("approved", "withdrawn"),
    "approved": ("superseded", "withdrawn"),
    "superseded": ("withdrawn",),
    "withdrawn": (),
}
"""What a release may become."""

RIGHTS: Mapping[str, str] = {
    "approved": "approve_release",
    "superseded": "withdraw_release",
    "withdrawn": "withdraw_release",
}


def set_state(store: Store, person: Person, release_id: str, state: str) -> ReleaseRow:
    """Approve, supersede or withdraw a release; the one that was approved before is then superseded.

    Raises:
        AccessError: ACC-123, no right. StoreError: STO-018, no such release. ReleaseError: REL-090, it can't become
            that.
    """
    with store.begin() as connection:
        row = releases.get_release(connection, release_id)
        commune = form_rows.get_form_version(connection, row.form_id).commune
        if state not in RIGHTS or not may(person, RIGHTS[state], commune):
            record(connection, "release.state", "release", release_id, outcome="refused", by=person_actor(person.id))
            refusal: AccessError | None = AccessError(
                "ACC-123", f"A {person.role} may not do that here.", "Ask someone who may."
            )
        else:
            refusal = None
            if state not in NEXT[row.state]:
                message = f"The release {release_id} is {row.state} and can't become {state}."
                raise ReleaseError("REL-090", message, f"It can become: {', '.join(NEXT[row.state]) or 'nothing'}.")
            if state == "approved":
                for other in releases.list_releases(connection, row.form_id):
                    if other.state == "approved":
                        releases.set_release_state(connection, other.release_id, "superseded", person.name)
            releases.set_release_state(connection, release_id, state, person.name)
            row = releases.get_release(connection, release_id)
    if refusal is not None:
        raise refusal
    return row
