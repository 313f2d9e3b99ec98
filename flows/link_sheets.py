"""Links on paper or in a table: for the people who answer, or for a program that sends them messages."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

import segno

from schemas.errors import CommandError
from schemas.text import Text, pick
from store.folders import make_private

KINDS = (".html", ".csv")

_HOW: Text = {
    "es": "Responda usted mismo, en su teléfono: apunte la cámara al código, o escriba la dirección en el navegador.",
    "ht": "Reponn ou menm, sou telefòn ou: vize kòd la ak kamera a, oswa ekri adrès la nan navigatè a.",
    "en": "Answer by yourself, on your phone: point the camera at the code, or type the address into the browser.",
}
_ONCE: Text = {
    "es": "Este papel es para una sola persona y sirve una vez. No lleva su nombre.",
    "ht": "Papye sa a se pou yon sèl moun, yon sèl fwa. Non ou pa sou li.",
    "en": "This paper is for one person and works once. It doesn't bear your name.",
}
_UNTIL: Text = {"es": "Hasta el {day}.", "ht": "Jiska {day}.", "en": "Until {day}."}

_STYLE = """
@page { size: A4; margin: 12mm }
body { font: 12pt/1.4 system-ui, sans-serif; color: #000; margin: 0 }
section { display: flex; gap: 6mm; align-items: center; padding: 5mm 0; border-bottom: .3mm dashed #777;
  break-inside: avoid }
svg { width: 36mm; height: 36mm; flex: none }
h2 { font-size: 14pt; margin: 0 0 1mm } p { margin: 0 0 1mm } code { font-size: 10pt; overflow-wrap: anywhere }
small { color: #444 }
"""


@dataclass(frozen=True, slots=True)
class SheetLink:
    """One link of a sheet: its number and its whole address, a secret of whoever gets it."""

    id: int
    url: str


def check_sheet_file(path: Path) -> None:
    """Refuse a file that can't become a sheet, before links are made for it.

    Raises:
        CommandError: CMD-083, neither .html nor .csv, no such folder, or the file is there already.
    """
    if path.suffix.lower() not in KINDS:
        raise CommandError("CMD-083", f"{path} is neither .html nor .csv.", "Name a file that ends so.")
    if not path.absolute().parent.is_dir():
        raise CommandError("CMD-083", f"The folder of {path} isn't there.", "Make it first.")
    if path.exists():
        raise CommandError("CMD-083", f"{path} is there already.", "Name another file, or remove it.")


def write_sheet(
    path: Path, links: Sequence[SheetLink], *, title: Text, language: str, is_single: bool, until: datetime | None
) -> None:
    """Write the sheet, for its owner only: whoever reads it can answer in others' place."""
    if path.suffix.lower() == ".csv":
        text = table_of(links)
    else:
        text = page_of(links, title=title, language=language, is_single=is_single, until=until)
    make_private(path)
    path.write_text(text, encoding="utf-8")


def table_of(links: Sequence[SheetLink]) -> str:
    r"""The links as CSV.

    >>> table_of([SheetLink(7, "https://e.cl/web/t")])
    'id,url\n7,https://e.cl/web/t\n'
    """
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("id", "url"))
    rows.writerows((link.id, link.url) for link in links)
    return written.getvalue()


def page_of(links: Sequence[SheetLink], *, title: Text, language: str, is_single: bool, until: datetime | None) -> str:
    """The links as a page to print and cut, each with its code."""
    heading = escape(pick(title, language))
    told = [_HOW[language]]
    if is_single:
        told.append(_ONCE[language])
    if until is not None:
        told.append(_UNTIL[language].format(day=f"{until.astimezone():%d/%m/%Y}"))
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in told)
    sections = "".join(
        f"<section>{segno.make(link.url, error='m', micro=False).svg_inline(border=2, omitsize=True)}"
        f"<div><h2>{heading}</h2>{words}<p><code>{escape(link.url)}</code></p>"
        f"<small>n.º {link.id}</small></div></section>\n"
        for link in links
    )
    head = f'<meta charset="utf-8"><title>{heading}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="{language}">\n<head>{head}</head>\n<body>\n{sections}</body>\n</html>\n'
