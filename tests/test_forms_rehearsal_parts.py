"""The parts of a rehearsal: quotas as cards, what expressions read, hints from constraints, files and XML."""

from __future__ import annotations

import random
import re
import struct
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from expressions.grammar import parse
from expressions.instance import Element
from expressions.records import Scope
from expressions.syntax import Path, Step
from forms.rehearsal import answers
from forms.rehearsal.bounds import Bounds, bounds_at, find_hints, matching_text
from forms.rehearsal.calculation import typed_text
from forms.rehearsal.dependencies import find_reads
from forms.rehearsal.files import make_upload
from forms.rehearsal.quotas import BLOCK, Hand, apportion, deal, plan_quotas, slice_evenly
from forms.rehearsal.writing import write_submission
from schemas.fields import Field
from schemas.workbook import RehearsalRow

REPEATS = frozenset(("/data/person", "/data/person/child"))
WEIGHTS = st.lists(st.integers(0, 500).map(float), min_size=1, max_size=12).filter(any)


# -- quotas ------------------------------------------------------------------------------------------------------------
@given(WEIGHTS, st.integers(0, 3000))
def test_an_apportionment_sums_up_and_stays_within_one_of_each_share(weights: list[float], seats: int) -> None:
    counts = apportion(weights, seats)
    assert sum(counts) == seats
    assert all(abs(count - weight * seats / sum(weights)) < 1 for count, weight in zip(counts, weights, strict=True))


@given(WEIGHTS, st.integers(1, 1500))
def test_blocks_hold_all_cards_and_each_is_as_even_as_can_be(weights: list[float], interviews: int) -> None:
    counts = apportion(weights, interviews)
    blocks = slice_evenly(counts, BLOCK)
    assert [sum(column) for column in zip(*blocks, strict=True)] == counts
    assert all(sum(block) == BLOCK for block in blocks[:-1])
    for block in blocks:
        for cards, count in zip(block, counts, strict=True):
            assert abs(cards - count * sum(block) / interviews) <= 2


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(any), st.integers())
def test_cards_are_dealt_evenly(cards: list[int], seed: int) -> None:
    dealt = deal(cards, random.Random(seed))  # noqa: S311
    assert Counter(dealt) == Counter({index: count for index, count in enumerate(cards) if count})
    for index, count in enumerate(cards):
        places = [place for place, each in enumerate(dealt) if each == index]
        # The nth card of an answer lies in its nth part of the deck, give or take the others' own leeway.
        for turn, place in enumerate(places):
            assert turn / count * len(dealt) - len(cards) <= place <= (turn + 1) / count * len(dealt) + len(cards)


def test_a_full_hand_gives_its_cards_exactly_and_a_refused_card_comes_back_first() -> None:
    hand = Hand(("a", "b"), (3, 1), "key")
    given_ = []
    for _ in range(4):
        index = next(hand.offers())
        hand.give(index)
        given_.append(index)
    assert Counter(given_) == {0: 3, 1: 1}
    first, second = list(hand.offers())
    hand.give(second)
    assert next(hand.offers()) == first


def test_a_card_that_is_taken_back_lies_where_it_lay() -> None:
    hand = Hand(("a", "b", "c"), (2, 2, 2), "key")
    before = list(hand.offers())
    place = hand.give(before[1])
    assert place is not None
    hand.take_back(before[1], place)
    assert list(hand.offers()) == before


def test_conditional_quotas_are_tried_before_the_unconditional_one() -> None:
    rows = [
        RehearsalRow("age", "1", 1.0),
        RehearsalRow("age", "2", 1.0, "position(..) = 1"),
        RehearsalRow("age", "3", 0.0, "never"),
    ]
    assert [quota.when for quota in plan_quotas(rows, 10)["age"]] == ["position(..) = 1", None]


# -- what expressions read ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "paths", "wide"),
    [
        ("../age >= 15", ["/data/person/age"], []),
        ("${age} >= 15 and /data/x = ''", ["/data/person/age", "/data/x"], []),
        ("position(..)", ["/data/person"], []),
        ("sum(/data/person/age)", ["/data/person/age"], ["/data/person/age"]),
        (
            "../../person[age > 3]/name",
            ["/data/person/age", "/data/person/name"],
            ["/data/person/age", "/data/person/name"],
        ),
        ("instance('list')/root/item[code = current()/../age]/label", ["/data/person/age"], ["/data/person/age"]),
        (
            "indexed-repeat(/data/person/age, /data/person, 1)",
            ["/data/person", "/data/person/age"],
            ["/data/person", "/data/person/age"],
        ),
        (". > 0", ["/data/person/works"], []),
        ("/data/orx:meta/orx:instanceID", ["/data/meta/instanceID"], []),
    ],
)
def test_what_an_expression_reads_is_known_from_its_text(text: str, paths: list[str], wide: list[str]) -> None:
    reads = find_reads(parse(text), "/data/person/works", {"age": "/data/person/age"}, REPEATS)
    assert list(reads.paths) == paths
    assert sorted(reads.wide) == wide


def test_lists_that_an_expression_reads_are_known_too() -> None:
    reads = find_reads(parse("instance('towns')/root/item[region = /data/region]"), "/data/town", {}, REPEATS)
    assert reads.lists == {"towns"}
    assert reads.paths == ("/data/region",)


