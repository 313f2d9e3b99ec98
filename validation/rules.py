"""The rules that a form implies: what its questions require, restrict and calculate.

| rule_id | holds when | severity |
|---|---|---|
| `type:PATH` | the answer can be read as the question's type | error |
| `choice:PATH` | every code of the answer is in the question's list (or names a row of the repeat it lists) | error |
| `choice_filter:PATH` | ... and passes the list's filter | error |
| `required:PATH` | a question that is relevant and required has an answer | error |
| `constraint:PATH` | an answer meets the constraint | error |
| `relevant:PATH` | a question that isn't relevant has no answer | error |
| `calculation:PATH` | the stored value is the one recalculated from the stored answers | warning |
| `repeat:PATH` | a repeat has as many rows as its count says | error |

PATH is the absolute path of the question (or of the repeat), so an id is stable as long as the question stays where
it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from expressions.sentences.rules import explain_constraint
from schemas.fields import Field, Form, Group, Node, Repeat
from schemas.findings import FindingSeverity, Rule
from schemas.text import DEFAULT_LANGUAGE, LANGUAGES, Text
from validation.sentences import write_advice, write_message

_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_REFERENCE = re.compile(r"\$\{\s*(?:last-saved#)?([^}\s]+)\s*\}|(?:/|\.\./)([A-Za-z_][\w.\-]*)")
_UNTYPED = {"string", "binary", "barcode", ""}


def form_rules(form: Form) -> list[Rule]:
    """Every rule that the form implies, in form order; nothing is evaluated yet.

    A question without relevance of its own still gets a `relevant` rule if a group above it has one, since its
    answer must then be blank too.
    """
    tables = {table.path: table.name for table in form.tables}
    calculations = {field.name: field.calculation or "" for field in form.fields()}
    fields = {field.path: field for field in form.fields()}
    return [_with_meaning(rule, form, fields) for rule in _node_rules(form.root, (), tables, calculations)]


def _with_meaning(rule: Rule, form: Form, fields: dict[str, Field]) -> Rule:
    """A constraint without message of its author tells what it demands."""
    field = fields.get(rule_path(rule))
    if rule.kind != "constraint" or field is None or DEFAULT_LANGUAGE in field.constraint_message:
        return rule
    meaning = {
        language: explain_constraint(form, field, language)
        for language in LANGUAGES
        if not field.constraint_message.get(language)
    }
    message = write_message("constraint", field.label, field.name, own=field.constraint_message, meaning=meaning)
    return replace(rule, message=message)


def rule_path(rule: Rule) -> str:
    """The path in a form rule's id, "" for rules of other kinds."""
    path = rule.rule_id.partition(":")[2]
    return path if path.startswith("/") else ""


def question_names(expression: str, known: frozenset[str]) -> tuple[str, ...]:
    """Names of the form's questions that an expression mentions, in order of appearance, each once.

    >>> question_names("../age > 5 and ${sex} = 'age2' and /data/h/age < 9", frozenset({"age", "sex", "age2"}))
    ('age', 'sex')
    """
    found = (match[1] or match[2] for match in _REFERENCE.finditer(_LITERAL.sub("''", expression)))
    return tuple(dict.fromkeys(name for name in found if name in known))


def _node_rules(
    node: Node, conditions: tuple[str, ...], tables: dict[str, str], calculations: dict[str, str]
) -> Iterator[Rule]:
    """The rules of a node and of all below it.

    Args:
        conditions: the relevance expressions above it.
        tables: path -> name of the form's tables.
        calculations: name -> calculation ("" if it has none) of the form's questions.
    """
    names = frozenset(calculations)
    if node.relevant:
        conditions = (*conditions, node.relevant)
    if isinstance(node, Field):
        if node.column:  # instanceID and its like have no column, and no rule of the questionnaire
            yield from _field_rules(node, conditions, names)
        return
    if isinstance(node, Repeat) and node.count:
        rule = _rule("repeat", node, _table_above(node.path, tables), node.count, names=names)
        # pyxform puts the author's expression in a hidden calculation, and that is where his questions are named.
        behind = (question_names(calculations[name], names) for name in rule.variables)
        yield replace(rule, variables=tuple(dict.fromkeys([*rule.variables, *chain.from_iterable(behind)])))
    for child in node.children:
        yield from _node_rules(child, conditions, tables, calculations)


def _table_above(path: str, tables: dict[str, str]) -> str:
    """The table whose rows hold the repeat at `path`."""
    parent = path.rpartition("/")[0]
    while parent not in tables:
        parent = parent.rpartition("/")[0]
    return tables[parent]


def _field_rules(field: Field, conditions: tuple[str, ...], names: frozenset[str]) -> Iterator[Rule]:
    if field.type not in _UNTYPED:
        yield _rule("type", field, field.table, names=names)
    if field.is_select:
        yield _rule("choice", field, field.table, field.itemset or "", names=names)
        if field.itemset and "[" in field.itemset and "instance(" in field.itemset:
            yield _rule("choice_filter", field, field.table, field.itemset, names=names)
    if conditions:
        yield _rule("relevant", field, field.table, " and ".join(f"({text})" for text in conditions), names=names)
    if _can_be_required(field):
        yield _rule("required", field, field.table, field.required or "", field.required_message, names=names)
    if field.constraint:
        yield _rule("constraint", field, field.table, field.constraint, field.constraint_message, names=names)
    if field.calculation:
        yield _rule("calculation", field, field.table, field.calculation, severity="warning", names=names)


def _can_be_required(field: Field) -> bool:
    """Whether a client would insist on an answer: of questions that people are asked and can answer."""
    asked = field.control not in {"", "group"} and (field.readonly or "").strip() != "true()"
    return asked and bool(field.required) and (field.required or "").strip() != "false()"


def _rule(
    kind: str,
    node: Field | Group | Repeat,
    table: str,
    expression: str = "",
    own: Text | None = None,
    *,
    severity: FindingSeverity = "error",
    names: frozenset[str],
) -> Rule:
    value_type = node.type if isinstance(node, Field) else ""
    mentioned = question_names(expression, names)
    variables = (node.name, *mentioned) if isinstance(node, Field) else mentioned
    return Rule(
        rule_id=f"{kind}:{node.path}",
        kind="choice" if kind == "choice_filter" else kind,
        table=table,
        severity=severity,
        expression=expression,
        message=write_message(kind, node.label, node.name, value_type, own),
        advice=write_advice(kind),
        variables=tuple(dict.fromkeys(variables)),
    )
