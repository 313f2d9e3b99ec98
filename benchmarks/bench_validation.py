"""Speed of judging interviews: rules over columns against a loop over records.

Run: python benchmarks/bench_validation.py [WORKBOOK] [--interviews N] [--records N]

Interviews are random answers of each question's type (three in a hundred blank), the same for both. The rival
evaluates the same rules record by record on the instance tree with compiled closures, which is what one does without
columns (and several times faster than a client's engine does it).
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from expressions.instance import Element
from expressions.records import Scope, compile_record
from forms.compile import compile_workbook
from forms.sheets import read_workbook
from schemas.errors import ExpressionError
from schemas.fields import FORM_VERSION, INSTANCE_ID, MAIN_TABLE, PARENT_ROW_ID, POSITION, ROW_ID, Field, Form, Repeat
from schemas.findings import Rule
from validation.checks import check_rules
from validation.evaluate import evaluate_rules
from validation.rules import form_rules, rule_path

FORM = Path(__file__).resolve().parents[2] / "shared" / "forms" / "who_va_2022.xlsx"
REPEATS = 2
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_answers(field: Field, rows: int, chance: np.random.Generator) -> pl.Series:
    """A column of random answers, three in a hundred of them blank."""
    values: Sequence[object]
    if field.choices:
        codes = np.array([choice.value for choice in field.choices])
        values = codes[chance.integers(0, codes.size, rows)].tolist()
        dtype: pl.DataType = pl.String()
    elif field.type == "int":
        values, dtype = chance.integers(0, 100, rows).tolist(), pl.Int64()
    elif field.type == "decimal":
        values, dtype = np.round(chance.random(rows) * 100, 1).tolist(), pl.Float64()
    elif field.type == "date":
        first = date(2000, 1, 1)
        values = [first + timedelta(days=int(days)) for days in chance.integers(0, 9000, rows)]
        dtype = pl.Date()
    elif field.type == "dateTime":
        values = [NOW + timedelta(minutes=int(minutes)) for minutes in chance.integers(0, 90000, rows)]
        dtype = pl.Datetime("ms", "UTC")
    else:
        values, dtype = np.array(["1", "2", "yes", "no", "text"])[chance.integers(0, 5, rows)].tolist(), pl.String()
    series = pl.Series(field.column, values, dtype=dtype)
    return series.set(pl.Series(chance.random(rows) < 0.03), None)


def make_tables(form: Form, interviews: int) -> dict[str, pl.DataFrame]:
    """Random typed tables: every repeat has two rows a parent."""
    chance = np.random.default_rng(1)
    tables: dict[str, pl.DataFrame] = {}
    for table in form.tables:
        if table.parent is None:
            keys = pl.DataFrame({INSTANCE_ID: [f"uuid:{at}" for at in range(interviews)]})
            keys = keys.with_columns(pl.lit("").alias(ROW_ID), pl.lit(form.version).alias(FORM_VERSION))
        else:
            above = tables[table.parent].select(INSTANCE_ID, pl.col(ROW_ID).alias(PARENT_ROW_ID))
            positions = pl.DataFrame({POSITION: list(range(1, REPEATS + 1))}, schema={POSITION: pl.Int64})
            name = table.path.rpartition("/")[2]
            step = pl.format("{}[{}]", pl.lit(name), POSITION)
            inner = pl.concat_str(pl.col(PARENT_ROW_ID), pl.lit("/"), step)
            row_id = pl.when(pl.col(PARENT_ROW_ID) == "").then(step).otherwise(inner)
            keys = above.join(positions, how="cross", maintain_order="left_right").with_columns(row_id.alias(ROW_ID))
        columns = [make_answers(field, keys.height, chance) for field in table.fields]
        tables[table.name] = keys.with_columns(columns)
    return tables


def write_text(value: object) -> str:
    """An answer as a client writes it."""
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


class RecordLoop:
    """The rival: one interview after the other."""

    def __init__(self, form: Form, rules: Sequence[Rule]) -> None:
        self.form = form
        self.rules: dict[str, list[tuple[str, str]]] = {}
        for rule in rules:
            kind = rule.rule_id.partition(":")[0]
            if kind in {"constraint", "required", "calculation", "choice"}:
                self.rules.setdefault(rule_path(rule), []).append((kind, rule.expression))
        self.codes = {field.path: {choice.value for choice in field.choices} for field in form.fields()}
        self.references = {field.name: field.path for field in form.fields()}
        self.types = {field.path: field.type for field in form.fields()}
        self.lists = {name: self._list(instance.items) for name, instance in form.instances.items()}
        self.failed = 0

    @staticmethod
    def _list(items: Sequence[object]) -> Element:
        root = Element("root")
        for item in items:
            root.append(Element("item"))
            for name, text in dict(item).items():  # type: ignore[call-overload]
                root.children[-1].append(Element(name, text=text))
        return root

    def build(self, tables: dict[str, pl.DataFrame], at: int) -> Element:
        """The tree of one interview (not timed)."""
        instance = tables[MAIN_TABLE][INSTANCE_ID][at]
        rows = {name: frame.filter(pl.col(INSTANCE_ID) == instance).to_dicts() for name, frame in tables.items()}

        def fill(element: Element, children: Sequence[object], row: dict[str, object]) -> Element:
            for child in children:
                if isinstance(child, Field):
                    element.append(Element(child.name, text=write_text(row.get(child.column))))
                elif isinstance(child, Repeat):
                    for inner in rows[child.table]:
                        if inner[PARENT_ROW_ID] == row[ROW_ID]:
                            element.append(fill(Element(child.name), child.children, inner))
                else:
                    element.append(fill(Element(child.name), child.children, row))  # type: ignore[attr-defined]
            return element

        return fill(Element(self.form.root.name), self.form.root.children, rows[MAIN_TABLE][0])

    def judge(self, root: Element) -> None:
        """Relevance in form order, then every rule."""
        scope = Scope(root, now=NOW, instances=self.lists, references=self.references, types=self.types)
        self._walk(self.form.root, root, scope)

    def _walk(self, node: object, element: Element, scope: Scope) -> None:
        if node.relevant:  # type: ignore[attr-defined]
            element.relevant = self._holds(node.relevant, element, scope)  # type: ignore[attr-defined]
            if not element.relevant:
                return
        if not isinstance(node, Field):
            for child in node.children:  # type: ignore[attr-defined]
                for below in element.by_name.get(child.name, ()):
                    self._walk(child, below, scope)
            return
        for kind, text in self.rules.get(node.path, ()):
            if kind == "choice":
                broken = bool(element.text) and element.text not in self.codes[node.path]
            elif kind == "required":
                broken = not element.text and self._holds(text, element, scope)
            elif kind == "constraint":
                broken = bool(element.text) and not self._holds(text, element, scope)
            else:
                broken = self._text(text, element, scope) != element.text
            self.failed += broken

    @staticmethod
    def _holds(text: str, element: Element, scope: Scope) -> bool:
        try:
            return compile_record(text).boolean(element, scope)
        except ExpressionError:
            return True

    @staticmethod
    def _text(text: str, element: Element, scope: Scope) -> str:
        try:
            return compile_record(text).string(element, scope)
        except ExpressionError:
            return element.text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workbook", nargs="?", type=Path, default=FORM)
    parser.add_argument("--interviews", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=200)
    given = parser.parse_args()
    random.seed(1)
    compiled = compile_workbook(read_workbook(given.workbook))
    form = compiled.form
    rules = form_rules(form) + check_rules(compiled.specs, form)
    tables = make_tables(form, given.interviews)
    personal = pl.DataFrame(schema=dict.fromkeys(("instance_id", "row_id", "question", "value"), pl.String))
    print(f"{given.workbook.name}: {given.interviews:,} interviews, {sum(f.height for f in tables.values()):,} rows")

    wall, cpu = time.perf_counter(), time.process_time()
    evaluation = evaluate_rules(form, rules, tables, personal=personal)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    judged = len(rules) - len(evaluation.not_checked)
    rule_rows = sum(
        tables[rule.table].height for rule in evaluation.rules if not rule.not_checked and rule.table in tables
    )
    expressions = sum(bool(rule.expression) for rule in evaluation.rules if not rule.not_checked)
    print(f"columns: {judged} of {len(rules)} rules ({expressions} expressions), {len(evaluation.findings):,} findings")
    speed = f"{rule_rows / wall:,.0f} rule-rows/s, {given.interviews / wall:,.0f} interviews/s"
    print(f"columns: {wall:.2f} s wall, {cpu:.2f} s CPU; {speed}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    for rule in evaluation.not_checked[:10]:
        print(f"  not checked: {rule.rule_id}: {rule.not_checked[:120]}")

    rival = RecordLoop(form, rules)
    roots = [rival.build(tables, at) for at in range(given.records)]
    rival.judge(roots[0])  # compiles the expressions
    started = time.perf_counter()
    for root in roots:
        rival.judge(root)
    seconds = time.perf_counter() - started
    mine, its = given.interviews / wall, given.records / seconds
    print(f"records: {its:,.0f} interviews/s, {rule_rows / given.interviews * its:,.0f} rule-rows/s")
    print(f"columns are {mine / its:,.0f} times as fast")


if __name__ == "__main__":
    main()
