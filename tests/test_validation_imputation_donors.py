"""Who gives an answer, and what follows from it: classes, order, limits, skips, rosters, numbers, calculations."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import polars as pl
from imputed_interviews import Answers, answers_of, columns_of, compiled, errors, mend, rules_of, to_tables

from forms.lint import check_workbook
from forms.sheets.markdown import workbook_from_markdown
from validation.imputation.covers import Covers
from validation.imputation.impute import impute
from validation.imputation.plan import read_plan

SURVEY = """
| survey | | | | | | | | |
| | type | name | label | required | relevant | constraint | calculation | personal |
| | text | who | Name | | | string-length(.) > 2 | | name |
| | select_one area | area | Area | yes | | | | |
| | integer | size | Rooms | yes | | . > 0 and . < 20 | | |
| | select_one yn | rents | Rents | yes | | | | |
| | decimal | rent | Rent | yes | ${rents} = 'y' | . > 0 | | |
| | select_one yn | lease | Lease | yes | ${rents} = 'y' | | | |
| | text | other | Other | | ${lease} = 'n' | | | |
| | select_one opinion | happy | Happy | | | | | |
| | calculate | per_room | | | | | ${rent} div ${size} | |
| | integer | n | People | yes | | . < 10 | | |
| | begin repeat | person | Person | | | | | |
| | integer | age | Age | yes | | . >= 0 and . < 110 | | |
| | select_one role | role | Role | yes | | | | |
| | select_one yn | school | School | yes | ${age} < 18 | | | |
| | end repeat | | | | | | | |
| choices | | | |
| | list_name | name | label |
| | area | n | N |
| | area | s | S |
| | yn | y | Y |
| | yn | n | N |
| | opinion | 1 | Yes |
| | opinion | 2 | No |
| | opinion | 98 | Doesn't know |
| | opinion | 99 | Refuses |
| | role | head | Head |
| | role | child | Child |
| checks | | | | | |
| | name | table | expression | severity | message::en |
| | count | main | count(${age}) = ${n} | error | The roster has another size. |
| | head | main | count(${role}[. = 'head']) = 1 | warning | One head. |
| | grown | person | not(${role} = 'head' and ${age} < 15) | error | A head is grown up. |
| | dear | main | ${per_room} = '' or ${per_room} < 1000 | error | Dear. |
| settings | | |
| | form_id | version |
| | home | 1 |
| imputation | | | | | | |
| | variable | classes | order | donors | missing | reliability |
| | happy | area | size | 2 | 98 99 blank | |
| | rent | area | size | 3 | | |
| | n | | | | | 0.5 |
| design | | |
| | setting | value |
| | survey | home |
| | imputation | yes |
| | imputation_classes | area |
"""


def person(age: object, role: str, school: str = "") -> dict[str, Any]:
    return {"age": age, "role": role, "school": school}


def home(number: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    rents = "yn"[number % 2]
    people = [person(30 + number, "head"), person(5 + number % 9, "child", "y")]
    told: dict[str, Any] = {
        "who": "Ana",
        "area": "ns"[number // 20],
        "size": 1 + number % 9,
        "rents": rents,
        "rent": 100 + number if rents == "y" else "",
        "lease": "y" if rents == "y" else "",
        "other": "",
        "happy": 1 + number % 2,
    }
    told |= more
    rent, size = told["rent"], told["size"]
    told["per_room"] = rent / size if isinstance(rent, int) and isinstance(size, int) else ""
    told["n"] = more.get("n", 2)
    return told | {"person": more.get("person", people)}


SOUND = [home(number) for number in range(40)]


def run(*faulty: Answers, **more: Any) -> Any:  # noqa: ANN401
    form = compiled(SURVEY)
    tables = to_tables(form, [*SOUND, *faulty])
    found = mend(form, tables, **more)
    assert set(errors(form, found.tables)) == {name for name, outcome in found.outcomes.items() if outcome != "imputed"}
    return found


def test_a_donor_shares_the_class_and_stands_nearest_in_its_order() -> None:
    found = run(home(4, rent="", size=3), home(24, rent="", size=9))
    rents = [row for row in found.changes if row.column == "rent"]
    assert [row.method for row in rents] == ["hot_deck", "hot_deck"]
    for row, area, size in zip(rents, "ns", (3, 9), strict=True):
        donor = SOUND[int(row.donor[5:])]
        assert donor["area"] == area
        assert donor["rents"] == "y"
        assert abs(donor["size"] - size) <= 1
        assert row.new == float(donor["rent"])


def test_what_is_no_longer_asked_is_blanked_and_what_is_now_is_filled_from_the_same_donor() -> None:
    found = run(home(5, rents="", rent=""), home(6, rents="n", rent=150, lease=""))
    now = answers_of(found.tables, 40)[0]
    assert (now["rent"] is not None) == (now["rents"] == "y")
    opened = [row for row in found.changes if row.kind == "opened"]
    assert len({row.donor for row in opened}) <= 1
    # A rent where nobody rents: less is changed by taking it away than by letting it stand.
    assert columns_of(found, 41) in ({"rent"}, {"rents", "lease"}, {"rents"})
    late = answers_of(found.tables, 41)[0]
    assert (late["rents"], late["rent"]) in {("n", None), ("y", 150.0)}


def test_free_text_is_only_ever_taken_away() -> None:
    found = run(home(2, other="a friend"))
    assert columns_of(found, 40) in ({"other"}, {"lease"})
    (change,) = [row for row in found.changes if row.column in {"other", "lease"}]
    # Nobody who counts has no lease, and there is no third answer.
    assert change.method == ("blanked" if change.column == "other" else "deduced")


def test_rules_over_a_roster_change_what_is_told_of_it_or_nothing() -> None:
    found = run(home(3, n=5))
    assert columns_of(found, 40) == {"n"}
    (change,) = found.changes
    assert (change.column, change.new) == ("n", 2)


def test_one_row_of_a_roster_is_changed_and_not_the_others() -> None:
    found = run(home(3, person=[person(9, "head", "y"), person(12, "child", "y")]))
    # To be of 15 to 17 years would do as well, but nobody of that age counts.
    assert columns_of(found, 40) == {"person[1].role"}
    assert answers_of(found.tables, 40, "person")[1] == {"age": 12, "role": "child", "school": "y"}


def test_numbers_are_compared_and_calculations_told_anew() -> None:
    found = run(home(0, size=1, rent=5000))
    chosen = columns_of(found, 40)
    assert chosen in ({"rent"}, {"size"})
    now = answers_of(found.tables, 40)[0]
    assert float(now["per_room"]) < 1000
    assert abs(float(now["per_room"]) - now["rent"] / now["size"]) < 1e-9
    assert [row.method for row in found.changes if row.column == "per_room"] == ["calculated"]


def test_no_interview_gives_more_often_than_it_may() -> None:
    found = run(*(home(number % 40, happy="") for number in range(30)))
    given = Counter(row.donor for row in found.changes if row.column == "happy")
    assert max(given.values()) <= 2
    assert sum(given.values()) == 30


def test_missing_answers_are_filled_in_where_the_sheet_names_the_question_and_only_there() -> None:
    found = run(home(1, happy=99), home(2, happy=""), home(3, happy=98), home(4, other=""))
    filled = {row.instance_id: row for row in found.changes}
    assert set(filled) == {"uuid:00040", "uuid:00041", "uuid:00042"}
    assert {row.kind for row in filled.values()} == {"missing"}
    assert {row.new for row in filled.values()} <= {"1", "2"}


def test_interviews_that_something_else_keeps_out_are_left_alone() -> None:
    form = compiled(SURVEY)
    tables = to_tables(form, [*SOUND, home(1, n=7), home(2, n=7), home(3, n=7)])
    bad = errors(form, tables)
    bad["uuid:00040"] = {*bad["uuid:00040"], ("field:duplicate_person", "")}
    bad["uuid:00041"] = {*bad["uuid:00041"], ("constraint:/data/who", "")}  # about a personal answer
    found = mend(form, tables, blocked=bad)
    assert found.outcomes["uuid:00040"] == "other_finding"
    assert found.outcomes["uuid:00041"] == "other_finding"
    assert found.outcomes["uuid:00042"] == "imputed"
    assert {row.instance_id for row in found.changes} == {"uuid:00042"}


def test_an_answer_that_could_not_be_read_is_missing() -> None:
    form = compiled(SURVEY)
    tables = to_tables(form, [*SOUND, home(1, size="many")])
    found = mend(form, tables, blocked={"uuid:00040": {("type:/data/size", "")}})
    (change,) = [row for row in found.changes if row.column == "size"]
    assert (change.kind, change.method) == ("missing", "hot_deck")


def test_a_rule_that_somebody_accepted_as_broken_holds_nothing_up() -> None:
    form = compiled(SURVEY)
    tables = to_tables(form, [*SOUND, home(1, n=7, size="")])
    found = mend(
        form,
        tables,
        blocked={"uuid:00040": {("required:/data/size", "")}},
        accepted={"uuid:00040": {("check:count", "")}},
    )
    assert columns_of(found, 40) == {"size"}
    assert answers_of(found.tables, 40)[0]["n"] == 7


def test_nobody_gives_where_nobody_counts() -> None:
    form = compiled(SURVEY)
    tables = to_tables(form, [home(1, n=7), home(2, size="")])
    found = mend(form, tables)
    assert found.outcomes["uuid:00001"] == "no_donor"
    assert all(not row.donor for row in found.changes)


def test_seed_and_not_the_order_of_rows_decides() -> None:
    form = compiled(SURVEY)
    tables = to_tables(form, [*SOUND, *(home(number, happy="", rent="") for number in range(0, 20, 2))])
    chance = random.Random(3)  # noqa: S311
    shuffled = {}
    for name, frame in tables.items():
        order = list(range(frame.height))
        chance.shuffle(order)
        shuffled[name] = frame[order]
    first, again, mixed = mend(form, tables), mend(form, tables), mend(form, shuffled)
    assert first.changes == again.changes
    assert first.changes == mixed.changes
    # Happiness has an order of size; who of those of the same size gives is drawn.
    others = [mend(form, tables, seed=str(seed)).changes for seed in range(2, 5)]
    assert any(other != first.changes for other in others)


def test_many_versions_give_but_only_one_is_judged() -> None:
    form = compiled(SURVEY)
    plan = read_plan(form.specs, form.form)
    assert plan is not None
    giving, asking = to_tables(form, SOUND), to_tables(form, [home(1, size="")])
    found = impute(
        form.form, rules_of(form), asking, plan, blocked={"uuid:00000": [("required:/data/size", "")]}, donors=giving
    )
    assert found.outcomes == {"uuid:00000": "imputed"}
    assert isinstance(found.tables["main"], pl.DataFrame)
    assert found.tables["main"].height == 1


def test_the_check_of_the_workbook_tells_what_the_sheet_has_wrong() -> None:
    sheets = SURVEY.replace("| happy | area |", "| hapy | areas |").replace(
        "| imputation | yes |", "| imputation | maybe |"
    )
    told = {
        problem.message for problem in check_workbook(workbook_from_markdown(sheets)) if problem.severity == "error"
    }
    assert {
        "There is no question 'hapy'.",
        "There is no question 'areas'.",
        "'maybe' is neither yes nor no.",
    } <= told
    assert not any("imputation" in problem.sheet for problem in check_workbook(workbook_from_markdown(SURVEY)))


def test_a_cover_is_the_lightest_there_is() -> None:
    a, b, c = (("main", "", name) for name in "abc")
    covers = Covers("1", {("main", "a"): 3.0})
    assert covers.find([frozenset({a, b}), frozenset({a, c})]) == frozenset({b, c})
    assert covers.find([frozenset({a, b}), frozenset({a, c}), frozenset({a})]) == frozenset({a})
    assert covers.find([frozenset({a, b}), frozenset()]) is None
    assert covers.find([]) == frozenset()
    draws = {covers.find([frozenset({b, c})], salt) for salt in range(8)}
    assert draws == {frozenset({b}), frozenset({c})}, "of two that are alike now one, now the other is drawn"
