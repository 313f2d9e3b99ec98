"""Interviews made for tests of imputation: from answers to tables, findings and what imputation makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import polars as pl

from forms.compile import CompiledForm, compile_workbook
from forms.rows import read_rows
from forms.sheets.markdown import workbook_from_markdown
from schemas.fields import INSTANCE_ID
from schemas.findings import Rule
from schemas.submissions import RawSubmission
from validation.checks import check_rules
from validation.evaluate import evaluate_rules
from validation.imputation.impute import Imputation, impute
from validation.imputation.plan import read_plan
from validation.rules import form_rules

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

Answers = Mapping[str, Any]


@cache
def compiled(sheets: str) -> CompiledForm:
    return compile_workbook(workbook_from_markdown(sheets))


def rules_of(form: CompiledForm) -> list[Rule]:
    return [*form_rules(form.form), *check_rules(form.specs, form.form)]


def to_tables(form: CompiledForm, interviews: Sequence[Answers]) -> dict[str, pl.DataFrame]:
    def write(value: object, name: str) -> str:
        if isinstance(value, list):
            return "".join(write(item, name) for item in value)
        if isinstance(value, Mapping):
            return f"<{name}>{''.join(write(child, key) for key, child in value.items())}</{name}>"
        return f"<{name}>{'' if value is None else value}</{name}>"

    batch = []
    for number, answers in enumerate(interviews):
        body = "".join(write(value, name) for name, value in answers.items())
        meta = f"<meta><instanceID>uuid:{number:05}</instanceID></meta>"
        xml = f'<data id="{form.form.form_id}" version="{form.form.version}">{body}{meta}</data>'.encode()
        batch.append(
            RawSubmission(number, form.form.form_id, form.form.version, f"uuid:{number:05}", AT, xml, "", "collect")
        )
    return dict(read_rows(form.form, batch, b"key").tables)


def errors(form: CompiledForm, tables: Mapping[str, pl.DataFrame]) -> dict[str, set[tuple[str, str]]]:
    """Instance id -> open errors."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in evaluate_rules(form.form, rules_of(form), tables).findings:
        if row.severity == "error":
            found.setdefault(row.instance_id, set()).add((row.rule_id, row.row_id))
    return found


def mend(form: CompiledForm, tables: Mapping[str, pl.DataFrame], *, seed: str | None = None, **more: Any) -> Imputation:  # noqa: ANN401
    plan = read_plan(form.specs, form.form)
    assert plan is not None, "the design sheet of the test turns imputation on"
    plan = plan if seed is None else replace(plan, seed=seed)
    return impute(form.form, rules_of(form), tables, plan, **{"blocked": errors(form, tables), **more})


def columns_of(found: Imputation, number: int) -> set[str]:
    """The columns that must change in an interview; rows of repeats as row.column."""
    cells = found.localised.get(f"uuid:{number:05}", frozenset())
    return {f"{row}.{column}".lstrip(".") for _, row, column in cells}


def answers_of(tables: Mapping[str, pl.DataFrame], number: int, table: str = "main") -> list[dict[str, Any]]:
    rows = tables[table].filter(pl.col(INSTANCE_ID) == f"uuid:{number:05}")
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows.to_dicts()]
