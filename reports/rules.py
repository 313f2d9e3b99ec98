"""The rules of disclosure control and their parameters, as the design sheet sets them.

Defaults of dominance and of p % are those of the British `acro` (UKDS, ONS), of the threshold the habit of this survey.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from reports.quantities import Nested
from schemas.domains import breakdown_of
from schemas.errors import Problem, ReleaseError
from schemas.estimates import TOTAL, Estimate
from schemas.workbook import Design

Method = Literal["suppression", "rounding"]

_NONE: Final = frozenset({"no", "0", "none", "off"})


@dataclass(frozen=True, slots=True)
class DisclosureRules:
    """Which figures tell too much.

    Attributes:
        threshold: fewest people (unweighted) that a figure may tell of; 0 withholds nothing.
        protection: width of the interval in which a small group stays hidden.
        dominant, dominant_share: the so many largest contributors hold no more than this share of a sum; 0 for none.
        p: what all but the two largest contribute is at least this part of the largest; 0 for none.
        group: a base of fewer rows isn't said to have all or none of something; 0 for none.
        method: "suppression", or "rounding" of all counts to multiples of `base`.
        base: 3 or 5.
        nested: breakdowns that divide others (`quantities.Nested`).
    """

    threshold: int = 10
    protection: int = 5
    dominant: int = 2
    dominant_share: float = 0.90
    p: float = 0.10
    group: int = 20
    method: Method = "suppression"
    base: int = 3
    nested: Nested = ()

    @classmethod
    def of(cls, threshold: int) -> DisclosureRules:
        """The defaults that go with a threshold."""
        return cls(threshold, protection=max(1, threshold // 2), group=2 * threshold)

    @classmethod
    def read(cls, design: Design) -> DisclosureRules:
        """From the rows of the design sheet.

        `threshold`, `protection`, `dominance` ("2 0.90"), `p_percent`, `group_disclosure`, and `disclosure_method`
        ("suppression", "rounding 3" or "rounding 5").

        Raises:
            ReleaseError: REL-055, a row can't be read.
        """
        usual, rows = cls.of(design.threshold), design.settings
        many, share = _pair(rows, "dominance", (usual.dominant, usual.dominant_share))
        method = rows.get("disclosure_method", "suppression").strip().lower()
        found = re.fullmatch(r"(suppression)|rounding\s*([35])?", method)
        if found is None:
            raise _unreadable("disclosure_method", "suppression, rounding 3 or rounding 5")
        return cls(
            threshold=design.threshold,
            protection=int(_number(rows, "protection", usual.protection)),
            dominant=many,
            dominant_share=share,
            p=_number(rows, "p_percent", usual.p),
            group=int(_number(rows, "group_disclosure", usual.group)),
            method="suppression" if found[1] else "rounding",
            base=int(found[2] or 3),
            nested=nested_of(design.communes, rows.get("regions", "")),
        )

    def is_small(self, rows: float) -> bool:
        """Whether so many rows are somebody, but too few."""
        return 0 < rows < self.threshold

    def is_too_small(self, base: int, rows: int) -> bool:
        """DC-01: whether a figure on `rows` of `base` tells of too few people."""
        return any(self.is_small(people) for people in (base, rows, base - rows))

    def shortfall(self, parts: Sequence[float]) -> float:
        """DC-06: how much others would have to add to a sum, so that nobody could tell its largest contribution.

        Args:
            parts: the sum, then the largest contributions, the largest first.
        """
        if len(parts) < 2 or not self.threshold:
            return 0.0
        total, largest = parts[0], parts[1]
        second = parts[2] if len(parts) > 2 else 0.0
        short = 0.0
        if self.p:
            short = max(short, self.p * largest - (total - largest - second))
        top = sum(parts[1 : 1 + self.dominant])
        if self.dominant and top > self.dominant_share * total:
            short = max(short, top / self.dominant_share - total)
        return short

    def reveals_group(self, cell: Estimate) -> bool:
        """DC-07: whether a figure says of everybody in a small base that they are, or aren't, so."""
        is_figure = cell.unit == "percent" and cell.n > 0
        everybody = cell.cell_n == cell.n
        nobody = cell.cell_n == 0 and not cell.category
        return is_figure and cell.n < self.group and (everybody or nobody)

    def primary(self, cells: Sequence[Estimate]) -> frozenset[int]:
        """The cells that tell too much by themselves."""
        return frozenset().union(*self.by_rule(cells).values())

    def by_rule(self, cells: Sequence[Estimate]) -> dict[str, frozenset[int]]:
        """Name of a rule -> the cells that it hits first: threshold, dominance, p_percent, group_disclosure."""
        small, dominated, close = set(), set(), set()
        for at, cell in enumerate(cells):
            if self.is_too_small(cell.n, cell.cell_n) or (self.threshold and cell.one_household):
                small.add(at)
            elif cell.parts and replace(self, p=0.0).shortfall(cell.parts) > 0:
                dominated.add(at)
            elif cell.parts and self.shortfall(cell.parts) > 0:
                close.add(at)
        whole = {(cells[at].indicator, cells[at].domain) for at in self._revealing(cells)}
        group = {at for at, cell in enumerate(cells) if (cell.indicator, cell.domain) in whole}
        return {
            "threshold": frozenset(small),
            "dominance": frozenset(dominated),
            "p_percent": frozenset(close),
            "group_disclosure": frozenset(group - small - dominated - close),
        }

    def singled_out(self, cells: Sequence[Estimate], rows: Mapping[str, int | None]) -> list[Problem]:
        """One problem a breakdown of which a group is a single household; which group isn't told.

        Args:
            rows: name of a breakdown -> its row in the workbook.
        """
        groups: dict[str, set[str]] = {}
        indicators: dict[str, set[str]] = {}
        for cell in cells:
            if self.threshold and cell.one_household and cell.domain != TOTAL:
                by = breakdown_of(cell.domain)
                groups.setdefault(by, set()).add(cell.domain)
                indicators.setdefault(by, set()).add(cell.indicator)
        return [
            Problem(
                "warning",
                "REL-059",
                "breakdowns",
                rows.get(by),
                "categories",
                f"{by}: in {len(found)} of its groups the people behind a figure, or all others of the group, are of "
                f"a single household ({len(indicators[by])} indicators): it would be told of. These are withheld.",
                "Join these codes with others in the breakdown, or leave it out; everything else is published.",
            )
            for by, found in groups.items()
        ]

    def settings(self) -> dict[str, str]:
        """Name of a rule -> its parameters as the design sheet writes them."""
        return {
            "threshold": str(self.threshold),
            "dominance": f"{self.dominant} {self.dominant_share:.2f}" if self.dominant else "no",
            "p_percent": f"{self.p:.2f}" if self.p else "no",
            "group_disclosure": str(self.group) if self.group else "no",
            "secondary": str(self.protection),
        }

    def _revealing(self, cells: Sequence[Estimate]) -> Iterable[int]:
        return (at for at, cell in enumerate(cells) if self.threshold and self.reveals_group(cell))


