"""Speed of judging interviews: rules over columns against a loop over records.

Run: python benchmarks/bench_validation.py [WORKBOOK] [--interviews N] [--rehearsed N]

A few hundred interviews are rehearsed (filled as a person would, so that they break hardly any rule) and repeated under
new ids up to the number wanted. The rival evaluates the same rules on the same interviews one by one, on the instance
tree with compiled closures, which is what one does without columns (and several times faster than a client does it).
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from expressions.instance import Element
from expressions.records import Scope, compile_record
from forms.compile import CompiledForm, compile_workbook
from forms.rehearsal import rehearse
from forms.rows import read_rows
from forms.sheets import read_workbook
from schemas.errors import ExpressionError
from schemas.fields import INSTANCE_ID, MAIN_TABLE, Field, Form, Node
from schemas.findings import Rule
from schemas.submissions import RawSubmission
from validation.checks import check_rules
from validation.evaluate import evaluate_rules
from validation.evaluation import Evaluation
from validation.expectations import run_suite
from validation.rules import form_rules, rule_path

FORM = Path(__file__).resolve().parents[2] / "shared" / "forms" / "who_va_2022.xlsx"
JAVAROSA = {
    "JavaRosa, expressions alone (60 rules, warm)": 314_000,
    "JavaRosa, loading and validating a form (60 rules, warm)": 174_000,
}
"""Rules judged by ODK Collect's engine per CPU second: 60 rules of a form of 44 questions over 5,240 and 2,900
interviews, measured once on two cores."""

GX_SECONDS = 5
"""What Great Expectations may cost beyond its import at 100,000 interviews and 500 rules."""

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def rehearse_interviews(compiled: CompiledForm, number: int) -> list[RawSubmission]:
    """Interviews as they would arrive."""
    form = compiled.form
    return [
        RawSubmission(
            at, form.form_id, form.version, done.instance_id, NOW, done.xml, "", "rehearsal", tuple(done.attachments)
        )
        for at, done in enumerate(rehearse(compiled, number, 1, NOW))
    ]


def repeat_tables(tables: Mapping[str, pl.DataFrame], times: int) -> dict[str, pl.DataFrame]:
    """The rows again and again, each time under other instance ids."""
    again = pl.DataFrame({"again": range(times)})
    return {
        name: again.join(frame, how="cross", maintain_order="left_right")
        .with_columns(pl.concat_str(INSTANCE_ID, pl.lit("/"), "again").alias(INSTANCE_ID))
        .drop("again")
        for name, frame in tables.items()
    }


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
    def _list(items: Sequence[Mapping[str, str]]) -> Element:
        root = Element("root")
        for item in items:
            root.append(Element("item"))
            for name, text in item.items():
                root.children[-1].append(Element(name, text=text))
        return root

    def judge(self, root: Element) -> None:
        """Relevance in form order, then every rule."""
        scope = Scope(root, now=NOW, instances=self.lists, references=self.references, types=self.types)
        self._walk(self.form.root, root, scope)

    def _walk(self, node: Node, element: Element, scope: Scope) -> None:
        if node.relevant:
            element.relevant = self._holds(node.relevant, element, scope)
            if not element.relevant:
                return
        if not isinstance(node, Field):
            for child in node.children:
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
                broken = self._text(text, element, scope) not in {element.text, "NaN", "true", "false"}
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


def bench_expectations(evaluation: Evaluation, tables: Mapping[str, pl.DataFrame], form: Form) -> None:
    """What Great Expectations adds to the evaluation; its import apart, since it costs the same whatever is judged."""
    wall, cpu = time.perf_counter(), time.process_time()
    importlib.import_module("great_expectations")
    print(f"importing Great Expectations: {time.perf_counter() - wall:.2f} s, {time.process_time() - cpu:.2f} s CPU")
    wall, cpu = time.perf_counter(), time.process_time()
    run_suite(evaluation.summaries, tables, form)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rules = len(evaluation.summaries)
    print(
        f"its suite over {rules} rules: {wall:.2f} s wall, {cpu:.2f} s CPU beyond the import (at most {GX_SECONDS} s)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workbook", nargs="?", type=Path, default=FORM)
    parser.add_argument("--interviews", type=int, default=100_000)
    parser.add_argument("--rehearsed", type=int, default=200)
    given = parser.parse_args()
    compiled = compile_workbook(read_workbook(given.workbook))
    form = compiled.form
    rules = form_rules(form) + check_rules(compiled.specs, form)
    arrived = rehearse_interviews(compiled, given.rehearsed)
    tables = repeat_tables(read_rows(form, arrived, b"key").tables, -(-given.interviews // given.rehearsed))
    interviews, rows = tables[MAIN_TABLE].height, sum(frame.height for frame in tables.values())
    print(f"{given.workbook.name}: {interviews:,} interviews, {rows:,} rows; load {os.getloadavg()[0]:.1f}")

    few = {name: frame.clear() for name, frame in tables.items()}
    started = time.perf_counter()
    evaluate_rules(form, rules, few)
    print(f"compiling {len(rules)} rules, kept for later evaluations: {time.perf_counter() - started:.2f} s")
    wall, cpu = time.perf_counter(), time.process_time()
    evaluation = evaluate_rules(form, rules, tables)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    judged = [rule for rule in evaluation.rules if not rule.not_checked and rule.table in tables]
    rule_rows = sum(tables[rule.table].height for rule in judged)
    expressions = sum(bool(rule.expression) for rule in judged)
    of_all = f"{len(judged)} of {len(rules)} rules ({expressions} expressions)"
    print(f"columns: {of_all}, {len(evaluation.findings):,} findings; {wall:.2f} s wall, {cpu:.2f} s CPU")
    print(f"columns: {rule_rows / wall:,.0f} rule-rows/s, {interviews / wall:,.0f} interviews/s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    for rule in evaluation.not_checked[:5]:
        print(f"  not checked: {rule.rule_id}: {rule.not_checked[:120]}")

    bench_expectations(evaluation, tables, form)
    rival = RecordLoop(form, rules)
    roots = [Element.from_xml(raw.xml) for raw in arrived]
    rival.judge(roots[0])  # compiles the expressions
    started = time.perf_counter()
    for root in roots:
        rival.judge(root)
    mine, its = interviews / wall, len(roots) / (time.perf_counter() - started)
    print(f"records: {its:,.0f} interviews/s, {rule_rows / interviews * its:,.0f} rule-rows/s, {rival.failed} findings")
    print(f"columns are {mine / its:,.0f} times as fast")
    per_cpu = rule_rows / cpu
    for engine, speed in JAVAROSA.items():
        print(f"{engine}: {speed:,} rule-rows per CPU second; columns {per_cpu:,.0f}, {per_cpu / speed:,.0f} times")


if __name__ == "__main__":
    main()
