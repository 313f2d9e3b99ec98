"""The auditor on tables of others: feasible intervals against published ones, and what a table may look like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import auditing_tables
from flows.cli import app
from reports import equations
from reports.equations import Contradiction, feasible_intervals
from reports.plain_tables import PlainRows, read_plain
from reports.plain_values import HIDDEN, decimal_of, read_value
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
    plain = read_plain([PlainRows(dimensions, cells(text))], **how)  # type: ignore[arg-type]
    found = feasible_intervals(plain.system, [plain.cells[row] for row in plain.hidden])
    places = {row: plain.cells[row] for row in plain.hidden}
    return {"/".join(plain.codes[row]): (found[at].low, found[at].high) for row, at in places.items()}


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
    told = {"low": 5, "high": 30, "required": 1, "is_exact": True, "is_narrow": False}
    assert lines[1] == {"activity": "II", "region": "C"} | told
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


@pytest.mark.parametrize(
    ("text", "decimal", "bounds"),
    [
        ("1.234", ",", (1234, 1234)),
        ("16847646,84", ",", (16847646.84, 16847646.84)),
        ("1,234,567", ".", (1234567, 1234567)),
        ("12 345", ".", (12345, 12345)),
        ("12\u202f345,5", ",", (12345.5, 12345.5)),
        ("123 b", ".", (123, 123)),
        ("-", ".", (0, 0)),
        ("<5", ".", (0, 4)),
        ("menos de 5", ",", (0, 4)),
        ("≤4", ".", (0, 4)),
        ("1–4", ".", (1, 4)),
        (">100", ".", (101, float("inf"))),
        ("x", ".", None),
        (": c", ".", None),
        ("S", ".", None),
        ("", ".", None),
        ("Oculto", ".", None),
    ],
)
def test_numbers_and_marks_of_many_countries_are_read(
    text: str, decimal: str, bounds: tuple[float, float] | None
) -> None:
    assert read_value(text, HIDDEN, 0, decimal) == bounds  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("texts", "european", "mark"),
    [
        (["1.234,5", "8"], False, ","),
        (["1,234.5"], False, "."),
        (["1.234.567"], False, ","),
        (["12,5", "1,234"], False, ","),
        (["1,234", "x"], False, "."),
        (["1.234", "x"], True, ","),
        (["1.234"], False, "."),
        (["5", "x"], True, "."),
    ],
)
def test_the_decimal_mark_is_found_out(texts: list[str], european: bool, mark: str) -> None:
    assert decimal_of(texts, european=european) == mark


# The table region x gender of sdcTable's example data `microdata1` (100 people; region A has 2 women), with the status
# codes that its functions give: u primary, x secondary, s shown. Numbers stand in hidden cells too.
MICRODATA = """region;gender;Freq;sdcStatus
Tot;Tot;100;s
Tot;male;55;s
Tot;female;45;s
A;Tot;20;s
A;male;18;x
A;female;2;u
B;Tot;33;s
B;male;14;s
B;female;19;s
C;Tot;22;s
C;male;12;x
C;female;10;x
D;Tot;25;s
D;male;11;s
D;female;14;s
"""


def test_a_pattern_with_status_codes_has_the_intervals_of_its_two_by_two_table(tmp_path: Path) -> None:
    table = tmp_path / "sdctable.csv"
    table.write_text(MICRODATA)
    status, lines, _ = run("--table", table, "--dims", "region,gender", "--value", "Freq", "--json")
    assert status == 0
    assert [(line["region"], line["gender"], line["low"], line["high"]) for line in lines] == [
        ("A", "male", 8, 20),
        ("A", "female", 0, 12),
        ("C", "male", 10, 22),
        ("C", "female", 0, 12),
    ]
    table.write_text(MICRODATA.replace("12;x", "12;s").replace("10;x", "10;s"))
    status, lines, _ = run("--table", table, "--dims", "region,gender", "--value", "Freq", "--json")
    assert status == 1 and [(line["low"], line["high"]) for line in lines] == [(18, 18), (2, 2)]


def test_a_table_of_tau_argus_needs_no_header_and_its_codes_may_be_nested(tmp_path: Path) -> None:
    """As tau-argus writes them: semicolons, decimal commas, codes with blanks, a list of codes led by @."""
    table, codes = tmp_path / "pp.tab", tmp_path / "region.hrc"
    codes.write_text("Nr\n@ 1\n@ 2\n@ 3\nOs\n@ 4\n@ 5\n")
    table.write_text(
        '"Total";61,00;9;S\n"Nr";40,00;6;S\n" 1";12,50;1;U\n" 2";20,00;4;S\n" 3";7,50;1;D\n"Os";21,00;3;S\n'
        '" 4";9,00;1;U\n" 5";12,00;2;M\n'
    )
    asked = ("--dims", "Region", "--value", "Var2", "--status", "Status", "--columns", "Region,Var2,Freq,Status")
    status, lines, _ = run("--table", table, *asked, "--tree", f"Region={codes}", "--json")
    assert status == 0
    assert [(line["Region"], line["low"], line["high"]) for line in lines] == [
        ("1", 0, 20),
        ("3", 0, 20),
        ("4", 0, 21),
        ("5", 0, 21),
    ]


def test_tables_of_one_population_are_linked(tmp_path: Path) -> None:
    """What each table hides two of them may tell: they share margins, and the cells of one sum up in the other."""
    first, second = tmp_path / "sex.csv", tmp_path / "age.csv"
    first.write_text(
        "commune,sex,n\na,f,x\na,m,x\na,Ambos sexos,x\nb,f,20\nb,m,15\nb,Ambos sexos,35\nTotal,f,24\n"
        "Total,m,21\nTotal,Ambos sexos,45\n".replace("Total,f,24", "Total,f,x").replace("Total,m,21", "Total,m,x")
    )
    alone, lines, _ = run("--table", first, "--dims", "commune,sex", "--json")
    assert alone == 1 and lines[2]["low"] == lines[2]["high"] == 10
    first.write_text(first.read_text().replace("Total,Ambos sexos,45", "Total,Ambos sexos,x"))
    alone, lines, _ = run("--table", first, "--dims", "commune,sex", "--json")
    assert alone == 0
    second.write_text("commune;age;n\na;young;4\na;old;6\na;TOTAL;x\nb;young;30\nb;old;5\nb;TOTAL;35\n")
    both = ("--table", first, "--dims", "commune,sex", "--table", second, "--dims", "commune,age")
    status, lines, _ = run(*both, "--json")
    assert status == 1
    told = {(line["table"], line["commune"], line.get("sex"), line.get("age")): line for line in lines}
    assert told["sex.csv", "a", "Ambos sexos", None]["low"] == 10
    assert told["age.csv", "a", None, "TOTAL"]["high"] == 10
    assert told["sex.csv", "a", "f", None]["high"] == 10


def test_two_tables_that_tell_a_cell_differently_are_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("sex,n\nf,x\nm,4\nTotal,9\n")
    second.write_text("sex,n\nf,x\nm,5\nTotal,9\n")
    result = CliRunner().invoke(
        app, ["disclosure", "audit", "--table", str(first), "--table", str(second), "--dims", "sex"]
    )
    assert "REL-051" in f"{result.output}{result.exception}"


def test_a_large_table_is_asked_only_whether_its_cells_are_wide_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places are attacked one by one; the one hidden cell that follows from its sum is found among all."""
    monkeypatch.setattr(equations, "_LARGE", 50)
    monkeypatch.setattr(auditing_tables, "MOST_EXACT", 50)
    rows = [f"c{at},{code},x" for at in range(60) for code in "abc"] + [f"c{at},Total,30" for at in range(60)]
    rows += [f"Total,{code},600" for code in "abc"] + ["Total,Total,1800"]
    table = tmp_path / "large.csv"
    text = "commune,code,n\n" + "\n".join(rows).replace("c7,a,x", "c7,a,9").replace("c7,b,x", "c7,b,9") + "\n"
    table.write_text(text)
    status, lines, _ = run("--table", table, "--dims", "commune,code", "--json")
    narrow = [line for line in lines if line["is_narrow"]]
    assert status == 1 and [(line["commune"], line["code"], line["low"]) for line in narrow] == [("c7", "c", 12)]
    assert sum(not line["is_exact"] for line in lines) > 100
