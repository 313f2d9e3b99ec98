"""Regular expressions as Java and JavaScript write them, for Python's `re`."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from schemas.errors import ExpressionError

_CLASSES = {
    "Alpha": "a-zA-Z",
    "Lower": "a-z",
    "Upper": "A-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Space": r"\s",
    "L": "a-zA-Z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02c1\u0370-\u03ff\u0400-\u052f\u1e00-\u1eff",
    "Lu": "A-Z\u00c0-\u00d6\u00d8-\u00de",
    "Ll": "a-z\u00df-\u00f6\u00f8-\u00ff",
    "N": "0-9",
    "Nd": "0-9",
    "IsAlphabetic": "a-zA-Z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02c1\u1e00-\u1eff",
}
_PROPERTY = re.compile(r"\\p(?:\{(\w+)\}|(\w))")


@lru_cache(maxsize=1024)
def compile_pattern(text: str, position: int = 0) -> re.Pattern[str]:
    r"""The pattern, with Java's `\p{...}` classes spelled out; `\d`, `\w` and `\s` mean ASCII as in Java.

    Raises:
        ExpressionError: EXP-027, when it is no regular expression.
    """
    try:
        with warnings.catch_warnings():
            # A bracket within a class may mean something else in Python's future; as yet it means itself.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(_spell_out(text), re.ASCII)
    except (re.error, RecursionError, OverflowError):
        raise ExpressionError(
            "EXP-027",
            f"At {position + 1}: regex() has a pattern that is no regular expression.",
            "Check its brackets and backslashes.",
            position,
        ) from None


def _spell_out(text: str) -> str:
    r"""Replace `\p{Name}`; inside square brackets the class's bare ranges are needed."""
    parts: list[str] = []
    in_class = False
    index = 0
    while index < len(text):
        found = _PROPERTY.match(text, index)
        if found:
            ranges = _CLASSES.get(found.group(1) or found.group(2))
            if ranges is not None:
                parts.append(ranges if in_class else f"[{ranges}]")
                index = found.end()
                continue
        if text[index] == "\\":
            parts.append(text[index : index + 2])
            index += 2
            continue
        if text[index] == "[":
            in_class = True
        elif text[index] == "]":
            in_class = False
        parts.append(text[index])
        index += 1
    return "".join(parts)
