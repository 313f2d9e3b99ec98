"""A drawing by Vega made fit for a page: small, without its own colours and fonts, its anchors lettered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lxml import etree

_TRANSLATE: Final = re.compile(r"translate\(([-\d.]+),([-\d.]+)\)")


def clean_drawing(svg: str, classes: Mapping[str, str], marks: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """What is left of a drawing once the page says how it looks.

    Args:
        svg: as vl-convert wrote it.
        classes: colour -> class that takes its place; shapes of other colours are dropped.
        marks: class of anchors -> the mark of each, in order; an anchor becomes a text that holds "@@mark@@".

    Returns:
        The view box, and the shapes as SVG text.
    """
    root = etree.fromstring(svg.encode())
    pending = {name: iter(names) for name, names in marks.items()}
    kept = [_keep(shape, classes, pending, x, y) for shape, x, y in _walk(root, 0.0, 0.0)]
    shapes = "".join(etree.tostring(shape, encoding="unicode") for shape in kept if shape is not None)
    return root.get("viewBox", ""), shapes


def _walk(element: etree._Element, x: float, y: float) -> Iterator[tuple[etree._Element, float, float]]:
    """Every shape with the place that its groups move it to."""
    found = _TRANSLATE.match(element.get("transform", ""))
    if found:
        x, y = x + float(found[1]), y + float(found[2])
    if len(element) == 0:
        yield element, x, y
    for child in element:
        if isinstance(child.tag, str):
            yield from _walk(child, x, y)


def _keep(
    shape: etree._Element, classes: Mapping[str, str], pending: Mapping[str, Iterator[str]], x: float, y: float
) -> etree._Element | None:
    name = classes.get(shape.get("fill", "")) or classes.get(shape.get("stroke", ""))
    if name is None:
        return None
    if name in pending:
        text = etree.Element("text", {"x": _round(x), "y": _round(y), "class": name})
        text.text = f"@@{next(pending[name])}@@"
        return text
    tag = etree.QName(shape).localname
    kept = etree.Element(tag, {"class": name})
    for attribute, value in shape.attrib.items():
        plain = str(attribute)
        if plain in {"d", "x2", "y2"}:
            kept.set(plain, re.sub(r"-?\d+\.\d{2,}", lambda found: _round(float(found[0])), str(value)))
    if x or y:
        kept.set("transform", f"translate({_round(x)},{_round(y)})")
    return kept


def _round(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
