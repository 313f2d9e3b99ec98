"""What the pages say: complete in each language, and numbers as its readers write them."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estimation.quality import NO_SAMPLING_ERROR, NOT_RELIABLE, RELIABLE, WEAKLY_RELIABLE
from reports.results import readable_calculation
from reports.wording import Wording

REPORTS = Path(__file__).resolve().parents[1] / "reports"


COMPOSED = (
    *("unit.", "kind.", "rule_kind.", "reason.", "file.", "sheet."),
    *("quality.severity_", "result.hidden_", "how.denominator", "how.numerator", "result.most_"),
    *("disclosure.", "method.label_", "method.step_"),
    *("nav.", "result.quality_", "result.advice_", "provenance.", "changes."),
)
"""Keys that the code puts together from a code of the workbook or of a cell."""

LABELS = {f"quality.{label}" for label in (RELIABLE, WEAKLY_RELIABLE, NOT_RELIABLE, NO_SAMPLING_ERROR)}


def read_texts() -> dict[str, dict[str, str]]:
    rows = csv.DictReader((REPORTS / "texts.csv").read_text(encoding="utf-8").splitlines())
    return {row.pop("key"): row for row in rows}


def test_every_sentence_stands_in_every_language_with_the_same_blanks() -> None:
    for key, sentences in read_texts().items():
        assert set(sentences) == {"es", "ht", "en"} and all(sentences.values()), key
        blanks = {tuple(sorted(re.findall(r"\{(\w+)\}", sentence))) for sentence in sentences.values()}
        counted_once = key.endswith("_one")
        assert len(blanks) == 1 or counted_once, key


def test_every_sentence_that_pages_ask_for_exists_and_none_is_left_over() -> None:
    texts = set(read_texts())
    sources = [
        path.read_text(encoding="utf-8") for path in REPORTS.rglob("*") if path.suffix in {".py", ".html", ".txt"}
    ]
    asked = {key for source in sources for key in re.findall(r"""text\(\s*"([\w.]+\.[\w.]*\w)"\s*[,)]""", source)}
    books = (REPORTS / "books" / "texts.csv").read_text(encoding="utf-8").splitlines()
    assert asked <= texts | {row["key"] for row in csv.DictReader(books)} and len(asked) > 50
    everything = "\n".join(sources).replace("'", '"')
    plain = {key for key in texts if not key.startswith(COMPOSED) and key not in LABELS}
    unused = {key for key in plain if f'"{re.sub("_(one|other)$", "", key)}"' not in everything}
    assert unused == set()


@pytest.mark.parametrize(
    ("language", "number", "percent", "day"),
    [
        ("es", "1.234.567,9", "68,0\xa0%", "3 de julio de 2026"),
        ("ht", "1\u202f234\u202f567,9", "68,0\xa0%", "3 jiyè 2026"),
        ("en", "1,234,567.9", "68.0%", "July 3, 2026"),
    ],
)
def test_numbers_and_dates_follow_the_language(language: str, number: str, percent: str, day: str) -> None:
    wording = Wording(language)
    assert wording.number(1_234_567.89, 1) == number
    assert wording.percent(67.97) == percent
    assert wording.date(datetime(2026, 7, 3, tzinfo=UTC)) == day


def test_units_are_named_where_known_and_left_as_written_where_not() -> None:
    spanish = Wording("es")
    assert spanish.figure_with_unit(31.25, "years").startswith("31,2")
    assert spanish.figure_with_unit(7, "furlongs") == "7,0 furlongs"
    assert spanish.figure_with_unit(1021, "count") == "1.021"
    assert spanish.maybe("reason.unheard_of", "unheard_of") == "unheard_of"


def test_plurals_follow_the_language() -> None:
    told = [Wording(code).counted("home.figures", number) for code in ("es", "ht", "en") for number in (1, 2)]
    assert told == ["1 indicador", "2 indicadores", "1 endikatè", "2 endikatè", "1 indicator", "2 indicators"]


@pytest.mark.parametrize(
    ("items", "listed"),
    [([], ""), (["Perú"], "Perú"), (["Perú", "Italia"], "Perú e Italia"), (["a", "b", "Hielo"], "a, b y Hielo")],
)
def test_spanish_lists_join_as_they_are_spoken(items: list[str], listed: str) -> None:
    assert Wording("es").listing(items) == listed


def test_calculations_are_told_by_name() -> None:
    assert readable_calculation("count( /data/person ) + ../age div  2") == "count( ${person}) + ${age} div 2"
