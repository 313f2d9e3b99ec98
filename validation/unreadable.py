"""Answers that could not be read, and which rules rest on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from schemas.fields import INSTANCE_ID, ROW_ID, Form
from schemas.findings import Finding, Rule
from validation.rules import question_names

_TABLE = "table"
_NAME = "name"


class Unreadable:
    """The places of answers that are no value of their question's type.

    Args:
        parsed: findings made while the answers were read; those of the kind "type" count.
    """

    def __init__(self, form: Form, parsed: Sequence[Finding]) -> None:
        fields = {field.path: field for field in form.fields()}
        self._known = frozenset(field.name for field in fields.values())
        rows = [
            (finding.instance_id, finding.row_id, fields[finding.path].table, fields[finding.path].name)
            for finding in parsed
            if finding.kind == "type" and finding.path in fields
        ]
        schema = dict.fromkeys((INSTANCE_ID, ROW_ID, _TABLE, _NAME), pl.String)
        self._places = pl.DataFrame(rows, schema=schema, orient="row")
        self._names = frozenset(self._places[_NAME].unique().to_list())

    def rests_on(self, rule: Rule) -> Iterator[tuple[list[str], pl.DataFrame]]:
        """Keys of the records in which the rule rests on an unreadable answer.

        Yields:
            Column names and a frame of them: an answer of the rule's own table spoils its row, one of another table
            the interview.
        """
        names = {*rule.variables, *question_names(rule.expression, self._known)} & self._names
        if not names:
            return
        places = self._places.filter(pl.col(_NAME).is_in(list(names)))
        own = pl.col(_TABLE) == rule.table
        yield [INSTANCE_ID, ROW_ID], places.filter(own).select(INSTANCE_ID, ROW_ID)
        yield [INSTANCE_ID], places.filter(~own).select(INSTANCE_ID)
