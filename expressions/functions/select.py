"""Functions about choices: selected, selected-at, count-selected, choice names and texts."""

from __future__ import annotations

from collections.abc import Callable

from expressions.compiled import Compiled, Compiling, as_single, as_string
from expressions.profiles import Profile
from expressions.registry import JAVA, Function, over_values
from expressions.scope import Frame
from expressions.syntax import Call
from expressions.values import Value, to_number, to_string, unpack
from schemas.errors import ExpressionError


def _build_selected(compiler: Compiling, call: Call) -> Compiled:
    """`selected(list, choice)`: whether the choice is one of the list's words.

    >>> from expressions.records import compile_record
    >>> compile_record("selected('a b c', 'b')").evaluate(None, None)
    True
    """
    answer, choice = (compiler.compile(argument) for argument in call.arguments)
    javarosa = compiler.profile is Profile.JAVAROSA
    if not javarosa:
        return _build_selected_word(answer, choice, compiler.profile)
    if javarosa and (choice.kind in {"number", "boolean"}):
        raise _need_text("the choice", call, call.arguments[1].position)

    def text(compiled: Compiled) -> Callable[[Frame], str]:
        return _text_only(compiled, call) if javarosa else as_string(compiled, compiler.profile)

    answer_text = text(answer)
    if isinstance(choice.constant, str):
        wanted = f" {choice.constant.strip()} "
        return Compiled(lambda frame: wanted in f" {answer_text(frame)} ", "boolean")
    choice_text = text(choice)
    return Compiled(lambda frame: f" {choice_text(frame).strip()} " in f" {answer_text(frame)} ", "boolean")


def _build_selected_word(answer: Compiled, choice: Compiled, profile: Profile) -> Compiled:
    """In Enketo and Web Forms the choice is one of the words; in JavaRosa it may be several that follow each other."""
    texts, wanted = as_string(answer, profile), as_string(choice, profile)
    return Compiled(lambda frame: wanted(frame).strip() in _split(texts(frame), profile), "boolean")


def _split(text: str, profile: Profile) -> list[str]:
    """The words of an answer; none at all is one empty word, and Enketo has one between two spaces too."""
    if profile is Profile.ENKETO:
        return text.split(" ")
    return text.split() or [""]


def _text_only(compiled: Compiled, call: Call) -> Callable[[Frame], str]:
    """JavaRosa takes no number here: selected() of an integer question stops the form."""
    single = as_single(compiled, Profile.JAVAROSA)

    def text(frame: Frame) -> str:
        value = single(frame)
        if type(value) is str:
            return value
        raise _need_text("an answer", call, call.position)

    return text


def _need_text(what: str, call: Call, position: int) -> ExpressionError:
    return ExpressionError(
        "EXP-023",
        f"At {position + 1}: {what} in {call.name}() must be a text, as in '1'; found a number, date or truth.",
        "Put the choice's name in quotes; compare numbers by '='.",
        position,
    )


def _words(value: Value, frame: Frame) -> list[str]:
    value = unpack(value, frame.profile)
    if frame.profile is Profile.JAVAROSA and not isinstance(value, str):
        raise ExpressionError(
            "EXP-023",
            "selected-at() and count-selected() need the answer to a select, found a number, date or truth.",
            "Give them a select question.",
        )
    return to_string(value, frame.profile).split()


def _selected_at(frame: Frame, values: list[Value]) -> str:
    place = to_number(values[1], frame.profile)
    if frame.profile is Profile.JAVAROSA:
        words = _words(values[0], frame)
        if place != place:
            place = 0.0  # as a Java cast
    else:
        words = _split(to_string(values[0], frame.profile), frame.profile)
    # Cut off towards zero first: -0.5 is the first place.
    return words[int(place)] if -1 < place < 1e9 and int(place) < len(words) else ""


def _count_selected(frame: Frame, values: list[Value]) -> float:
    return float(len(_words(values[0], frame)))


def _build_choice_name(compiler: Compiling, call: Call) -> Compiled:
    """`jr:choice-name(value, 'path of the select')`: the label of a choice."""
    value = as_string(compiler.compile(call.arguments[0]), compiler.profile)
    path = as_string(compiler.compile(call.arguments[1]), compiler.profile)

    def choice_name(frame: Frame) -> Value:
        return frame.scope.labels(path(frame).strip(), value(frame))

    return Compiled(choice_name, "string")


def _build_itext(compiler: Compiling, call: Call) -> Compiled:
    text_id = as_single(compiler.compile(call.arguments[0]), compiler.profile)
    return Compiled(lambda frame: frame.scope.itext(to_string(text_id(frame), compiler.profile)), "string")


FUNCTIONS = {
    "selected": Function(2, 2, _build_selected),
    "is-selected": Function(2, 2, _build_selected, JAVA),
    "selected-at": over_values("string", 2, 2, _selected_at),
    "count-selected": over_values("number", 1, 1, _count_selected),
    "jr:choice-name": Function(2, 2, _build_choice_name),
    "jr:itext": Function(1, 1, _build_itext, frozenset(Profile)),
}
