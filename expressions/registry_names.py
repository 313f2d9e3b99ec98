"""What a call needs to be right, asked without compiling it: that the function exists, and its arguments' number."""

from __future__ import annotations

import expressions.functions  # noqa: F401 - registers every function
from expressions.nearest import did_you_mean
from expressions.profiles import Profile
from expressions.registry import Function, find_function, function_names
from expressions.syntax import Call
from schemas.errors import ExpressionError

_UNKNOWN = "Check its name; ODK's functions are listed at docs.getodk.org/form-operators-functions."


def is_known(name: str, profile: Profile = Profile.JAVAROSA) -> bool:
    """Whether an engine has the function."""
    function = find_function(name)
    return function is not None and profile in function.profiles


def argument_error(call: Call, profile: Profile = Profile.JAVAROSA) -> ExpressionError | None:
    """What is wrong with a call: EXP-020 an unknown function, EXP-021 a wrong number of arguments; null if nothing."""
    function = find_function(call.name)
    if function is None or profile not in function.profiles:
        where = "" if function is None else f" in {profile.value}"
        return ExpressionError(
            "EXP-020",
            f"At {call.position + 1}: there is no function '{call.name}'{where}.",
            did_you_mean(call.name, function_names(profile), form="{}()", otherwise=_UNKNOWN),
            call.position,
        )
    count = len(call.arguments)
    if count < function.low or (function.high is not None and count > function.high):
        return ExpressionError(
            "EXP-021",
            f"At {call.position + 1}: {call.name}() has {count} arguments, expected {function.expected()}.",
            "Check the commas and brackets.",
            call.position,
        )
    return None


def known_function(call: Call, profile: Profile = Profile.JAVAROSA) -> Function:
    """The function that a call means.

    Raises:
        ExpressionError: EXP-020, EXP-021, as `argument_error`.
    """
    wrong = argument_error(call, profile)
    function = find_function(call.name)
    if wrong is not None or function is None:
        raise wrong or AssertionError(call.name)
    return function
