"""Whether a reviewer has signed the data behind a release, where the workbook wants that."""

from __future__ import annotations

from console.acts.reviewing import stored_signature
from reports.signing import is_genuine
from schemas.errors import ReleaseError
from schemas.workbook import Design
from store.open import Store
from store.quality_reports import SignatureRow, standing_signatures

SETTING = "signature"
"""Row of the `design` sheet; "required" is the value that counts."""


def requires_signature(design: Design) -> bool:
    """Whether the workbook lets nothing be released unsigned."""
    return design.settings.get(SETTING, "").strip().lower() == "required"


def require_signature(store: Store, form_id: str, digest: str) -> None:
    """Go on only if a reviewer has signed the data of that digest and none refuses them.

    Raises:
        ReleaseError: REL-066, nobody signed these data; REL-067, somebody refuses them.
    """
    with store.read() as connection:
        rows = standing_signatures(connection, form_id, digest)
    said = [row.act for row in rows if _holds(row, digest)]
    if "refuse" in said:
        raise ReleaseError(
            "REL-067",
            f"{said.count('refuse')} reviewer(s) refuse the data-quality report of these data of {form_id}.",
            "Read the reasons, mend what they name, run comunal run check and make the report again.",
        )
    if "sign" not in said:
        raise ReleaseError(
            "REL-066",
            f"The workbook of {form_id} requires a signature, and no report of exactly these data is signed "
            f"(data {digest[:12]}).",
            f"Run comunal quality report {form_id}, and have a reviewer sign it: comunal quality sign.",
        )


def _holds(row: SignatureRow, digest: str) -> bool:
    """Whether the signature itself says so: a row of the database alone proves nothing."""
    signed = stored_signature(row)
    data = signed.statement.get("data") or {}
    return is_genuine(signed) and signed.public_key == row.public_key and data.get("sha256") == digest
