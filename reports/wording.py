"""What the pages say, in each language: `texts.csv`, one sentence a row, for translators to read in a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final

from reports.numbers import write_date, write_number, write_percent
from schemas.text import Text, pick

PERCENT: Final = "percent"
_WHOLE_UNITS: Final = frozenset({"count", "people", "persons", "households", "interviews", "clp", "pesos"})


class Wording:
    """The texts, numbers and dates of one language.

    Args:
        language: "es", "ht" or "en".
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = _read_texts()

    def text(self, key: str, **values: object) -> str:
        """The sentence of that key, with its `{names}` filled in. KeyError if there is none."""
        sentence = self._texts[key][self.language]
        return sentence.format(**values) if values else sentence

    def maybe(self, key: str, otherwise: str) -> str:
        """The text of that key, else `otherwise`: for codes that a workbook or a flow may invent."""
        return self._texts[key][self.language] if key in self._texts else otherwise

    def counted(self, key: str, number: int) -> str:
        """The sentence of `key` in the number's plural: Kreyòl has one form, Spanish and English two."""
        form = "one" if number == 1 and self.language != "ht" else "other"
        return self.text(f"{key}_{form}", n=self.number(number))

    def pick(self, text: Text) -> str:
        """A text of the workbook in this language, or in the nearest it has."""
        return pick(text, self.language)

    def number(self, number: float, decimals: int = 0) -> str:
        """A number as this language writes it."""
        return write_number(number, self.language, decimals)

    def percent(self, number: float, decimals: int = 1) -> str:
        """A percentage that is already in per cent."""
        return write_percent(number, self.language, decimals)

    def date(self, moment: datetime) -> str:
        """A day in words."""
        return write_date(moment, self.language)

    def figure(self, number: float, unit: str) -> str:
        """A figure without its unit's name, except for the sign of per cent."""
        if unit == PERCENT:
            return self.percent(number)
        return self.number(number, 0 if unit in _WHOLE_UNITS else 1)

    def interval(self, low: float, high: float, unit: str) -> str:
        """Both ends of an interval: the sign of per cent stands once, after the second."""
        first = self.number(low, 1) if unit == PERCENT else self.figure(low, unit)
        return f"{first} – {self.figure(high, unit)}"

    def figure_with_unit(self, number: float, unit: str) -> str:
        """A figure and the name of its unit."""
        if unit == PERCENT or not unit or unit == "count":
            return self.figure(number, unit)
        return f"{self.figure(number, unit)} {self.unit(unit)}"

    def unit(self, unit: str) -> str:
        """Name of a unit; one that Comunal doesn't know stands as the workbook writes it."""
        return self.maybe(f"unit.{unit}", unit)

    def listing(self, items: list[str]) -> str:
        """Items as a list within a sentence."""
        if len(items) < 2:
            return "".join(items)
        joint = {"es": "y", "ht": "ak", "en": "and"}[self.language]
        if self.language == "es" and re.match(r"h?i(?!e)", items[-1], re.IGNORECASE):
            joint = "e"  # "Perú e Italia"
        return f"{', '.join(items[:-1])} {joint} {items[-1]}"


@cache
def _read_texts() -> Mapping[str, Mapping[str, str]]:
    text = files("reports").joinpath("texts.csv").read_text(encoding="utf-8")
    return {row.pop("key"): row for row in csv.DictReader(text.splitlines())}
