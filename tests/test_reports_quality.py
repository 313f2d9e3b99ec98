"""The figures of the data-quality report: enumerator effects by hand, missing answers, few people, three languages."""

from __future__ import annotations

import csv
import io
import string
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files

import numpy as np
import polars as pl
import pytest

from reports.quality.contents import Arrivals, Decided, QualityContents, Rate, RuleOutcome
from reports.quality.enumerators import enumerator_effects
from reports.quality.items import item_rates, unconditional
from reports.quality.model import build_report, report_logs
from reports.quality.page import anchor, build_pages, build_print
from reports.signing import DataDigests
from schemas.fields import Choice, Field, Form, Group, Table
from schemas.findings import Rule, RuleSummary
from schemas.workbook import Design, Specs

YES_NO = (Choice("yes", {"es": "Sí"}), Choice("no", {"es": "No"}), Choice("99", {"es": "No sabe"}))


def question(name: str, **more: object) -> Field:
    told = {"control": "input", "type": "int", "column": name, "label": {"es": name.title()}} | more
    return Field(name, f"/data/{name}", **told)  # type: ignore[arg-type]


AGE = question("age")
WORKS = question("works", type="string", control="select1", choices=YES_NO)
HOURS = question("hours", relevant="/data/works = 'yes'")
NEEDED = question("needed", relevant="/data/works = 'yes'", required="true()")
NAME = question("full", type="string", personal="name")
WHO = question("who", type="string")
FIELDS = (WHO, AGE, WORKS, HOURS, NEEDED, NAME)
FORM = Form(
    form_id="f",
    version="1",
    title="F",
    root=Group("data", "/data", FIELDS),
    tables=(Table("main", "/data", None, FIELDS),),
)


def main(**columns: object) -> pl.DataFrame:
    size = len(next(iter(columns.values())))  # type: ignore[arg-type]
    frame = {"_instance_id": [f"uuid:{number}" for number in range(size)]} | columns
    blank = {field.column: [None] * size for field in FIELDS if field.column not in columns}
    return pl.DataFrame(frame | blank)


def contents(frame: pl.DataFrame, **more: object) -> QualityContents:
    told = {
        "report_id": "f-quality-1",
        "form": FORM,
        "specs": Specs(design=Design(survey="f", threshold=10)),
        "made_at": datetime(2026, 11, 24, tzinfo=UTC),
        "code_version": "1",
        "digests": DataDigests(1, "a", 0, "b", "c"),
        "arrivals": Arrivals(frame.height),
        "accepted": {"main": frame},
        "who": "who",
    } | more
    return QualityContents(**told)  # type: ignore[arg-type]


def test_the_correlation_is_that_of_the_analysis_of_variance() -> None:
    # Ten enumerators with four interviews each, so that the moment estimator is exact in balanced data.
    generator = np.random.default_rng(7)
    effect = np.repeat(generator.normal(0, 2, 10), 4)
    values = np.round(40 + effect + generator.normal(0, 3, 40))
    frame = main(who=[f"e{number // 4}" for number in range(40)], age=values)
    (row,) = [each for each in enumerator_effects(FORM, frame, "who") if each.question == "age"]
    groups = values.reshape(10, 4)
    between = 4 * groups.mean(axis=1).var(ddof=1)
    within = groups.var(axis=1, ddof=1).mean()
    assert row.rho == pytest.approx((between - within) / (between + 3 * within))
    assert row.low < row.rho < row.high
    assert row.deff == pytest.approx(1 + 3 * max(row.rho, 0))
    assert (row.enumerators, row.interviews) == (10, 40)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(11)
    rho, held = 0.2, 0
    for _ in range(200):
        effect = np.repeat(generator.normal(0, np.sqrt(rho), 12), 20)
        values = 1000 + 10 * (effect + generator.normal(0, np.sqrt(1 - rho), 240))
        frame = main(who=[f"e{number // 20}" for number in range(240)], age=values)
        row = enumerator_effects(FORM, frame, "who")[0]
        held += row.low <= rho <= row.high
    assert 180 <= held <= 199


def test_no_effect_is_called_sure_where_there_is_none_and_nothing_is_said_of_too_few() -> None:
    generator = np.random.default_rng(3)
    same = main(who=[f"e{number % 6}" for number in range(60)], age=generator.normal(40, 5, 60))
    assert not [row for row in enumerator_effects(FORM, same, "who") if row.is_sure]
    assert enumerator_effects(FORM, same.head(20), "who") == []
    assert enumerator_effects(FORM, same.with_columns(pl.lit("e1").alias("who")), "who") == []
    assert enumerator_effects(FORM, same.with_columns(pl.lit(40).alias("age")), "who") == []


def test_of_a_choice_the_commonest_answer_is_compared_and_personal_questions_never() -> None:
    frame = main(
        who=[f"e{number % 2}" for number in range(40)],
        works=["yes" if number % 2 else ("no" if number % 4 else "yes") for number in range(40)],
        full=["***"] * 40,
    )
    (row,) = enumerator_effects(FORM, frame, "who")
    assert (row.question, row.category, row.is_sure) == ("works", "yes", True)


