"""Regular expressions that every database reads alike."""

from __future__ import annotations

import re

from expressions.patterns import compile_pattern
from expressions.targets import fail

_SPELLED = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \\t\\n\\x0b\\f\\r"}
_ALIKE = frozenset(".-+*?()[]{}|^$/ @_,:;#%&=!<>'\"~")
_REPEATS = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_MOST = 255
"""Most repetitions that PostgreSQL takes."""


def translate_pattern(text: str, position: int) -> str:
    """The pattern, anchored at both ends, in what RE2 (DuckDB) and PostgreSQL have in common.

    Raises:
        ExpressionError: EXP-027, when it is no regular expression; EXP-109, when databases don't have it: looking
            around, references to groups, Unicode classes, possessive repetition.
    """
    compile_pattern(text, position)
    parts: list[str] = []
    in_class = False
    index = 0
    while index < len(text):
        one = text[index]
        if one == "\\":
            following = text[index + 1 : index + 2]
            if following in _SPELLED:
                parts.append(_SPELLED[following] if in_class else f"[{_SPELLED[following]}]")
            elif following in _ALIKE and following:
                parts.append(f"\\{following}")
            else:
                raise _refuse(position, f"'\\{following}'")
            index += 2
            continue
        if in_class:
            in_class = one != "]"
            if one == "[" or text[index : index + 2] == "&&":
                raise _refuse(position, "a class within a class")
        elif one == "[":
            in_class = True
            if text[index + 1 : index + 2] in {"]", ""} or text[index + 1 : index + 3] == "^]":
                raise _refuse(position, "an empty class")
        elif text.startswith("(?", index) and not text.startswith("(?:", index):
            raise _refuse(position, "looking around, or a flag,")
        elif one in "*+?}" and text[index + 1 : index + 2] == "+":
            raise _refuse(position, "possessive repetition")
        parts.append("[^\\n]" if one == "." and not in_class else one)
        index += 1
    if any(int(bound or 0) > _MOST for found in _REPEATS.finditer(text) for bound in found.groups()):
        raise _refuse(position, f"more than {_MOST} repetitions")
    return f"^(?:{''.join(parts)})$"


def _refuse(position: int, what: str) -> Exception:
    return fail("EXP-109", position, f"{what} in a pattern has no form in SQL.", "Evaluate the rule over columns.")
