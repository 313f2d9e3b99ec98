"""What stands in the cells of tables that others publish: numbers as they are written in many countries, and marks.

A hidden cell has no number: nothing, or a mark such as "x", "c", "..", ":". "<5" and "1-4" tell where it is. A status
column, as tau-argus and sdcTable write it, tells which cells are hidden although a number stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from schemas.errors import ReleaseError

Bounds = tuple[float, float]
Decimal = Literal[".", ","]

HIDDEN: Final = frozenset(
    {"", "x", "c", "s", "d", "y", "*", "**", "***", ".", "..", "...", "…", ":", ": c", ":c", ": u", "np", "n.p."}
    | {"n/a", "na", "(d)", "(s)", "(x)", "(c)", "(p)", "[c]", "[x]", "#", "x)", "supp", "suppressed", "conf"}
    | {"confidential", "hidden", "withheld", "oculto", "oculta", "reservado", "secreto", "kache", "null", "none", "nan"}
)
"""What stands in the place of a hidden number, whatever its case."""

NOTHING: Final = frozenset({"-", "–", "—"})
"""Signs of a number that is exactly 0."""

SHOWN_STATUS: Final = frozenset({"", "s", "v", "p", "z", "e", "safe", "ok", "published", "false", "no", "0"})
HIDDEN_STATUS: Final = frozenset(
    {"u", "x", "m", "d", "a", "b", "c", "w", "h", "primary", "secondary", "unsafe", "suppressed", "hidden"}
    | {"withheld", "true", "yes", "1"}
)
"""Codes of tau-argus, rtauargus (A, B, C primary, D secondary, V valid) and sdcTable (u, x; s, z)."""

_BELOW = re.compile(r"(<=|<|≤|menos de|less than|under|fewer than|moins de|unter)\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_ABOVE = re.compile(r"(>=|>|≥)\s*(\d+(?:\.\d+)?)")
_RANGE = re.compile(r"(\d+)\s*(?:-|–|—|to|a|bis|à)\s*(\d+)")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_FLAGGED = re.compile(r"(.*\d)\s+[a-z]{1,3}", re.IGNORECASE)
_SPACES = re.compile(r"(?<=\d)[ \u00a0\u202f'’](?=\d{3}(?!\d))")


def decimal_of(texts: Iterable[str], *, european: bool = False) -> Decimal:
    """Which mark stands before the decimals in a column of numbers.

    Args:
        texts: the column.
        european: fields are parted by semicolons: where a lone point or comma could be either, it is read so.

    >>> decimal_of(["1.234,5", "8"]), decimal_of(["1,234", "0.5"]), decimal_of(["3,5"]), decimal_of(["1,234"])
    (',', '.', ',', '.')
    """
    numbers = [text.strip() for text in texts if any(mark in text for mark in ".,") and any(c.isdigit() for c in text)]
    for text in numbers:
        if "," in text and "." in text:
            return "," if text.rfind(",") > text.rfind(".") else "."
        if text.count(".") > 1:
            return ","
        if text.count(",") > 1:
            return "."
    for text in numbers:
        found = re.search(r"([.,])(\d+)\b", text)
        if found and len(found[2]) != 3:
            return "," if found[1] == "," else "."
    if any("," in text for text in numbers):
        return "."
    return "," if european and numbers else "."


def read_value(text: str, hidden: frozenset[str], number: int, decimal: Decimal = ".") -> Bounds | None:
    """What a cell tells: least and greatest value, null for nothing.

    Args:
        text: as written.
        hidden: marks, in small letters.
        number: of its data row, for the message.
        decimal: mark before the decimals.

    Raises:
        ReleaseError: REL-050, it is no number and no known mark.
    """
    value = " ".join(text.split())
    if value.lower() in hidden:
        return None
    if value in NOTHING:
        return 0.0, 0.0
    plain = _plain(value, decimal)
    if _NUMBER.fullmatch(plain):
        return float(plain), float(plain)
    if below := _BELOW.fullmatch(plain):
        strict = below[1] not in {"<=", "≤"}
        return 0.0, float(below[2]) - strict
    if above := _ABOVE.fullmatch(plain):
        return float(above[2]) + (above[1] == ">"), float("inf")
    if between := _RANGE.fullmatch(plain):
        return float(between[1]), float(between[2])
    if flagged := _FLAGGED.fullmatch(plain):
        return read_value(flagged[1], hidden, number)
    raise ReleaseError(
        "REL-050",
        f"Data row {number + 1} holds a value that is no number and none of the marks of a hidden cell.",
        "Name the mark with --hidden, or the decimal mark with --decimal.",
    )


def is_hidden_status(text: str, number: int) -> bool:
    """Whether a status code says that a cell is hidden.

    Raises:
        ReleaseError: REL-050, the code isn't known.
    """
    code = text.strip().lower()
    if code in HIDDEN_STATUS:
        return True
    if code in SHOWN_STATUS:
        return False
    raise ReleaseError(
        "REL-050",
        f"Data row {number + 1} has a status code that isn't known.",
        "Known are S, V, P, Z, E of cells that are shown, and U, X, M, D, A, B, C of hidden ones.",
    )


def _plain(value: str, decimal: Decimal) -> str:
    """A number with a decimal point and without marks of thousands."""
    found = _SPACES.sub("", value)
    thousands = "," if decimal == "." else "."
    found = re.sub(rf"(?<=\d){re.escape(thousands)}(?=\d{{3}}(?!\d))", "", found)
    return found.replace(",", ".") if decimal == "," else found
