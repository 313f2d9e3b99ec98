"""The communes of Chile by CUT (Código Único Territorial, five digits), with what official sources say of each."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

POPULATION_SOURCE = "Instituto Nacional de Estadísticas (INE), Censo de Población y Vivienda 2024"
POPULATION_YEAR = 2024
POPULATION_LICENCE = "CC BY 4.0"

FOREIGN_SOURCE = "INE-SERMIG, Estimación de personas extranjeras residentes habituales en Chile"
FOREIGN_DATE = "2022-12-31"


EVERYWHERE = "*"
"""In place of CUT codes: communes that nobody has listed, which may be any."""


@dataclass(frozen=True, slots=True)
class Commune:
    """One commune.

    Attributes:
        cut: code, five digits with a leading zero in regions 1 to 9.
        region_code: two digits; `province_code` has three.
        population, men, women: people counted by the census of 2024.
        ages: people by INE's age groups, "0-14" to "65+".
        foreign_residents: estimate for 31 December 2022, null for communes with fewer than 10,000 (INE groups these).
    """

    cut: str
    name: str
    province_code: str
    province: str
    region_code: str
    region: str
    population: int
    men: int
    women: int
    ages: Mapping[str, int]
    foreign_residents: int | None


@cache
def read_communes() -> Mapping[str, Commune]:
    """All 346 communes, CUT -> commune, in order of CUT."""
    foreign = {row["cut"]: int(row["residents"]) for row in _read("foreign_residents_2022.csv")}
    return {row["cut"]: _commune(row, foreign.get(row["cut"])) for row in _read("communes.csv")}


def find_commune(cut: str) -> Commune | None:
    """The commune of that CUT, null if there is none.

    >>> find_commune("13101").name
    'Santiago'
    """
    return read_communes().get(cut)


def name_of(cut: str) -> str:
    """Name of a commune; of what is none, the code itself.

    >>> name_of("13125"), name_of("other")
    ('Quilicura', 'other')
    """
    commune = find_commune(cut)
    return cut if commune is None else commune.name


@cache
def read_regions() -> Mapping[str, str]:
    """Code of each region, two digits -> its name, in order of code."""
    return {one.region_code: one.region for one in read_communes().values()}


def _commune(row: Mapping[str, str], foreign: int | None) -> Commune:
    ages = {
        "0-14": int(row["age_0_14"]),
        "15-29": int(row["age_15_29"]),
        "30-44": int(row["age_30_44"]),
        "45-64": int(row["age_45_64"]),
        "65+": int(row["age_65_plus"]),
    }
    return Commune(
        cut=row["cut"],
        name=row["name"],
        province_code=row["province_code"],
        province=row["province"],
        region_code=row["region_code"],
        region=row["region"],
        population=int(row["population"]),
        men=int(row["men"]),
        women=int(row["women"]),
        ages=ages,
        foreign_residents=foreign,
    )


def _read(name: str) -> list[dict[str, str]]:
    text = files("schemas").joinpath("reference", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
