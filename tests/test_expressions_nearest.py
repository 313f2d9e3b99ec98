"""An expression that can't be compiled is told where, and what was probably meant; functions register once."""

from __future__ import annotations

import ast
from pathlib import Path

import expressions_form
import pytest

from expressions.cases import evaluate_case, evaluate_on_submission
from expressions.columns import compile_columns
from expressions.nearest import did_you_mean, nearest
from expressions.registry import over_values, register
from forms.lint import check_workbook
from forms.sheets import read_workbook
from schemas.errors import ExpressionError

FOLDER = Path(__file__).resolve().parents[1] / "expressions"


@pytest.mark.parametrize(
    ("text", "table", "code", "position", "advice"),
    [
        ("1 + ${agee}", "person", "EXP-101", 4, "Did you mean ${age}?"),
        ("count(${persn}) > 1", "main", "EXP-101", 6, "Did you mean ${person}?"),
        ("/data/g/person/agee = 3", "main", "EXP-102", 0, "Did you mean '/data/g/person/age'?"),
        ("${n} > 1 and selectd(${multi}, 'a')", "main", "EXP-020", 13, "Did you mean selected()?"),
        ("count(instance('leters')/root/item) > 1", "main", "EXP-108", 6, "Did you mean 'letters'?"),
    ],
)
def test_the_nearest_valid_thing_is_named(text: str, table: str, code: str, position: int, advice: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_columns(text, expressions_form.FORM, table)
    assert (caught.value.code, caught.value.position, caught.value.advice) == (code, position, advice)
    assert f"At {position + 1}:" in caught.value.message


def test_names_in_reach_come_before_those_elsewhere() -> None:
    assert nearest("ags", ["agx"], ["age"]) == "agx"
    assert nearest("AGE", ["name"], ["age"]) == "age"
    assert nearest("xyz", ["age"]) is None
    assert did_you_mean("xyz", ["age"], otherwise="Look.") == "Look."


def test_one_off_evaluation_names_the_nearest_too() -> None:
    error = evaluate_on_submission("${agee} + 1", b"<data><age>5</age></data>")["error"]
    assert "At 1:" in error
    assert "Did you mean ${age}?" in error
    assert "Did you mean substr()?" in evaluate_case({"expr": "1 + subst('a', 1)"})["error"]


def test_the_form_check_names_row_column_place_and_the_nearest(tmp_path: Path) -> None:
    sheets = {
        "survey": "type,name,label,relevant\nbegin repeat,person,P,\ninteger,age,A,\ninteger,agx,B,\n"
        "select_one yn,works,W,${agee} > 15\ntext,job,J,${works} = 'yess'\nend repeat,,,\n"
        "text,last,L,count(/data/persn) > 1\n",
        "choices": "list_name,name,label\nyn,yes,Yes\nyn,no,No\n",
        "settings": "form_id,form_title\ndata,T\n",
    }
    for name, text in sheets.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    found = {
        (problem.row, problem.column): problem
        for problem in check_workbook(read_workbook(tmp_path))
        if problem.column == "relevant"
    }
    assert found[5, "relevant"].message.startswith("At 1:")
    assert found[5, "relevant"].advice == "Did you mean '${age}'?"
    assert found[6, "relevant"].advice == "Did you mean 'yes'?"
    assert found[8, "relevant"].advice == "Did you mean '/data/person'?"


def test_no_function_module_imports_the_compiler() -> None:
    importers = [
        path.name
        for path in (*FOLDER.glob("functions/*.py"), FOLDER / "paths.py", FOLDER / "steps.py", FOLDER / "registry.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in {"expressions.compiler", "expressions.registry_names"}
    ]
    assert importers == []


def test_a_function_is_defined_once() -> None:
    with pytest.raises(ValueError, match="concat"):
        register({"concat": over_values("string", 0, None, lambda frame, values: "")})
