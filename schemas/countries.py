"""Countries and territories by UN M49 number, named in the three languages of Comunal.

Source: ISO 3166-1 numbers (the same as M49 for countries) with the names and translations of the iso-codes project
(LGPL-2.1-or-later), as the package `pycountry` ships them; Kreyòl names that it lacks were added by hand, and where
none is in use the English name stands.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Country:
    """One country or territory: M49 number, ISO 3166-1 alpha-3 code, and its name by language."""

    m49: int
    iso3: str
    name: Text


@cache
def read_countries() -> Mapping[int, Country]:
    """All countries, M49 -> country, in order of M49.

    >>> read_countries()[332].name["ht"]
    'Ayiti'
    """
    text = files("schemas").joinpath("reference", "countries.csv").read_text(encoding="utf-8")
    return {
        int(row["m49"]): Country(int(row["m49"]), row["iso3"], {code: row[code] for code in ("es", "ht", "en")})
        for row in csv.DictReader(text.splitlines())
    }
