"""Answers of interviews as numbers, and how many there are."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest

from forms.compile import compile_workbook
from forms.sheets import workbook_from_markdown
from schemas.fields import INSTANCE_ID, POSITION
from validation.likeness import LONGEST_REPEAT, _pairs, count_answers, encode_answers

SURVEY = """
| survey |
| | type | name | label |
| | integer | a | A |
| | text | b | B |
| | begin_repeat | r | R |
| | integer | c | C |
| | text | d | D |
| | begin_repeat | inner | I |
| | integer | e | E |
| | end_repeat | | |
| | end_repeat | | |
"""


def test_answers_are_counted_as_they_are_numbered() -> None:
    form = compile_workbook(workbook_from_markdown(SURVEY)).form
    chance = random.Random(5)  # noqa: S311 - no secret
    for _ in range(20):
        ids = [f"i{number}" for number in range(chance.randrange(5))]
        main = pl.DataFrame(
            [(one, chance.choice([None, 1, 2]), chance.choice([None, "x", ""])) for one in ids],
            schema={INSTANCE_ID: pl.String, "a": pl.Int64, "b": pl.String},
            orient="row",
        )
        rows = [(one, at) for one in [*ids, "orphan"] for at in range(1, chance.choice([1, 3, LONGEST_REPEAT + 3]))]
        repeat = pl.DataFrame(
            [(one, at, chance.choice([None, 1]), chance.choice([None, "x"])) for one, at in [*rows, *rows[:2]]],
            schema={INSTANCE_ID: pl.String, POSITION: pl.Int64, "c": pl.Int64, "d": pl.String},
            orient="row",
        )
        tables = {"main": main, "r": repeat, "inner": repeat.rename({"c": "e"})}
        counted = np.count_nonzero(encode_answers(form, tables), axis=1)
        assert count_answers(form, tables).tolist() == counted.tolist()


@pytest.mark.parametrize("share", [0.6, 0.9, 0.95, 1.0])
def test_near_identical_pairs_are_those_that_comparing_all_finds(share: float) -> None:
    chance = np.random.default_rng(4)
    for width in (1, 12, 80, 300):
        codes = chance.integers(0, 4, (60, width)).astype(np.uint16)
        for row in range(20, 60, 2):  # copies with some answers changed, a few more than the limit among them
            codes[row] = codes[row // 2]
            changed = chance.integers(0, width, chance.integers(0, width // 8 + 1))
            codes[row, changed] = chance.integers(0, 4, changed.size)
        expected = {}
        for later in range(60):
            likest = (share, -1)
            for first in range(later):
                either = np.count_nonzero((codes[later] != 0) | (codes[first] != 0))
                same = np.count_nonzero((codes[later] == codes[first]) & (codes[later] != 0))
                if same / max(either, 1) > likest[0]:
                    likest = (same / either, first)
            if likest[1] >= 0:
                expected[later] = likest[1]
        assert dict(_pairs(codes, share)) == expected
        assert expected or share == 1.0 or width == 1
