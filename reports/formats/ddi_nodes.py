"""Elements of a DDI-Codebook 2.5 document, and texts in several languages."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from schemas.text import LANGUAGES, Text

DDI: Final = "ddi:codebook:2_5"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML can't hold."""


def add(parent: etree._Element, tag: str, text: str = "", /, **attributes: str) -> etree._Element:
    """A child with its text; an attribute "" is left out, and "_" in a name stands for "-"."""
    told = {key.replace("_", "-"): clean(value) for key, value in attributes.items() if value}
    node = etree.SubElement(parent, f"{{{DDI}}}{tag}", told)
    if text:
        node.text = clean(text)
    return node


def add_texts(parent: etree._Element, tag: str, texts: Text, /, **attributes: str) -> None:
    """A child in each language that has the text; one without a language where only a nameless one has."""
    for language in (*LANGUAGES, *(code for code in texts if code not in LANGUAGES)):
        if texts.get(language):
            node = add(parent, tag, texts[language], **attributes)
            if language != "default":
                node.set(f"{{{_XML}}}lang", language)


def add_once(parent: etree._Element, tag: str, texts: Text, /, **attributes: str) -> None:
    """A child that may stand once only: in the first language that has the text."""
    found = next((code for code in (*LANGUAGES, *texts) if texts.get(code)), None)
    if found is not None:
        add_texts(parent, tag, {found: texts[found]}, **attributes)


def new_document(language: str) -> etree._Element:
    """The root."""
    root = etree.fromstring(f'<codeBook xmlns="{DDI}" version="2.5"/>')
    root.set(f"{{{_XML}}}lang", language)
    return root


def clean(text: str) -> str:
    """The text without characters that XML can't hold."""
    return _FORBIDDEN.sub("", text)
