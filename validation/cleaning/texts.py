"""What cells of spreadsheets say, whichever tool wrote them: whether two say the same, and what a column holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from validation.cleaning.log import is_blank

Kind = Literal["whole", "number", "day", "date", ""]
"""What a column holds without exception: whole numbers, numbers, days, days or moments; "" for anything else."""

EVIDENCE = 3
"""Fewer answers than this say nothing about a column."""
_WHOLE = re.compile(r"-?\d+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:?\d{2})?")
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("whole", _WHOLE),
    ("number", _NUMBER),
    ("day", _DAY),
    ("date", _DATE),
)


def is_same_cell(left: str, right: str) -> bool:
    """Whether two cells say the same, as spreadsheets rewrite them.

    5 becomes 5.0 or 5,0, true TRUE, a blank NA, and a day a moment at midnight.

    >>> is_same_cell("2026-03-02", "2026-03-02 00:00:00")
    True
    """
    if left == right:
        return True
    left, right = left.strip(), right.strip()
    if left == right or (is_blank(left) and is_blank(right)):
        return True
    one, other = _number(left), _number(right)
    if one is not None and other is not None:
        return one == other
    if _DATE.fullmatch(left) and _DATE.fullmatch(right):
        return _plain_moment(left) == _plain_moment(right)
    words = {left.lower(), right.lower()}
    return words <= {"true", "false"} and len(words) == 1


def kind_of(answers: int, different: Iterable[str]) -> Kind:
    """What a column holds; "" where it has too few answers to tell.

    Args:
        answers: how many answers it has, blanks left out.
        different: its answers, each once or more often, blanks too.
    """
    if answers < EVIDENCE:
        return ""
    texts = {value.strip() for value in different if not is_blank(value)}
    return next((kind for kind, pattern in _KINDS if all(map(pattern.fullmatch, texts))), "")


def is_of(kind: Kind, value: str) -> bool:
    """Whether an answer may stand in such a column. A number with decimals may in one of whole numbers."""
    value = value.strip()
    if kind in {"whole", "number"}:
        return _number(value) is not None
    return kind == "" or _DATE.fullmatch(value) is not None


def as_written(kind: Kind, value: str) -> str:
    """An answer as such a column writes it: 18.0, as spreadsheets rewrite 18, is 18 among whole numbers.

    >>> as_written("day", "2026-03-02 00:00:00")
    '2026-03-02'
    """
    text = value.strip()
    if kind == "whole" and (found := re.fullmatch(r"\+?(-?\d+)[.,]0+", text)):
        return found[1]
    if kind == "number" and _COMMA.fullmatch(text):
        return text.replace(",", ".")
    if kind == "day" and (moment := _MOMENT.fullmatch(text)) and _plain_moment(text) == moment[1]:
        return moment[1]
    return value


def _number(text: str) -> float | None:
    if _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None


def _plain_moment(text: str) -> str:
    """A moment without zeros that say nothing: a day at midnight, seconds and their parts."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return text
    day, minutes, seconds, parts, zone = found.groups()
    parts = (parts or "").rstrip("0").rstrip(".")
    seconds = "" if (seconds or ":00") == ":00" and not parts else (seconds or ":00")
    zone = "" if zone in {None, "Z", "+00:00", "+0000"} else zone.replace(":", "")
    return day if f"{minutes}{seconds}{parts}{zone}" == "00:00" else f"{day}T{minutes}{seconds}{parts}{zone}"
