"""A survey and what was asked again for it: two forms to whoever reads interviews, one survey to everybody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flows.ingesting import IngestReport, ingest
from forms.followups import followup_id
from store.forms import list_form_versions
from store.open import Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def ingest_survey(
    store: Store,
    form_id: str,
    progress: Callable[[int, int | None], None] | None = None,
    private_key: RSAPrivateKey | None = None,
) -> IngestReport:
    """Read what waits of a survey, and the answers that came home for its interviews that were sent back.

    Args:
        private_key: of an encrypted survey, as of `ingest`.

    Returns:
        What was done with the survey's own interviews.

    Raises:
        StoreError: STO-011, when the form is not registered. CommandError: CMD-126, as of `ingest`.
    """
    report = ingest(store, form_id, progress, private_key)
    again = followup_id(form_id)
    with store.read() as connection:
        is_there = bool(list_form_versions(connection, again))
    if is_there:
        ingest(store, again)
    return report
