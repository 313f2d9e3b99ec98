"""The rules of the workbook's `checks` sheet."""

from __future__ import annotations

from typing import cast

from schemas.fields import MAIN_TABLE, Form
from schemas.findings import FindingSeverity, Rule
from schemas.text import LANGUAGES, Text, pick
from schemas.workbook import Check, Specs
from validation.rules import question_names

_SEVERITIES = ("error", "warning", "info")


def check_rules(specs: Specs, form: Form) -> list[Rule]:
    """One rule a row of `checks`, in the order of the sheet: `check:NAME`.

    A check of a table that the form lacks is still a rule, with the reason in `not_checked`: a workbook is linted
    before it is used, but a check that silently vanished could never be missed.
    """
    names = frozenset(field.name for field in form.fields())
    tables = {table.name for table in form.tables}
    return [_rule(check, names, tables) for check in specs.checks]


def _rule(check: Check, names: frozenset[str], tables: set[str]) -> Rule:
    table = check.table or MAIN_TABLE
    unknown = "" if table in tables else f"the form has no table “{table}”"
    severity = cast(FindingSeverity, check.severity if check.severity in _SEVERITIES else "error")
    return Rule(
        rule_id=f"check:{check.name}",
        kind="check",
        table=table,
        severity=severity,
        expression=check.expression,
        message=_in_all_languages(check.message, check.name),
        advice=_in_all_languages(check.advice),
        variables=check.variables or question_names(check.expression, names),
        not_checked=unknown,
    )


def _in_all_languages(text: Text, otherwise: str = "") -> Text:
    """es, ht and en (a language that the author left out reads another), and the author's further languages."""
    return {**text, **{language: pick(text, language) or otherwise for language in LANGUAGES}}
