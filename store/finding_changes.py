"""Findings of one evaluation against those that are kept: opened, kept, changed and closed by whole sets.

What was found is streamed into a temporary table of about a hundred bytes a finding; all that many findings share
(rule, version, severity, text, engines) is a group of its own. One join then tells what there is to do, and only that
is done: the same findings again write nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Join,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from schemas.findings import Finding
from schemas.tables import finding_counts, findings, submissions
from store.finding_counts import Counts, count_again, count_of, count_on
from store.finding_texts import put_texts, text_key, text_values
from store.spread import is_spread
from store.staging import fill, temporary

_CONTENT = ("form_version", "kind", "severity", "text_id", "engines", "engine_dependent")
_RULES = {"rule_id": str, "number": int, "closes": bool}
_GROUPS = {"number": int, "rule_id": str, "closes": bool, "form_version": str, "kind": str, "severity": str}
_GROUPS |= {"text_id": int, "engines": str, "engine_dependent": bool}
_FOUND = {"rule": int, "instance_id": str, "row_id": str, "place": int, "content": int}
_KEY = ("rule", "instance_id", "row_id")


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """How many findings were opened (or opened again), kept open, and closed."""

    opened: int
    kept: int
    closed: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Which kept findings an evaluation speaks of.

    Attributes:
        origin: parse or rules.
        closing: rules whose findings close where they weren't found again; null for all.
        instances: interviews that were looked at; null for all.
    """

    form_id: str
    origin: str
    closing: Collection[str] | None = None
    instances: Collection[str] | None = None


@dataclass(slots=True)
class _Numbering:
    """Numbers for rules and for what findings have in common, given as they come by."""

    rules: dict[str, int] = field(default_factory=dict)
    groups: dict[tuple[object, ...], int] = field(default_factory=dict)
    firsts: list[Finding] = field(default_factory=list)

    def rows(self, found: Iterable[Finding], instances: Collection[str] | None) -> Iterator[tuple[Any, ...]]:
        """What `_FOUND` holds of each finding, of those interviews alone."""
        rules, groups = self.rules, self.groups
        for place, one in enumerate(found):
            if instances is not None and one.instance_id not in instances:
                continue
            rule = rules.get(one.rule_id)
            if rule is None:
                rule = rules[one.rule_id] = len(rules)
            key = (rule, one.form_version, one.kind, one.severity, one.engines, text_key(one))
            group = groups.get(key)
            if group is None:
                group = groups[key] = len(groups)
                self.firsts.append(one)
            yield rule, one.instance_id, one.row_id, place, group


def put(connection: Connection, scope: Scope, found: Iterable[Finding], at: datetime) -> FindingChanges:
    """Bring the findings of a scope up to date. Of two findings with the same key the first counts."""
    instances = None if scope.instances is None else frozenset(scope.instances)
    numbering = _Numbering()
    with ExitStack() as stack:

        def make(name: str, columns: dict[str, type], key: tuple[str, ...] = ()) -> Table:
            return stack.enter_context(temporary(connection, name, columns, key))

        sqlite = connection.dialect.name == "sqlite"
        staged = make("staged_findings", _FOUND, _KEY if sqlite else ())
        fill(connection, staged, numbering.rows(found, instances))
        if not sqlite:
            _drop_later_ones(connection, staged)
        rules = make("staged_rules", _RULES, ("rule_id",))
        groups = make("staged_groups", _GROUPS, ("number",))
        closing = None if scope.closing is None else frozenset(scope.closing)
        _fill_rules(connection, rules, numbering, closing)
        _fill_groups(connection, groups, numbering, closing)
        looked_at = None
        if instances is not None:
            looked_at = make("staged_instances", {"instance_id": str}, ("instance_id",))
            fill(connection, looked_at, ((one,) for one in sorted(instances)))
        merge = _Merge(connection, scope, at, staged, rules, groups, looked_at)
        if sqlite:
            return merge.run()
        if instances is not None:
            _analyze_if_grown(connection)
            return merge.run()
        # Whole forms are joined by hashing: a planner that doesn't know yet how many findings there are (none a moment
        # ago) would go through all of them for each.
        connection.exec_driver_sql("ANALYZE findings")
        connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
        changes = merge.run()
        connection.exec_driver_sql("SET LOCAL enable_nestloop = on")
        return changes


