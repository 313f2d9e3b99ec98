"""What a column of an XLSForm sheet is: its canonical name, and the language of a translated one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from schemas.workbook import Row

ALIASES: Final[Mapping[str, str]] = {
    "command": "type",
    "caption": "label",
    "relevance": "relevant",
    "calculate": "calculation",
    "constraining_message": "constraint_message",
    "requiredmsg": "required_message",
    "readonly": "read_only",
    "count": "repeat_count",
    "jr:count": "repeat_count",
    "list name": "list_name",
    "bind::relevant": "relevant",
    "bind::constraint": "constraint",
    "bind::required": "required",
    "bind::calculate": "calculation",
    "bind::readonly": "read_only",
    "bind::jr:constraintmsg": "constraint_message",
    "bind::jr:requiredmsg": "required_message",
    "control::appearance": "appearance",
    "body::appearance": "appearance",
    "control::jr:count": "repeat_count",
}
"""Other names of a column -> the canonical one, as pyxform understands them."""

NAME_ALIASES: Final = ("value", "tag")
"""Other names of `name` in `survey` and `choices`; Comunal's own sheets have a column `value` that is none."""

TRANSLATED: Final = (
    *("label", "hint", "guidance_hint", "constraint_message", "required_message", "image", "audio", "video"),
    *("big-image", "message", "advice", "description", "intro", "title"),
)
"""Columns that may carry `::language`."""

_SPACES = re.compile(r"[\s_]+")


@dataclass(frozen=True, slots=True)
class Header:
    """A column's header.

    Attributes:
        base: canonical column name, in lower case.
        language: name of the language as written ("Español (es)"), "" if none.
    """

    base: str
    language: str = ""


@lru_cache(maxsize=4096)
def read_header(text: str) -> Header:
    """Read one header of `survey`, `choices` or one of Comunal's sheets.

    >>> read_header("Relevance"), read_header("label::English (en)")
    (Header(base='relevant', language=''), Header(base='label', language='English (en)'))
    """
    lower = _SPACES.sub("_", text.strip()).lower()
    if lower in ALIASES:
        return Header(ALIASES[lower])
    parts = [part.strip() for part in re.split(r"::", text)]
    if len(parts) == 1 and ":" in text:  # the old single colon; "jr:" is a prefix and no divider
        parts = [part.strip() for part in re.split(r"(?<!\bjr):", text)]
    base = _SPACES.sub("_", parts[0]).lower()
    if base in {"media", "bind", "control", "body"} and len(parts) > 1:
        joined = f"{base}::{parts[1].lower()}"
        base = ALIASES.get(joined, parts[1].lower() if base == "media" else joined)
        parts = parts[1:]
    base = ALIASES.get(base, base)
    return Header(base, "::".join(parts[1:])) if base in TRANSLATED else Header("::".join([base, *parts[1:]]))


def cell(row: Row, base: str) -> str:
    """The row's text under the column with that canonical name and no language, "" if empty.

    Outer white space is gone and inner runs of it are single spaces, as pyxform reads cells.
    """
    text = row.cells.get(base)
    if text is None and base == "name":
        text = _old_name(row)
    if text is None:
        text = next((text for header, text in row.cells.items() if read_header(header) == Header(base)), "")
    return text.strip()


def _old_name(row: Row) -> str | None:
    """The name of a row of `survey` or `choices` (they have a type or a list) under one of its other headers."""
    if not any(read_header(header).base in {"type", "list_name"} for header in row.cells):
        return None
    return next((row.cells[alias] for alias in NAME_ALIASES if alias in row.cells), None)


def bases(headers: Iterable[str], sheet: str) -> frozenset[str]:
    """Canonical names of the columns of a sheet."""
    found = {read_header(header).base for header in headers}
    if sheet in {"survey", "choices"} and found & set(NAME_ALIASES):
        found.add("name")
    return frozenset(found)


def texts(row: Row, base: str) -> dict[str, str]:
    """Language as written ("" for none) -> text, of a translated column."""
    found = {}
    for header, text in row.cells.items():
        parsed = read_header(header)
        if parsed.base == base:
            found[parsed.language] = text
    return found


def header_of(row_headers: tuple[str, ...], base: str) -> str:
    """The header as written of the column with that canonical name, `base` itself if the sheet lacks it."""
    return next((header for header in row_headers if read_header(header).base == base), base)
