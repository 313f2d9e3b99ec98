"""Whether a condition means the same in every engine, told from its functions and the types of its questions alone.

Only what is proved alike is named so; of everything else nothing is said. What is proved is plain logic: text answers
compared with written codes, whole numbers compared with each other, choices selected. It covers most of what
questionnaires ask before they show a question, and saves asking three engines about it.
"""

from __future__ import annotations

from dataclasses import replace

from expressions.calculated import as_held
from expressions.grammar import parse
from expressions.profiles import Profile
from expressions.script_dates import looks_like_date
from expressions.syntax import Binary, Call, Expr, Logic, Negation, Number, Path, Reference, Text
from expressions.targets import Place, find_path, find_reference
from schemas.errors import ExpressionError
from schemas.fields import MAIN_TABLE, Field, Form

_ORDERS = frozenset(("<", "<=", ">", ">="))
_EQUALITY = frozenset(("=", "!="))
_TEXTS = frozenset(("string", ""))


def means_the_same(text: str, form: Form, table: str, field: Field | None) -> bool:
    """Whether a condition is certain to hold in the same rows, whichever engine evaluates it.

    Args:
        table: whose rows it is asked of.
        field: the question at which it stands, null for the row.
    """
    try:
        tree = parse(text)
        if parse(text, exponents=True) != tree:
            return False
        held, fields = as_held(form)
        if field is not None and field.path in fields:
            field = replace(field, type=fields[field.path].type)
        return _Meaning(Place(held, table, field)).is_condition(tree)
    except ExpressionError:
        return False


class _Meaning:
    """Proves from the place where an expression stands."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def is_condition(self, expr: Expr) -> bool:
        """Whether it is a truth that the engines agree on."""
        match expr:
            case Logic():
                return all(map(self.is_condition, expr.operands))
            case Call(name="true" | "false", arguments=()):
                return True
            case Call(name="not", arguments=(inner,)):
                return self.is_condition(inner)
            case Call(name="selected", arguments=(answer, Text(value=code))):
                return self._is_text(answer) and code != "" and code.split() == [code]
            case Binary(operator=operator) if operator in _ORDERS:
                return self._is_number(expr.left, whole=False) and self._is_number(expr.right, whole=False)
            case Binary(operator=operator) if operator in _EQUALITY:
                # JavaRosa lets computed decimals differ by a little: whole numbers can't.
                return self._are_text_and_code(expr) or (
                    self._is_number(expr.left, whole=True) and self._is_number(expr.right, whole=True)
                )
            case _:
                return False

    def _are_text_and_code(self, expr: Binary) -> bool:
        answer, code = (expr.right, expr.left) if isinstance(expr.left, Text) else (expr.left, expr.right)
        if not isinstance(code, Text) or any(looks_like_date(code.value, profile) for profile in Profile):
            return False
        return self._is_text(answer)

    def _is_text(self, expr: Expr) -> bool:
        field = self._question(expr)
        return field is not None and field.type in _TEXTS

    def _is_number(self, expr: Expr, *, whole: bool) -> bool:
        match expr:
            case Number():
                return not whole or expr.value.is_integer()
            case Negation():
                return self._is_number(expr.operand, whole=whole)
            case Binary(operator="+" | "-" | "*"):
                return self._is_number(expr.left, whole=whole) and self._is_number(expr.right, whole=whole)
            case _:
                field = self._question(expr)
                return field is not None and field.type in ({"int"} if whole else {"int", "decimal"})

    def _question(self, expr: Expr) -> Field | None:
        """The one question of the same interview that a name or path means in every engine.

        Paths from the root into a repeat are left out: JavaRosa stays in the own row, others may not.
        """
        if isinstance(expr, Reference) and not expr.last_saved:
            target = find_reference(expr, self._place)
        elif isinstance(expr, Path) and expr.base is None:
            target = find_path(expr, self._place)
        else:
            return None
        is_plain = target.is_single and (
            target.table == MAIN_TABLE
            or (isinstance(expr, Path) and not expr.absolute and target.table == self._place.table)
        )
        return target.field if is_plain else None
