"""A small form with a repeat in a repeat, and random tables of it, for the tests of expressions over columns."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl

from schemas.fields import Choice, Field, Form, Group, Repeat, SecondaryInstance, Table


def question(name: str, path: str, kind: str = "string", table: str = "main", **more: object) -> Field:
    """A question; its column has its name."""
    return Field(name, f"{path}/{name}", kind, table=table, column=name, **more)  # type: ignore[arg-type]


MAIN = (
    question("a", "/data"),
    question("multi", "/data", control="select"),
    question("n", "/data", "int"),
    question("x", "/data", "decimal"),
    question("d", "/data", "date"),
    question("moment", "/data", "dateTime"),
    question("end", "/data", "dateTime", preload="timestamp/end"),
    question("doc", "/data", personal="document"),
    question("flag", "/data", "boolean"),
    question("clock", "/data", "time"),
    question(
        "region",
        "/data",
        control="select1",
        choices=(Choice("13", {"es": "Metropolitana"}), Choice("1", {"es": "Tarapacá"})),
    ),
)
PERSON = (
    question("kin", "/data/g/person", table="person", control="select1"),
    question("age", "/data/g/person", "int", "person"),
    question("born", "/data/g/person", "date", "person"),
    question("name", "/data/g/person", table="person", personal="name"),
)
VISIT = (question("v", "/data/g/person/visit", "int", "visit"), question("why", "/data/g/person/visit", table="visit"))
ITEMS = (("a", "1", "0"), ("b", "2", "5"), ("c", "1", "17"), ("x", "", ""), ("1", "1", "3"), ("w", "12", "18"))
VISITS = Repeat("visit", "/data/g/person/visit", "visit", VISIT)
ROOT = Group(
    "data", "/data", (*MAIN, Group("g", "/data/g", (Repeat("person", "/data/g/person", "person", (*PERSON, VISITS)),)))
)
FORM = Form(
    "f",
    "1",
    "t",
    ROOT,
    (
        Table("main", "/data", None, MAIN),
        Table("person", "/data/g/person", "main", PERSON),
        Table("visit", "/data/g/person/visit", "person", VISIT),
    ),
    {
        "regions": SecondaryInstance(
            "regions", None, ({"name": "13", "zone": "centre"}, {"name": "1", "zone": "north"})
        ),
        "letters": SecondaryInstance(
            "letters",
            None,
            (*({"name": name, "kind": kind, "low": low} for name, kind, low in ITEMS), {"name": "d"}),
        ),
        "prices": SecondaryInstance(
            "prices", "jr://file-csv/prices.csv", ({"code": "1", "price": "2.5"}, {"code": "x", "price": "9"})
        ),
    },
    languages=("es",),
)
UTC = UTC
MOMENT = pl.Datetime("ms", "UTC")
SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "main": {
        "_instance_id": pl.String,
        "_row_id": pl.String,
        "a": pl.String,
        "multi": pl.String,
        "n": pl.Int64,
        "x": pl.Float64,
        "d": pl.Date,
        "moment": MOMENT,
        "end": MOMENT,
        "doc": pl.String,
        "flag": pl.String,
        "clock": pl.String,
        "region": pl.String,
        "_received_at": MOMENT,
    },
    "person": {
        "_instance_id": pl.String,
        "_row_id": pl.String,
        "_parent_row_id": pl.String,
        "_position": pl.Int64,
        "kin": pl.String,
        "age": pl.Int64,
        "born": pl.Date,
        "name": pl.String,
    },
    "visit": {
        "_instance_id": pl.String,
        "_row_id": pl.String,
        "_parent_row_id": pl.String,
        "_position": pl.Int64,
        "v": pl.Int64,
        "why": pl.String,
    },
}
DAYS = (date(1990, 5, 5), date(2024, 2, 29), date(1969, 12, 31), date(2026, 4, 1))
MOMENTS = tuple(datetime(day.year, day.month, day.day, 23, 45, tzinfo=UTC) for day in DAYS)


def random_tables(seed: int, interviews: int) -> dict[str, pl.DataFrame]:
    """Typed frames as ingest makes them: sorted, blanks null, some parents without children."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets

    def maybe(choices: Sequence[object]) -> object:
        return None if chance.random() < 0.25 else chance.choice(choices)

    rows: dict[str, list[dict[str, object]]] = {"main": [], "person": [], "visit": []}
    for index in range(interviews):
        instance = f"uuid:{index}"
        rows["main"].append(
            {
                "_instance_id": instance,
                "_row_id": "",
                "a": maybe(["x", "y z", "12", "1,5", " pad ", "2024-02-29", "NaN", "Ñandú"]),
                "multi": maybe(["a", "a b", "b c d"]),
                "n": maybe([0, 1, 5, -3, 18, 100]),
                "x": maybe([0.0, 1.5, -2.5, 2.5, 1.005, 0.1, 1e-5, 12345678.9]),
                "d": maybe(DAYS),
                "moment": maybe(MOMENTS),
                "end": maybe(MOMENTS),
                "doc": maybe(["***"]),
                "flag": maybe(["true", "false"]),
                "clock": None,
                "region": maybe(["13", "1"]),
                "_received_at": MOMENTS[0],
            }
        )
        for person in range(1, chance.randrange(4) + 1):
            row = f"person[{person}]"
            keys = {"_instance_id": instance, "_row_id": row, "_parent_row_id": "", "_position": person}
            answers = {
                "kin": maybe("12"),
                "age": maybe([0, 5, 17, 18, 64]),
                "born": maybe(DAYS),
                "name": maybe(["***"]),
            }
            rows["person"].append(keys | answers)
            for visit in range(1, chance.randrange(3) + 1):
                keys = {"_instance_id": instance, "_row_id": f"{row}/visit[{visit}]", "_parent_row_id": row}
                rows["visit"].append(keys | {"_position": visit, "v": maybe([1, 2, 3]), "why": maybe(["w", "z"])})
    return {name: pl.DataFrame(found, schema=SCHEMAS[name]) for name, found in rows.items()}
