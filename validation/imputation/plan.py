"""What the workbook says about imputation: whether it is on, which answers may change, who gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.fields import Field, Form
from schemas.workbook import ImputationRow, Specs
from validation.cleaning.cells import Questions
from validation.fieldwork.parameters import GENERAL, GENERAL_DEFAULTS, read_parameters

SETTING, SEED, CLASSES, DONORS = "imputation", "imputation_seed", "imputation_classes", "imputation_donors"
"""Settings of the `design` sheet."""

BLANK = "blank"
"""Word of the sheet's column `missing` for a question that was asked and left blank."""

DEFAULT_SEED = "1"
DEFAULT_DONORS = 5
_YES = frozenset({"yes", "true", "1", "si", "sí", "wi"})

Column = tuple[str, str]
"""Table and column of a question."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How one question is treated.

    Attributes:
        classes, order: columns whose answers a donor shares, and by which donors are sorted.
        donors: how often one interview may give.
        codes: answers that stand for none: no donor gives them, and nothing is changed to them.
        fills_blank, fills_codes: whether a blank, or one of `codes`, is filled in where no rule demands it.
        weight: what it takes to change it.
    """

    classes: tuple[Column, ...] = ()
    order: tuple[Column, ...] = ()
    donors: int = DEFAULT_DONORS
    codes: frozenset[str] = frozenset()
    fills_blank: bool = False
    fills_codes: frozenset[str] = frozenset()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Imputation as a workbook wants it.

    Attributes:
        seed: of every draw.
        default: how questions without a row in the sheet are treated; `rules` those with one.
    """

    seed: str
    default: Rules
    rules: Mapping[Column, Rules] = field(default_factory=dict)

    def of(self, column: Column) -> Rules:
        """How a question is treated."""
        return self.rules.get(column, self.default)

    def codes(self, question: Field) -> frozenset[str]:
        """Answers to a question that stand for none; of numbers only those that its own row names."""
        rules = self.of((question.table, question.column))
        return rules.codes if question.is_select else rules.fills_codes

    @property
    def named(self) -> tuple[Column, ...]:
        """Questions whose missing answers are filled in, in the order of the sheet."""
        return tuple(column for column, rules in self.rules.items() if rules.fills_blank or rules.fills_codes)


def is_on(specs: Specs) -> bool:
    """Whether the `design` sheet turns imputation on."""
    return specs.design.settings.get(SETTING, "").strip().lower() in _YES


def read_plan(specs: Specs, form: Form, *, anyway: bool = False) -> Plan | None:
    """What the workbook says; null unless its `design` sheet turns imputation on, or it is asked for anyway.

    Rows about questions that the form lacks are left out, which the check of the workbook tells.
    """
    if not (anyway or is_on(specs)):
        return None
    questions = Questions(form)
    settings = specs.design.settings
    unknown = read_parameters(specs.monitoring, {GENERAL: GENERAL_DEFAULTS}).names(
        GENERAL, "dont_know", GENERAL_DEFAULTS
    )
    default = Rules(
        classes=_columns(questions, settings.get(CLASSES, "").replace("${", "").replace("}", "").split()),
        donors=_number(settings.get(DONORS, ""), DEFAULT_DONORS),
        codes=frozenset(unknown),
    )
    rules: dict[Column, Rules] = {}
    for row in specs.imputation:
        question = questions.find(row.variable, row.table)
        if question is not None:
            rules[question.table, question.column] = _rules(row, question, questions, default)
    return Plan(settings.get(SEED, "").strip() or DEFAULT_SEED, default, rules)


def _rules(row: ImputationRow, question: Field, questions: Questions, default: Rules) -> Rules:
    codes = frozenset(row.missing) - {BLANK}
    return Rules(
        classes=_columns(questions, row.classes, question.table) or default.classes,
        order=_columns(questions, row.order, question.table),
        donors=row.donors or default.donors,
        codes=default.codes | codes,
        fills_blank=BLANK in row.missing,
        fills_codes=codes,
        weight=round(row.reliability, 2) or 0.01,
    )


def _columns(questions: Questions, names: tuple[str, ...] | list[str], table: str = "") -> tuple[Column, ...]:
    found = (questions.find(name, table) or questions.find(name) for name in names)
    return tuple((question.table, question.column) for question in found if question is not None)


def _number(text: str, default: int) -> int:
    return int(text) if text.strip().isdecimal() and int(text) > 0 else default
