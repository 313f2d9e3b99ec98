"""Rules inside a database mean what they mean over columns: random expressions, on DuckDB and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import expressions_form
import ibis
import polars as pl
import pytest
from expressions_generator import CI_SEED, Generator, differential_size

from expressions.columns import compile_columns
from expressions.ibis_columns import IbisExpr, compile_ibis, compile_rules, select_truths
from schemas.errors import ExpressionError
from schemas.fields import Form

BATCH = 30
"""Expressions in one query."""
FORM: Form = expressions_form.FORM
TABLES: dict[str, pl.DataFrame] = expressions_form.random_tables(seed=11, interviews=120)
ROW = "_row"
ZONE = "America/Santiago"

# Ibis itself calls what DuckDB has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

LEAVES = {
    "main": {
        "N": """${n} ${x} 3 0 2.5 ${d} number(${a}) count(${person}) sum(${age}) max(${age}) min(${v}) count(${visit})
            sum(${person}[${kin}='1']/age) count(/data/g/person[age>5]/visit[v>1]) count-non-empty(${kin})
            indexed-repeat(${age},${person},${n}) ${person}[position()=2]/age today() ${moment}
            decimal-date-time(${moment})""",
        "S": "${a} ${multi} 'x' '' '12' ${region} ${flag} ${n} join('-',${kin}) concat(${kin}) ${moment} today()",
    },
    "person": {
        "N": """${age} 18 0.5 ${born} age ${n} ${x} position(.) count(${person}) count(${visit}) sum(${v})
            count(../person) sum(/data/g/person/age) sum(${person}[${age}>${n}]/age) max(${person}[age>0]/age)
            indexed-repeat(${age},${person},position(.)-1) count(${person}[${kin}='1'and${born}>date('1990-05-05')])
            today() ${moment}""",
        "S": "${kin} '1' '' kin ${age} ${a} join('',${why}) ../../a ${multi}",
    },
    "visit": {
        "N": """${v} ${age} ${n} position(.) position(..) count(${visit}) sum(${v}) count(${person}) ../age
            sum(${visit}[v>1]/v) indexed-repeat(${v},${visit},1) sum(../visit/v) count(/data/g/person/visit) today()""",
        "S": "${why} ${kin} 'w' '' join(',',${why}) why ../kin ${a}",
    },
}
SHAPES = {
    "N": """(<N> «+|-|*|div» <N>)
        -<N>
        round(<N>)
        round(<N>, 1)
        int(<A>)
        if(<T>, <N>, <A>)
        coalesce(<A>, <N>)
        «abs|number»(<A>)
        sqrt(<N>)
        string-length(<S>)
        count-selected(<S>)
        (${n} mod 7)
        «min|max»(<N>, <A>)
        pow(<N>, 2)""",
    "S": """concat(<S>, <S>)
        string(<S>)
        coalesce(<S>, <S>)
        if(<T>, <S>, <A>)
        normalize-space(<S>)
        substr(<S>, «0|1|-2», «2|-1|5»)
        selected-at(«${a}|${multi}|'a b'», «0|1|2»)
        translate(<S>, 'abx', 'yz')""",
    "T": """<A> «=|!=|<|>=» <A>
        (<T> «and|or» <T>)
        «not|boolean»(<A>)
        selected(<S>, 'b')
        «contains|starts-with|ends-with»(<S>, <S>)
        regex(<S>, «'[a-z0-9 ]*'|'[0-9]{1,3}.+'»)
        boolean-from-string(<S>)
        <A> <= date('2024-02-29')
        checklist(1, «1|-1», <T>, <T>)
        weighted-checklist(1, 5, <T>, <N>, <T>, 2)""",
}


def generator(seed: int, table: str) -> Generator:
    """Draws expressions for a table's rows."""
    leaves = {kind: "\n".join(text.split()) for kind, text in LEAVES[table].items()}
    return Generator(seed, leaves | {"T": "true()\nfalse()", "D": "date('2024-02-29')"}, SHAPES)


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))


@pytest.fixture(scope="module")
def duck() -> Iterator[dict[str, Any]]:
    """The test tables in DuckDB, rows numbered."""
    connection = ibis.duckdb.connect()
    for name in TABLES:
        connection.con.register("frame", _numbered(TABLES[name]).to_arrow())
        connection.con.execute(f"CREATE TABLE rows_of_{name} AS SELECT * FROM frame")
    yield {name: connection.table(f"rows_of_{name}") for name in TABLES}
    connection.disconnect()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[dict[str, Any]]:
    """The test tables in PostgreSQL, rows numbered."""
    connection = ibis.connect(postgres_url)
    yield {name: connection.create_table(f"rows_of_{name}", _numbered(TABLES[name]).to_arrow()) for name in TABLES}
    connection.disconnect()


SOMETIMES = {"EXP-023", "EXP-025", "EXP-103", "EXP-104", "EXP-105", "EXP-107", "EXP-109", "EXP-111"}
"""Refusals of what has no form in SQL, or in no lowering."""


