"""XML of interviews without personal answers, and edits of such XML given those answers back.

In place of an answer stands `***` and where it was: `***/data/roster/person[2]/person_name`. Whoever edits the XML may
move or delete rows; an edit gets each answer back from the place that its mark names, and only into the same question.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from openrosa.central.answers import SUBMISSION_REFUSED, Refused
from schemas.fields import PRESENT

_PARSER_OPTIONS = {"resolve_entities": False, "no_network": True, "huge_tree": False}


def parse(xml: bytes) -> etree._Element:
    """The root of a stored submission.

    Raises:
        Refused: 400.19, the bytes are no XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError:
        raise Refused(SUBMISSION_REFUSED, "The submission can't be read as XML.") from None


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def places(root: etree._Element) -> Iterator[tuple[str, str, etree._Element]]:
    """Path, path with positions, and element, of every element below the root; positions only where there are more."""
    stack = [(f"/{_local(root)}", f"/{_local(root)}", root)]
    while stack:
        path, place, element = stack.pop()
        yield path, place, element
        children = [child for child in element if isinstance(child.tag, str)]
        seen: dict[str, int] = {}
        total: dict[str, int] = {}
        for child in children:
            total[_local(child)] = total.get(_local(child), 0) + 1
        for child in children:
            name = _local(child)
            seen[name] = seen.get(name, 0) + 1
            position = f"[{seen[name]}]" if total[name] > 1 else ""
            stack.append((f"{path}/{name}", f"{place}/{name}{position}", child))


def _answered(element: etree._Element) -> bool:
    return not len(element) and bool((element.text or "").strip())


def redact(xml: bytes, hidden: frozenset[str]) -> bytes:
    """The XML with a mark in place of every answer to a hidden question; the same bytes if there is none."""
    root = parse(xml)
    found = [(place, element) for path, place, element in places(root) if path in hidden and _answered(element)]
    if not found:
        return xml
    for place, element in found:
        element.text = f"{PRESENT}{place}"
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def restore(edited: bytes, original: bytes, hidden: frozenset[str]) -> bytes:
    """An edit with the answers back that its marks stand for; the same bytes if it has no mark.

    Raises:
        Refused: 400.19, a mark stands in another question than its own, or names a place that the original lacks.
    """
    root = parse(edited)
    marks = [(path, element) for path, _, element in places(root) if (element.text or "").startswith(PRESENT)]
    if not marks:
        return edited
    answers = {place: (path, element.text) for path, place, element in places(parse(original)) if _answered(element)}
    for path, element in marks:
        whose, answer = answers.get((element.text or "").removeprefix(PRESENT), ("", None))
        if whose != path or path not in hidden:
            message = "A mark of a personal answer (***) stands where it doesn't belong: leave marks as they came."
            raise Refused(SUBMISSION_REFUSED, message)
        element.text = answer
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def named_files(xml: bytes, binaries: frozenset[str]) -> dict[str, str]:
    """Name of each file that the XML asks for -> path of its question, in the order of the XML."""
    found = [(element.text or "", path) for path, _, element in places(parse(xml)) if path in binaries]
    return {name.strip(): path for name, path in reversed(found) if name.strip()}
