"""What a form holds that ODK Web Forms can't do: told before a link is made, and before a person begins."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lxml import etree

from expressions.grammar import parse
from expressions.profiles import Profile
from expressions.registry_names import is_known
from expressions.syntax import Call, walk
from forms.xml_bytes import new_parser
from schemas.errors import ExpressionError, FormError

_XFORMS = "{http://www.w3.org/2002/xforms}"
_EXPRESSIONS = ("relevant", "constraint", "calculate", "required", "readonly", "nodeset", "value", "ref")
_COUNT = "{http://openrosa.org/javarosa}count"
_MAPS = frozenset(("maps", "placement-map"))
_SEARCH = re.compile(r"\bsearch\s*\(")


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that the form holds and a browser lacks.

    Attributes:
        path: of the question; "" for the form itself.
        what: in a few English words, for whoever makes links.
    """

    path: str
    what: str


def find_lacks(xform: bytes, media: Collection[str] = ()) -> list[Lack]:
    """Everything in a form that ODK Web Forms 0.22 can't do; empty if it can be answered in a browser.

    Args:
        xform: the form.
        media: names of its files.

    Raises:
        etree.XMLSyntaxError: the bytes are no XML; a registered form never is that.
    """
    root = etree.fromstring(xform, new_parser())
    kinds = {bind.get("nodeset", ""): bind.get("type", "") for bind in root.iter(f"{_XFORMS}bind")}
    found = [*_of_form(root), *_of_files(root, media), *_of_expressions(root), *_of_questions(root, kinds)]
    return list(dict.fromkeys(found))


def check_form(form_id: str, xform: bytes, media: Collection[str] = (), lists: Collection[str] = ()) -> None:
    """Refuse a form that can't be answered in a browser.

    Args:
        form_id: as messages name it.
        xform: the form.
        media: names of its files.
        lists: names of the lists of entities that it chooses from: whoever had a link would get them whole.

    Raises:
        FormError: FRM-611, with everything that it holds and a browser lacks.
    """
    lacks = [
        *find_lacks(xform, {*media, *(f"{name}.csv" for name in lists)}),
        *(Lack("", f"the list of entities {name}, which no link gives away") for name in lists),
    ]
    if lacks:
        told = "; ".join(f"{lack.path}: {lack.what}" if lack.path else lack.what for lack in lacks)
        message = f"{form_id} can't be answered in a browser: {told}."
        advice = "Change those questions, or have the form asked with ODK Collect: comunal people add."
        raise FormError("FRM-611", message, advice)


def _of_form(root: etree._Element) -> Iterator[Lack]:
    for submission in root.iter(f"{_XFORMS}submission"):
        if submission.get("base64RsaPublicKey"):
            yield Lack("", "its interviews are encrypted on the phone, which no browser does")


def _of_files(root: etree._Element, media: Collection[str]) -> Iterator[Lack]:
    """Lists in files that nobody gave: ODK Collect then shows a question without choices, Web Forms no form at all."""
    for instance in root.iter(f"{_XFORMS}instance"):
        source = instance.get("src", "")
        name = source.rpartition("/")[2]
        if source and not source.startswith("jr://instance/") and name not in media:
            yield Lack("", f"the file {name}, which isn't among the form's files")


def _of_expressions(root: etree._Element) -> Iterator[Lack]:
    for element in root.iter(f"{_XFORMS}*"):
        path = element.get("nodeset") or element.get("ref") or ""
        for name in (*_EXPRESSIONS, _COUNT):
            text = element.get(name)
            if text and not text.startswith("jr:"):
                yield from (Lack(path, f"the function {called}()") for called in _unknown_functions(text))
        if _SEARCH.search(element.get("appearance", "")):
            yield Lack(path, "choices by search(), which only ODK Collect has; use select_one_from_file")


def _unknown_functions(text: str) -> Iterator[str]:
    try:
        expression = parse(text)
    except ExpressionError:
        return  # the form's own check tells what is wrong with it
    for part in walk(expression):
        if isinstance(part, Call) and not is_known(part.name, Profile.WEBFORMS):
            yield part.name


def _of_questions(root: etree._Element, kinds: dict[str, str]) -> Iterator[Lack]:
    for upload in root.iter(f"{_XFORMS}upload"):
        medium = upload.get("mediatype", "").partition("/")[0]
        if medium in {"audio", "video"}:
            yield Lack(upload.get("ref", ""), f"recording {medium}")
    for entry in root.iter(f"{_XFORMS}input"):
        path = entry.get("ref", "")
        kind = kinds.get(path, "").rpartition(":")[2]
        if kind == "dateTime":
            yield Lack(path, "a date with a time, which would be a blank text field; ask for them apart")
        elif kind == "barcode":
            yield Lack(path, "reading a barcode")
        elif kind in {"geotrace", "geoshape"} or (kind == "geopoint" and _MAPS & set(_appearances(entry))):
            yield Lack(path, "a map, which would be fetched from another server and tell it who answers")


def _appearances(element: etree._Element) -> list[str]:
    return element.get("appearance", "").split()
