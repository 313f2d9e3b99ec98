"""Reference tables hold what official sources say."""

from __future__ import annotations

from schemas.communes import find_commune, read_communes
from schemas.countries import read_countries


def test_quilicura_is_as_the_census_and_the_estimate_say() -> None:
    quilicura = find_commune("13125")
    assert quilicura is not None
    assert (quilicura.name, quilicura.population, quilicura.foreign_residents) == ("Quilicura", 205_624, 28_453)
    assert quilicura.men + quilicura.women == quilicura.population == sum(quilicura.ages.values())


def test_every_commune_adds_up_by_sex_and_by_age() -> None:
    communes = read_communes().values()
    assert len(communes) == 346
    assert all(commune.men + commune.women == commune.population for commune in communes)
    assert all(sum(commune.ages.values()) == commune.population for commune in communes)
    assert all(commune.cut.startswith(commune.province_code) for commune in communes)


def test_a_small_commune_has_no_figure_of_foreign_residents() -> None:
    renca = find_commune("13128")
    assert renca is not None and renca.foreign_residents is None
    assert find_commune("00000") is None


def test_countries_have_a_name_in_each_language() -> None:
    countries = read_countries()
    assert len(countries) == 249
    assert all(country.name[code] for country in countries.values() for code in ("es", "ht", "en"))
    assert countries[862].name == {"es": "Venezuela", "ht": "Venezyela", "en": "Venezuela"}
