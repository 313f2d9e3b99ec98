"""Functions of text."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid

from expressions.compiled import Compiled, Compiling, as_string
from expressions.patterns import compile_pattern
from expressions.profiles import Profile
from expressions.registry import SCRIPT, Function, over_strings, over_values, spread
from expressions.scope import Frame
from expressions.syntax import Call
from expressions.values import INFINITY, Value, to_number, to_string
from schemas.errors import ExpressionError


def _build_string(compiler: Compiling, call: Call) -> Compiled:
    if not call.arguments:
        return Compiled(lambda frame: to_string(frame.read(frame.node), frame.profile), "string")
    return Compiled(as_string(compiler.compile(call.arguments[0]), compiler.profile), "string")


def _concat(frame: Frame, values: list[Value]) -> str:
    return "".join(to_string(value, frame.profile) for value in spread(frame, values))


def _join(frame: Frame, values: list[Value]) -> str:
    separator = to_string(values[0], frame.profile)
    return separator.join(to_string(value, frame.profile) for value in spread(frame, values[1:]))


def _substr(frame: Frame, values: list[Value]) -> str:
    text = to_string(values[0], frame.profile)
    if frame.profile is Profile.WEBFORMS and any(to_number(value, frame.profile) != value for value in values[1:]):
        values = [text, *(to_number(value, frame.profile) for value in values[1:])]
        if any(value != value for value in values[1:]):
            return ""
    start = _whole(values[1], frame)
    end = _whole(values[2], frame) if len(values) == 3 else len(text)
    start = max(0, start + len(text) if start < 0 else start)
    end = max(0, end + len(text) if end < 0 else end)
    return text[start:end]


def _whole(value: Value, frame: Frame) -> int:
    number = to_number(value, frame.profile)
    return 0 if number != number else int(max(-1e9, min(1e9, number)))


def _substring(frame: Frame, values: list[Value]) -> str:
    """XPath 1.0's, with places from 1 and rounding."""
    text = to_string(values[0], frame.profile)
    start = _half_up(to_number(values[1], frame.profile))
    if frame.profile is Profile.WEBFORMS:
        return _javascript_substring(text, start - 1, values[2:], frame)
    end = start + _half_up(to_number(values[2], frame.profile)) if len(values) == 3 else INFINITY
    return "".join(letter for place, letter in enumerate(text, 1) if start <= place < end)


def _javascript_substring(text: str, start: float, length: list[Value], frame: Frame) -> str:
    """As JavaScript cuts: places below zero count as zero, and an end before the start changes places with it."""
    size = to_number(length[0], frame.profile) if length else 0.0
    if start != start or size != size:
        return ""
    end = start + _half_up(size) if length else float(len(text))
    first, last = sorted(int(max(0.0, min(float(len(text)), place))) if place == place else 0 for place in (start, end))
    return text[first:last]


