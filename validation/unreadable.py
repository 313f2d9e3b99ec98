"""Answers that could not be read, and which rules rest on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from schemas.fields import INSTANCE_ID, ROW_ID, Field, Form, Node, walk
from schemas.findings import Finding, Rule
from validation.rules import question_names, rule_path

_TABLE = "table"
_PATH = "path"


class Unreadable:
    """The places of answers that are no value of their question's type.

    Args:
        parsed: findings made while the answers were read; those of the kind "type" count.
    """

    def __init__(self, form: Form, parsed: Sequence[Finding]) -> None:
        fields = {field.path: field for field in form.fields()}
        rows = [
            (finding.instance_id, finding.row_id, fields[finding.path].table, finding.path)
            for finding in parsed
            if finding.kind == "type" and finding.path in fields
        ]
        schema = dict.fromkeys((INSTANCE_ID, ROW_ID, _TABLE, _PATH), pl.String)
        self._places = pl.DataFrame(rows, schema=schema, orient="row")
        self._paths = frozenset(self._places[_PATH].unique().to_list())
        self._grounds = Grounds(form) if self._paths else None

    def rests_on(self, rule: Rule) -> Iterator[tuple[list[str], pl.DataFrame]]:
        """Keys of the records in which the rule rests on an unreadable answer.

        Yields:
            Column names and a frame of them: an answer of the rule's own table spoils its row, one of another table
            the interview.
        """
        paths = self._paths & self._grounds.of_rule(rule) if self._grounds else frozenset[str]()
        if not paths:
            return
        places = self._places.filter(pl.col(_PATH).is_in(list(paths)))
        own = pl.col(_TABLE) == rule.table
        yield [INSTANCE_ID, ROW_ID], places.filter(own).select(INSTANCE_ID, ROW_ID)
        yield [INSTANCE_ID], places.filter(~own).select(INSTANCE_ID)


class Grounds:
    """What rules rest on: the answers they name, and those that decide whether these were asked for."""

    def __init__(self, form: Form) -> None:
        self._by_name: dict[str, list[str]] = {}
        self._conditions: dict[str, tuple[str, ...]] = {}
        self._visit(form.root, ())
        self._names = frozenset(self._by_name)
        self._asked: dict[str, frozenset[str]] = {}
        self._fields = {node.path for node in walk(form.root) if isinstance(node, Field)}

    def of_rule(self, rule: Rule) -> frozenset[str]:
        """Paths of the questions on whose answers the rule's verdict rests."""
        path = rule_path(rule)
        # Whether a code is in the list at all doesn't depend on the list's filter.
        is_plain_list = rule.rule_id.startswith("choice:") and "instance(" in rule.expression
        named = () if is_plain_list else question_names(rule.expression, self._names)
        own = () if path in self._fields else rule.variables
        waiting = {path} & self._conditions.keys() | self._paths((*named, *own))
        found: set[str] = set()
        while waiting:
            at = waiting.pop()
            found.add(at)
            waiting |= self._deciding(at) - found
        return frozenset(found)

    def _deciding(self, path: str) -> frozenset[str]:
        """Paths named by the relevance of a node and of all above it."""
        if path not in self._asked:
            named = (question_names(text, self._names) for text in self._conditions[path])
            self._asked[path] = frozenset(self._paths(name for names in named for name in names))
        return self._asked[path]

    def _paths(self, names: Iterable[str]) -> set[str]:
        return {path for name in names for path in self._by_name.get(name, ())}

    def _visit(self, node: Node, above: tuple[str, ...]) -> None:
        conditions = (*above, node.relevant) if node.relevant else above
        self._by_name.setdefault(node.name, []).append(node.path)
        self._conditions[node.path] = conditions
        for child in () if isinstance(node, Field) else node.children:
            self._visit(child, conditions)
