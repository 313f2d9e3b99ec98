"""Rules inside a database mean what they mean over columns: random expressions, on DuckDB and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import expressions_form
import ibis
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from expressions.columns import compile_columns
from expressions.ibis_columns import IbisExpr, compile_ibis, select_truths
from schemas.errors import ExpressionError
from schemas.fields import Form

FORM: Form = expressions_form.FORM
TABLES: dict[str, pl.DataFrame] = expressions_form.random_tables(seed=11, interviews=120)
ROW = "_row"

# Ibis itself calls what DuckDB has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

LEAVES = {
    "main": {"N": "${n} ${x} 3 0 2.5 ${d} number(${a})", "S": "${a} ${multi} 'x' '' '12' ${region} ${flag} ${n}"},
    "person": {"N": "${age} 18 0.5 ${born} age", "S": "${kin} '1' '' kin ${age}"},
}
SHAPES = {
    "N": "(N + N)|(N - N)|(N * N)|(N div N)|-N|round(N)|round(N, 1)|int(A)|if(T, N, A)|coalesce(A, N)|abs(N)|"
    "number(A)|sqrt(N)|string-length(S)|count-selected(S)|(${n} mod 7)",
    "S": "concat(S, S)|string(S)|coalesce(S, S)|if(T, S, A)|normalize-space(S)",
    "T": "A = A|A != A|A < A|A >= A|(T and T)|(T or T)|not(A)|boolean(A)|selected(S, 'b')|contains(S, S)|"
    "starts-with(S, 'x')|ends-with(S, S)|regex(S, '[a-z0-9 ]*')|regex(S, '\\d{1,3}|[^0-9].+')|boolean-from-string(S)|"
    "A <= date('2024-02-29')",
}


def _text(draw: st.DrawFn, table: str, mark: str, depth: int) -> str:
    if mark == "A":
        mark = draw(st.sampled_from("NST"))
    leaves = {"T": ["true()", "false()"]} | {key: found.split() for key, found in LEAVES[table].items()}
    if depth == 0 or (mark != "T" and draw(st.booleans())):
        return draw(st.sampled_from(leaves[mark]))
    shape = draw(st.sampled_from(_shapes(mark)))
    return "".join(_text(draw, table, letter, depth - 1) if letter in "NSTA" else letter for letter in shape)


def _shapes(mark: str) -> list[str]:
    """The shapes of a kind; a bar within quotes separates none."""
    found, quoted, start = [], False, 0
    for at, letter in enumerate(SHAPES[mark] + "|"):
        quoted ^= letter == "'"
        if letter == "|" and not quoted:
            found.append(SHAPES[mark][start:at])
            start = at + 1
    return found


_texts = st.composite(_text)


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))


@pytest.fixture(scope="module")
def duck() -> Iterator[dict[str, Any]]:
    """The test tables in DuckDB, rows numbered."""
    connection = ibis.duckdb.connect()
    for name in LEAVES:
        connection.con.register("frame", _numbered(TABLES[name]).to_arrow())
        connection.con.execute(f"CREATE TABLE rows_of_{name} AS SELECT * FROM frame")
    yield {name: connection.table(f"rows_of_{name}") for name in LEAVES}
    connection.disconnect()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[dict[str, Any]]:
    """The test tables in PostgreSQL, rows numbered."""
    connection = ibis.connect(postgres_url)
    yield {name: connection.create_table(f"rows_of_{name}", _numbered(TABLES[name]).to_arrow()) for name in LEAVES}
    connection.disconnect()


def assert_agree(tables: dict[str, Any], table: str, texts: Sequence[str]) -> int:
    """Both lowerings give the same truths; returns how many of the expressions have both."""
    both: dict[str, IbisExpr] = {}
    expected: dict[str, list[bool]] = {}
    for at, text in enumerate(texts):
        try:
            compiled = compile_columns(text, FORM, table)
            both[f"e{at}"] = compile_ibis(text, FORM, table)
        except ExpressionError as error:
            assert error.code in {"EXP-023", "EXP-103", "EXP-107"}, (text, error)
            both.pop(f"e{at}", None)
            continue
        expected[f"e{at}"] = compiled.boolean(TABLES).to_list()
    if both:
        found = select_truths(both, tables[table], [ROW]).order_by(ROW).to_polars()
        for name, values in expected.items():
            assert found.get_column(name).to_list() == values, both[name].text
    return len(both)


@settings(max_examples=12, deadline=None, phases=[Phase.generate])
@given(st.sampled_from(["main", "person"]), st.data())
def test_duckdb_and_columns_agree(duck: dict[str, Any], table: str, data: st.DataObject) -> None:
    assert_agree(duck, table, data.draw(st.lists(_texts(table, "T", 3), min_size=10, max_size=15)))


LISTED = {
    "main": [
        "${n} >= 5 and ${a} = 'x'",
        "${n} != 5",
        "not(${x} > 1)",
        "${n} = ''",
        "${n} = ${x}",
        "${a} = ${multi}",
        "${a} = 12",
        "${a} + 1 = 2.5",
        "${n} div 0 > 5",
        "${n} div ${n} = 1",
        "0 div 0 = 0",
        "round(${x}, 2) = 1.01",
        "round(${x}) = -2",
        "round(${x}) = 3",
        "int(${x}) = -2",
        "${n} mod 7 = -3",
        "selected(${multi}, 'b')",
        "selected(${multi}, ${a})",
        "count-selected(${multi}) > 1",
        "string-length(${a}) > 3",
        "regex(${a}, '[A-Za-zñÑú]{5}')",
        "regex(${a}, '.+')",
        "regex(${a}, '\\s?pad\\s')",
        "starts-with(${a}, '')",
        "ends-with(${a}, 'd ')",
        "${d} > date('2024-01-01')",
        "${d} = date('2024-02-29')",
        "${d} > '2024-01-01'",
        "${d} - 1 < 19782",
        "${flag} and ${n} > 0",
        "${flag} = 'true'",
        "if(${n} > 1, ${x}, 'y') = 'y'",
        "coalesce(${n}, 7) = 7",
        "concat(${a}, ${n}) = '12'",
        "sqrt(${n}) >= 1",
        "${doc} = ''",
        "number(${a}) > 1",
        "/data/region/none = ''",
    ],
    "person": ["${age} > 17 and ${kin} = '1'", "age < 18 or ${born} = ''", "${name} != ''"],
}


def test_each_kind_of_rule_means_the_same_on_duckdb(duck: dict[str, Any]) -> None:
    for table, texts in LISTED.items():
        assert assert_agree(duck, table, texts) == len(texts)


def test_each_kind_of_rule_means_the_same_on_postgresql(postgres: dict[str, Any]) -> None:
    for table, texts in LISTED.items():
        assert assert_agree(postgres, table, texts) == len(texts)
    chosen: list[str] = []

    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    @given(_texts("main", "T", 3))
    def collect(text: str) -> None:
        chosen.append(text)

    collect()
    assert assert_agree(postgres, "main", chosen) > 20


def test_numbers_and_texts_agree_too(duck: dict[str, Any]) -> None:
    for text in ("${n} + ${x}", "round(${x}, 1)", "${a}", "${d}", "${n} div ${x}", "${flag}"):
        compiled, inside = compile_columns(text, FORM, "main"), compile_ibis(text, FORM, "main")
        found = duck["main"].select(ROW, out=inside.number(duck["main"])).order_by(ROW).to_polars()
        assert found.get_column("out").to_list() == compiled.number(TABLES).to_list(), text
    for text in ("${a}", "concat(${n}, '-', ${d})", "${flag}", "string(${n} = 5)", "if(${n} > 1, ${n}, ${a})"):
        compiled, inside = compile_columns(text, FORM, "main"), compile_ibis(text, FORM, "main")
        found = duck["main"].select(ROW, out=inside.string(duck["main"])).order_by(ROW).to_polars()
        assert found.get_column("out").to_list() == compiled.string(TABLES).to_list(), text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("count(${person}) > 1", "EXP-107"),
        ("${age} > 1", "EXP-103"),
        ("${person}[age > 1] = 2", "EXP-103"),
        ("${moment} > 1", "EXP-104"),
        ("${clock} = ''", "EXP-104"),
        ("today() > ${d}", "EXP-107"),
        ("nonsense()", "EXP-020"),
        ("if(1, 2)", "EXP-021"),
        ("${doc} = 'x'", "EXP-120"),
        ("string(${x})", "EXP-107"),
        ("${x} mod 2", "EXP-107"),
        ("round(${x}, ${n})", "EXP-107"),
        ("date(${a})", "EXP-107"),
        ("date('yesterday')", "EXP-025"),
        ("selected(${n}, '1')", "EXP-023"),
        ("selected(${a}, 1)", "EXP-023"),
        ("string-length()", "EXP-107"),
        ("regex(${a}, ${a})", "EXP-109"),
        ("regex(${a}, '(?=x)x')", "EXP-109"),
        ("regex(${a}, '(a)\\1')", "EXP-109"),
        ("regex(${a}, '\\p{L}+')", "EXP-109"),
        ("regex(${a}, 'a++')", "EXP-109"),
        ("regex(${a}, 'a{1,300}')", "EXP-109"),
        ("regex(${a}, '[')", "EXP-027"),
        ("regex(${a}, '[]a]')", "EXP-109"),
        ("regex(${a}, '[a[b]')", "EXP-109"),
    ],
)
def test_what_has_no_form_in_sql_is_refused(text: str, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_ibis(text, FORM, "main")
    assert caught.value.code == code
    assert caught.value.advice


def test_nothing_else_imports_ibis() -> None:
    root = Path(__file__).resolve().parents[1]
    rooms: Callable[[Path], bool] = lambda path: path.parts[len(root.parts)] not in {"tests", ".venv", "benchmarks"}  # noqa: E731
    users = [path for path in root.rglob("*.py") if rooms(path) and "import ibis\n" in path.read_text(encoding="utf-8")]
    assert {path.parent.name for path in users} == {"expressions"}
    assert all(path.name.startswith("ibis_") for path in users)