def nested_of(communes: str, regions: str) -> Nested:
    """What the design says of breakdowns that divide others: communes divide regions, and begin with their codes."""
    return ((communes, regions),) if communes and regions and communes != regions else ()


def _number(rows: Mapping[str, str], name: str, usual: float) -> float:
    text = rows.get(name, "").strip().lower()
    if not text:
        return usual
    if text in _NONE:
        return 0
    try:
        value = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise _unreadable(name, "a number, or no") from None
    if value < 0:
        raise _unreadable(name, "a number that isn't negative, or no")
    return value


def _pair(rows: Mapping[str, str], name: str, usual: tuple[int, float]) -> tuple[int, float]:
    text = rows.get(name, "").strip().lower()
    if not text:
        return usual
    if text in _NONE:
        return 0, 1.0
    found = re.fullmatch(r"(\d+)[\s,;]+(0?\.\d+|1(?:\.0+)?|\d+\s*%)", text)
    if found is None:
        raise _unreadable(name, "how many and which share, such as 2 0.90, or no")
    share = float(found[2].rstrip("% ")) / (100 if "%" in found[2] else 1)
    return int(found[1]), share


def _unreadable(name: str, expected: str) -> ReleaseError:
    return ReleaseError(
        "REL-055", f"Row {name} of the design sheet can't be read.", f"Write {expected}, or leave the row out."
    )
