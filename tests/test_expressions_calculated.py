"""A calculation stored as text is read as what JavaRosa held: a truth, a number, a day.

The truths expected here are JavaRosa's own: what `JavaRosaOracle.java` answers over these calculations.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from expressions.columns import RowwiseExpr, compile_columns
from expressions.profiles import Profile
from forms.compile import compile_workbook
from forms.rows import read_rows
from forms.sheets.markdown import workbook_from_markdown
from schemas.fields import Form
from schemas.submissions import RawSubmission

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

# calculation, what JavaRosa stores, an expression over it, whether it holds in Collect
CASES = [
    ("${n} = 5", "0", "${c}", False),
    ("${n} = 0", "1", "${c}", True),
    ("${n} = 5", "0", "${c} = 0", True),
    ("${n} = 5", "", "${c}", False),
    ("1 - 1", "0", "${c}", False),
    ("1 - 1", "0", "not(${c})", True),
    ("1 - 1", "0", "${c} = '0.0'", True),
    ("1 div 2", "0.5", "${c} > 0.4", True),
    ("1 div 8192", "1.220703125E-4", "${c} < 0.001", True),
    ("if(${n} = 0, 1 = 2, '')", "0", "${c}", False),
    ("coalesce(${n}, 3)", "0", "${c}", False),
    ("${n}", "0", "${c}", False),
    ("count(${n})", "1", "${c} = '1.0'", True),
    ("selected('a', 'b')", "0", "${c}", False),
    ("today()", "2026-03-01T00:00:00.000+03:00", "${d} <= ${c}", True),
    ("today()", "2026-03-01T00:00:00.000+03:00", "${d} < ${c}", False),
    ("today()", "2026-03-01T00:00:00.000+03:00", "${c} - ${d} = 0", True),
    ("date('2026-02-28')", "2026-02-28T00:00:00.000Z", "${d} > ${c}", True),
    ("now()", "2026-03-02T10:00:00.000Z", "${c} > ${d}", True),
    ("'0'", "0", "${c}", True),
    ("'0'", "0", "${c} = '0.0'", False),
    ("concat(${n}, '')", "0", "${c}", True),
    ("once(1 = 2)", "0", "${c}", True),
]


def compiled(calculation: str) -> Form:
    text = f"""
    | survey | | | | |
    | | type | name | label | calculation |
    | | integer | n | N | |
    | | date | d | D | |
    | | calculate | c | | {calculation} |
    """
    return compile_workbook(workbook_from_markdown(text)).form


@pytest.mark.parametrize(("calculation", "stored", "expression", "holds"), CASES)
def test_calculation_is_read_as_what_it_gave(calculation: str, stored: str, expression: str, holds: bool) -> None:
    form = compiled(calculation)
    xml = f'<data id="{form.form_id}"><n>0</n><d>2026-03-01</d><c>{stored}</c></data>'.encode()
    tables = read_rows(form, [RawSubmission(1, form.form_id, "", "uuid:1", NOW, xml, "")], b"k").tables
    over_columns = compile_columns(expression, form, "main")
    assert over_columns.is_columnar
    assert over_columns.boolean(tables).to_list() == [holds]
    row_by_row = RowwiseExpr(expression, over_columns.form, "main")
    assert row_by_row.boolean(tables).to_list() == [holds]


def test_other_engines_hold_the_text() -> None:
    form = compiled("${n} = 5")
    xml = f'<data id="{form.form_id}"><n>0</n><c>false</c></data>'.encode()
    tables = read_rows(form, [RawSubmission(1, form.form_id, "", "uuid:1", NOW, xml, "")], b"k").tables
    expr = compile_columns("string-length(${c}) = 5", form, "main", profile=Profile.WEBFORMS)
    assert expr.boolean(tables).to_list() == [True]


def test_calculations_in_a_circle_stay_text() -> None:
    form = compiled("${c}")
    assert compile_columns("${c} = 'x'", form, "main").form is form
