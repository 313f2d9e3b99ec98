"""Signatures that reviewers gave elsewhere, taken from a report's folder into the store."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reports.quality.folder import hash_folder, verify_folder, write_signature
from reports.signing import canonical, hash_files, read_signed
from schemas.rights import may
from store import quality_reports as reports
from store.open import Store
from store.people import get_person
from store.quality_reports import SignatureRow


@dataclass(frozen=True, slots=True)
class Returned:
    """What became of one signature of a folder.

    Attributes:
        outcome: "taken"; "known", it is in the store already; else why it isn't taken: "bad" (it doesn't hold),
            "unknown_key" (nobody's here), "no_right" (its person may not sign reports of the commune), "other_report"
            (the files aren't those that were made here).
    """

    file: str
    name: str
    act: str
    outcome: str
    row: SignatureRow | None = None


def take_signatures(store: Store, folder: Path) -> list[Returned]:
    """Take the signatures of a report's folder, or of a copy that came back, into the store.

    A signature counts for the person whose key made it; the key must be one that the store knows. Taking is no act of
    judgement: nothing is taken that isn't signed, and the same again changes nothing.

    Raises:
        StoreError: STO-090, there is no such report here. ReleaseError: REL-063.
    """
    folder = folder.resolve()
    with store.read() as connection:
        report = reports.get_report(connection, folder.name)
        known = {row.signature for row in reports.list_signatures(connection, report.report_id)}
    is_same = hash_files(hash_folder(folder)) == report.sha256
    found: list[Returned] = []
    for told in verify_folder(folder):
        signed = None
        outcome = "bad"
        row = None
        if told.good:
            signed = read_signed((folder / told.file).read_bytes())
            signature = base64.b64encode(signed.signature).decode()
            with store.read() as connection:
                key = reports.find_signing_key(connection, signed.public_key)
                person = None if key is None else get_person(connection, key.person_id)
            if not is_same:
                outcome = "other_report"
            elif signature in known:
                outcome = "known"
            elif person is None:
                outcome = "unknown_key"
            elif person.revoked_at is not None or not may(person, "sign_report", report.commune):
                outcome = "no_right"
            else:
                outcome = "taken"
                with store.begin() as connection:
                    row = reports.add_signature(
                        connection,
                        report_id=report.report_id,
                        person_id=person.id,
                        act=str(signed.statement["act"]),
                        reasons=str(signed.statement["reasons"]),
                        statement=canonical(signed.statement).decode(),
                        signature=signature,
                        public_key=signed.public_key,
                        signed_at=datetime.fromisoformat(str(signed.statement["signed_at"])),
                    )
                if Path(report.folder).is_dir() and Path(report.folder) != folder:
                    write_signature(Path(report.folder), signed)
        found.append(Returned(told.file, told.name, told.act, outcome, row))
    return found
