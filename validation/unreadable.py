"""Answers that could not be read, and which rules rest on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from expressions.targets import Place
from schemas.fields import INSTANCE_ID, MAIN_TABLE, ROW_ID, Field, Form, Node, Repeat, walk
from schemas.findings import Finding, Rule
from validation.across_rows import read_across_rows
from validation.compiled import as_field
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
            Column names and a frame of them: an answer of the rule's own table spoils its row, or the interview where
            the rule reads several rows; one of another table the interview.
        """
        grounds = self._grounds.of_rule(rule) if self._grounds else {}
        paths = self._paths & grounds.keys()
        if not paths:
            return
        places = self._places.filter(pl.col(_PATH).is_in(list(paths)))
        own = (pl.col(_TABLE) == rule.table) & ~pl.col(_PATH).is_in([path for path in paths if grounds[path]])
        yield [INSTANCE_ID, ROW_ID], places.filter(own).select(INSTANCE_ID, ROW_ID)
        yield [INSTANCE_ID], places.filter(~own).select(INSTANCE_ID)


class Grounds:
    """What rules rest on: the answers they name, and those that decide whether these were asked for."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._by_name: dict[str, list[str]] = {}
        self._places: dict[str, Place] = {}
        self._conditions: dict[str, tuple[tuple[str, Place], ...]] = {}
        self._visit(form.root, MAIN_TABLE, ())
        self._names = frozenset(self._by_name)
        self._asked: dict[str, dict[str, bool]] = {}
        self._fields = {node.path for node in walk(form.root) if isinstance(node, Field)}

    def of_rule(self, rule: Rule) -> dict[str, bool]:
        """Paths of the questions on whose answers the rule's verdict rests: whether on those of other rows too."""
        path = rule_path(rule)
        # Whether a code is in the list at all doesn't depend on the list's filter.
        is_plain_list = rule.rule_id.startswith("choice:") and "instance(" in rule.expression
        place = Place(self._form, rule.table, self._places[path].field if path in self._places else None)
        named = {} if is_plain_list else self._named(rule.expression, place)
        own = () if path in self._fields else rule.variables
        waiting = [(each, False) for each in ({path} & self._places.keys()) | self._paths(own)]
        waiting += named.items()
        found: dict[str, bool] = {}
        while waiting:
            at, across = waiting.pop()
            if found.get(at, -1) >= across:
                continue
            found[at] = across
            waiting += [(other, across or elsewhere) for other, elsewhere in self._deciding(at).items()]
        return found

    def _deciding(self, path: str) -> dict[str, bool]:
        """Paths named by the relevance of a node and of all above it; whether in other rows too."""
        if path not in self._asked:
            found = self._asked[path] = {}
            for text, place in self._conditions[path]:
                for other, across in self._named(text, place).items():
                    found[other] = found.get(other, False) or across
        return self._asked[path]

    def _named(self, text: str, place: Place) -> dict[str, bool]:
        """Paths of the questions that an expression names; whether it reads them in other rows than its own."""
        across = read_across_rows(text, place)
        return dict.fromkeys(self._paths(question_names(text, self._names)), False) | dict.fromkeys(across, True)

    def _paths(self, names: Iterable[str]) -> set[str]:
        return {path for name in names for path in self._by_name.get(name, ())}

    def _visit(self, node: Node, table: str, above: tuple[tuple[str, Place], ...]) -> None:
        table = node.table if isinstance(node, Repeat) else table
        place = self._places[node.path] = Place(self._form, table, as_field(node, table))
        conditions = (*above, (node.relevant, place)) if node.relevant else above
        self._by_name.setdefault(node.name, []).append(node.path)
        self._conditions[node.path] = conditions
        for child in () if isinstance(node, Field) else node.children:
            self._visit(child, table, conditions)
