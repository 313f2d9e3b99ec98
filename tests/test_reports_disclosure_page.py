"""The statement of disclosure control: one printed page a language, rules with their figures, nothing of a cell."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from lxml import html

from flows.printing import find_browser, print_pdf
from reports.disclosure import protect
from reports.disclosure_page import statement_pages
from reports.release import release_files
from reports.rules import DisclosureRules
from schemas.errors import CommandError
from schemas.estimates import Estimate

PARTS = (100.0, 60.0, 35.0, 3.0, 2.0)


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()


def test_the_rules_are_told_with_their_figures_in_three_languages() -> None:
    table, contents = sample.build()
    pages = statement_pages("release-1", table, contents)
    assert list(pages) == ["es", "ht", "en"]
    for language, words in (
        ("es", ["Umbral", "Dominancia", "Regla p %", "Revelación de grupo", "Supresión secundaria", "2; 90"]),
        ("ht", ["Papòt", "Dominasyon", "Règ p %", "Revelasyon gwoup", "Kache segondè"]),
        ("en", ["Threshold", "Dominance", "p % rule", "Group disclosure", "Secondary suppression", "20"]),
    ):
        text = html.fromstring(pages[language]).text_content()
        assert all(word in text for word in words), language
        assert "{" not in pages[language].split("</style>")[1]
        assert "http" not in pages[language].replace("http-equiv", "")


def test_each_figure_counts_for_the_first_rule_that_hits_it() -> None:
    rules = DisclosureRules.of(10)
    figures = [
        Estimate("rent", "total", "", 5.0, "clp", 100, 100),
        Estimate("rent", "d=small", "", 5.0, "clp", 4, 4, parts=PARTS),
        Estimate("rent", "d=dominated", "", 5.0, "clp", 40, 40, parts=PARTS),
        Estimate("rent", "d=close", "", 5.0, "clp", 40, 40, parts=(100.0, 80.0, 9.0, 11.0)),
        Estimate("share", "d=all", "", 100.0, "percent", 15, 15),
    ]
    told = {measure.name: (measure.setting, measure.withheld) for measure in protect(figures, rules).measures}
    assert told["threshold"] == ("10", 1)
    assert told["dominance"] == ("2 0.90", 1)
    assert told["group_disclosure"] == ("20", 1)
    assert sum(count for _, count in told.values()) == sum(bool(c.suppressed) for c in protect(figures, rules).cells)
    assert "90%" in protect(figures, rules).statement["en"]


def test_a_rule_that_took_away_one_or_two_figures_says_fewer_than_three() -> None:
    table, contents = sample.build()
    page = statement_pages("r", table, contents)["en"]
    counts = [row.xpath("td")[2].text_content() for row in html.fromstring(page).xpath("//tbody/tr")]
    assert not {"1", "2"} & set(counts)


def test_the_statement_goes_with_the_release_and_its_site() -> None:
    table, contents = sample.build()
    files = release_files("r", table, contents)
    assert {f"disclosure/statement-{language}.html" for language in ("es", "ht", "en")} <= set(files)
    links = re.findall(r'href="([^"]*statement-[a-z]*\.html)"', files["site/en/metodo.html"].decode())
    assert links == ["../../disclosure/statement-en.html"]


@pytest.mark.parametrize("language", ["es", "ht", "en"])
def test_it_is_printed_on_one_page(language: str) -> None:
    try:
        find_browser()
    except CommandError:
        pytest.skip("no browser that prints is installed")
    table, contents = sample.build()
    pdf = print_pdf(statement_pages("sample-2026-a1b2c3d4e5", table, contents)[language])
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf)) == 1
