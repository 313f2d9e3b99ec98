"""Numbers, dates and their like as each language writes them.

Babel knows Spanish of Chile and English. CLDR's Haitian Creole is a bare frame that falls back to French, so its few
rules are written down here.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Final

from babel.dates import format_date
from babel.numbers import get_decimal_symbol, get_group_symbol

_LOCALES: Final = {"es": "es_CL", "en": "en"}

_MONTHS_HT: Final = (
    *("janvye", "fevriye", "mas", "avril", "me", "jen"),
    *("jiyè", "out", "septanm", "oktòb", "novanm", "desanm"),
)

NARROW_SPACE: Final = "\u202f"
NO_BREAK_SPACE: Final = "\u00a0"


def write_number(number: float, language: str, decimals: int = 0) -> str:
    r"""A number with its language's separators, always with `decimals` digits after the point.

    Halves go to the even digit of the number as it is printed, in every language alike.

    >>> write_number(12345.678, "es", 1), write_number(12345.678, "ht", 1), write_number(12345.678, "en", 1)
    ('12.345,7', '12\u202f345,7', '12,345.7')
    """
    text = f"{Decimal(repr(float(number))):,.{decimals}f}"
    group, point = _signs(language)
    if group == "," and point == ".":
        return text
    return text.translate({44: group, 46: point})


@cache
def _signs(language: str) -> tuple[str, str]:
    """What stands between thousands, and before decimals."""
    if language == "ht":
        return NARROW_SPACE, ","
    locale = _LOCALES.get(language, "en")
    return get_group_symbol(locale), get_decimal_symbol(locale)


def write_percent(number: float, language: str, decimals: int = 1) -> str:
    r"""A percentage already in per cent, with the space that Spanish and Kreyòl put before the sign.

    >>> write_percent(68.04, "es"), write_percent(68.04, "en")
    ('68,0\xa0%', '68.0%')
    """
    space = "" if language == "en" else NO_BREAK_SPACE
    return f"{write_number(number, language, decimals)}{space}%"


def write_date(moment: datetime, language: str) -> str:
    """A day in words.

    >>> write_date(datetime(2026, 11, 24), "ht")
    '24 novanm 2026'
    """
    if language == "ht":
        return f"{moment.day} {_MONTHS_HT[moment.month - 1]} {moment.year}"
    return str(format_date(moment, "long", locale=_LOCALES.get(language, "en")))
