"""Signing a release: whoever signs reports signs the files of a release too, with the same key."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from console.acts.reviewing import open_key
from reports.durable import flush_folder
from reports.quality.folder import write_signature
from reports.release_signing import hash_release, is_intact, make_release_statement
from reports.signing import Signed, Signer, sign
from schemas.errors import AccessError, ReleaseError
from schemas.rights import may
from store import forms as form_rows
from store import releases
from store.audit import person_actor, record
from store.open import Store
from store.people import Person


def sign_release(
    store: Store,
    person: Person,
    release_id: str,
    passphrase: str,
    *,
    key_file: str | None = None,
    at: datetime | None = None,
) -> tuple[Path, Signed]:
    """Sign every file of a release as it was published; the signature is laid beside them, in `signatures/`.

    Args:
        passphrase: of the signing key.
        key_file: text of the person's own key file, where the store doesn't keep the private half.

    Raises:
        AccessError: ACC-121, ACC-122, key or passphrase; ACC-123, no right; ACC-124, no key; ACC-125, another's key.
        StoreError: STO-018, no such release. ReleaseError: REL-075, its files aren't those that were published.
    """
    with store.read() as connection:
        row = releases.get_release(connection, release_id)
        commune = form_rows.get_form_version(connection, row.form_id).commune
    if person.revoked_at is not None or not may(person, "sign_report", commune):
        with store.begin() as connection:
            record(connection, "release.sign", "release", release_id, outcome="refused", by=person_actor(person.id))
        raise AccessError("ACC-123", f"A {person.role} may not sign a release here.", "A reviewer may.")
    folder = Path(row.folder)
    if not folder.is_dir() or not is_intact(folder, row.sha256):
        message = f"The files of {release_id} aren't those that were published, or aren't there."
        raise ReleaseError("REL-075", message, "Look at comunal release verify, and bring them back from an archive.")
    seed, public_key = open_key(store, person, passphrase, key_file)
    now = (at or datetime.now(UTC)).replace(microsecond=0)
    statement = make_release_statement(
        {"id": release_id, "form": row.form_id, "commune": commune or ""},
        hash_release(folder),
        version("comunal"),
        Signer(person.name, person.role),
        public_key,
        now,
    )
    signed = sign(statement, seed)
    path = write_signature(folder, signed)
    flush_folder(folder)
    with store.begin() as connection:
        record(connection, "release.sign", "release", release_id, note=path.name, by=person_actor(person.id), at=now)
    return path, signed
