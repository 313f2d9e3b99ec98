"""What is expected of a survey's tables, before anybody asks Great Expectations: the entries of the suite in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_KEYS, MAIN_TABLE, PARENT_ROW_ID, REPEAT_KEYS, ROW_ID, Form
from schemas.findings import Rule
from schemas.text import Text
from schemas.workbook import OwnExpectation

OWN = "own:"
RULE_EXPECTATION = "expect_form_rule_to_hold"
"""Our expectation class, as Great Expectations calls it."""


@dataclass(frozen=True, slots=True)
class SuiteEntry:
    """One expectation of the suite.

    Attributes:
        rule_id: of the rule; "table:NAME:KEY" for a table's shape, "own:NAME" for one of the sheet `expectations`.
        expectation: the class of Great Expectations that judges it.
        sentence: what it means, language -> text.
        not_checked: why it is no part of the suite, "" if it is.
    """

    rule_id: str
    expectation: str
    table: str
    severity: str
    sentence: Text
    not_checked: str = ""


def describe_suite(form: Form, rules: Iterable[Rule], own: Iterable[OwnExpectation] = ()) -> list[SuiteEntry]:
    """The suite of a form, entry by entry: tables, rules in the order given, the analyst's own."""
    entries = [
        SuiteEntry(f"table:{table.name}:{key}", RULE_EXPECTATION, table.name, severity, sentence)
        for table in form.tables
        for key, severity, sentence in _TABLE_ENTRIES
        if key not in (_ONLY_REPEATS if table.name == MAIN_TABLE else _ONLY_MAIN)
    ]
    entries += [
        SuiteEntry(rule.rule_id, RULE_EXPECTATION, rule.table, rule.severity, rule.message, rule.not_checked)
        for rule in rules
    ]
    entries += [
        SuiteEntry(OWN + each.name, each.expectation, each.table, each.severity, each.label, each.problem)
        for each in own
    ]
    return entries


_TABLE_ENTRIES: Sequence[tuple[str, str, Text]] = (
    (
        "columns",
        "error",
        {
            "es": "La tabla tiene todas las columnas del formulario.",
            "ht": "Tablo a gen tout kolòn fòmilè a.",
            "en": "The table has every column of the form.",
        },
    ),
    (
        "has_rows",
        "warning",
        {"es": "Hay entrevistas.", "ht": "Gen ankèt.", "en": "There are interviews."},
    ),
    (
        "unique_keys",
        "error",
        {
            "es": "Ninguna clave está dos veces.",
            "ht": "Pa gen kle ki parèt de fwa.",
            "en": "No key stands twice.",
        },
    ),
    (
        "known_parents",
        "error",
        {
            "es": "Cada fila pertenece a una fila que existe.",
            "ht": "Chak liy fè pati yon liy ki egziste.",
            "en": "Every row belongs to a row that is there.",
        },
    ),
)

_ONLY_MAIN, _ONLY_REPEATS = {"has_rows"}, {"known_parents"}

Counted = tuple[str, str, int, int]
"""Rule id, severity, rows checked, rows that failed."""


def count_tables(tables: Mapping[str, pl.DataFrame], form: Form | None) -> list[Counted]:
    """What is expected of the tables themselves: rule id, severity, checked, failed."""
    rows: list[Counted] = []
    parents = {table.name: table.parent for table in form.tables} if form else {}
    for name, frame in tables.items():
        wanted = set(MAIN_KEYS if name == MAIN_TABLE else REPEAT_KEYS)
        if form is not None and name in parents:
            wanted |= {field.column for field in form.table(name).fields}
        missing = wanted - set(frame.columns)
        rows.append((f"table:{name}:columns", "error", len(wanted), len(missing)))
        if name == MAIN_TABLE:
            rows.append((f"table:{name}:has_rows", "warning", 1, int(frame.height == 0)))
        if {INSTANCE_ID, ROW_ID} <= set(frame.columns):
            repeated = frame.height - frame.select(INSTANCE_ID, ROW_ID).unique().height
            rows.append((f"table:{name}:unique_keys", "error", frame.height, repeated))
        if name != MAIN_TABLE and PARENT_ROW_ID in frame.columns:
            orphans = _count_orphans(frame, tables.get(parents.get(name) or MAIN_TABLE), nested=bool(form))
            rows.append((f"table:{name}:known_parents", "error", frame.height, orphans))
    return rows


def _count_orphans(frame: pl.DataFrame, parent: pl.DataFrame | None, *, nested: bool) -> int:
    """Rows whose parent row isn't there; without a form only the submission can be looked for."""
    if parent is None:
        return frame.height
    if not nested:
        return frame.join(parent.select(INSTANCE_ID), on=INSTANCE_ID, how="anti").height
    keys = parent.select(INSTANCE_ID, pl.col(ROW_ID).alias(PARENT_ROW_ID))
    return frame.join(keys, on=[INSTANCE_ID, PARENT_ROW_ID], how="anti").height
