"""Evaluation at one node: repeats, references, lists, labels, clock, chance."""

from __future__ import annotations

import doctest
import importlib
import random
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expressions.instance import Element
from expressions.records import NodeSet, Value, compile_record, to_string
from expressions.scope import Scope
from expressions.stored import store_text
from schemas.errors import ExpressionError

CHILE = timezone(timedelta(hours=-3))
NOW = datetime(2026, 4, 1, 23, 30, tzinfo=CHILE)
XML = (
    b"<data><n>5</n><head>Ana</head><kept>old</kept><region>13</region>"
    b"<person><name>Ana</name><age>31</age><visit><v>1</v></visit><visit><v>2</v></visit></person>"
    b"<person><name>Luc</name><age>5</age><visit><v>7</v></visit></person></data>"
)
REFERENCES = {
    "n": "/data/n",
    "head": "/data/head",
    "kept": "/data/kept",
    "region": "/data/region",
    "person": "/data/person",
    "name": "/data/person/name",
    "age": "/data/person/age",
    "visit": "/data/person/visit",
    "v": "/data/person/visit/v",
}


def _communes(count: int) -> Element:
    root = Element("root")
    for index in range(count):
        item = root.append(Element("item"))
        item.append(Element("name", f"c{index}"))
        item.append(Element("region", str(index % 16)))
        item.append(Element("label", f"Comuna {index}"))
    return root


def _scope() -> Scope:
    return Scope(
        Element.from_xml(XML),
        NOW,
        instances={"communes": _communes(40)},
        references=REFERENCES,
        types={"/data/n": "int", "/data/person/age": "int", "/data/person/visit/v": "int"},
        labels=lambda path, value: {("/data/region", "13"): "Metropolitana"}.get((path, value), ""),
        itext=lambda text_id: f"<{text_id}>",
        files={"prices": [{"item": "bread", "price": "1200"}]},
        properties={"deviceid": "d1"},
        version="7",
    )


def _at(scope: Scope, *path: tuple[str, int]) -> Element:
    node = scope.root
    for name, place in path:
        node = node.by_name[name][place - 1]
    return node


def _value(text: str, *path: tuple[str, int], scope: Scope | None = None) -> Value:
    scope = scope or _scope()
    value = compile_record(text).evaluate(_at(scope, *path), scope)
    return to_string(value) if isinstance(value, NodeSet) else value


def test_an_absolute_path_means_the_own_occurrence_of_a_repeat() -> None:
    second = (("person", 2), ("name", 1))
    assert _value("/data/person/age", *second) == "5"
    assert _value("${age} + ${n}", *second) == 10.0
    assert _value("sum(/data/person/age)", *second) == 5.0
    assert _value("sum(/data/person/age)", ("n", 1)) == 36.0


def test_a_reference_to_the_own_repeat_means_all_its_rows() -> None:
    second = (("person", 2), ("name", 1))
    assert _value("count(${person})", *second) == 2.0
    assert _value("count(../../person)", *second) == 2.0
    assert _value("count(/data/person)", *second) == 1.0
    assert _value("count(${person}[${age} > 10])", *second) == 1.0
    assert _value("sum(${person}[${name} = 'Ana']/visit/v)", *second) == 3.0


def test_position_is_that_of_the_row() -> None:
    assert _value("position(..)", ("person", 2), ("name", 1)) == 2.0
    assert _value("position(../..)", ("person", 1), ("visit", 2), ("v", 1)) == 1.0
    assert _value("position(..)", ("person", 1), ("visit", 2), ("v", 1)) == 2.0


def test_a_repeated_question_has_no_single_value_from_outside() -> None:
    with pytest.raises(ExpressionError) as caught:
        _value("${age} > 5", ("n", 1))
    assert caught.value.code == "EXP-024"
    assert "31" not in str(caught.value)


def test_indexed_repeat_takes_the_row_by_its_number() -> None:
    assert _value("indexed-repeat(${age}, ${person}, 2)", ("n", 1)) == "5"
    assert _value("indexed-repeat(${age}, ${person}, 0)", ("n", 1)) == "31"
    assert _value("indexed-repeat(${age}, ${person}, 9)", ("n", 1)) == ""
    assert _value("indexed-repeat(${v}, ${person}, 1, ${visit}, 2)", ("n", 1)) == "2"


def test_what_is_not_relevant_is_blank_and_not_counted() -> None:
    scope = _scope()
    _at(scope, ("person", 1)).relevant = False
    assert _value("count(${person})", ("n", 1), scope=scope) == 1.0
    assert _value("sum(${age})", ("n", 1), scope=scope) == 5.0
    assert _value("/data/person[position() = 1]/age = ''", ("n", 1), scope=scope) is True


def test_rows_may_be_added_and_removed() -> None:
    scope = _scope()
    added = scope.root.append(Element("person"))
    added.append(Element("age", "40"))
    assert _value("sum(${age})", ("n", 1), scope=scope) == 76.0
    scope.root.remove(scope.root.by_name["person"][0])
    assert (_value("sum(${age})", ("n", 1), scope=scope), added.position) == (45.0, 2)


def test_lists_are_searched_by_their_columns() -> None:
    assert _value("instance('communes')/root/item[name = 'c7']/label", ("n", 1)) == "Comuna 7"
    assert _value("count(instance('communes')/root/item[region = ${region}])", ("n", 1)) == 2.0
    assert _value("count(instance('communes')/root/item[region = current()/../region])", ("n", 1)) == 2.0
    assert _value("count(instance('communes')/root/item[region = ${n}])", ("n", 1)) == 3.0
    with pytest.raises(ExpressionError) as caught:
        _value("instance('none')/root/item", ("n", 1))
    assert caught.value.code == "EXP-026"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.sampled_from(["3", "03", "", "15", "x"]))
