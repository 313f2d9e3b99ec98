"""One interview's rules, with the answers that decided each, and what every engine says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

import polars as pl

from expressions.columns import compile_columns
from expressions.profiles import Profile
from expressions.rebuilding import write_answer
from schemas.fields import MAIN_TABLE, PARENT_ROW_ID, ROW_ID, Field, Form, walk
from schemas.findings import Finding, Rule
from schemas.text import pick
from validation.chunks import split_by_submission
from validation.compiled import Compiler, unmark_personal
from validation.evaluation import FAILURES, Evaluation
from validation.relevance import apply_relevance, plan_relevance
from validation.rules import question_names, rule_path
from validation.sentences import quote_label

State = Literal["broken", "not_checked", "holds", "not_applicable"]
ORDER: tuple[State, ...] = ("broken", "not_checked", "holds", "not_applicable")

MOST_ROWS = 30
"""Rows of another repeat whose answers to a question are shown."""


@dataclass(frozen=True, slots=True)
class ShownValue:
    """An answer on which a verdict rests.

    Attributes:
        question: its name.
        label: its label, in quotation marks.
        row_id: the row it stands in, "" for the interview itself.
        kind: "answer", "blank", "unreadable", "recalculated"; "hidden" from who may not see answers, "personal" from
            who may not see personal ones.
        value: the answer, "" if it isn't shown.
        choice: labels of the choices that it names.
        counts: false for an answer that should not have been asked for: other rules see it as blank.
    """

    question: str
    label: str
    row_id: str
    kind: str
    value: str = ""
    choice: str = ""
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Explained:
    """A rule in one row of the interview; or in all of its rows, where none breaks it.

    Attributes:
        rows: how many rows it was judged in.
        engines: engine -> whether the row breaks the rule there; empty if they weren't compared.
        reason: why it isn't checked, "" if it is.
    """

    rule: Rule
    state: State
    path: str
    row_id: str
    rows: int
    finding: Finding | None
    engines: Mapping[Profile, bool]
    reason: str
    values: tuple[ShownValue, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """What may be seen.

    Attributes:
        answers: whether answers are shown, or their names only.
        personal: (row id, question) -> answer to a personal question; null where they must not be shown.
    """

    answers: bool = False
    personal: Mapping[tuple[str, str], str] | None = None


def explain_interview(
    form: Form,
    evaluation: Evaluation,
    tables: Mapping[str, pl.DataFrame],
    language: str,
    sight: Sight,
    *,
    profile: Profile,
    zone: str,
) -> list[Explained]:
    """Every rule of one interview: the broken ones first, then those that couldn't be checked, then the others.

    Args:
        evaluation: of this interview alone.
        tables: its rows alone, personal answers replaced by their marks.
        language: of labels.
        sight: what whoever asks may see.
        profile: the engine that made the interview.
        zone: time zone in which the day of a moment is told.
    """
    answers = _Answers(form, tables, language, sight, evaluation, profile, zone)
    paths = dict(zip((rule.rule_id for rule in evaluation.findings.rules), evaluation.findings.paths, strict=True))
    broken: dict[str, list[Finding]] = {}
    for finding in evaluation.findings:
        broken.setdefault(finding.rule_id, []).append(finding)
    found = []
    for summary in evaluation.summaries:
        rule = summary.rule
        path = paths.get(rule.rule_id, "")
        for finding in broken.get(rule.rule_id, ()):
            engines = {one: one.value in finding.engines for one in Profile} if finding.engines else {}
            values = answers.of(rule, finding.row_id)
            found.append(
                Explained(rule, "broken", finding.path, finding.row_id, summary.checked, finding, engines, "", values)
            )
        if rule.rule_id not in broken:
            state: State = "not_checked" if rule.not_checked else "holds" if summary.checked else "not_applicable"
            rows = answers.rows(rule.table)
            values = answers.of(rule, rows[0]) if len(rows) == 1 and state != "not_checked" else answers.names(rule)
            found.append(Explained(rule, state, path, "", summary.checked, None, {}, rule.not_checked, values))
    return sorted(found, key=lambda one: ORDER.index(one.state))


class _Answers:
    """The answers of one interview, as far as they may be seen."""

    def __init__(
        self,
        form: Form,
        tables: Mapping[str, pl.DataFrame],
        language: str,
        sight: Sight,
        evaluation: Evaluation,
        profile: Profile,
        zone: str,
    ) -> None:
        self._form, self._tables, self._language, self._sight = form, tables, language, sight
        self._profile, self._zone = profile, zone
        self._blanked = _without_irrelevant(form, tables, profile, zone)
        self._fields: dict[str, list[Field]] = {}
        for field in form.fields():
            self._fields.setdefault(field.name, []).append(field)
        self._names = frozenset(self._fields)
        self._personal = _personal_names(form, self._names)
        self._unreadable = {(one.path, one.row_id) for one in evaluation.findings if one.kind == "type"}
        self._above = {
            (name, row): above
            for name, frame in tables.items()
            if PARENT_ROW_ID in frame.columns
            for row, above in frame.select(ROW_ID, PARENT_ROW_ID).iter_rows()
        }

    def rows(self, table: str) -> list[str]:
        """Ids of the rows of a table."""
        return self._tables[table][ROW_ID].to_list() if table in self._tables else []

    def names(self, rule: Rule) -> tuple[ShownValue, ...]:
        """What a rule rests on, by name."""
        fields = chain.from_iterable(self._fields.get(name, ())[:1] for name in self._variables(rule))
        return tuple(self._shown(field, "", "hidden") for field in fields)

    def of(self, rule: Rule, row_id: str) -> tuple[ShownValue, ...]:
        """The answers on which a rule rests in a row: of the row, of those above it, of all rows of other repeats."""
        if not self._sight.answers:
            return self.names(rule)
        found = list(chain.from_iterable(self._values(rule, row_id, name) for name in self._variables(rule)))
        if rule.rule_id.startswith("calculation:"):
            found += self._recalculated(rule, row_id)
        return tuple(found)

    def _variables(self, rule: Rule) -> list[str]:
        """Names on which the verdict rests; whether an answer is missing depends on what decides that it is asked."""
        names = list(rule.variables)
        if rule.kind == "required":
            at = rule_path(rule)
            for node in walk(self._form.root):
                if node.relevant and (at == node.path or at.startswith(f"{node.path}/")):
                    names += question_names(node.relevant, self._names)
        return list(dict.fromkeys(name for name in names if name in self._names))

    def _values(self, rule: Rule, row_id: str, name: str) -> Iterator[ShownValue]:
        fields = self._fields[name]
        own = rule_path(rule)
        fields = [field for field in fields if field.path == own] or fields
        chained = self._chain(rule.table, row_id)
        near = [field for field in fields if field.table in chained]
        if near:
            yield self._value(near[0], chained[near[0].table])
            return
        for row in self.rows(fields[0].table)[:MOST_ROWS]:
            yield self._value(fields[0], row)

    def _chain(self, table: str, row_id: str) -> dict[str, str]:
        """The table of a row and those above it, with the row's ids there."""
        found = {MAIN_TABLE: ""}
        at: str | None = table
        while at is not None:
            found[at] = row_id
            row_id = self._above.get((at, row_id), "")
            at = self._form.table(at).parent if at in self._tables else None
        return found

    def _value(self, field: Field, row_id: str) -> ShownValue:
        if (field.path, row_id) in self._unreadable:
            return self._shown(field, row_id, "unreadable")
        frame = self._tables[field.table]
        rows = frame.filter(pl.col(ROW_ID).fill_null("") == row_id)
        answer = rows[field.column][0] if field.column in frame.columns and rows.height else None
        if field.name in self._personal and answer is not None:
            if self._sight.personal is None:
                return self._shown(field, row_id, "personal")
            if field.personal:
                answer = self._sight.personal.get((row_id, field.name))
        text = write_answer(answer)
        shown = self._shown(field, row_id, "answer" if text else "blank", text)
        return replace(shown, counts=not text or not self._is_irrelevant(field, row_id))

    def _is_irrelevant(self, field: Field, row_id: str) -> bool:
        frame = self._blanked[field.table]
        rows = frame.filter(pl.col(ROW_ID).fill_null("") == row_id)
        return not rows.height or rows[field.column][0] is None

    def _recalculated(self, rule: Rule, row_id: str) -> Iterator[ShownValue]:
        """What the answers give, for a calculation that wasn't updated."""
        field = next(field for field in self._form.fields() if field.path == rule_path(rule))
        if any(name in self._personal for name in rule.variables):
            return
        try:
            formula = compile_columns(
                rule.expression,
                unmark_personal(self._form),
                rule.table,
                field,
                allow_rowwise=True,
                zone=self._zone,
                profile=self._profile,
            )
            rows = self._blanked[rule.table].get_column(ROW_ID).to_list()
            values = dict(zip(rows, formula.string(self._blanked), strict=True))
        except FAILURES:
            return
        yield self._shown(field, row_id, "recalculated", values.get(row_id, ""))

    def _shown(self, field: Field, row_id: str, kind: str, text: str = "") -> ShownValue:
        labels = {choice.value: pick(choice.label, self._language) for choice in field.choices}
        codes = text.split() if field.is_multiple else [text]
        choice = ", ".join(labels[code] for code in codes if labels.get(code)) if text else ""
        label = quote_label(field.label, field.name, self._language) if field.label else ""
        return ShownValue(field.name, label, row_id, kind, text, choice)


def _without_irrelevant(
    form: Form, tables: Mapping[str, pl.DataFrame], profile: Profile, zone: str
) -> Mapping[str, pl.DataFrame]:
    """The tables as other expressions see them."""
    plan = plan_relevance(form, Compiler(form, has_personal=False, zone=zone, profile=profile))
    chunk = next(split_by_submission(form, tables, 1))
    return apply_relevance(plan, chunk, chunk.tables).tables


def _personal_names(form: Form, names: frozenset[str]) -> frozenset[str]:
    """Personal questions, and calculations that are made of their answers, however far."""
    found = {field.name for field in form.fields() if field.personal}
    made = {field.name: set(question_names(field.calculation or "", names)) for field in form.fields()}
    while more := {name for name, sources in made.items() if sources & found} - found:
        found |= more
    return frozenset(found)
