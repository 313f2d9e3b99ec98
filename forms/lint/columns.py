"""Which expressions can't be evaluated over whole tables: rules that will not be checked on the data."""

from __future__ import annotations

from collections.abc import Iterator

from expressions.columns import compile_columns
from forms.headers import cell
from forms.lint.problems import PERSONAL, REPEATED, problem
from forms.outline import Outline
from schemas.errors import ExpressionError, Problem, ProblemSeverity
from schemas.fields import Field, Form
from schemas.workbook import Row

_RULES = (
    ("relevant", "relevant"),
    ("constraint", "constraint"),
    ("required", "required"),
    ("calculation", "calculation"),
)
_SPECS = (
    ("indicators", ("universe", "denominator", "numerator", "value")),
    ("breakdowns", ("value",)),
    ("checks", ("expression",)),
)


def check_columns(outline: Outline, form: Form) -> Iterator[Problem]:
    """Expressions of the form and of Comunal's own sheets that have no meaning over columns (EXP-1xx).

    Of the form they are information: such a rule is listed as not checked. Of a check they are a warning, of an
    indicator or breakdown an error, because its figure can't be computed.
    """
    rows = {row.row.number: row.row for row in outline.rows}
    for field in form.fields():
        row = rows.get(field.row or 0)
        if row is not None and field.column:
            yield from _check_field(outline, form, field, row)
    for sheet, columns in _SPECS:
        for row in outline.workbook.rows(sheet):
            table = cell(row, "table") or "main"
            if any(table == known.name for known in form.tables):
                for column in columns:
                    if text := cell(row, column):
                        yield from _check_spec(outline, form, sheet, row, column, text, table)


def _check_field(outline: Outline, form: Form, field: Field, row: Row) -> Iterator[Problem]:
    for attribute, column in _RULES:
        text = getattr(field, attribute)
        if not text or text in {"true()", "false()"}:
            continue
        try:
            compile_columns(text, form, field.table, field)
        except ExpressionError as error:
            if error.code == PERSONAL:
                continue  # `check` puts personal answers in place, in memory, while it judges
            if error.code == REPEATED:
                advice = error.advice or "Say which row is meant, or sum, count or join them."
                yield problem(outline.workbook, "error", error.code, "survey", row, column, error.message, advice)
            elif error.code.startswith("EXP-1") and not _is_read_row_by_row(text, form, field):
                message = f"This {attribute} is not checked on the data: {error.message}"
                advice = error.advice or "It still works on the phone."
                yield problem(outline.workbook, "info", error.code, "survey", row, column, message, advice)


def _is_read_row_by_row(text: str, form: Form, field: Field) -> bool:
    try:
        compile_columns(text, form, field.table, field, allow_rowwise=True)
    except ExpressionError:
        return False
    return True


def _check_spec(
    outline: Outline, form: Form, sheet: str, row: Row, column: str, text: str, table: str
) -> Iterator[Problem]:
    try:
        is_check = sheet == "checks"
        compile_columns(text, form, table, allow_rowwise=is_check)
    except ExpressionError as error:
        if error.code.startswith("EXP-1") and not (is_check and error.code == PERSONAL):
            message = f"This {'check is not made' if is_check else 'figure can not be computed'}: {error.message}"
            severity: ProblemSeverity = "warning" if is_check else "error"
            yield problem(outline.workbook, severity, error.code, sheet, row, column, message, error.advice)
