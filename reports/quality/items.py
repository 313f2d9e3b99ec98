"""How often questions were left blank, or answered with “don't know” or a refusal.

Method: docs/methods/quality_report.md, section 3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from schemas.fields import Field, Form, Group, Repeat
from schemas.findings import RuleSummary

_REQUIRED = "required:"


@dataclass(frozen=True, slots=True)
class ItemRate:
    """One question, over the rows of its table in interviews that count.

    Attributes:
        question, table: where it stands.
        asked: rows in which it was to be answered, null where that can't be said from the tables.
        answered: rows with an answer, unknown ones among them.
        unknown: rows with “don't know” or a refusal.
    """

    question: str
    table: str
    asked: int | None
    answered: int
    unknown: int

    @property
    def blank(self) -> int | None:
        """Rows in which the answer is missing; null where `asked` is."""
        return None if self.asked is None else max(self.asked - self.answered, 0)


def item_rates(
    form: Form, tables: Mapping[str, pl.DataFrame], unknown_codes: Collection[str], rules: Iterable[RuleSummary] = ()
) -> list[ItemRate]:
    """The rates of every question that is asked, in form order.

    Args:
        tables: typed tables of the interviews that count.
        unknown_codes: codes that stand for “don't know” or a refusal.
        rules: how rules fared; of a required question, its rule knows in how many rows it was to be answered.
    """
    free = unconditional(form)
    required = {row.rule.rule_id.removeprefix(_REQUIRED): row for row in rules if row.rule.kind == "required"}
    found: list[ItemRate] = []
    for table in form.tables:
        frame = tables.get(table.name)
        if frame is None:
            continue
        asked_fields = [field for field in table.fields if _is_asked(field) and field.column in frame.columns]
        counts = frame.select(
            *(pl.col(field.column).count().alias(f"a/{field.column}") for field in asked_fields),
            *(_unknown(field, unknown_codes).alias(f"u/{field.column}") for field in asked_fields),
        )
        for field in asked_fields:
            answered = int(counts[f"a/{field.column}"][0])
            asked: int | None = frame.height if field.path in free else None
            if asked is None and field.path in required:
                rule = required[field.path]
                # The rule judged every interview; in those that count, what is blank still is a finding of it.
                asked = answered + min(rule.failed, max(frame.height - answered, 0))
            found.append(ItemRate(field.name, table.name, asked, answered, int(counts[f"u/{field.column}"][0])))
    return found


def unconditional(form: Form) -> frozenset[str]:
    """Paths of the questions that no skip rule can hide within a row of their table."""

    def visit(group: Group | Repeat) -> Iterator[str]:
        for child in group.children:
            if isinstance(child, Repeat):
                yield from visit(child)
            elif not child.relevant:
                if isinstance(child, Field):
                    yield child.path
                else:
                    yield from visit(child)

    return frozenset(visit(form.root))


def _is_asked(field: Field) -> bool:
    return field.control in {"input", "select1", "select", "rank", "range", "upload"} and not field.readonly


def _unknown(field: Field, codes: Collection[str]) -> pl.Expr:
    column = pl.col(field.column)
    if field.is_select:
        listed = [choice.value for choice in field.choices if choice.value in codes] or sorted(codes)
        if field.is_multiple:
            chosen = column.cast(pl.String).str.split(" ")
            return (chosen.list.set_intersection(pl.lit(listed, pl.List(pl.String))).list.len() > 0).sum()
        return column.cast(pl.String).is_in(listed).sum()
    if field.type in {"int", "decimal"}:
        numbers = [float(code) for code in codes if code.startswith("-") and code[1:].isdigit()]
        return column.cast(pl.Float64, strict=False).is_in(numbers).sum()
    return pl.lit(0)