def _half_up(value: float) -> float:
    return float((value + 0.5) // 1) if abs(value) < INFINITY else value


def _before(text: str, mark: str) -> str:
    return text.partition(mark)[0] if mark and mark in text else ""


def _after(text: str, mark: str) -> str:
    return text.partition(mark)[2] if mark else text


def _build_after(compiler: Compiling, call: Call) -> Compiled:
    """What follows the mark; Web Forms cuts after the mark's first letter, however long it is."""
    text, mark = (as_string(compiler.compile(argument), compiler.profile) for argument in call.arguments)
    if compiler.profile is not Profile.WEBFORMS:
        return Compiled(lambda frame: _after(text(frame), mark(frame)), "string")

    def after(frame: Frame) -> str:
        whole, sought = text(frame), mark(frame)
        return whole[whole.index(sought) + 1 :] if sought and sought in whole else "" if sought else whole

    return Compiled(after, "string")


def _translate(text: str, letters: str, others: str) -> str:
    table: dict[int, str | None] = {}
    for index, letter in enumerate(letters):
        table.setdefault(ord(letter), others[index] if index < len(others) else None)
    return text.translate(table)


def _build_length(compiler: Compiling, call: Call) -> Compiled:
    text = _build_string(compiler, call).evaluate
    return Compiled(lambda frame: float(len(text(frame))), "number")  # type: ignore[arg-type]  # a text


_SPACES = re.compile(r"[^\S\f\v]+")
_TWO_SPACES = re.compile(r"[ \t\r\n]{2,}")


def _build_normalize(compiler: Compiling, call: Call) -> Compiled:
    text = _build_string(compiler, call).evaluate
    if compiler.profile is Profile.JAVAROSA:
        return Compiled(lambda frame: " ".join(str(text(frame)).split()), "string")
    if compiler.profile is Profile.WEBFORMS:
        return Compiled(lambda frame: _TWO_SPACES.sub(" ", str(text(frame)).strip(" \t\r\n")), "string")
    return Compiled(lambda frame: _SPACES.sub(" ", str(text(frame))).strip(" "), "string")


def _build_regex(compiler: Compiling, call: Call) -> Compiled:
    """`regex(text, pattern)`: the whole text must match in JavaRosa, some part of it elsewhere."""
    text, pattern = (as_string(compiler.compile(argument), compiler.profile) for argument in call.arguments)
    whole = compiler.profile is Profile.JAVAROSA

    def matches(frame: Frame) -> bool:
        compiled = compile_pattern(pattern(frame), call.position)
        value = text(frame)
        return (compiled.fullmatch(value) if whole else compiled.search(value)) is not None

    return Compiled(matches, "boolean")


def _uuid(frame: Frame, values: list[Value]) -> str:
    chance = frame.scope.random
    if not values:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return "".join(chance.choice("0123456789abcdefghijklmnopqrstuvwxyz") for _ in range(_whole(values[0], frame)))


_DIGESTS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
_WRITTEN_DIGESTS = frozenset(_DIGESTS)
_DIGESTS |= {name.replace("-", ""): digest for name, digest in _DIGESTS.items()}


def _digest(frame: Frame, values: list[Value]) -> str:
    texts = [to_string(value, frame.profile) for value in values]
    name = texts[1] if frame.profile is Profile.WEBFORMS else texts[1].upper()
    if name not in _DIGESTS or (frame.profile is not Profile.JAVAROSA and name not in _WRITTEN_DIGESTS):
        raise ExpressionError(
            "EXP-028", f"digest() doesn't know the algorithm {texts[1]!r}.", f"Use one of {', '.join(_DIGESTS)}."
        )
    found = hashlib.new(_DIGESTS[name], texts[0].encode(), usedforsecurity=False).digest()
    encoding = texts[2] if len(texts) == 3 and texts[2] else "base64"
    encoding = encoding if frame.profile is Profile.WEBFORMS else encoding.lower()
    if encoding not in {"base64", "hex"}:
        raise ExpressionError("EXP-028", f"digest() doesn't know the encoding {texts[2]!r}.", "Use base64 or hex.")
    return found.hex() if encoding == "hex" else base64.b64encode(found).decode()


def _base64_decode(frame: Frame, values: list[Value]) -> str:
    text = "".join(to_string(values[0], frame.profile).split())
    padding = "=" * (-len(text) % 4) if frame.profile is Profile.WEBFORMS else ""
    try:
        return base64.b64decode(text + padding, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


FUNCTIONS = {
    "string": Function(0, 1, _build_string),
    "concat": over_values("string", 0, None, _concat),
    "join": over_values("string", 1, None, _join),
    "substr": over_values("string", 2, 3, _substr),
    "substring": over_values("string", 2, 3, _substring, SCRIPT),
    "substring-before": over_strings("string", 2, 2, _before),
    "substring-after": Function(2, 2, _build_after),
    "translate": over_strings("string", 3, 3, _translate),
    "string-length": Function(0, 1, _build_length),
    "normalize-space": Function(0, 1, _build_normalize),
    "contains": over_strings("boolean", 2, 2, lambda text, part: part in text),
    "starts-with": over_strings("boolean", 2, 2, lambda text, part: text.startswith(part)),
    "ends-with": over_strings("boolean", 2, 2, lambda text, part: text.endswith(part)),
    "regex": Function(2, 2, _build_regex),
    "uuid": over_values("string", 0, 1, _uuid),
    "digest": over_values("string", 2, 3, _digest),
    "base64-decode": over_values("string", 1, 1, _base64_decode, frozenset((Profile.JAVAROSA, Profile.WEBFORMS))),
}
