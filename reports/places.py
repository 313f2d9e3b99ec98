"""The communes of a release over several: their names, where their pages lie, and one indicator in all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reports.results import Result
from reports.sentences import category_label
from reports.wording import Wording
from schemas.communes import find_commune
from schemas.estimates import SafeCell
from schemas.workbook import Specs


@dataclass(frozen=True, slots=True)
class Place:
    """A commune.

    Attributes:
        name: official, else as the workbook labels it, else its code.
        region: "" where the code isn't official.
    """

    cut: str
    name: str
    region: str = ""
    region_code: str = ""

    @property
    def folder(self) -> str:
        """Folder of its pages, within those of a language."""
        return f"comunas/{self.cut}/"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One indicator in all communes.

    Attributes:
        result: of everybody.
        category: of a distribution, the one that is compared: the most frequent of everybody; "" otherwise.
        cells: each commune's figure, largest first, withheld and empty ones last.
    """

    result: Result
    category: str
    cells: tuple[tuple[Place, SafeCell], ...]

    def label(self, wording: Wording) -> str:
        """Name of the indicator, and of the category."""
        label = wording.pick(self.result.indicator.label)
        if not self.category:
            return label
        return wording.text(
            "compare.category", label=label, category=category_label(self.result, self.category, wording)
        )


def list_places(results: Mapping[str, tuple[Result, ...]], specs: Specs) -> tuple[Place, ...]:
    """The communes that have results, in order of region and name."""
    named = {each.name: each for each in specs.breakdowns}.get(specs.design.settings.get("communes", ""))
    places = []
    for cut in results:
        if not cut:
            continue
        commune = find_commune(cut)
        if commune is None:
            label = {} if named is None else named.category_labels.get(cut, {})
            places.append(Place(cut, Wording("es").pick(label) or cut))
        else:
            places.append(Place(cut, commune.name, commune.region, commune.region_code))
    return tuple(sorted(places, key=lambda place: (place.region_code, place.name)))


def compare_places(results: Mapping[str, tuple[Result, ...]], places: tuple[Place, ...]) -> tuple[Comparison, ...]:
    """Every indicator in all communes that have it."""
    by_place = {place.cut: {result.indicator.name: result for result in results[place.cut]} for place in places}
    return tuple(
        Comparison(result, category, tuple(sorted(_cells(result, category, by_place, places), key=_order)))
        for result in results[""]
        if (category := _category(result)) is not None
    )


def file_of(result: Result) -> str:
    """File of an indicator's comparison, within the pages of a language."""
    return f"comparar-{result.indicator.name}.html"


def _category(result: Result) -> str | None:
    return result.total.category if result.indicator.kind == "distribution" else ""


def _cells(
    result: Result, category: str, by_place: Mapping[str, Mapping[str, Result]], places: tuple[Place, ...]
) -> Iterator[tuple[Place, SafeCell]]:
    for place in places:
        found = by_place[place.cut].get(result.indicator.name)
        cell = None if found is None else found.cells["total"].get(category)
        if cell is not None:
            yield place, cell


def _order(pair: tuple[Place, SafeCell]) -> tuple[bool, float, str]:
    place, cell = pair
    return cell.estimate is None, -(cell.estimate or 0.0), place.name
