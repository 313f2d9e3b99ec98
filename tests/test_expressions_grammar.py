"""The parser: every tree survives being written and read; errors tell where, what was found and what was expected."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expressions.grammar import MAX_DEPTH, parse
from expressions.syntax import (
    AXES,
    Binary,
    Call,
    Expr,
    Filter,
    Logic,
    Negation,
    Number,
    Path,
    Reference,
    Step,
    Text,
    unparse,
)
from schemas.errors import ExpressionError

NAMES = st.sampled_from(["age", "p1_edad", "año", "kinship-code", "a.b", "orx:meta", "div", "or", "mod", "text", "x·y"])
FUNCTIONS = st.sampled_from(["count", "jr:choice-name", "instance", "div", "or"])
OPERATORS = ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod"]


def _steps(predicates: st.SearchStrategy[Expr]) -> st.SearchStrategy[Step]:
    tests = st.one_of(NAMES, st.sampled_from(["*", "jr:*", "node()", "text()", "processing-instruction('x')"]))
    listed = st.lists(predicates, max_size=2).map(tuple)
    return st.builds(Step, st.sampled_from(sorted(AXES)), tests, listed)


def _extend(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    some_steps = st.lists(_steps(inner), min_size=1, max_size=3).map(tuple)
    predicates = st.lists(inner, min_size=1, max_size=2).map(tuple)
    primary = st.one_of(
        st.builds(Reference, NAMES, st.booleans()), st.builds(Call, FUNCTIONS, st.lists(inner, max_size=2).map(tuple))
    )
    return st.one_of(
        st.builds(Call, st.sampled_from(["if", "jr:choice-name", "count"]), st.lists(inner, max_size=3).map(tuple)),
        st.builds(Negation, inner),
        st.builds(Binary, st.sampled_from(OPERATORS), inner, inner),
        st.lists(inner, min_size=2, max_size=4).flatmap(_logic),
        st.builds(Path, st.none(), st.booleans(), some_steps),
        st.builds(Path, primary, st.just(False), some_steps),
        st.builds(Filter, primary, predicates),
        st.builds(Path, st.builds(Filter, primary, predicates), st.just(False), some_steps),
        st.builds(Binary, st.just("|"), st.builds(Path, st.none(), st.booleans(), some_steps), primary),
    )


def _logic(operands: list[Expr]) -> st.SearchStrategy[Expr]:
    # `(a or b) or c` is written without its brackets, as `a or b or c`: the same value, another tree.
    def make(operator: str) -> Expr:
        first = operands[0]
        if isinstance(first, Logic) and first.operator == operator:
            return Logic(operator, (*first.operands, *operands[1:]))
        return Logic(operator, tuple(operands))

    return st.sampled_from(["and", "or"]).map(make)


LEAVES: st.SearchStrategy[Expr] = st.one_of(
    st.builds(Number, st.floats(min_value=0, max_value=1e300)),
    st.builds(Text, st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"'), max_size=8)),
    st.builds(Reference, NAMES, st.booleans()),
    st.just(Path(None, True, ())),
    st.just(Path(None, False, (Step("self", "node()"),))),
)
TREES = st.recursive(LEAVES, _extend, max_leaves=12)


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_a_written_tree_reads_back_equal(tree: Expr) -> None:
    assert parse(unparse(tree)) == tree


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=40))
def test_any_text_parses_or_raises_an_expression_error(text: str) -> None:
    _parse_or_fail(text)


TOKENS = "( ) [ ] , . .. / // :: @ * + - = != < and or div mod ${a} ${ 'x' \" 5 .5 a jr:x if( not( child text( \u201c"


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(TOKENS.split()), max_size=25))
def test_any_mixture_of_tokens_parses_or_raises_an_expression_error(tokens: list[str]) -> None:
    _parse_or_fail(" ".join(tokens))
    _parse_or_fail("".join(tokens))


def _parse_or_fail(text: str) -> None:
    try:
        tree = parse(text)
    except ExpressionError as error:
        assert error.code.startswith("EXP-0")
        assert 0 <= error.position <= len(text)
        assert error.message.endswith(".")
    else:
        assert parse(unparse(tree)) == tree


@pytest.mark.parametrize(
    ("text", "code", "position", "part"),
    [
        ("", "EXP-001", 0, "empty"),
        ("  ", "EXP-001", 0, "empty"),
        ("${age} > 5 & ${x}", "EXP-002", 11, "'&'"),
        ("${a} = \u201cyes\u201d", "EXP-002", 7, "\u201c"),
        ("${a} = 'yes", "EXP-003", 7, "closing '"),
        ("${a} = ", "EXP-004", 7, "the end"),
        ("${a} == 5", "EXP-004", 6, "'='"),
        ("and 5 = )", "EXP-008", 4, "'5'"),
        ("not(${a}", "EXP-005", 8, "'(' at 4"),
        ("${a}[1", "EXP-005", 6, "'[' at 5"),
        ("${a})", "EXP-005", 4, "closes nothing"),
        ("${}", "EXP-006", 0, "name of a question"),
        ("${a b}", "EXP-006", 0, "name of a question"),
        ("sibling::a", "EXP-007", 0, "sibling"),
        ("${a} ${b}", "EXP-008", 5, "${b}"),
        ("/data/", "EXP-010", 6, "the end"),
        ("/data//", "EXP-010", 7, "the end"),
        ("a/count(b)", "EXP-010", 2, "count"),
    ],
)
def test_an_error_tells_where_and_what(text: str, code: str, position: int, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.code, caught.value.position) == (code, position)
    assert part in caught.value.message


def test_an_error_says_what_to_do() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("${a} == 5")
    assert caught.value.advice == "Equality is written with one '='."


def test_words_are_operators_only_where_an_operator_can_stand() -> None:
    assert parse("div div mod") == Binary("div", parse("div"), parse("mod"))
    assert parse("1and1") == parse("1 and 1")
    assert parse("* * *") == Binary("*", parse("*"), parse("*"))


def test_operators_bind_as_in_xpath() -> None:
    assert unparse(parse("1 or 2 and 3 = 4 < 5 + 6 * -7")) == "1 or 2 and 3 = 4 < 5 + 6 * -7"
    assert parse("1 - 2 - 3") == parse("(1 - 2) - 3")
    assert parse("-a | b") == Negation(Binary("|", parse("a"), parse("b")))


def test_a_name_may_hold_dots_hyphens_and_letters_of_any_language() -> None:
    assert parse("${p4.1-año}") == Reference("p4.1-año")
    assert parse("a-1") == parse("child::a-1")


def test_nesting_is_bounded_and_never_exhausts_python() -> None:
    deep = "(" * (MAX_DEPTH - 1) + "1" + ")" * (MAX_DEPTH - 1)
    assert parse(deep) == Number(1.0)
    for text in ("(" * 5000, "-" * 5000 + "1", "a[" * 5000, "f(" * 5000, "1" + "+1" * 5000, "a" + "|a" * 5000):
        with pytest.raises(ExpressionError) as caught:
            parse(text)
        assert caught.value.code == "EXP-009"


def test_a_long_chain_of_conditions_is_one_node() -> None:
    tree = parse(" or ".join(f"${{a}} = '{code}'" for code in range(3000)))
    assert isinstance(tree, Logic)
    assert len(tree.operands) == 3000
