"""How fast expressions are: at one node of one interview, and over the columns of many.

Run: .venv/bin/python benchmarks/bench_expressions.py [interviews]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl

from expressions.columns import Request, compile_columns, evaluate_together
from expressions.instance import Element
from expressions.records import compile_record
from expressions.scope import Scope
from schemas.fields import Field, Form, Group, Repeat, SecondaryInstance, Table

MAIN = (Field("a", "/data/a", column="a"), Field("n", "/data/n", "int", column="n"))
MAIN += (Field("x", "/data/x", "decimal", column="x"),)
PERSON = (
    Field("kin", "/data/person/kin", table="person", column="kin"),
    Field("age", "/data/person/age", "int", table="person", column="age"),
    Field("many", "/data/person/many", control="select", table="person", column="many"),
)
FORM = Form(
    "bench",
    "1",
    "Bench",
    Group("data", "/data", (*MAIN, Repeat("person", "/data/person", "person", PERSON))),
    (Table("main", "/data", None, MAIN), Table("person", "/data/person", "main", PERSON)),
    {"kinds": SecondaryInstance("kinds", None, tuple({"name": str(at), "label": f"K{at}"} for at in range(346)))},
)
AT_A_NODE = (
    "/data/a = 'x' and /data/n > 3",
    "${age} >= 15 and selected(${many}, 'b')",
    "if(${age} > 17, concat(${a}, '-', ${kin}), '')",
    "count(${person}[${kin} = '1'])",
    "instance('communes')/root/item[name = ${kin}]/label",
)
OVER_COLUMNS = (
    ("main", "${n} > 3 and ${a} = 'x'"),
    ("person", "${age} >= 15 and ${kin} != '1'"),
    ("person", "${n} >= 15 and ${n} <= 64"),
    ("person", "selected(${many}, 'b')"),
    ("main", "count(${person})"),
    ("main", "count(${person}[${kin} = '1'])"),
    ("main", "sum(${age}) > ${n}"),
    ("main", "max(${age}) > 64"),
    ("person", "${age} = indexed-repeat(${age}, ${person}, 1)"),
    ("main", "round(${x}, 2) = ${x}"),
    ("main", "regex(${a}, '[a-z]+')"),
    ("person", "instance('kinds')/root/item[name = ${kin}]/label = 'K1'"),
    ("person", "count(instance('kinds')/root/item[selected(${many}, name)]) > 0"),
)


def seconds(run: Callable[[], object], least: float = 0.2) -> float:
    """Seconds a call takes, averaged over at least `least` seconds."""
    run()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < least:
        run()
        count += 1
    return (time.perf_counter() - start) / count


def bench_nodes() -> None:
    people = "".join(
        f"<person><kin>{kin}</kin><age>{age}</age><many>a b</many></person>"
        for kin, age in zip("123", (40, 9, 70), strict=True)
    )
    root = Element.from_xml(f"<data><a>x</a><n>5</n><x>1.5</x>{people}</data>".encode())
    communes = Element("root")
    for number in range(346):
        item = communes.append(Element("item"))
        item.append(Element("name", str(number)))
        item.append(Element("label", f"Comuna {number}"))
    references = {field.name: field.path for field in FORM.fields()} | {"person": "/data/person"}
    types = {field.path: field.type for field in FORM.fields()}
    scope = Scope(root, datetime.now(UTC), {"communes": communes}, references, types)
    node = root.by_name["person"][1].children[0]
    for text in AT_A_NODE:
        compiled = compile_record(text)
        print(f"{seconds(lambda compiled=compiled: compiled.evaluate(node, scope)) * 1e6:9.1f} us            {text}")


def bench_columns(interviews: int) -> None:
    chance = np.random.default_rng(1)
    sizes = chance.integers(1, 6, interviews)
    parents = np.repeat(np.arange(interviews), sizes)
    positions = np.arange(len(parents)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1

    def blanked(values: np.ndarray) -> pl.Series:
        return pl.Series(values).set(pl.Series(chance.random(len(values)) < 0.03), None)

    ids = np.char.add("uuid:", np.arange(interviews).astype(str))
    main = pl.DataFrame(
        {
            "_instance_id": ids,
            "_row_id": [""] * interviews,
            "a": blanked(chance.choice(["x", "y", "z"], interviews)),
            "n": blanked(chance.integers(0, 90, interviews)),
            "x": blanked(chance.normal(size=interviews)),
        }
    )
    person = pl.DataFrame(
        {
            "_instance_id": ids[parents],
            "_row_id": [f"person[{position}]" for position in positions],
            "_parent_row_id": [""] * len(parents),
            "_position": positions,
            "kin": blanked(chance.choice(["1", "2", "3"], len(parents))),
            "age": blanked(chance.integers(0, 90, len(parents))),
            "many": blanked(chance.choice(["a", "a b", "b c d"], len(parents))),
        }
    )
    tables = {"main": main, "person": person}
    for table, text in OVER_COLUMNS:
        compiled = compile_columns(text, FORM, table)
        took = seconds(lambda compiled=compiled: compiled.boolean(tables))
        print(f"{took * 1e3:9.1f} ms {tables[table].height / took / 1e6:7.1f} M rows/s  {text}")
    requests: list[Request] = [(compile_columns(text, FORM, table), "boolean") for table, text in OVER_COLUMNS]
    took = seconds(lambda: evaluate_together(requests, tables))
    print(f"{took * 1e3:9.1f} ms together")


if __name__ == "__main__":
    bench_nodes()
    bench_columns(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000)
