"""What the desk says, in each language: `texts.csv`, one sentence a row, over what the public pages say."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from reports.wording import Wording

LANGUAGE_NAMES: Mapping[str, str] = {"es": "Español", "ht": "Kreyòl", "en": "English"}


class DeskWording(Wording):
    """The texts, numbers and moments of one language.

    Args:
        language: "es", "ht" or "en".
    """

    def __init__(self, language: str) -> None:
        super().__init__(language)
        self._texts = {**self._texts, **_read_texts()}

    def has(self, key: str) -> bool:
        """Whether there is a text of that key."""
        return key in self._texts

    def moment(self, moment: datetime, zone: tzinfo | None = None) -> str:
        """Day and time of day, as people of a place read them: 24 nov 2026, 14:05."""
        local = moment.astimezone(zone or ZoneInfo("UTC"))
        month = self.text("months").split()[local.month - 1]
        day = f"{month} {local.day}" if self.language == "en" else f"{local.day} {month}"
        return f"{day} {local.year}, {local:%H:%M}"

    def day(self, moment: datetime, zone: tzinfo | None = None) -> str:
        """The day alone, short."""
        return self.moment(moment, zone).rpartition(",")[0]


@cache
def wording(language: str) -> DeskWording:
    """The wording of a language; each is read once."""
    return DeskWording(language)


@cache
def _read_texts() -> Mapping[str, Mapping[str, str]]:
    text = files("console").joinpath("texts.csv").read_text(encoding="utf-8")
    return {row.pop("key"): row for row in csv.DictReader(text.splitlines())}
