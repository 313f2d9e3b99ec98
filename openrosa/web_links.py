"""What a link gives a right to: its form, and one interview or many."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from openrosa.answers import Refusal
from store.arrivals import NewSubmission, Outcome
from store.links import WebLink, claim_link, count_use, get_link, release_link
from store.open import Store
from store.writer import GroupWriter

STATES = {"revoked": "ACC-103", "expired": "ACC-104", "used": "ACC-105"}
"""Code of each state in which a link can't be opened."""


def look_up(store: Store, token: str) -> WebLink:
    """The link with that token, if it still gives a right to anything.

    A used one passes: whoever sends again what is stored is told so, and another interview is refused by `Claim`.

    Raises:
        Refusal: ACC-103 unknown or revoked, ACC-104 expired.
    """
    with store.read() as connection:
        link = get_link(connection, token)
    code = "ACC-103" if link is None else STATES.get(link.state(datetime.now(UTC)), "")
    if link is None or code in {"ACC-103", "ACC-104"}:
        raise Refusal(code)
    return link


class Claim:
    """One submission by a link: the link is taken before it is stored, noted after, given back if that fails.

    Args:
        store: of the link.
        link: by which it comes.
        token: of the link.
    """

    def __init__(self, store: Store, link: WebLink, token: str) -> None:
        self._store, self._link, self._token = store, link, token

    async def add(self, writer: GroupWriter, item: NewSubmission) -> Outcome:
        """Store the submission.

        Raises:
            Refusal: SUB-111, not the link's form; ACC-105, the link is another interview's.
            StoreError: as `GroupWriter.add`.
        """
        await asyncio.to_thread(self._take, item)
        status = ""
        try:
            outcome = await writer.add(item)
            status = outcome.status
        finally:
            await asyncio.to_thread(self._settle, item.instance_id, status)
        return outcome

    def _take(self, item: NewSubmission) -> None:
        if item.form_id != self._link.form_id:
            raise Refusal("SUB-111")
        if self._link.is_single:
            with self._store.begin() as connection:
                is_taken = claim_link(connection, self._token, item.instance_id)
            if not is_taken:
                raise Refusal("ACC-105")

    def _settle(self, instance_id: str, status: str) -> None:
        if status == "duplicate":
            return
        with self._store.begin() as connection:
            if status == "added":
                count_use(connection, self._token)
            elif self._link.is_single:
                release_link(connection, self._token, instance_id)
