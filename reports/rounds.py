"""Earlier rounds of the same survey: their published figures beside those of now, and what may be said of the change.

A round is told apart from a mere correction by its name (row `round` of the design sheet) or, without one, by its
period: of each earlier round the newest release stands for it.
Whether a difference is more than sampling error is only said where both figures have an error and one definition.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from reports.results import Result
from reports.wording import PERCENT, Wording
from schemas.estimates import SafeCell, SafeTable
from schemas.workbook import Indicator, Specs

Key = tuple[str, str, str]
"""Indicator, domain, category."""

Measured = tuple[float, float, int]
"""A figure, its standard error and its degrees of freedom."""

Judge = Callable[[Measured, Measured], bool]
"""Whether two figures differ by more than sampling error."""

_DEFINING: Final = ("kind", "table", "unit", "universe", "denominator", "numerator", "value")


@dataclass(frozen=True, slots=True)
class EarlierFigure:
    """A figure as it was published; without estimate where it was withheld or nobody stood behind it."""

    estimate: float | None
    se: float | None
    df: int | None
    unit: str


@dataclass(frozen=True, slots=True)
class Round:
    """An earlier round.

    Attributes:
        release_id: of the release that stands for it.
        name: as its design sheet says: the row `round`, else the period.
        made_at: day of the release, ISO.
        figures: those with an estimate.
        is_rehearsal: whether it is about nobody.
        definitions: what makes up each indicator's definition, as it was.
        changed: indicators whose definition isn't what it is now.
        beyond: figures of now that differ from these by more than sampling error, and those that don't; others can't
            be judged.
    """

    release_id: str
    name: str
    made_at: str
    figures: Mapping[Key, EarlierFigure]
    is_rehearsal: bool = False
    definitions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    beyond: Mapping[Key, bool] = field(default_factory=dict)


def read_rounds(
    folders: Sequence[Path], table: SafeTable, specs: Specs, judge: Judge, *, rehearsal: bool = False
) -> tuple[Round, ...]:
    """The earlier rounds of a release about to be made, the oldest first.

    Rehearsed rounds are held against rehearsed figures, and real ones against real ones.

    Args:
        folders: releases of the same survey that are out, the oldest first; those that can't be read aren't compared.
        table: the figures of now.
        specs: what they mean now.
        judge: see `Judge`.
        rehearsal: whether the figures of now are rehearsed.
    """
    now = specs.design.settings.get("round") or specs.design.period
    found: dict[str, Round] = {}
    for folder in folders:
        earlier = read_round(folder)
        if earlier is not None and earlier.name not in ("", now) and earlier.is_rehearsal == rehearsal:
            found.pop(earlier.name, None)
            found[earlier.name] = earlier
    return tuple(_compared(each, table, specs, judge) for each in found.values())


def read_round(folder: Path) -> Round | None:
    """A release's figures, null where its folder hasn't got them."""
    paths = [folder / "tables" / "estimates.csv", folder / "tables" / "indicators.csv", folder / "datapackage.json"]
    if not all(path.is_file() for path in paths):
        return None
    figures, indicators = (_rows(path) for path in paths[:2])
    package: dict[str, Any] = json.loads(paths[2].read_text(encoding="utf-8"))
    told = package.get("comunal", {})
    return Round(
        release_id=folder.resolve().name,
        name=str(told.get("round") or told.get("period") or ""),
        made_at=str(package.get("created", ""))[:10],
        figures={
            (row["indicator"], row["domain"], row["category"]): EarlierFigure(
                float(row["estimate"]), _number(row["se"]), _whole(row["df"]), row["unit"]
            )
            for row in figures
            if row["estimate"]
        },
        is_rehearsal=bool(told.get("rehearsal")),
        definitions={row["indicator"]: tuple(row.get(column, "") for column in _DEFINING) for row in indicators},
    )


def tell_rounds(result: Result, rounds: Sequence[Round], communes: str, wording: Wording) -> tuple[str, ...]:
    """What earlier rounds said of a result's main figure, the newest first: one sentence each."""
    key = main_key(result, communes)
    return tuple(text for earlier in reversed(rounds) if (text := _tell(result, key, earlier, wording)))


def main_key(result: Result, communes: str) -> Key:
    """Key of a result's main figure in the tables of a release."""
    domain = f"{communes}={result.commune}" if result.commune else "total"
    return result.indicator.name, domain, result.total.category


def difference_text(now: SafeCell, then: EarlierFigure, wording: Wording) -> str:
    """The change as written, with its sign; "" where one of both isn't shown."""
    if now.estimate is None or then.estimate is None:
        return ""
    change = now.estimate - then.estimate
    is_percent = now.unit == PERCENT
    text = wording.number(abs(change), 1) if is_percent else wording.figure(abs(change), now.unit)
    sign = "" if not any(digit in "123456789" for digit in text) else "+" if change > 0 else "−"
    return f"{sign}{text} {wording.text('rounds.points')}" if is_percent else f"{sign}{text}"


def verdict(key: Key, earlier: Round, wording: Wording) -> str:
    """What may be said of a change."""
    if key[0] in earlier.changed:
        return wording.text("rounds.changed")
    if key not in earlier.beyond:
        return wording.text("rounds.unjudged")
    return wording.text("rounds.beyond" if earlier.beyond[key] else "rounds.within")


def _tell(result: Result, key: Key, earlier: Round, wording: Wording) -> str:
    then, now = earlier.figures.get(key), result.total
    if then is None or then.estimate is None or now.estimate is None or then.unit != now.unit:
        return ""
    return wording.text(
        "rounds.sentence",
        period=earlier.name,
        figure=wording.figure(then.estimate, then.unit),
        difference=difference_text(now, then, wording),
        verdict=verdict(key, earlier, wording),
    )


def _compared(earlier: Round, table: SafeTable, specs: Specs, judge: Judge) -> Round:
    now = {indicator.name: _definition(indicator) for indicator in specs.indicators}
    changed = frozenset(
        name for name, definition in earlier.definitions.items() if name in now and definition != now[name]
    )
    beyond = {key: judge(one, other) for key, one, other in _pairs(earlier, table) if key[0] not in changed}
    return replace(earlier, changed=changed, beyond=beyond)


def _pairs(earlier: Round, table: SafeTable) -> Iterator[tuple[Key, Measured, Measured]]:
    for cell in table.cells:
        key = (cell.indicator, cell.domain, cell.category)
        then = earlier.figures.get(key)
        if then is None or cell.estimate is None or cell.se is None or cell.df is None:
            continue
        if then.estimate is not None and then.se is not None and then.df is not None and then.unit == cell.unit:
            yield key, (cell.estimate, cell.se, cell.df), (then.estimate, then.se, then.df)


def _definition(indicator: Indicator) -> tuple[str, ...]:
    return tuple(str(getattr(indicator, column) or "") for column in _DEFINING)


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def _number(text: str) -> float | None:
    return float(text) if text else None


def _whole(text: str) -> int | None:
    return round(float(text)) if text else None
