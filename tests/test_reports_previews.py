"""A commune's part of a protected release: all of it, nothing else, and the same bytes for the same figures."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

from reports.disclosure import protect, veil
from reports.previews import (
    as_one_commune,
    commune_of,
    cut_by_commune,
    list_shown_communes,
    read_preview,
    specs_of_commune,
    write_preview,
)
from reports.quantities import Meaning
from reports.rules import DisclosureRules
from schemas.communes import read_communes
from schemas.domains import join
from schemas.estimates import Estimate, SafeTable
from schemas.workbook import Breakdown, Design, Indicator, Specs

CUTS = tuple(read_communes())[:134]
MEANINGS = {"works": Meaning("share", "main", numerator="${works}")}


def share(domain: str, n: int, rows: int) -> Estimate:
    return Estimate("works", domain, "", 100 * rows / n if n else None, "percent", n, rows)


def estimates() -> list[Estimate]:
    """People of 134 communes by sex, a few of unknown sex who are in the commune and in neither."""
    chance = random.Random(4)  # noqa: S311
    parts: dict[tuple[tuple[str, str], ...], tuple[int, int]] = {}

    def add(key: tuple[tuple[str, str], ...], n: int, rows: int) -> None:
        known = parts.get(key, (0, 0))
        parts[key] = known[0] + n, known[1] + rows

    for cut in CUTS:
        for sex in ("1", "2", ""):
            n = chance.randint(0, 9) if sex == "" else chance.randint(5, 90)
            rows = chance.randint(0, n)
            add((), n, rows)
            add((("commune", cut),), n, rows)
            if sex:
                add((("sex", sex),), n, rows)
                add((("commune", cut), ("sex", sex)), n, rows)
    return [share(join(key), *value) for key, value in parts.items()]


@cache
def table() -> SafeTable:
    # More cells hang together than one programme takes, and each sum leaves somebody out.
    return protect(estimates(), 10, MEANINGS)


def test_the_parts_of_all_communes_are_the_release_without_the_whole() -> None:
    whole = table()
    assert 0 < whole.primary + whole.secondary < len(whole.cells)
    cut = cut_by_commune(whole, "commune")
    assert tuple(cut) == list_shown_communes(whole, "commune") == CUTS
    printed = {cell.domain: cell for cell in veil(whole).cells}
    for code, part in cut.items():
        assert {cell.domain for cell in part.cells} == {
            domain for domain in printed if commune_of(domain, "commune") == code
        }
        assert all(cell == printed[cell.domain] for cell in part.cells)
        assert part.secondary == 0, "why a figure is withheld isn't told"
        assert {cell.domain for cell in as_one_commune(part).cells} == {"total", "sex=1", "sex=2"}


def test_the_same_figures_are_the_same_bytes_and_come_back() -> None:
    first, again = cut_by_commune(table(), "commune"), cut_by_commune(table(), "commune")
    assert first is not again
    for code in CUTS[:20]:
        data = write_preview(first[code])
        assert data == write_preview(again[code])
        back = read_preview(data)
        assert back.cells == first[code].cells
        assert (back.threshold, back.primary) == (10, first[code].primary)


def test_codes_that_are_no_communes_have_no_preview() -> None:
    whole = protect([share("total", 90, 40), share("commune=13125", 50, 20), share("commune=other", 40, 20)], 10)
    assert list_shown_communes(whole, "commune") == ("13125",)
    assert list_shown_communes(whole, "") == ()


def test_the_specs_of_a_commune_know_of_no_other() -> None:
    indicator = Indicator("works", "t", "share", "main", {}, "percent", breakdowns=("commune", "sex", "commune*sex"))
    breakdowns = tuple(Breakdown(name, "main", {}, "${x}") for name in ("commune", "sex"))
    design = Design("s", title={"es": "Encuesta", "en": "Survey"}, settings={"communes": "commune"}, communes="commune")
    specs = specs_of_commune(Specs(indicators=(indicator,), breakdowns=breakdowns, design=design), "13125")
    assert specs.indicators[0].breakdowns == ("sex",)
    assert [one.name for one in specs.breakdowns] == ["sex"]
    assert (specs.design.commune, specs.design.communes, "communes" in specs.design.settings) == ("13125", "", False)
    assert specs.design.title["en"] == "PREVIEW, NOT PUBLISHED: Quilicura. Survey"


def test_a_withheld_commune_doesnt_follow_from_its_region() -> None:
    """Two communes a region: the total of a region less the larger commune would be the smaller one."""
    rows = {"13101": 90, "13125": 4, "05101": 30, "05109": 70}
    within = {code: [n for cut, n in rows.items() if cut.startswith(code)] for code in ("13", "05", "")}
    halves = {code: (sum(found), sum(n // 2 for n in found)) for code, found in within.items()}
    cells = [share(f"region={code}" if code else "total", *both) for code, both in halves.items()]
    cells += [share(f"commune={cut}", n, n // 2) for cut, n in rows.items()]
    shown = {cell.domain for cell in protect(cells, DisclosureRules.of(10), MEANINGS).cells if not cell.suppressed}
    assert {"region=13", "commune=13101"} <= shown, "without knowing that communes lie in regions, both are shown"
    rules = replace(DisclosureRules.of(10), nested=(("commune", "region"),))
    shown = {cell.domain for cell in protect(cells, rules, MEANINGS).cells if not cell.suppressed}
    assert "commune=13125" not in shown
    assert not {"region=13", "commune=13101"} <= shown
    design = Design("s", communes="commune", settings={"regions": "region"})
    assert DisclosureRules.read(design).nested == (("commune", "region"),)
    assert DisclosureRules.read(Design("s", settings={"regions": "region"})).nested == ()
