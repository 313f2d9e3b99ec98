"""A finding: one rule that one record breaks. It names variables and never holds an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from schemas.text import Text

FindingSeverity = Literal["error", "warning", "info"]

ENGINES = ("javarosa", "webforms", "enketo")
"""The engines by which rules are judged (`expressions.profiles.Profile` values)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was, or could not be, evaluated.

    Attributes:
        rule_id: stable within a form, e.g. "constraint:/data/age", "check:head_is_adult", "field:duplicate_person".
        kind: type, choice, required, constraint, relevant, calculation, check, field.
        table: table whose rows it judges.
        expression: its text, "" for rules that aren't expressions.
        not_checked: why it could not be evaluated, "" if it was.
    """

    rule_id: str
    kind: str
    table: str
    severity: FindingSeverity
    expression: str
    message: Text
    advice: Text = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    not_checked: str = ""


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """How a rule fared over all records: rows it applied to, and rows that broke it.

    Attributes:
        engine_dependent: of the rows that broke it, those that another client's engine would have let pass.
    """

    rule: Rule
    checked: int
    failed: int
    engine_dependent: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One row per broken rule per record. Key: form_id, rule_id, instance_id, row_id.

    Attributes:
        path: path of the question, or of the row.
        variables: names of the questions involved.
        message: language -> sentence, without the answer.
        engines: engines (`expressions.profiles.Profile` values) under which the rule is broken; empty where they
            weren't compared. Fewer than all: it depends on the client, and the message says who would accept it.
    """

    form_id: str
    form_version: str
    instance_id: str
    row_id: str
    rule_id: str
    kind: str
    severity: FindingSeverity
    path: str
    message: Text
    advice: Text = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()

    @property
    def engine_dependent(self) -> bool:
        """Whether another client's engine would have let the record pass."""
        return bool(self.engines) and len(self.engines) < len(ENGINES)