def _analyze_if_grown(connection: Connection) -> None:
    """Tell PostgreSQL's planner about the findings when there are twice as many as when it last looked.

    A first ingest writes them within minutes, before anybody analyses the table by itself; and a planner that knows of
    none takes the ones of this form for a handful, and goes through them for each row of a batch.
    """
    kept = connection.execute(select(func.coalesce(func.sum(finding_counts.c.number), 0))).scalar_one()
    seen = connection.exec_driver_sql("SELECT reltuples FROM pg_class WHERE oid = 'findings'::regclass").scalar_one()
    if kept > 2 * max(seen, 0):
        connection.exec_driver_sql("ANALYZE findings")


def _drop_later_ones(connection: Connection, staged: Table) -> None:
    """What the key does on SQLite."""
    number = func.row_number().over(partition_by=[staged.c[name] for name in _KEY], order_by=staged.c.place)
    ranked = select(staged.c.place, number.label("number")).subquery()
    later = select(ranked.c.place).where(ranked.c.number > 1)
    connection.execute(staged.delete().where(staged.c.place.in_(later)))


def _fill_rules(connection: Connection, rules: Table, numbering: _Numbering, closing: frozenset[str] | None) -> None:
    for rule_id in sorted(closing or ()):
        numbering.rules.setdefault(rule_id, len(numbering.rules))
    numbers = numbering.rules.items()
    fill(connection, rules, ((rule_id, number, closing is None or rule_id in closing) for rule_id, number in numbers))


def _fill_groups(connection: Connection, groups: Table, numbering: _Numbering, closing: frozenset[str] | None) -> None:
    texts = [text_values(one) for one in numbering.firsts]
    numbers = put_texts(connection, texts)
    rows = (
        (
            *(number, one.rule_id, closing is None or one.rule_id in closing, one.form_version, one.kind),
            *(one.severity, numbers[text["sha256"]], " ".join(one.engines), one.engine_dependent),
        )
        for number, (one, text) in enumerate(zip(numbering.firsts, texts, strict=True))
    )
    fill(connection, groups, rows)


