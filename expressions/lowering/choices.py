"""`selected()` of one question and a choice written out, as a column of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from expressions.answers import Answers

if TYPE_CHECKING:
    from expressions.links import Links
    from expressions.lowering import Plan


def holds_choice(plan: Plan, answer: pl.Expr, choice: str) -> pl.Expr | None:
    """`selected()` of a question of the plan's own table and a choice written out; null if it isn't one."""
    roots = answer.meta.root_names()
    if len(roots) != 1 or roots[0] not in plan.own or not answer.meta.eq(pl.col(roots[0]).cast(pl.String)):
        return None
    column, table = roots[0], plan.place.table

    def look(links: Links) -> pl.Series:
        key = (table, column)
        if key not in links.answers:
            frame = links.tables[table]
            texts = frame.get_column(column) if column in frame.columns else pl.Series([None] * frame.height)
            links.answers[key] = Answers(texts.cast(pl.String))
        return links.answers[key].contain(choice)

    return plan.derive(f"{column} has {choice!r}", look, anywhere=True)