def test_what_was_to_be_answered_is_known_for_free_and_required_questions_only() -> None:
    assert unconditional(FORM) == {"/data/who", "/data/age", "/data/works", "/data/full"}
    frame = main(
        who=["e1"] * 20,
        age=[30] * 15 + [None] * 5,
        works=["yes"] * 12 + ["99"] * 8,
        hours=[-99] * 3 + [40] * 9 + [None] * 8,
        needed=[1] * 10 + [None] * 10,
    )
    rules = [RuleSummary(Rule("required:/data/needed", "required", "main", "error", "", {}), 12, 2)]
    rates = {row.question: row for row in item_rates(FORM, {"main": frame}, {"99", "-99"}, rules)}
    assert (rates["age"].asked, rates["age"].blank, rates["works"].unknown) == (20, 5, 8)
    assert (rates["hours"].asked, rates["hours"].answered, rates["hours"].unknown) == (None, 12, 3)
    assert (rates["needed"].asked, rates["needed"].blank) == (12, 2)


def test_few_people_are_withheld_everywhere_and_a_lone_one_never_by_subtraction() -> None:
    frame = main(who=["e1"] * 60, age=[30] * 55 + [None] * 5, works=["yes"] * 45 + ["99"] * 15).with_columns(
        pl.Series("psu", ["a"] * 20 + ["b"] * 36 + ["c"] * 4)
    )
    report = build_report(contents(frame, area="psu", unknown_codes=frozenset({"99"})))
    assert {area.name: area.interviews for area in report.areas} == {"a": None, "b": 36, "c": None}
    items = {item.question: item for item in report.items}
    assert (items["age"].blank, items["age"].missing) == (None, None)
    assert (items["works"].unknown, items["works"].missing) == (15, 0.25)
    assert b"age,main,60,asked,<10,0,\n" in report_logs(report)["log/items.csv"]


def outcome(rule_id: str, found: int, opened: int, accepted: int = 0, **more: str) -> RuleOutcome:
    rule = Rule(rule_id, "check", "main", "error", "", {"es": f"Frase de {rule_id}"}, **more)  # type: ignore[arg-type]
    return RuleOutcome(RuleSummary(rule, 60, found), found, opened, accepted)


def full() -> QualityContents:
    generator = np.random.default_rng(5)
    frame = main(
        who=[f"e{number % 3}" for number in range(60)],
        age=[30 + 20 * (number % 3) + generator.integers(0, 5) for number in range(60)],
        works=["yes"] * 40 + ["99"] * 20,
    )
    return contents(
        frame,
        arrivals=Arrivals(70, 1, 2, 3, 4, 5, 6),
        set_aside={"duplicate": 2, "excluded": 1, "rule": 3},
        rules=(outcome("check:a", 12, 4, 3), outcome("check:<b>", 0, 0), outcome("check:c", 0, 0, not_checked="why")),
        decided=Decided({"correct": 4, "accept": 3}, {"desk": 4}, {"age": (3, 1, 2)}, excluded=1, pending=1, undone=2),
        rates=(Rate("RR1", 60, 80), Rate("REF1", 4, 80)),
        target=100,
        docs="gx/index.html",
        unknown_codes=frozenset({"99"}),
        rehearsal=True,
    )


@pytest.mark.parametrize("language", ["es", "ht", "en"])
def test_pages_are_whole_in_each_language(language: str) -> None:
    pages = build_pages(build_report(full()))
    path = "index.html" if language == "es" else f"{language}/index.html"
    page = pages[path].decode()
    assert f'<html lang="{language}">' in page
    assert "quality_report." not in page
    assert "&lt;10" in page or "–" in page
    assert "4 / 80" not in page, "few refused: neither the count nor a share that tells it"
    assert 'id="fig-rate-REF1"' in page
    assert pages[path.replace("index", "checks")].decode().count("<li id=") == 3
    assert "check:<b>" not in page


def test_the_same_report_is_the_same_bytes_and_print_holds_style_and_annex() -> None:
    first, second = build_pages(build_report(full())), build_pages(build_report(full()))
    assert first == second
    printed = build_print(build_report(full()), "ht")
    assert "<style>" in printed
    assert 'id="annex"' in printed
    assert "log/rules.csv" in printed
    assert 'href="log/' not in printed


def test_an_empty_survey_has_a_report_too() -> None:
    report = build_report(replace(full(), accepted={"main": main(who=["e"]).head(0)}))
    assert (report.accepted, report.effects, report.first_day) == (0, (), "")
    assert b"</html>" in build_pages(report)["en/index.html"]


def test_every_sentence_stands_in_three_languages_with_the_same_blanks() -> None:
    text = files("reports.quality").joinpath("texts.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(io.StringIO(text)):
        blanks = {
            language: sorted(name for _, name, _, _ in string.Formatter().parse(row[language]) if name)
            for language in ("es", "ht", "en")
        }
        assert all(row[language].strip() for language in blanks), row["key"]
        assert blanks["es"] == blanks["ht"] == blanks["en"], row["key"]


def test_addresses_of_rules_are_good_in_links() -> None:
    assert anchor("check:head is <adult>") == "rule-check-head-is--adult-"
