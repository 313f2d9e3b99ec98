"""The cells of a safe table put together again: one result an indicator, with its groups in order."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.domains import crossed, join, parts
from schemas.estimates import TOTAL, SafeCell, SafeTable
from schemas.fields import Field, Form
from schemas.text import Text
from schemas.workbook import Breakdown, Indicator, Specs

OTHER: Final = "other"
_NAME: Final = re.compile(r"\$\{\s*([^}\s]+)\s*\}")
_PATH_END: Final = re.compile(r"(?:/|\.\./)([A-Za-z_][\w.-]*)(?![\w./-])")
"""Last name of a path in the XForm's own expressions."""

_MOST_QUESTIONS: Final = 16


Cells = Mapping[str, Mapping[str, SafeCell]]
"""Domain -> category -> cell."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """One breakdown of a result, or a crossing of several.

    Attributes:
        breakdowns: those that are crossed, in order; one as a rule.
        groups: (codes, domain) of each group, in order; as many codes as breakdowns.
    """

    breakdowns: tuple[Breakdown, ...]
    groups: tuple[tuple[tuple[str, ...], str], ...]

    @property
    def name(self) -> str:
        """As the sheet writes it: `sex`, or `sex*age_group`."""
        return "*".join(breakdown.name for breakdown in self.breakdowns)

    @property
    def is_crossed(self) -> bool:
        """Whether its groups are told apart by more than one answer."""
        return len(self.breakdowns) > 1


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that a release says about one indicator.

    Attributes:
        cells: domain -> category -> cell; the category is "" but for distributions.
        groupings: breakdowns that have cells.
        questions: questions that its expressions name, then those that these are computed from.
        commune: CUT code if it is about one commune of several, "" for all that were asked.
    """

    indicator: Indicator
    cells: Cells
    groupings: tuple[Grouping, ...]
    questions: tuple[Field, ...]
    commune: str = ""

    @property
    def categories(self) -> tuple[str, ...]:
        """Codes of the distribution in order; one "" for other kinds."""
        return tuple(self.cells[TOTAL])

    @property
    def total(self) -> SafeCell:
        """The cell of everybody; of a distribution, the most frequent category shown."""
        cells = list(self.cells[TOTAL].values())
        return max(cells, key=lambda cell: -1.0 if cell.estimate is None else cell.estimate)

    @property
    def withheld(self) -> int:
        """How many of its cells aren't shown."""
        return sum(1 for cell in self.all_cells() if cell.suppressed)

    @property
    def is_several(self) -> bool:
        """Whether its categories add up to more than everybody: a question with several answers."""
        shown = [cell.estimate or 0.0 for cell in self.cells[TOTAL].values()]
        return self.indicator.kind == "distribution" and sum(shown) > 100.5

    def all_cells(self) -> Iterator[SafeCell]:
        """Every cell, domain by domain."""
        for categories in self.cells.values():
            yield from categories.values()


def gather_results(table: SafeTable, specs: Specs, form: Form) -> tuple[Result, ...]:
    """One result an indicator that has cells, in the order of the workbook: those of everybody who was asked."""
    return results_by_commune(table, specs, form)[""]


def results_by_commune(table: SafeTable, specs: Specs, form: Form) -> dict[str, tuple[Result, ...]]:
    """The results of everybody under "", then those of each commune under its CUT code.

    A commune's results have domains of their own, without the part that names the commune: its "total" is the commune.
    Only a release over several communes (design setting `communes`) has any.
    """
    name = specs.design.settings.get("communes", "")
    cells: dict[str, dict[str, dict[str, dict[str, SafeCell]]]] = {"": {}}
    for cell in table.cells:
        commune, domain = _split(cell.domain, name) if name else ("", cell.domain)
        of = cells.setdefault(commune, {}).setdefault(cell.indicator, {})
        of.setdefault(domain, {})[cell.category] = cell
    breakdowns = {breakdown.name: breakdown for breakdown in specs.breakdowns}
    fields = {field.name: field for each in form.tables for field in each.fields}
    asked = {indicator.name: _questions(indicator, fields) for indicator in specs.indicators}
    return {
        commune: tuple(
            Result(
                indicator,
                found[indicator.name],
                _groupings(indicator, breakdowns, found[indicator.name]),
                asked[indicator.name],
                commune,
            )
            for indicator in specs.indicators
            if TOTAL in found.get(indicator.name, ())
        )
        for commune, found in cells.items()
    }


def _split(domain: str, communes: str) -> tuple[str, str]:
    """The commune's code that a domain begins with, "" if none, and the domain within it."""
    if not domain.startswith(f"{communes}="):
        return "", domain
    (_, commune), *rest = parts(domain)
    return commune, join(rest)


def readable_calculation(text: str) -> str:
    """A calculation of the XForm with names in place of paths.

    >>> readable_calculation("if( /data/person/age  > 14, ../works , '')")
    "if( ${age} > 14, ${works}, '')"
    """
    named = re.sub(r"(?:\.\./|/)(?:[\w.-]+/|\.\./)*([A-Za-z_][\w.-]*)", r"${\1}", text)
    return re.sub(r"(?<=\}) +(?=[,)])", "", re.sub(r" {2,}", " ", named)).strip()


def group_label(code: str, labels: Mapping[str, Text], other: Text) -> Text:
    """Names of a code: as its list says, "other" for the rest, else the code itself."""
    return labels.get(code) or (other if code == OTHER else {"default": code})


def _groupings(indicator: Indicator, breakdowns: Mapping[str, Breakdown], cells: Cells) -> tuple[Grouping, ...]:
    groups: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for domain in cells:
        found = parts(domain)
        groups[tuple(name for name, _ in found)].append((tuple(code for _, code in found), domain))
    return tuple(
        Grouping(tuple(breakdowns[name] for name in names), tuple(groups[names]))
        for names in map(crossed, indicator.breakdowns)
        if groups.get(names) and all(name in breakdowns for name in names)
    )


def _questions(indicator: Indicator, fields: Mapping[str, Field]) -> tuple[Field, ...]:
    texts: Sequence[str | None] = (
        indicator.universe,
        indicator.denominator,
        indicator.numerator,
        indicator.value,
    )
    found: dict[str, Field] = {}
    pending = [name for text in texts if text for name in _NAME.findall(text)]
    while pending and len(found) < _MOST_QUESTIONS:
        name = pending.pop(0)
        if name in fields and name not in found:
            found[name] = fields[name]
            pending += _PATH_END.findall(fields[name].calculation or "")
    return tuple(found.values())
