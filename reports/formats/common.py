"""What several formats need of a release: where a figure is of, when it is of, and which breakdowns it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Final

from reports.contents import ReleaseContents
from schemas.communes import find_commune, read_regions
from schemas.domains import parts
from schemas.text import Text
from schemas.workbook import Design

COUNTRY: Final = "CL"
"""ISO 3166 code of the country whose communes CUT codes are of."""

_YEAR: Final = re.compile(r"\b(?:19|20)\d\d\b")


@dataclass(frozen=True, slots=True)
class Names:
    """The release under which other formats name it.

    Attributes:
        survey: short name of the survey.
        title: language -> text.
        period: year to which figures refer.
        commune: CUT of a survey of one commune, "" otherwise.
        communes, regions: names of the breakdowns whose codes are communes and regions, "" if none.
    """

    survey: str
    title: Text
    period: str
    commune: str
    communes: str
    regions: str = ""

    @classmethod
    def of(cls, contents: ReleaseContents) -> Names:
        """From the design sheet, and from the form where that is silent."""
        design = contents.specs.design
        return cls(
            survey=design.survey or contents.form.form_id,
            title=design.title if any(design.title.values()) else {"es": contents.form.title},
            period=_period(design) or str(contents.made_at.year),
            commune=design.commune,
            communes=design.settings.get("communes", ""),
            regions=design.settings.get("regions", ""),
        )

    def place(self, domain: str) -> tuple[str, tuple[tuple[str, str], ...]]:
        """CUT of the commune, or code of the region, that a domain is of ("" for none), and its other parts."""
        area, others = self.commune, []
        for name, code in parts(domain):
            if name == self.communes or (name == self.regions and not self._is_of_commune(domain)):
                area = code
            elif name != self.regions:
                others.append((name, code))
        return area, tuple(others)

    def _is_of_commune(self, domain: str) -> bool:
        """Whether a domain is of one commune, whose region then says nothing more."""
        return bool(self.communes) and any(name == self.communes for name, _ in parts(domain))


def name_area(area: str) -> str:
    """Official name of a commune or a region, else its code."""
    commune = find_commune(area)
    return commune.name if commune else read_regions().get(area, area)


def code_all(texts: Iterable[str]) -> dict[str, str]:
    """Each text with a code as strict formats write it: letters, digits, "_", "-"; all of them different.

    >>> code_all(["15 a 29 años", "a b", "a.b"])
    {'15 a 29 años': '15_a_29_a_os', 'a b': 'a_b', 'a.b': 'a_b_2'}
    """
    coded: dict[str, str] = {}
    taken: set[str] = set()
    for text in texts:
        if text not in coded:
            plain = re.sub(r"[^A-Za-z0-9_@$-]", "_", text) or "_"
            numbered = (f"{plain}_{number}" for number in count(2))
            coded[text] = plain if plain not in taken else next(each for each in numbered if each not in taken)
            taken.add(coded[text])
    return coded


def _period(design: Design) -> str:
    for setting in (design.settings.get("fieldwork_start", ""), design.period):
        found = _YEAR.search(setting)
        if found:
            return found[0]
    return ""
