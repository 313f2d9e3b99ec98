"""How many submissions a core second turns into typed tables, against a reader that asks lxml for each field.

    .venv/bin/python benchmarks/bench_rows.py [submissions]

Workload: a form of 80 questions (text, whole numbers, decimals, dates, selects) and a repeat of 5 with 6 questions
each; submissions of about 4 kB with meta and audit times, all different. Both readers start from bytes and end with
Polars frames; seconds are CPU seconds of this process. The tables of the two are compared before anything is printed.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
from datetime import UTC, datetime

import polars as pl
from lxml import etree

from expressions.casting import column_dtype
from forms.compile import compile_workbook
from forms.rows import read_rows
from forms.rows import walk as rows_walk
from forms.sheets import workbook_from_markdown
from schemas.fields import INSTANCE_ID, Form
from schemas.submissions import ParsedBatch, RawSubmission

QUESTIONS = 80
REPEATS = 5
TYPES = ("text", "integer", "decimal", "date", "select_one yn", "select_multiple yn")
ANSWERS = {
    "text": lambda chance: "respuesta " + str(chance.randrange(10**6)),
    "integer": lambda chance: str(chance.randrange(100)),
    "decimal": lambda chance: f"{chance.random() * 1000:.2f}",
    "date": lambda chance: f"20{chance.randrange(10, 27):02d}-{chance.randrange(1, 13):02d}-11",
    "select_one yn": lambda chance: chance.choice(("yes", "no")),
    "select_multiple yn": lambda chance: chance.choice(("yes", "no", "yes no")),
}


def make_form() -> Form:
    rows = ["| survey |", "| | type | name | label |", "| | start | start | |", "| | end | end | |"]
    rows += [f"| | {TYPES[n % len(TYPES)]} | pregunta_{n:03d} | P{n} |" for n in range(QUESTIONS)]
    rows += ["| | begin_repeat | persona | Persona |"]
    rows += [f"| | {kind} | p{n}_dato | D |" for n, kind in enumerate(TYPES)]
    rows += ["| | end_repeat |", "| choices |", "| | list_name | name | label |", "| | yn | yes | Sí |"]
    return compile_workbook(workbook_from_markdown("\n".join([*rows, "| | yn | no | No |"]), "bench")).form


def make_submission(chance: random.Random, number: int) -> RawSubmission:
    parts = ['<data id="bench"><start>2026-11-24T10:00:00.000-03:00</start><end>2026-11-24T10:40:12.39-03:00</end>']
    for n in range(QUESTIONS):
        parts.append(f"<pregunta_{n:03d}>{ANSWERS[TYPES[n % len(TYPES)]](chance)}</pregunta_{n:03d}>")
    for _ in range(REPEATS):
        inner = "".join(f"<p{n}_dato>{ANSWERS[kind](chance)}</p{n}_dato>" for n, kind in enumerate(TYPES))
        parts.append(f"<persona>{inner}</persona>")
    name = f"uuid:{number:032x}"
    xml = ("".join(parts) + f"<meta><instanceID>{name}</instanceID></meta></data>").encode()
    return RawSubmission(
        number, "bench", "", name, datetime(2026, 11, 24, tzinfo=UTC), xml, hashlib.sha256(xml).hexdigest()
    )


def read_naively(form: Form, batch: list[RawSubmission]) -> dict[str, pl.DataFrame]:
    """What a first version would do: one relative XPath a field and a cast in Python."""
    columns: dict[str, dict[str, list[object]]] = {
        table.name: {INSTANCE_ID: [], **{question.column: [] for question in table.fields}} for table in form.tables
    }
    casts = {"int": int, "decimal": float, "date": lambda text: datetime.strptime(text, "%Y-%m-%d").date()}
    casts["dateTime"] = datetime.fromisoformat
    for raw in batch:
        root = etree.fromstring(raw.xml)
        for table in form.tables:
            for row in root.xpath(table.path):
                columns[table.name][INSTANCE_ID].append(raw.instance_id)
                for question in table.fields:
                    found = row.xpath(question.path.removeprefix(table.path + "/") + "/text()")
                    cast = casts.get(question.type, str)
                    columns[table.name][question.column].append(cast(found[0]) if found else None)
    types = {question.column: column_dtype(question.type) for table in form.tables for question in table.fields}
    return {
        name: pl.DataFrame(
            {key: pl.Series(key, cells, dtype=types.get(key, pl.String())) for key, cells in table.items()}
        )
        for name, table in columns.items()
    }


def measure(form: Form, batch: list[RawSubmission]) -> tuple[float, ParsedBatch]:
    """CPU seconds of the best of five readings, and what was read."""
    best = float("inf")
    for _ in range(5):
        begin = time.process_time()
        parsed = read_rows(form, batch, b"key")
        best = min(best, time.process_time() - begin)
    return best, parsed


def main(count: int) -> None:
    form = make_form()
    chance = random.Random(1)  # noqa: S311 - a workload, no secret
    batch = [make_submission(chance, number) for number in range(count)]
    size = sum(len(raw.xml) for raw in batch) / count
    fields = sum(len(table.fields) for table in form.tables)
    print(f"{count:,} submissions of {size:,.0f} bytes, {fields} fields, a repeat of {REPEATS}")
    best, parsed = measure(form, batch)
    rows_walk.MIN_FAST = count + 1  # type: ignore[misc]
    long, _ = measure(form, batch)
    few = batch[: max(1, count // 10)]
    begin = time.process_time()
    naive = read_naively(form, few)
    rival = (time.process_time() - begin) / len(few)
    for name, frame in naive.items():
        ours = read_rows(form, few, b"key").tables[name].select(frame.columns)
        assert ours.equals(frame), f"the two readers disagree on {name}"
    assert not parsed.findings and not parsed.failed
    print(f"read_rows, written as clients write    {count / best:10,.0f} submissions per core second")
    print(f"read_rows, any other XML (long way)    {count / long:10,.0f} submissions per core second")
    print(f"rival: one XPath a field               {1 / rival:10,.0f} submissions per core second")
    print(f"ratio of the first to the rival        {rival * count / best:10.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