@dataclass(frozen=True, slots=True)
class _Merge:
    """The statements that bring one scope up to date."""

    connection: Connection
    scope: Scope
    at: datetime
    staged: Table
    rules: Table
    groups: Table
    instances: Table | None

    def run(self) -> FindingChanges:
        """What there is to do, done."""
        total = self.connection.execute(select(func.count()).select_from(self.staged)).scalar_one()
        before = self._count_instances()
        known = select(exists().where(*self._of_scope())).scalar_subquery()
        if not self.connection.execute(select(known)).scalar_one():
            self._open(matched=False)
            self._count(before)
            return FindingChanges(total, 0, 0)
        matched, kept, closable, changed = self._compare()
        closed = self._close() if closable < self._count_closable() else 0
        if changed:
            self._change()
        if matched < total:
            self._open(matched=True)
        if closed or changed or matched < total:
            self._count(before)
        return FindingChanges(total - kept, kept, closed)

    def _count_instances(self) -> Counts:
        """How many findings there are of some interviews, kind by kind; of a whole form nothing is counted."""
        if self.instances is None:
            return Counts()
        return count_of(self.connection, self.scope.form_id, self.scope.origin, self.instances)

    def _count(self, before: Counts) -> None:
        """Keep the counts: of some interviews by what changed, so that ingest's batches don't cost ever more."""
        if self.instances is None:
            count_again(self.connection, self.scope.form_id, self.scope.origin)
        else:
            count_on(self.connection, before, self._count_instances())

    def _of_scope(self) -> tuple[ColumnElement[bool], ...]:
        where: tuple[ColumnElement[bool], ...] = (
            findings.c.form_id == self.scope.form_id,
            findings.c.origin == self.scope.origin,
        )
        if self.instances is not None:
            where += (findings.c.instance_id.in_(select(self.instances.c.instance_id)),)
        return where

    def _is_same(self) -> ColumnElement[bool]:
        """Whether a kept finding is the staged one, whose group is joined to it."""
        return and_(
            findings.c.form_id == self.scope.form_id,
            findings.c.origin == self.scope.origin,
            findings.c.rule_id == self.groups.c.rule_id,
            findings.c.instance_id == self.staged.c.instance_id,
            findings.c.row_id == self.staged.c.row_id,
        )

    def _joins(self) -> ColumnElement[bool]:
        return self.groups.c.number == self.staged.c.content

    def _differs(self) -> ColumnElement[bool]:
        """Whether the kept one is closed, or says something else."""
        return or_(findings.c.closed_at.is_not(None), *(findings.c[name] != self.groups.c[name] for name in _CONTENT))

    def _compare(self) -> tuple[int, int, int, int]:
        """How many staged ones are known, are open, are open and may close, and are to be changed."""

        def tally(condition: ColumnElement[bool]) -> ColumnElement[int]:
            return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

        is_open = findings.c.closed_at.is_(None)
        counts = (func.count(), tally(is_open), tally(and_(is_open, self.groups.c.closes)), tally(self._differs()))
        query = select(*counts).where(self._joins(), self._is_same())
        matched, kept, closable, changed = self.connection.execute(query).one()
        return matched, kept, closable, changed

    def _may_close(self) -> tuple[ColumnElement[bool], ...]:
        may: tuple[ColumnElement[bool], ...] = (*self._of_scope(), findings.c.closed_at.is_(None))
        return may if self.scope.closing is None else (*may, self.rules.c.closes)

    def _with_rules(self) -> Join:
        return findings.outerjoin(self.rules, self.rules.c.rule_id == findings.c.rule_id)

    def _count_closable(self) -> int:
        query = select(func.count()).select_from(self._with_rules()).where(*self._may_close())
        return self.connection.execute(query).scalar_one()

    def _close(self) -> int:
        """Close what may close and wasn't found again."""
        again = and_(
            self.staged.c.rule == self.rules.c.number,
            self.staged.c.instance_id == findings.c.instance_id,
            self.staged.c.row_id == findings.c.row_id,
        )
        source = self._with_rules().outerjoin(self.staged, again)
        gone = select(findings.c.id).select_from(source).where(*self._may_close(), self.staged.c.rule.is_(None))
        closing = update(findings).where(findings.c.id.in_(gone))
        return self.connection.execute(closing.values(closed_at=self._now())).rowcount

    def _now(self) -> BindParameter[datetime]:
        return bindparam("at", self.at, type_=findings.c.opened_at.type)

    def _change(self) -> None:
        """What reads otherwise now, or is found again after it was closed."""
        values: dict[str, Any] = {name: self.groups.c[name] for name in _CONTENT}
        opened = case(
            (findings.c.closed_at.is_(None), findings.c.opened_at),
            else_=self._now(),
        )
        changing = update(findings).where(self._joins(), self._is_same(), self._differs())
        self.connection.execute(changing.values(**values, opened_at=opened, closed_at=None))

    def _commune(self) -> ColumnElement[Any]:
        """That of the finding's interview."""
        mine = (submissions.c.form_id == self.scope.form_id, submissions.c.instance_id == self.staged.c.instance_id)
        own = select(submissions.c.commune).where(*mine).scalar_subquery()
        return func.coalesce(own, "")

    def _open(self, *, matched: bool) -> None:
        """Insert what isn't known, in the order of the key, so that the index grows at one end."""
        source = self.staged.join(self.groups, self._joins())
        where: ColumnElement[bool] = true()
        if matched:
            source = source.outerjoin(findings, self._is_same())
            where = findings.c.id.is_(None)
        columns: dict[str, ColumnElement[Any]] = {
            "form_id": bindparam("form", self.scope.form_id),
            "origin": bindparam("origin", self.scope.origin),
            "opened_at": self._now(),
            "rule_id": self.groups.c.rule_id,
            "instance_id": self.staged.c.instance_id,
            "row_id": self.staged.c.row_id,
            **{name: self.groups.c[name] for name in _CONTENT},
        }
        if is_spread(self.connection, self.scope.form_id):
            columns["commune"] = self._commune()
        rows = select(*columns.values()).select_from(source).where(where)
        rows = rows.order_by(self.groups.c.rule_id, self.staged.c.instance_id, self.staged.c.row_id)
        self.connection.execute(insert(findings).from_select(list(columns), rows))
