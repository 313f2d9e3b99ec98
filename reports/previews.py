"""What would be published of one commune of a release over many, cut out after the whole was protected.

The figures of a commune are those that the release would show, withheld ones withheld; those of the whole and of other
communes aren't among them, so that nothing of another commune follows from a preview.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from reports.contents import Counts, ReleaseContents
from reports.disclosure import protect, veil
from schemas.communes import find_commune
from schemas.domains import join, parts
from schemas.estimates import SafeCell, SafeTable
from schemas.text import Text
from schemas.workbook import Indicator, Specs


def list_shown_communes(table: SafeTable, breakdown: str) -> tuple[str, ...]:
    """The communes that a release has figures of, in the order of its table; codes that are none are left out."""
    found: dict[str, None] = {}
    for cell in table.cells:
        cut = commune_of(cell.domain, breakdown)
        if cut and find_commune(cut) is not None:
            found[cut] = None
    return tuple(found)


def commune_of(domain: str, breakdown: str) -> str:
    """The code of the commune that a domain is in, "" for the whole.

    >>> commune_of("commune=13125&sex=1", "commune"), commune_of("sex=1", "commune")
    ('13125', '')
    """
    if not breakdown or not domain.startswith(f"{breakdown}="):
        return ""
    return parts(domain)[0][1]


def cut_by_commune(table: SafeTable, breakdown: str) -> dict[str, SafeTable]:
    """CUT -> the table of that commune as it is printed, its cells under the domains that they have in the release."""
    cells: dict[str, list[SafeCell]] = {}
    for cell in table.cells:
        cells.setdefault(commune_of(cell.domain, breakdown), []).append(cell)
    return {cut: _part(table, tuple(cells[cut])) for cut in list_shown_communes(table, breakdown)}


def _part(table: SafeTable, cells: tuple[SafeCell, ...]) -> SafeTable:
    # Why a cell is withheld isn't told, nor how many for which reason; and what was done in the whole is another's.
    withheld = sum(bool(cell.suppressed) for cell in cells)
    return veil(replace(table, cells=cells, primary=withheld, secondary=0, incomplete=()))


def as_one_commune(table: SafeTable) -> SafeTable:
    """A commune's table as a survey of that commune alone would have it: its "total" is the commune."""
    cells = (replace(cell, domain=join(parts(cell.domain)[1:])) for cell in table.cells)
    return replace(table, cells=tuple(cells))


def contents_of_commune(contents: ReleaseContents, cut: str, interviews: int) -> ReleaseContents:
    """What a release tells beside its table, for a preview of one commune: nothing that counts other communes too."""
    return replace(
        contents,
        specs=specs_of_commune(contents.specs, cut),
        counts=Counts(received=interviews, accepted=interviews),
        rules=(),
        problems=(),
        previous="",
        files={},
        former=None,
        cleaning=(),
        tables=(),
        rounds=(),
    )


def specs_of_commune(specs: Specs, cut: str) -> Specs:
    """The specs of the same survey as if it were of one commune, its title marked as a preview."""
    design, name = specs.design, specs.design.communes
    settings = {key: value for key, value in design.settings.items() if key != "communes"} | {"commune": cut}
    indicators = tuple(replace(one, breakdowns=_own(one, name)) for one in specs.indicators)
    title = _marked(design.title, cut)
    return replace(
        specs,
        indicators=indicators,
        breakdowns=tuple(one for one in specs.breakdowns if one.name != name),
        design=replace(design, commune=cut, communes="", title=title, settings=settings),
    )


def _own(indicator: Indicator, communes: str) -> tuple[str, ...]:
    return tuple(one for one in indicator.breakdowns if communes not in one.split("*"))


def _marked(title: Text, cut: str) -> Text:
    commune = find_commune(cut)
    name = cut if commune is None else commune.name
    return {language: f"{_MARKS.get(language, _MARKS['es'])}: {name}. {text}" for language, text in title.items()}


_MARKS: Mapping[str, str] = {
    "es": "VISTA PREVIA, SIN PUBLICAR",
    "ht": "POU GADE DAVANS, PA PIBLIYE",
    "en": "PREVIEW, NOT PUBLISHED",
}


def write_preview(table: SafeTable) -> bytes:
    """A commune's table as a file: the same figures give the same bytes, whatever the release they are of."""
    told = {
        "threshold": table.threshold,
        "protection": table.protection,
        "rounded": table.rounded,
        "cells": [asdict(cell) for cell in table.cells],
    }
    return (json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def read_preview(data: bytes) -> SafeTable:
    """The inverse of `write_preview`."""
    told = json.loads(data)
    cells = tuple(SafeCell(**cell) for cell in told["cells"])
    withheld = sum(bool(cell.suppressed) for cell in cells)
    # The cells were protected before they were written; the empty table only lends its shape.
    return replace(
        protect((), told["threshold"]),
        cells=cells,
        primary=withheld,
        protection=told["protection"],
        rounded=told["rounded"],
    )
