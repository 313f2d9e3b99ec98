"""What people decide about releases: a candidate is approved, then superseded by the next or withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from console.acts.rights import require
from console.acts.signatures import require_signature, requires_signature
from console.surveys import load_survey
from reports.latest import point_latest
from reports.withdrawn import SUFFIX, mark_withdrawn
from schemas.errors import ReleaseError
from schemas.workbook import Design
from store import releases
from store.audit import acting, person_actor, record
from store.open import Store
from store.people import Person
from store.releases import ReleaseRow

__all__ = ["DATA", "NEXT", "RIGHTS", "is_maker", "public_folder", "requires_signature", "set_state"]

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

APPROVAL = "release_approval"
"""Row of the `design` sheet; with the value "one person" whoever made a release may approve it too."""

DATA = "data_sha256"
"""Key of a release's details: digest of the data behind it, by which their signatures are found."""


def is_maker(row: ReleaseRow, person: Person) -> bool:
    """Whether the person made the release, as far as it is known."""
    return bool(row.details.get("made_by") == f"person {person.id}")


def allows_one(design: Design) -> bool:
    """Whether the survey's office is so small that whoever makes a release approves it."""
    return design.settings.get(APPROVAL, "").strip().lower() in {"one person", "one_person"}


def set_state(
    store: Store, person: Person, release_id: str, state: str, *, reason: str = "", at: datetime | None = None
) -> ReleaseRow:
    """Approve, supersede or withdraw a release; the one that was approved before is then superseded.

    Args:
        reason: of a withdrawal, in words that whoever opens the release is shown: a copy of it beside says so on every
            page (docs/decisions/0020).

    Raises:
        AccessError: ACC-123, no right. StoreError: STO-018, no such release. ReleaseError: REL-090, it can't become
            that; REL-092, a withdrawal without a reason; REL-093, whoever made it doesn't approve it; REL-066, REL-067,
            the signature that the workbook requires isn't there or somebody refuses the data.
    """
    with store.read() as connection:
        row = releases.get_release(connection, release_id)
    if state not in RIGHTS:
        raise ReleaseError("REL-090", f"A release can't become {state!r}.", f"Use one of {', '.join(RIGHTS)}.")
    require(store, person, RIGHTS[state], row.form_id)
    _check(store, person, row, state, reason)
    with acting(person_actor(person.id)), store.begin() as connection:
        row = releases.get_release(connection, release_id)
        if state not in NEXT[row.state]:
            message = f"The release {release_id} is {row.state} and can't become {state}."
            raise ReleaseError("REL-090", message, f"It can become: {', '.join(NEXT[row.state]) or 'nothing'}.")
        now = at or datetime.now(UTC)
        if state == "approved":
            for other in releases.list_releases(connection, row.form_id):
                if other.state == "approved":
                    releases.set_release_state(connection, other.release_id, "superseded", person.name, now)
        releases.set_release_state(connection, release_id, state, person.name, now, reason=reason)
        changed = releases.get_release(connection, release_id)
        standing = [each for each in releases.list_releases(connection, row.form_id) if each.state == "approved"]
    _tell_public(changed, standing[-1].release_id if standing else "", now)
    return changed


def public_folder(row: ReleaseRow) -> Path:
    """Where a release's files are as its readers see them: of a withdrawn one the copy that says so on every page."""
    folder = Path(row.folder)
    marked = folder.parent / f"{folder.name}{SUFFIX}"
    return marked if row.state == "withdrawn" and marked.is_dir() else folder


def _tell_public(row: ReleaseRow, in_force: str, at: datetime) -> None:
    """Turn the public's address to a release that is approved, and away from one that is withdrawn."""
    folder = Path(row.folder)
    if not (folder / "site").is_dir():
        return
    if row.state == "approved":
        point_latest(folder.parent, folder.name)
    elif row.state == "withdrawn":
        mark_withdrawn(folder, row.state_reason or "", at, in_force)


def _check(store: Store, person: Person, row: ReleaseRow, state: str, reason: str) -> None:
    if state == "withdrawn" and not reason.strip():
        message = f"The release {row.release_id} can't be withdrawn without a reason."
        raise ReleaseError("REL-092", message, "Say why, in a sentence that whoever has the figures will read.")
    if state != "approved" or row.state != "draft":
        return
    design = load_survey(store, row.form_id).specs.design
    if is_maker(row, person) and not allows_one(design):
        with store.begin() as connection:
            note = "whoever made it doesn't approve it"
            record(
                connection,
                "release.state",
                "release",
                row.release_id,
                outcome="refused",
                note=note,
                by=person_actor(person.id),
            )
        message = f"{person.name} made the release {row.release_id}, so somebody else approves it."
        raise ReleaseError("REL-093", message, f"Ask a second person, or write {APPROVAL} = one person in `design`.")
    if requires_signature(design):
        digest = row.details.get(DATA)
        if not isinstance(digest, str) or not digest:
            message = f"The release {row.release_id} doesn't say which data it stands on."
            raise ReleaseError("REL-066", message, "Make it again once the report of these data is signed.")
        require_signature(store, row.form_id, digest)
