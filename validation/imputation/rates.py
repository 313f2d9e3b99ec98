"""How many answers were imputed: by question, by what they were before and how it was done, and by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from schemas.domains import join
from schemas.fields import INSTANCE_ID, MAIN_TABLE, ROW_ID, Form
from validation.imputation.changes import Imputed
from validation.imputation.plan import Column, Plan

DERIVED = "derived"
_KEY = "_key"


@dataclass(frozen=True, slots=True)
class Rate:
    """Answers to one question.

    Attributes:
        table, question: its table, and its column there.
        domain: "total", or the class ("sex=1&age_group=15_29").
        of: rows with an answer once all is done, and those whose answer was taken away.
        missing, failed, opened: answers that were imputed, by what they were: none, one that a rule couldn't stand, one
            to a question that wasn't asked before.
        methods: method -> answers.
        donors: interviews that gave.
    """

    table: str
    question: str
    domain: str
    of: int
    missing: int
    failed: int
    opened: int
    methods: Mapping[str, int]
    donors: int

    @property
    def imputed(self) -> int:
        """All of them."""
        return self.missing + self.failed + self.opened

    @property
    def share(self) -> float:
        """Of the answers that count."""
        return self.imputed / self.of if self.of else 0.0


def imputation_rates(
    form: Form, tables: Mapping[str, pl.DataFrame], changes: Sequence[Imputed], plan: Plan
) -> tuple[Rate, ...]:
    """The rates of every question of which an answer was imputed, in form order; then those of its classes.

    Args:
        tables: interviews that count, imputed.
        changes: of these interviews; what was calculated anew isn't counted.
    """
    by_column: dict[Column, list[Imputed]] = {}
    for row in changes:
        if row.kind != DERIVED:
            by_column.setdefault((row.table, row.column), []).append(row)
    found: list[Rate] = []
    for question in form.fields():
        column = (question.table, question.column)
        rows = by_column.get(column)
        frame = tables.get(question.table)
        if not rows or frame is None:
            continue
        answered = _classes(tables, column, plan)
        taken = Counter(row.instance_id for row in rows if row.new is None)
        found.append(_rate(column, "total", frame[question.column].count() + sum(taken.values()), rows))
        if plan.of(column).classes:
            found += _by_class(column, answered, rows)
    return tuple(found)


def _rate(column: Column, domain: str, of: int, rows: Sequence[Imputed]) -> Rate:
    kinds = Counter(row.kind for row in rows)
    return Rate(
        *column,
        domain,
        of,
        kinds["missing"],
        kinds["failed"],
        kinds["opened"],
        dict(sorted(Counter(row.method for row in rows).items())),
        len({row.donor for row in rows if row.donor}),
    )


def _classes(tables: Mapping[str, pl.DataFrame], column: Column, plan: Plan) -> pl.DataFrame:
    """Instance id, row id and class of every row of the question's table, and whether it has an answer."""
    table, name = column
    frame = tables[table]
    classes = plan.of(column).classes
    main = [each for each in classes if each[0] == MAIN_TABLE and table != MAIN_TABLE]
    above = tables[MAIN_TABLE].select(INSTANCE_ID, *(pl.col(each[1]).alias(f"{_KEY}{each[1]}") for each in main))
    own = [pl.col(each[1]).alias(f"{_KEY}{each[1]}") for each in classes if each[0] == table]
    wide = frame.select(INSTANCE_ID, ROW_ID, pl.col(name).is_not_null().alias("answered"), *own)
    wide = wide.join(above, on=INSTANCE_ID, how="left") if main else wide
    named = [each[1] for each in classes if f"{_KEY}{each[1]}" in wide.columns]
    domains = (
        [
            join((name, "" if value is None else str(value)) for name, value in zip(named, values, strict=True))
            for values in wide.select(f"{_KEY}{name}" for name in named).iter_rows()
        ]
        if named
        else ["total"] * wide.height
    )
    return wide.select(INSTANCE_ID, ROW_ID, "answered").with_columns(pl.Series("domain", domains, dtype=pl.String))


def _by_class(column: Column, answered: pl.DataFrame, rows: Sequence[Imputed]) -> list[Rate]:
    keys = pl.DataFrame(
        [(row.instance_id, row.row_id, place) for place, row in enumerate(rows)],
        schema={INSTANCE_ID: pl.String, ROW_ID: pl.String, "_place": pl.Int64},
        orient="row",
    )
    placed = keys.join(answered, on=[INSTANCE_ID, ROW_ID], how="inner")
    members: dict[str, list[Imputed]] = {}
    taken: Counter[str] = Counter()
    for _, _, place, is_answered, domain in placed.sort("_place").iter_rows():
        members.setdefault(domain, []).append(rows[place])
        taken[domain] += not is_answered
    sizes = dict(answered.filter("answered").group_by("domain").len().iter_rows())
    return [_rate(column, domain, sizes.get(domain, 0) + taken[domain], members[domain]) for domain in sorted(members)]
