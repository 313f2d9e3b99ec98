"""What selects ask of one question's answers, as columns of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from expressions.answers import Answers

if TYPE_CHECKING:
    from expressions.links import Links
    from expressions.lowering import Plan


def holds_choice(plan: Plan, answer: pl.Expr, choice: str) -> pl.Expr | None:
    """`selected()` of a question of the plan's own table and a choice written out; null if it isn't one."""
    column = _own_column(plan, answer)
    if column is None:
        return None
    table = plan.place.table
    return plan.derive(
        f"{column} has {choice!r}", lambda links: _answers(links, table, column).contain(choice), anywhere=True
    )


def count_words(plan: Plan, answer: pl.Expr) -> pl.Expr | None:
    """`count-selected()` of a question of the plan's own table; null if it isn't one."""
    column = _own_column(plan, answer)
    if column is None:
        return None
    table = plan.place.table
    return plan.derive(f"words of {column}", lambda links: _answers(links, table, column).count(), anywhere=True)


def _own_column(plan: Plan, answer: pl.Expr) -> str | None:
    roots = answer.meta.root_names()
    if len(roots) != 1 or roots[0] not in plan.own or not answer.meta.eq(pl.col(roots[0]).cast(pl.String)):
        return None
    return roots[0]


def _answers(links: Links, table: str, column: str) -> Answers:
    """What is known of a column's texts in this evaluation."""
    key = (table, column)
    if key not in links.answers:
        frame = links.tables[table]
        texts = frame.get_column(column) if column in frame.columns else pl.Series([None] * frame.height)
        links.answers[key] = Answers(texts.cast(pl.String))
    return links.answers[key]