# -- hints -------------------------------------------------------------------------------------------------------------
def is_self(expr: object) -> bool:
    return isinstance(expr, Path) and expr.base is None and expr.steps == (Step("self", "node()"),)


@pytest.mark.parametrize(
    ("constraint", "low", "high"),
    [
        (". >= 18 and . <= 65", 18.0, 65.0),
        ("18 < . and 65 > .", 19.0, 64.0),
        (". > ../a - 1", 7.0, None),
        (". >= 0 and (. < 9 or . = 99)", 0.0, None),
        (". = 5", 5.0, 5.0),
        ("not(. > 5)", None, None),
    ],
)
def test_bounds_come_from_what_must_hold(constraint: str, low: float | None, high: float | None) -> None:
    root = Element.from_xml(b"<data><a>7</a><b/></data>")
    scope = Scope(root, now=datetime(2026, 1, 1, tzinfo=UTC), types={"/data/a": "int"})
    hints = find_hints(parse(constraint), is_self)
    node = root.child("b")
    assert node is not None
    bounds = bounds_at(hints, "", node, scope, 1.0)
    assert (bounds.low, bounds.high) == (low, high)


@pytest.mark.parametrize(
    "pattern", ["[A-Z]{2}[0-9]{3}", r"\d{7,8}-[0-9K]", "(north|south).*", "[a-z]+@[a-z]+\\.cl", "x"]
)
def test_texts_are_made_that_match_a_pattern(pattern: str) -> None:
    chance = random.Random(3)  # noqa: S311
    made = [matching_text([pattern], chance) for _ in range(30)]
    assert all(re.fullmatch(pattern, text) for text in made if text)
    assert sum(map(bool, made)) > 20
    assert max(map(len, made)) < 60


def test_a_pattern_that_is_no_pattern_gives_nothing() -> None:
    assert matching_text(["[unclosed"], random.Random(1)) == ""  # noqa: S311


@given(st.floats(-1000, 1000), st.floats(0, 50), st.integers())
def test_numbers_stay_within_their_bounds(low: float, width: float, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    field = Field("x", "/data/x", type="decimal")
    value = float(answers.draw_number(field, Bounds(low, low + width), chance, small=False))
    assert low - 1e-9 <= value <= low + width + 1e-9


def test_quota_ranges_are_drawn_from_numbers_dates_and_places() -> None:
    chance = random.Random(2)  # noqa: S311
    whole = Field("n", "/data/n", type="int")
    assert {answers.draw_quota(whole, "3..5", chance) for _ in range(50)} == {"3", "4", "5"}
    date = Field("d", "/data/d", type="date")
    assert "2026-01-01" <= answers.draw_quota(date, "2026-01-01..2026-01-09", chance) <= "2026-01-09"
    decimal = Field("m", "/data/m", type="decimal")
    assert 1 <= float(answers.draw_quota(decimal, "1..2", chance)) <= 2
    place = Field("p", "/data/p", type="geopoint")
    latitude, longitude, _, _ = map(float, answers.draw_quota(place, "-33.4..-33.3 -70.8..-70.7", chance).split())
    assert -33.4 <= latitude <= -33.3
    assert -70.8 <= longitude <= -70.7
    assert answers.draw_quota(Field("t", "/data/t"), "Calle 5..", chance) == "Calle 5.."


# -- files and XML -----------------------------------------------------------------------------------------------------
def test_uploads_are_files_of_their_kind_and_never_twice_the_same() -> None:
    chance = random.Random(1)  # noqa: S311
    name, photo = make_upload("image/*", chance)
    assert (name.endswith(".jpg"), photo[:2], photo[-2:]) == (True, b"\xff\xd8", b"\xff\xd9")
    assert photo != make_upload("image/*", chance)[1]
    _, sound = make_upload("audio/*", chance)
    assert sound[:4] == b"RIFF"
    assert struct.unpack("<I", sound[4:8])[0] == len(sound) - 8
    assert make_upload("video/*", chance)[1][4:8] == b"ftyp"
    assert make_upload("application/pdf", chance)[0].endswith(".txt")


def test_a_submission_leaves_out_what_is_not_relevant_and_escapes_the_rest() -> None:
    root = Element.from_xml(
        b'<data id="a&amp;b" xmlns:orx="http://openrosa.org/xforms"><q>1 &lt; 2</q><g><h>x</h></g><orx:meta/></data>'
    )
    hidden = root.child("g")
    assert hidden is not None
    hidden.relevant = False
    read = etree.fromstring(write_submission(root, ""))
    assert read.get("id") == "a&b"
    assert read.findtext("q") == "1 < 2"
    assert read.find("g") is None
    assert read.find("{http://openrosa.org/xforms}meta") is not None


@pytest.mark.parametrize(
    ("value", "bind_type", "text"),
    [
        (12.9, "int", "12"),
        (float("nan"), "int", ""),
        (float("nan"), "string", ""),
        (3.0, "decimal", "3.0"),
        (True, "string", "1"),
        (False, "string", "0"),
        (datetime(2026, 1, 2, tzinfo=UTC).date(), "string", "2026-01-02T00:00:00.000Z"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "date", "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "dateTime", "2026-01-02T03:00:00.000Z"),
    ],
)
def test_calculated_values_are_stored_as_javarosa_stores_them(value: float | str, bind_type: str, text: str) -> None:
    assert typed_text(value, bind_type, UTC) == text
