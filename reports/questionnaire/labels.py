"""Texts of a form as they are printed: marks of emphasis become type, quoted answers become the question's number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from markupsafe import Markup, escape

from schemas.text import Text, pick

_REFERENCE: Final = re.compile(r"\$\{\s*([^}\s]+)\s*\}")
_OUTPUT: Final = re.compile(r"<output\b[^>]*?\bvalue\s*=\s*[\"']([^\"']*)[\"'][^>]*?(?:/>|>\s*</output>)", re.DOTALL)
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>")
_HEADING: Final = re.compile(r"^[ \t]*#{1,6}[ \t]+", re.MULTILINE)
_LINK: Final = re.compile(r"\[([^\]\n]+)\]\((?:[^()\s]+)\)")
_STRONG: Final = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS: Final = re.compile(r"(?<![\w*_])([*_])(?=[^\s*_])(.+?)(?<=[^\s*_])\1(?![\w*_])", re.DOTALL)
_MARK: Final = "\N{SYMBOL FOR SUBSTITUTE}"


def print_label(label: Text, language: str, numbers: Mapping[str, str]) -> Markup:
    """A label as HTML: markdown as ODK Collect shows it, line breaks kept, all else escaped.

    Args:
        label: language -> text; the nearest language stands in for one that is missing.
        language: of the page.
        numbers: name of a question -> its number on the page; a quoted answer of another stands as its name.
    """
    return print_text(pick(label, language), numbers)


def print_text(text: str, numbers: Mapping[str, str]) -> Markup:
    """The same for one text."""
    quoted: list[str] = []

    def keep(name: str) -> str:
        quoted.append(numbers.get(name, name))
        return f"{_MARK}{len(quoted) - 1}{_MARK}"

    text = _OUTPUT.sub(lambda found: keep(found.group(1).strip().rpartition("/")[2]), text)
    text = _REFERENCE.sub(lambda found: keep(found.group(1)), text)
    text = _LINK.sub(r"\1", _HEADING.sub("", _TAG.sub("", text))).strip()
    html = str(escape(text))
    html = _STRONG.sub(r"<strong>\2</strong>", html)
    html = _EMPHASIS.sub(r"<em>\2</em>", html)
    html = re.sub(r"\s*\n\s*\n\s*", "<br><br>", html).replace("\n", "<br>")
    for at, name in enumerate(quoted):
        html = html.replace(f"{_MARK}{at}{_MARK}", f'<span class="ref">[{escape(name)}]</span>')
    return Markup(html)  # noqa: S704 every part was escaped above
