"""What kind of value JavaRosa holds for a calculation that its form stores as text.

A `calculate` without a type is text in the form, but in JavaRosa's memory it is what its expression gave: a truth, a
number or a day. So `${is_adult}` over a stored `0` is false, and `${today}` can be compared with a date, though the
record holds texts. Here that kind is told from the expression, wherever it follows from it; the other engines hold the
text alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from expressions.grammar import parse
from expressions.syntax import Binary, Call, Expr, Logic, Negation, Number, Path, Reference, Text
from expressions.targets import Place, Target, find_path, find_reference
from schemas.errors import ExpressionError
from schemas.fields import Field, Form, Node, Table

BOOLEAN = "boolean"
CALCULATED_NUMBER = "calculated number"
CALCULATED_DAY = "calculated day"
CALCULATED_MOMENT = "calculated moment"

_BLANK = "blank"
_TEXT = ""
_BY_TYPE = {
    "int": CALCULATED_NUMBER,
    "integer": CALCULATED_NUMBER,
    "long": CALCULATED_NUMBER,
    "decimal": CALCULATED_NUMBER,
    "date": CALCULATED_DAY,
    "dateTime": CALCULATED_MOMENT,
    "boolean": BOOLEAN,
}
_TRUTHS = (
    "true false not boolean boolean-from-string selected is-selected regex contains starts-with ends-with checklist "
    "weighted-checklist geofence"
)
_NUMBERS = (
    "number int round floor ceiling sum min max count count-non-empty abs pow sqrt exp exp10 log log10 sin cos tan "
    "asin acos atan atan2 pi random string-length count-selected position area distance decimal-date-time decimal-time"
)
_BY_FUNCTION = {
    **dict.fromkeys(_TRUTHS.split(), BOOLEAN),
    **dict.fromkeys(_NUMBERS.split(), CALCULATED_NUMBER),
    "today": CALCULATED_DAY,
    "date": CALCULATED_DAY,
    "now": CALCULATED_MOMENT,
}
_KEPT = 16
_FORMS: OrderedDict[int, tuple[Form, Form, dict[str, Field]]] = OrderedDict()
"""By the form's identity; each holds its form, so that no other takes its id."""


def as_held(form: Form) -> tuple[Form, dict[str, Field]]:
    """The form with the kinds that JavaRosa holds as types of its calculated texts, and its fields by path.

    The same form gives the same object again; a form without such calculations gives itself.
    """
    kept = _FORMS.get(id(form))
    if kept is None:
        kept = _FORMS[id(form)] = (form, *_make(form))
        while len(_FORMS) > _KEPT:
            _FORMS.popitem(last=False)
    return kept[1], kept[2]


def _make(form: Form) -> tuple[Form, dict[str, Field]]:
    kinds = _Kinds(form)
    held = {field.path: replace(field, type=kind) for field in form.fields() if (kind := kinds.of(field))}
    fields = {field.path: held.get(field.path, field) for field in form.fields()}
    if not held:
        return form, fields
    tables = tuple(_in_table(table, held) for table in form.tables)
    root = replace(form.root, children=tuple(_in_tree(child, held) for child in form.root.children))
    return replace(form, root=root, tables=tables), fields


def _in_table(table: Table, held: dict[str, Field]) -> Table:
    return replace(table, fields=tuple(held.get(field.path, field) for field in table.fields))


def _in_tree(node: Node, held: dict[str, Field]) -> Node:
    if isinstance(node, Field):
        return held.get(node.path, node)
    return replace(node, children=tuple(_in_tree(child, held) for child in node.children))


class _Kinds:
    """The kinds of a form's calculated texts, told once each; those that go in a circle have none."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._known: dict[str, str] = {}

    def of(self, field: Field) -> str:
        """The kind of a field's calculation; "" if it is text, has a type, or can't be told."""
        if not field.calculation or field.type not in {"string", ""} or field.is_select or field.personal:
            return _TEXT
        if field.path not in self._known:
            self._known[field.path] = _TEXT
            try:
                kind = self._kind(parse(field.calculation), Place(self._form, field.table, field))
            except ExpressionError:
                kind = _TEXT
            self._known[field.path] = _TEXT if kind == _BLANK else kind
        return self._known[field.path]

    def _kind(self, expr: Expr, place: Place) -> str:
        match expr:
            case Number() | Negation():
                return CALCULATED_NUMBER
            case Text():
                return _TEXT if expr.value else _BLANK
            case Logic():
                return BOOLEAN
            case Binary():
                return CALCULATED_NUMBER if expr.operator in {"+", "-", "*", "div", "mod"} else BOOLEAN
            case Call(name="if", arguments=(_, yes, no)) | Call(name="coalesce", arguments=(yes, no)):
                return _joined(self._kind(yes, place), self._kind(no, place))
            case Call(name="indexed-repeat", arguments=(first, *_)):
                return self._kind(first, place)
            case Call():
                return _BY_FUNCTION.get(expr.name, _TEXT)
            case Reference():
                return self._of_target(find_reference(expr, place))
            case Path(base=None):
                return self._of_target(find_path(expr, place))
            case _:
                return _TEXT

    def _of_target(self, target: Target) -> str:
        if target.field is None or target.field.is_select:
            return _TEXT
        return _BY_TYPE.get(target.field.type) or self.of(target.field)


def _joined(one: str, other: str) -> str:
    """The kind of what is either of two; a blank fits all."""
    if one == other or other == _BLANK:
        return one
    return other if one == _BLANK else _TEXT
