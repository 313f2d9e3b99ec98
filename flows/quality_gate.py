"""Whether a release may be made: where the workbook wants it, only once the report of exactly these data is signed."""

from __future__ import annotations

from console.acts.signatures import require_signature as require_signature_of
from console.acts.signatures import requires_signature
from flows.quality import data_digests
from schemas.workbook import Design
from store.open import Store


def require_signature(store: Store, form_id: str, design: Design) -> str:
    """Go on only if no signature is asked for, or a reviewer has signed the data as they are and none refuses them.

    Returns:
        Digest of the data as they are, by which their signatures are found; "" where no signature is asked for.

    Raises:
        ReleaseError: REL-066, nobody signed these data; REL-067, somebody refuses them.
    """
    if not requires_signature(design):
        return ""
    digest = data_digests(store, form_id).sha256
    require_signature_of(store, form_id, digest)
    return digest
