"""Text in several languages, and the languages Comunal speaks to people in."""

from __future__ import annotations

import re
from collections.abc import Mapping

Text = Mapping[str, str]
"""Language code -> text. A form without languages has the single key "default"."""

LANGUAGES = ("es", "ht", "en")
"""Spanish first, then Kreyòl and English: the order in which people see Comunal."""

DEFAULT_LANGUAGE = "default"

_CODE = re.compile(r"\(([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\)\s*$")


def language_code(name: str) -> str:
    """The code of an XLSForm language name.

    >>> language_code("Kreyòl ayisyen (ht)"), language_code("English"), language_code("")
    ('ht', 'English', 'default')
    """
    found = _CODE.search(name)
    return found.group(1) if found else (name.strip() or DEFAULT_LANGUAGE)


def pick(text: Text, language: str, fallbacks: tuple[str, ...] = (*LANGUAGES, DEFAULT_LANGUAGE)) -> str:
    """The text in `language`, else in the first fallback that has it, else any, else ""."""
    for code in (language, *fallbacks):
        if text.get(code):
            return text[code]
    return next((value for value in text.values() if value), "")
