"""Evaluate an expression over whole tables at once, with JavaRosa's meaning of blank, number, text and date.

    expr = compile_columns("${age} >= 15 and ${work} = 'yes'", form, "person")
    expr.boolean(tables)  # a Boolean series, one value per row of tables["person"]

What has no columnar form is refused with its position and the reason, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from expressions.calculated import as_held
from expressions.clock import CLOCK_FUNCTIONS, refuse_unknown_time
from expressions.grammar import parse
from expressions.groups import Indices
from expressions.links import Links
from expressions.lowered import Lowered, to_boolean, to_number, to_string
from expressions.lowering import Plan, run_together
from expressions.personal_uses import questions_named
from expressions.profiles import Profile
from expressions.records import compile_record
from expressions.rowwise import RowKind, RowRequest, evaluate_rows
from expressions.syntax import Call, walk
from expressions.targets import Place
from schemas.errors import ExpressionError
from schemas.fields import Field, Form

Tables = Mapping[str, pl.DataFrame]


class ColumnExpr:
    """A compiled expression over the rows of one table.

    Attributes:
        text: what it was compiled from.
        table: whose rows it has a value for.
        names: names of the questions it uses.
    """

    def __init__(self, text: str, form: Form, table: str, field: Field | None = None, zone: str = "UTC") -> None:
        self.text = text
        self.table = table
        self._form = form
        self._plan = Plan(Place(form, table, field), zone)
        self._value: Lowered = self._plan.lower(parse(text))
        self._boolean = to_boolean(self._value)
        self.names = frozenset(self._plan.names)

    @property
    def is_columnar(self) -> bool:
        """Whether it is computed over columns (else row by row)."""
        return True

    @property
    def form(self) -> Form:
        """The form over whose tables it is evaluated."""
        return self._form

    @property
    def group(self) -> tuple[int, str, str]:
        """Expressions of one group may be evaluated together."""
        return id(self._form), self.table, self._plan.zone

    def boolean(self, tables: Tables) -> pl.Series:
        """Boolean without nulls, one value per row."""
        return self._run("boolean", tables)

    def number(self, tables: Tables) -> pl.Series:
        """Float64; null where the value is blank or no number."""
        return self._run("number", tables)

    def string(self, tables: Tables) -> pl.Series:
        """String without nulls; "" where the value is blank."""
        return self._run("string", tables)

    def planned(self, kind: RowKind) -> tuple[Plan, pl.Expr]:
        """The value as that kind, lowered: an expression in its plan."""
        match kind:
            case "boolean":
                return self._plan, self._boolean.cast(pl.Boolean)
            case "number":
                return self._plan, to_number(self._value).cast(pl.Float64)
            case "string":
                return self._plan, to_string(self._value).cast(pl.String).fill_null("")

    def _run(self, kind: RowKind, tables: Tables) -> pl.Series:
        plan, expr = self.planned(kind)
        return plan.run(expr, Links(self._form, tables)).alias("")


class RowwiseExpr(ColumnExpr):
    """An expression evaluated row by row: without columnar form, or with the meaning of another engine.

    The same meaning as over columns if the engine is JavaRosa, and a hundred times slower.
    """

    def __init__(
        self,
        text: str,
        form: Form,
        table: str,
        field: Field | None = None,
        zone: str = "UTC",
        profile: Profile = Profile.JAVAROSA,
    ) -> None:
        self._profile = profile
        self.text = text
        self.table = table
        self._form = form
        self._field = field
        self._zone = zone
        tree = parse(text)
        for part in walk(tree):
            if isinstance(part, Call) and part.name in CLOCK_FUNCTIONS:
                refuse_unknown_time(form, part.name, part.position)
        self.names = questions_named(tree, form, field)

    @property
    def is_columnar(self) -> bool:
        """Whether it is computed over columns (else row by row)."""
        return False

    def boolean(self, tables: Tables) -> pl.Series:
        """Boolean without nulls, one value per row."""
        return self._evaluate(tables, "boolean")

    def number(self, tables: Tables) -> pl.Series:
        """Float64; null where the value is blank or no number."""
        return self._evaluate(tables, "number")

    def string(self, tables: Tables) -> pl.Series:
        """String without nulls; "" where the value is blank."""
        return self._evaluate(tables, "string")

    def _evaluate(self, tables: Tables, kind: RowKind) -> pl.Series:
        (found,) = evaluate_rows([self.request(kind)], tables)
        if isinstance(found, ExpressionError):
            raise found
        return found

    def request(self, kind: RowKind, rows: Indices | None = None) -> RowRequest:
        """What `evaluate_rows` needs to evaluate it, in some rows only or in all."""
        return RowRequest(self.text, self._form, self.table, self._field, kind, self._zone, self._profile, rows)


Request = tuple[ColumnExpr, RowKind]
"""An expression whose values are wanted, as which kind."""

CELLS = 4_000_000
"""Rows times expressions evaluated in one pass: what bounds the memory of their steps."""


def evaluate_together(requests: Sequence[Request], tables: Tables) -> list[pl.Series]:
    """The values of many expressions, in the order asked for; the same as one by one, several times faster.

    Expressions of one table are evaluated in passes of at most `CELLS` cells; those without columnar form one by one.
    """
    found: dict[int, pl.Series] = {}
    groups: dict[tuple[int, str, str], list[int]] = {}
    for at, (expr, kind) in enumerate(requests):
        if expr.is_columnar:
            groups.setdefault(expr.group, []).append(at)
        else:
            found[at] = getattr(expr, kind)(tables)
    for (_, table, _), members in groups.items():
        links = Links(requests[members[0]][0].form, tables)
        for some in _passes(members, max(1, CELLS // max(1, tables[table].height))):
            parts = [requests[at][0].planned(requests[at][1]) for at in some]
            found |= zip(some, (series.alias("") for series in run_together(parts, links)), strict=True)
    return [found[at] for at in range(len(requests))]


def _passes(members: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(members), size):
        yield members[start : start + size]


def compile_columns(
    text: str,
    form: Form,
    table: str,
    field: Field | None = None,
    *,
    allow_rowwise: bool = False,
    zone: str = "UTC",
    profile: Profile = Profile.JAVAROSA,
) -> ColumnExpr:
    """Compile an expression for the rows of a table.

    Args:
        text: ODK XPath over `${name}` or paths.
        table: name of the typed table whose rows get a value.
        field: the question at which the expression stands: gives `.` and relative paths their meaning. Null: the row.
        allow_rowwise: evaluate row by row what has no columnar form, instead of refusing it.
        zone: time zone in which the day of a moment is told.
        profile: the engine whose meaning it has. Columns know JavaRosa's; that of others is evaluated row by row.

    Raises:
        ExpressionError: EXP-001 to EXP-010 from `grammar.parse`; EXP-020, EXP-021 a wrong call; EXP-025 no date;
            EXP-027 a broken pattern; EXP-029 a broken date pattern. Without columnar form: EXP-101 an unknown name;
            EXP-102 an unknown path; EXP-103 several values where one is needed; EXP-104 a type; EXP-105 position();
            EXP-107 a function or step; EXP-108 lists and files; EXP-109 a computed pattern; EXP-110 chance; EXP-111 a
            predicate that is no condition; EXP-112 the time of an interview whose form
            doesn't record it. EXP-120 the answer to a personal question is looked into.
    """
    if profile is Profile.JAVAROSA:
        form, fields = as_held(form)
        if field is not None and field.path in fields:
            field = replace(field, type=fields[field.path].type)
    else:
        compile_record(text, profile)
        return RowwiseExpr(text, form, table, field, zone, profile)
    try:
        return ColumnExpr(text, form, table, field, zone)
    except ExpressionError as error:
        if not allow_rowwise or error.code not in ROWWISE_CODES:
            raise
        return RowwiseExpr(text, form, table, field, zone)


ROWWISE_CODES = frozenset(("EXP-103", "EXP-104", "EXP-105", "EXP-107", "EXP-108", "EXP-109"))
"""Refusals after which row by row is worth trying."""
