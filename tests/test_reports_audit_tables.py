"""The auditor on tables of others: feasible intervals against published ones, and what a table may look like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from reports.equations import Contradiction, feasible_intervals
from reports.plain_tables import read_plain
from schemas.errors import ReleaseError

# Fischetti and Salazar-Gonzalez (2000), Models and algorithms for optimizing cell suppression in tabular data with
# linear constraints, JASA 95, figure 1: investment of enterprises by activity and region, and a pattern of four cells.
INVESTMENT = """activity,region,n
I,A,20
I,B,50
I,C,10
I,Total,80
II,A,x
II,B,19
II,C,x
II,Total,49
III,A,x
III,B,32
III,C,x
III,Total,61
Total,A,45
Total,B,101
Total,C,44
Total,Total,190
"""


def cells(text: str) -> list[tuple[tuple[str, ...], str]]:
    lines = [line.split(",") for line in text.strip().splitlines()[1:]]
    return [(tuple(line[:-1]), line[-1]) for line in lines]


def audit(
    text: str, dimensions: tuple[str, ...] = ("activity", "region"), **how: object
) -> dict[str, tuple[float, float]]:
    plain = read_plain(cells(text), dimensions, **how)  # type: ignore[arg-type]
    found = feasible_intervals(plain.system, plain.hidden)
    return {"/".join(plain.codes[at]): (found[at].low, found[at].high) for at in plain.hidden}


def run(*arguments: object) -> tuple[int, list[dict[str, object]], str]:
    result = CliRunner().invoke(app, ["disclosure", "audit", *map(str, arguments)])
    lines = [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]
    return result.exit_code, lines, result.output


def test_a_published_pattern_has_the_intervals_that_its_sums_leave() -> None:
    assert audit(INVESTMENT) == {"II/A": (0, 25), "II/C": (5, 30), "III/A": (0, 25), "III/C": (4, 29)}


def test_a_lone_hidden_cell_is_its_difference() -> None:
    assert audit(INVESTMENT.replace("\nII,A,x", "\nII,A,8")) == {"II/C": (22, 22), "III/A": (17, 17), "III/C": (12, 12)}


def test_two_blocks_give_away_the_cell_that_joins_them() -> None:
    """Each row and column hides two cells or more, and yet row 3, column 3 follows from the sums of the blocks."""
    text = "a,b,n\n" + "".join(
        f"r{row},c{column},{value}\n"
        for row, values in enumerate(
            ["x x 5 6 1", "x x x 2 3", "7 8 x x 2", "4 3 x x 1"],
        )
        for column, value in enumerate(values.split())
    )
    true = [[3, 4, 5, 6, 1], [2, 6, 9, 2, 3], [7, 8, 3, 5, 2], [4, 3, 2, 8, 1]]
    text += "".join(f"r{row},Total,{sum(values)}\n" for row, values in enumerate(true))
    text += "".join(f"Total,c{at},{sum(values[at] for values in true)}\n" for at in range(5))
    found = audit(text, ("a", "b"))
    assert found["r1/c2"] == (9, 9)
    assert [cell for cell, (low, high) in found.items() if low == high] == ["r1/c2"]


def test_bounds_that_are_told_are_used() -> None:
    text = "a,b,n\nx,1,<5\nx,2,<5\nx,Total,7\ny,1,1-4\ny,2,6\ny,Total,8\n"
    assert audit(text, ("a", "b")) == {"x/1": (3, 4), "x/2": (3, 4), "y/1": (2, 2)}


def test_a_code_that_is_part_of_another_makes_a_sum() -> None:
    text = "country,n\nAmerica,30\nHaiti,x\nPeru,x\nCuba,20\nSpain,x\nWorld,35\n"
    tree = {"country": {"Haiti": "America", "Peru": "America", "Cuba": "America", "America": "World", "Spain": "World"}}
    assert audit(text, ("country",), parents=tree) == {"Haiti": (0, 10), "Peru": (0, 10), "Spain": (5, 5)}


def test_rounded_numbers_leave_bands() -> None:
    text = "a,n\np,x\nq,12\nTotal,15\n"
    assert audit(text, ("a",), base=3) == {"p": (0, 7)}


def test_a_cell_without_a_row_is_empty_or_hidden_as_one_says() -> None:
    text = "a,b,n\nx,1,x\nx,2,5\nx,Total,9\ny,1,3\ny,2,2\ny,3,1\ny,Total,6\n"
    assert audit(text, ("a", "b")) == {"x/1": (4, 4)}
    assert audit(text, ("a", "b"), absent_is_hidden=True) == {"x/1": (0, 4)}


@pytest.mark.parametrize(
    ("text", "code"),
    [("a,n\nx,many\nTotal,3\n", "REL-050"), ("a,n\nx,1\nx,x\nTotal,3\n", "REL-051"), ("a,n\nx,x\ny,2\n", "REL-052")],
)
def test_a_table_that_cant_be_audited_is_told_so(text: str, code: str) -> None:
    with pytest.raises(ReleaseError, match=code):
        audit(text, ("a",))


def test_sums_that_contradict_each_other_are_told() -> None:
    with pytest.raises(Contradiction):
        audit("a,n\nx,x\ny,9\nTotal,3\n", ("a",))


def test_the_command_ends_with_1_if_a_cell_is_too_narrow(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(INVESTMENT)
    bad.write_text(INVESTMENT.replace("\nII,A,x", "\nII,A,8"))
    status, lines, _ = run("--table", good, "--dims", "activity,region", "--json")
    assert status == 0
    assert lines[1] == {"activity": "II", "region": "C", "low": 5, "high": 30, "required": 1, "is_narrow": False}
    assert run("--table", good, "--dims", "activity,region", "--width", 26)[0] == 1
    status, lines, told = run("--table", bad, "--dims", "activity,region")
    assert status == 1 and "3 hidden cells, 3 too narrow" in told


def test_the_command_tells_what_it_lacks(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,n\nx,x\ny,9\nTotal,3\n")
    for arguments, code in (
        ((), "CMD-140"),
        (("--table", table), "CMD-141"),
        (("--table", table, "--dims", "b"), "CMD-141"),
        (("--table", table, "--dims", "a", "--tree", "a=nothing.csv"), "CMD-142"),
        (("--table", table, "--dims", "a"), "REL-054"),
        ((tmp_path,), "REL-053"),
    ):
        result = CliRunner().invoke(app, ["disclosure", "audit", *map(str, arguments)])
        assert code in f"{result.output}{result.exception}", (code, result.output)
