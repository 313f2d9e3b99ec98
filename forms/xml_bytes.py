"""XML from outside, read so that it can't harm: no DOCTYPE, no entities, no network, bounded size and depth."""

from __future__ import annotations

import functools
import re
from typing import Final

from lxml import etree

MAX_XML_BYTES: Final = 32 * 1024 * 1024
MAX_DEPTH: Final = 100

_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._\-]+)["']""")
_VERBATIM = re.compile(rb"<!\[CDATA\[|<!--")
_ENDS: Final = {b"<![CDATA[": b"]]>", b"<!--": b"-->"}


class XmlRefusedError(ValueError):
    """Bytes that aren't read.

    Attributes:
        reason: size, nul, encoding, doctype, depth, or syntax.
        place: "line 3, column 14" for syntax, else "".
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{reason} {place}".strip())
        self.reason = reason
        self.place = place


def new_parser() -> etree.XMLParser:
    """A hardened parser: comments and processing instructions are dropped, CDATA becomes text."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )


def check_bytes(data: bytes, limit: int = MAX_XML_BYTES) -> None:
    """Refuse what a parser should not even see.

    Raises:
        XmlRefusedError: size, nul, encoding (only UTF-8 is accepted), doctype, or syntax (nothing but space).
    """
    if len(data) > limit:
        raise XmlRefusedError("size")
    if b"\0" in data:
        raise XmlRefusedError("nul")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise XmlRefusedError("encoding", f"byte {error.start}") from error
    declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
    if declared and declared.group(1).lower() not in {b"utf-8", b"utf8", b"us-ascii", b"ascii"}:
        raise XmlRefusedError("encoding")
    if b"<!" in data and _DOCTYPE.search(_without_cdata(data)):
        raise XmlRefusedError("doctype")


def _without_cdata(data: bytes) -> bytes:
    """The bytes without CDATA sections and comments.

    In one pass: the pattern `.*?` would look for the end of each one that has none anew, for minutes.
    """
    kept: list[bytes] = []
    at = 0
    while begin := _VERBATIM.search(data, at):
        end = data.find(_ENDS[begin[0]], begin.end())
        if end < 0:
            break
        kept.append(data[at : begin.start()])
        at = end + 3
    return b"".join([*kept, data[at:]])


def read_xml(
    data: bytes, limit: int = MAX_XML_BYTES, parser: etree.XMLParser | None = None, max_depth: int = MAX_DEPTH
) -> etree._Element:
    """The root element of a document.

    Args:
        data: the bytes as received.
        limit: largest size in bytes.
        parser: one of `new_parser`, to use it again for many documents.
        max_depth: 0 for a caller who doesn't go down levels that it doesn't know; libxml2's own bound of 256 holds.

    Raises:
        XmlRefusedError: see `check_bytes`; also depth (beyond `MAX_DEPTH`) and syntax.
    """
    check_bytes(data, limit)
    try:
        root = etree.fromstring(data, parser or new_parser())
    except etree.XMLSyntaxError as error:
        if "depth" in str(error).lower():
            raise XmlRefusedError("depth") from error
        line, column = error.position
        raise XmlRefusedError("syntax", f"line {line}, column {column}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlRefusedError("doctype")
    if max_depth and is_deeper(root, max_depth):
        raise XmlRefusedError("depth")
    return root


def is_deeper(root: etree._Element, limit: int) -> bool:
    """Whether elements nest beyond `limit` levels (the root is level 1)."""
    return bool(_deeper(limit)(root))


@functools.cache
def _deeper(limit: int) -> etree.XPath:
    # libxml2 goes down the levels six times as fast as a loop that makes a Python object of every node.
    return etree.XPath(f"boolean({'/*' * (limit + 1)})")


def local_name(element: etree._Element) -> str:
    """Tag without its namespace."""
    tag = str(element.tag)
    return tag.rpartition("}")[2] if tag.startswith("{") else tag
