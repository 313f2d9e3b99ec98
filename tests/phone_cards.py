"""What a phone's camera sees of a sheet of cards: each code drawn as a picture, and read from it again."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

import vl_convert
import zxingcpp
from lxml import html
from pictures import read_png

SVG = "http://www.w3.org/2000/svg"
WIDE = 4
"""Dots of the picture for each module of a code, about what a phone's camera has of a printed card."""


@dataclass(frozen=True)
class ScannedCard:
    name: str
    text: str
    settings: dict[str, dict[str, Any]]


def scan(page: str) -> list[ScannedCard]:
    """Every card of a sheet, in order."""
    cards = [card for card in html.fromstring(page).iter("article") if card.get("class") == "card"]
    # As text: a parser of HTML changes the names of an SVG's attributes.
    codes = re.findall(r"<svg.*?</svg>", page, re.S)
    return [_scan(card, svg) for card, svg in zip(cards, codes, strict=True)]


def _scan(card: Any, svg: str) -> ScannedCard:  # noqa: ANN401  lxml.html's elements have no types
    picture = read_png(vl_convert.svg_to_png(svg.replace("<svg", f"<svg xmlns='{SVG}'", 1), scale=WIDE))
    (code,) = zxingcpp.read_barcodes(picture)
    assert code.format == zxingcpp.BarcodeFormat.QRCode
    settings = json.loads(zlib.decompress(base64.b64decode(code.text, validate=True)))
    for element in card.iter("h2", "p", "dt", "dd", "li"):
        element.tail = f" {element.tail or ''}"
    return ScannedCard(card.findtext("h2"), " ".join(card.text_content().split()), settings)
