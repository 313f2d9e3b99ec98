"""What an evaluation of rules yields: findings, made one by one only when somebody reads them, and a summary a rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import polars as pl

from schemas.errors import ExpressionError
from schemas.fields import INSTANCE_ID, ROW_ID
from schemas.findings import Finding, Rule, RuleSummary
from schemas.text import Text
from validation.disagreement import is_engine_dependent, write_disagreement

RULE = "rule"
VERSION = "form_version"
ENGINES = "engines"
AT = "_at"
"""Number of a row in the table that was judged."""

VIOLATIONS_SCHEMA = {
    RULE: pl.UInt32,
    VERSION: pl.String,
    INSTANCE_ID: pl.String,
    ROW_ID: pl.String,
    ENGINES: pl.String,
}
"""One row per broken rule per record: number of the rule in the evaluation's list, version, submission, row, and the
engines under which the rule is broken, separated by spaces ("" if the engines weren't compared)."""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Why something can't be evaluated."""

    reason: str


FAILURES = (ExpressionError, pl.exceptions.PolarsError)
"""What an expression may raise over answers for which it wasn't meant: its rule is then not checked."""


def describe_failure(error: Exception) -> str:
    """Why a rule can't be checked. Of Polars' errors only the kind: their texts may quote answers."""
    if isinstance(error, ExpressionError):
        return f"{error.code} {error.message}"
    return f"it fails over these answers ({type(error).__name__})"


class Findings(Sequence[Finding]):
    """Findings in the order of their submissions, as a sequence that builds each `Finding` when it is read.

    Args:
        passed: findings made elsewhere (while the answers were read); they come first.
        violations: frame of `VIOLATIONS_SCHEMA`.
        paths: path of each rule's question, or of the row it judges.
    """

    def __init__(
        self,
        form_id: str,
        rules: Sequence[Rule],
        paths: Sequence[str],
        violations: pl.DataFrame,
        passed: Sequence[Finding] = (),
    ) -> None:
        self.form_id = form_id
        self.rules = rules
        self.paths = paths
        self.violations = violations
        self.passed = passed
        self._messages: dict[tuple[int, str], Text] = {}

    def __len__(self) -> int:
        return len(self.passed) + self.violations.height

    @overload
    def __getitem__(self, index: int) -> Finding: ...

    @overload
    def __getitem__(self, index: slice) -> list[Finding]: ...

    def __getitem__(self, index: int | slice) -> Finding | list[Finding]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(index)
        return self.passed[at] if at < len(self.passed) else self._make(self.violations.row(at - len(self.passed)))

    def __iter__(self) -> Iterator[Finding]:
        yield from self.passed
        yield from map(self._make, self.violations.iter_rows())

    def _make(self, row: tuple[int, str, str, str, str]) -> Finding:
        number, version, instance_id, row_id, engines = row
        rule = self.rules[number]
        return Finding(
            form_id=self.form_id,
            form_version=version,
            instance_id=instance_id,
            row_id=row_id,
            rule_id=rule.rule_id,
            kind=rule.kind,
            severity=rule.severity,
            path=self.paths[number],
            message=self._message(number, engines),
            advice=rule.advice,
            variables=rule.variables,
            engines=tuple(engines.split()),
        )

    def _message(self, number: int, engines: str) -> Text:
        """What is said of a rule, and under which engines; the same object for all of which it is said."""
        key = (number, engines)
        if key not in self._messages:
            message = self.rules[number].message
            self._messages[key] = write_disagreement(message, engines) if is_engine_dependent(engines) else message
        return self._messages[key]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome of evaluating rules over the rows of one form version.

    Attributes:
        findings: every broken rule of every record.
        summaries: one a rule, in the order given, then one for each further rule that reading the answers broke.
    """

    findings: Findings
    summaries: tuple[RuleSummary, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, each with the reason why it could not be checked, if so."""
        return tuple(summary.rule for summary in self.summaries)

    @property
    def not_checked(self) -> tuple[Rule, ...]:
        """The rules that could not be evaluated: they were neither passed nor failed."""
        return tuple(rule for rule in self.rules if rule.not_checked)
