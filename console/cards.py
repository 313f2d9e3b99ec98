"""How the desk has cards for phones drawn: a small protocol that `flows` fulfils."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from store.open import Store
from store.people import NewPerson


class CardMaker(Protocol):
    """Draws the sheet of people's cards."""

    def __call__(self, store: Store, people: Sequence[NewPerson], url: str) -> str:
        """A whole page of HTML with the styles in it, four cards on each sheet of paper.

        Args:
            store: where it stands which forms they are offered.
            people: with the keys that the cards carry.
            url: at which phones reach the server.
        """