def test_searching_a_long_list_by_index_finds_what_reading_it_finds(size: int, wanted: str) -> None:
    scope = Scope(Element.from_xml(b"<data/>"), NOW, instances={"communes": _communes(size)})
    quick = compile_record(f"count(instance('communes')/root/item[region = '{wanted}'])").number(scope.root, scope)
    slow = compile_record(f"count(instance('communes')/root/item[region = '{wanted}' and true()])")
    assert quick == slow.number(scope.root, scope)


def test_labels_texts_files_and_the_form_are_asked_from_the_scope() -> None:
    assert _value("jr:choice-name(${region}, ' /data/region ')", ("n", 1)) == "Metropolitana"
    assert _value("jr:itext('hello')", ("n", 1)) == "<hello>"
    assert _value("pulldata('prices', 'price', 'item', 'bread')", ("n", 1)) == "1200"
    assert _value("pulldata('prices', 'price', 'item', 'milk')", ("n", 1)) == ""
    assert _value("concat(version(), property('deviceid'))", ("n", 1)) == "7d1"


def test_the_day_is_that_of_the_scopes_time_zone() -> None:
    assert _value("today()", ("n", 1)) == date(2026, 4, 1)
    assert _value("now()", ("n", 1)) == NOW
    assert _value("format-date-time(now(), '%Y-%m-%d %H:%M')", ("n", 1)) == "2026-04-01 23:30"
    assert _value("decimal-date-time('2026-04-02T02:30:00Z') = decimal-date-time(now())", ("n", 1)) is True


def test_once_keeps_what_is_stored() -> None:
    assert _value("once('new')", ("kept", 1)) == "old"
    scope = _scope()
    _at(scope, ("kept", 1)).text = ""
    assert _value("once('new')", ("kept", 1), scope=scope) == "new"


def test_chance_comes_from_the_scope() -> None:
    def draw(seed: int) -> Value:
        scope = _scope()
        scope.random = random.Random(seed)  # noqa: S311 - not for secrets
        return _value("concat(uuid(), random())", ("n", 1), scope=scope)

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_the_last_saved_submission_is_asked_by_its_own_reference() -> None:
    scope = _scope()
    assert _value("${last-saved#head}", ("n", 1), scope=scope) == ""
    scope.last_saved = Element.from_xml(b"<data><head>Eva</head></data>")
    assert _value("${last-saved#head}", ("n", 1), scope=scope) == "Eva"


def test_if_evaluates_only_the_branch_it_takes() -> None:
    assert _value("if(true(), 'a', date('no date'))", ("n", 1)) == "a"
    with pytest.raises(ExpressionError) as caught:
        _value("date('no date')", ("n", 1))
    assert caught.value.code == "EXP-025"


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("nonsense()", "EXP-020", 0),
        ("1 + floor(2.5)", "EXP-020", 4),
        ("not()", "EXP-021", 0),
        ("'x'/a", "EXP-023", 0),
        ("/data//age", "EXP-030", 5),
        ("/data/n | /data/head", "EXP-030", 8),
        ("selected(${head}, 5)", "EXP-023", 18),
        ("regex('a', '[')", "EXP-027", 0),
        ("${nobody}", "EXP-022", 0),
        ("format-date(today(), '%q')", "EXP-029", 0),
        ("count(5)", "EXP-023", 0),
    ],
)
def test_what_collect_refuses_is_refused_with_its_place(text: str, code: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        _value(text, ("n", 1))
    assert (caught.value.code, caught.value.position) == (code, position)


def test_no_answer_shows_in_a_nodes_repr() -> None:
    assert "Ana" not in repr(_at(_scope(), ("person", 1), ("name", 1)))


@pytest.mark.parametrize(
    ("text", "bind_type", "stored"),
    [
        ("3.7", "int", "3"),
        ("3.0", "decimal", "3"),
        ("3.7", "decimal", "3.7"),
        ("30000000000", "int", "2147483647"),
        ("30000000000", "", "30000000000"),
        ("0.00001", "decimal", "1.0E-5"),
        ("1 = 1", "string", "1"),
        ("'x' = 1", "boolean", "0"),
        ("'no'", "boolean", "1"),
        ("0 div 0", "decimal", ""),
        ("''", "int", ""),
        ("'abc'", "int", "abc"),
        ("date('2024-01-31')", "date", "2024-01-31"),
        ("date('2024-01-31')", "string", "2024-01-31T00:00:00.000-03:00"),
        ("now()", "date", "2026-04-01"),
        ("now()", "dateTime", "2026-04-01T23:30:00.000-03:00"),
        ("now()", "time", "23:30:00.000-03:00"),
        ("${age}", "string", "5"),
    ],
)
def test_a_calculated_value_is_stored_as_javarosa_stores_it(text: str, bind_type: str, stored: str) -> None:
    scope = _scope()
    value = compile_record(text).evaluate(_at(scope, ("person", 2), ("name", 1)), scope)
    assert store_text(value, bind_type, CHILE) == stored


@pytest.mark.parametrize(
    "module", ["cases", "dates", "functions.select", "grammar", "instance", "records", "stored", "syntax", "values"]
)
def test_examples_in_docstrings_hold(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"expressions.{module}"))
    assert (result.failed, result.attempted > 0) == (0, True)