def assert_agree(tables: dict[str, Any], table: str, texts: Sequence[str]) -> int:
    """Both lowerings give the same truths; returns how many of the expressions have both."""
    both: dict[str, IbisExpr] = {}
    expected: dict[str, list[bool]] = {}
    for at, text in enumerate(texts):
        try:
            compiled = compile_columns(text, FORM, table, zone=ZONE)
            both[f"e{at}"] = compile_ibis(text, FORM, table, zone=ZONE)
        except ExpressionError as error:
            assert error.code in SOMETIMES, (text, error)
            both.pop(f"e{at}", None)
            continue
        expected[f"e{at}"] = compiled.boolean(TABLES).to_list()
    if both:
        found = select_truths(both, tables[table], [ROW], tables).order_by(ROW).to_polars()
        for name, values in expected.items():
            assert found.get_column(name).to_list() == values, both[name].text
    return len(both)


@pytest.mark.parametrize("table", ["main", "person", "visit"])
def test_duckdb_and_columns_agree(duck: dict[str, Any], table: str, capsys: pytest.CaptureFixture[str]) -> None:
    count, seed = differential_size(40)
    drawn = generator(seed, table)
    texts = [drawn.draw("T") for _ in range(count)]
    agreed = sum(assert_agree(duck, table, texts[at : at + BATCH]) for at in range(0, count, BATCH))
    with capsys.disabled():
        print(f"\nDuckDB against columns, {table}: {agreed} of {count} expressions have both forms, seed {seed}")
    assert agreed > count / 2


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
    for table in ("main", "person", "visit"):
        drawn = generator(CI_SEED, table)
        assert assert_agree(postgres, table, [drawn.draw("T") for _ in range(BATCH)]) > BATCH / 2


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
        ("count(instance('letters')/root/item) > 1", "EXP-107"),
        ("indexed-repeat(${v}, ${person}, 1, ${visit}, 1) = 2", "EXP-107"),
        ("sum(${person}) > 1", "EXP-103"),
        ("count(${person}[1]) > 1", "EXP-111"),
        ("position() > 1", "EXP-105"),
        ("${age} > 1", "EXP-103"),
        ("${person}[age > 1] = 2", "EXP-103"),
        ("${clock} = ''", "EXP-104"),
        ("format-date(today(), '%Y') = '2026'", "EXP-107"),
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


def test_what_a_database_cannot_check_is_listed_with_its_reason() -> None:
    rules = {
        "adult": "${age} >= 18",
        "label": "jr:choice-name(${kin}, '/data/g/person/kin') != ''",
        "typo": "${agee} > 1",
    }
    compiled, refused = compile_rules(rules, FORM, "person")
    assert list(compiled) == ["adult"]
    assert [one.name for one in refused] == ["label", "typo"]
    assert all(f"{one.name}: not checked here." in str(one) for one in refused)


def test_rules_become_the_sql_of_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    # Spark itself is no part of this suite: its SQL is written, and not run. Ibis asks for one option of its back end.
    from ibis.backends.sql.compilers import pyspark as spark

    monkeypatch.setattr(spark, "options", SimpleNamespace(pyspark=SimpleNamespace(treat_nan_as_null=False)))
    kinds = {pl.String: "string", pl.Int64: "int64", pl.Float64: "float64", pl.Date: "date"}
    tables = {
        name: ibis.table(
            {column: kinds.get(type(dtype), "timestamp('UTC')") for column, dtype in frame.schema.items()}, name=name
        )
        for name, frame in TABLES.items()
    }
    for text in ("${n} >= 5 and count(${person}[${age} >= 18]) > 1", "today() > ${d}", "max(${age}) > 18"):
        query = select_truths({"rule": compile_ibis(text, FORM, "main")}, tables["main"], ["_instance_id"], tables)
        sql = ibis.to_sql(query, dialect="pyspark")
        assert "`rule`" in sql
        assert "SELECT" in sql


def test_a_row_without_rows_below_counts_none() -> None:
    alone = {name: frame.clear() if name != "main" else frame.head(3) for name, frame in TABLES.items()}
    connection = ibis.duckdb.connect()
    for name, frame in alone.items():
        connection.con.register("frame", frame.to_arrow())
        connection.con.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    tables = {name: connection.table(name) for name in alone}
    rules = {
        "none": "count(${person}) = 0 and sum(${age}) = 0 and join('-', ${kin}) = ''",
        "no_largest": "not(max(${age}) > 0) and not(max(${age}) <= 0)",
    }
    compiled, _ = compile_rules(rules, FORM, "main")
    found = select_truths(compiled, tables["main"], ["_instance_id"], tables).to_polars()
    assert found.get_column("none").all()
    assert found.get_column("no_largest").all()
    connection.disconnect()


def test_nothing_else_imports_ibis() -> None:
    root = Path(__file__).resolve().parents[1]
    rooms: Callable[[Path], bool] = lambda path: path.parts[len(root.parts)] not in {"tests", ".venv", "benchmarks"}  # noqa: E731
    users = [path for path in root.rglob("*.py") if rooms(path) and "import ibis\n" in path.read_text(encoding="utf-8")]
    assert {path.parent.name for path in users} == {"expressions"}
    assert all(path.name.startswith("ibis_") for path in users)
