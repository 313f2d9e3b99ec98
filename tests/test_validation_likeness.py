"""Answers of interviews as numbers, and how many there are."""

from __future__ import annotations

import random

import numpy as np
import polars as pl

from forms.compile import compile_workbook
from forms.sheets import workbook_from_markdown
from schemas.fields import INSTANCE_ID, POSITION
from validation.likeness import LONGEST_REPEAT, count_answers, encode_answers

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
