"""Results told in sentences: what a reader should take away, before any table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.results import Grouping, Result, group_label
from reports.wording import Wording
from schemas.estimates import TOTAL, SafeCell
from schemas.text import LANGUAGES, Text

_MOST = 3
"""Categories of a distribution that its sentence names."""

_PAIR = 3
"""Up to as many groups are all named; of more, only the lowest and the highest."""


@dataclass(frozen=True, slots=True)
class Headline:
    """The big number of a result.

    Attributes:
        figure: as written, "" if it isn't shown.
        caption: what the number is of, beside the indicator's name: a category or a unit, "" if nothing.
        interval: both ends of its confidence interval, "" without sampling error.
    """

    figure: str
    caption: str
    interval: str = ""


def headline(result: Result, wording: Wording) -> Headline:
    """The big number: the total, or a distribution's most frequent category."""
    cell = result.total
    if cell.estimate is None:
        return Headline("", "")
    unit = "" if cell.unit in {"percent", "count"} else wording.unit(cell.unit)
    caption = category_label(result, cell.category, wording) if cell.category else unit
    interval = ""
    if cell.ci_low is not None and cell.ci_high is not None:
        interval = wording.interval(cell.ci_low, cell.ci_high, cell.unit)
    return Headline(wording.figure(cell.estimate, cell.unit), caption, interval)


def tell(result: Result, wording: Wording) -> list[str]:
    """The sentences of a result, the most important first."""
    total = result.total
    if total.suppressed:
        return [wording.text("result.all_withheld")]
    if total.estimate is None:
        return [wording.text("result.no_figure")]
    sentences = []
    if result.indicator.kind == "distribution":
        sentences.append(_most_frequent(result, wording))
        sentences.append(_interval(total, wording))
        if result.is_several:
            sentences.append(wording.text("result.several"))
    else:
        sentences.append(_interval(total, wording))
    plain = [grouping for grouping in result.groupings if not grouping.is_crossed]
    sentences += [_compare(result, grouping, wording) for grouping in plain[:2] if _can_compare(result)]
    return [sentence for sentence in sentences if sentence]


def _interval(cell: SafeCell, wording: Wording) -> str:
    if cell.ci_low is None or cell.ci_high is None:
        return ""
    low, high = (wording.figure(end, cell.unit) for end in (cell.ci_low, cell.ci_high))
    return wording.text("result.interval_text", low=low, high=high)


def tell_quality(result: Result, standard: str, wording: Wording) -> str:
    """The label of its figure in words, with a warning where it isn't reliable; "" without sampling error.

    Args:
        result: what is told.
        standard: "ine", "cepal" or one of its years, "" for INE's.
        wording: the language.
    """
    label = result.total.label
    if label not in {"reliable", "weakly_reliable", "not_reliable"}:
        return ""
    whose = standard.partition("_")[0] or "ine"
    told = wording.text(f"result.quality_{label}", standard=wording.maybe(f"result.quality_{whose}", whose.upper()))
    advice = wording.maybe(f"result.advice_{label}", "")
    return f"{told} {advice}".strip()


def tell_base(result: Result, wording: Wording) -> list[str]:
    """What the figure rests on: how many cases, and how many answers aren't known."""
    total = result.total
    if total.n is None:
        return []
    if result.indicator.kind == "count":
        return [wording.text("result.base_count")] if total.label == "no_sampling_error" else []
    sentences = [wording.text("result.base", n=wording.number(total.n))]
    if total.unknown_rate:
        sentences.append(wording.text("result.unknown", rate=wording.percent(100 * total.unknown_rate)))
    return sentences


def tell_withheld(result: Result, wording: Wording) -> str:
    """How many figures of a result aren't shown, "" if all are."""
    return wording.counted("result.withheld", result.withheld) if result.withheld else ""


def tell_groups(result: Result, wording: Wording) -> str:
    """How the first groups that can be told apart differ, without full stop; of a distribution what follows the first.

    "" where there is nothing to tell.
    """
    if result.indicator.kind == "distribution":
        shown = sorted((cell for cell in result.cells[TOTAL].values() if cell.estimate), key=lambda cell: -_size(cell))
        named = [f"{category_label(result, cell.category, wording)} {_written(cell, wording)}" for cell in shown]
        return wording.listing(named[1:_MOST])
    told = [_compare(result, grouping, wording) for grouping in result.groupings if not grouping.is_crossed]
    return next((text.rstrip(".") for text in told if text), "") if _can_compare(result) else ""


def category_label(result: Result, code: str, wording: Wording) -> str:
    """Name of a distribution's category."""
    return wording.pick(group_label(code, result.indicator.category_labels, other_label()))


def domain_label(grouping: Grouping, codes: Sequence[str], wording: Wording) -> str:
    """Name of a group: of each of its codes."""
    named = zip(codes, grouping.breakdowns, strict=True)
    return ", ".join(wording.pick(group_label(code, each.category_labels, other_label())) for code, each in named)


def grouping_label(grouping: Grouping, wording: Wording) -> str:
    """Name of a breakdown, or of those that are crossed."""
    return " × ".join(wording.pick(each.label) for each in grouping.breakdowns)


def other_label() -> Text:
    """The name of what no list names."""
    return {code: Wording(code).text("result.other") for code in LANGUAGES}


def _most_frequent(result: Result, wording: Wording) -> str:
    shown = [cell for cell in result.cells[TOTAL].values() if cell.estimate]
    ranked = sorted(shown, key=lambda cell: -(cell.estimate or 0.0))[:_MOST]
    named = [f"{category_label(result, cell.category, wording)} ({_written(cell, wording)})" for cell in ranked]
    if not named:
        return ""
    # Where one is withheld, it may be more frequent than all that are shown.
    shown_only = "shown_" if any(cell.suppressed for cell in result.cells[TOTAL].values()) else ""
    if len(named) == 1:
        return wording.text(f"result.most_{shown_only}one", first=named[0])
    return wording.text(f"result.most_{shown_only}many", first=named[0], rest=wording.listing(named[1:]))


def _can_compare(result: Result) -> bool:
    return result.indicator.kind in {"share", "mean", "quantile", "ratio"}


def _compare(result: Result, grouping: Grouping, wording: Wording) -> str:
    """The groups of one breakdown: all of a few, else the lowest and the highest."""
    shown = [(code, result.cells[domain][""]) for code, domain in grouping.groups if "" in result.cells[domain]]
    known = [(code, cell) for code, cell in shown if cell.estimate is not None]
    if len(known) < 2:
        return ""
    name = grouping_label(grouping, wording)
    if len(known) <= _PAIR:
        parts = [f"{domain_label(grouping, code, wording)}, {_written(cell, wording)}" for code, cell in known]
        return wording.text("result.pair", breakdown=name, parts="; ".join(parts))
    low = min(known, key=lambda pair: pair[1].estimate or 0.0)
    high = max(known, key=lambda pair: pair[1].estimate or 0.0)
    if _written(low[1], wording) == _written(high[1], wording):
        return wording.text("result.alike", breakdown=name, figure=_written(low[1], wording))
    return wording.text(
        "result.spread",
        breakdown=name,
        low=_written(low[1], wording),
        low_label=domain_label(grouping, low[0], wording),
        high=_written(high[1], wording),
        high_label=domain_label(grouping, high[0], wording),
    )


def _size(cell: SafeCell) -> float:
    return cell.estimate or 0.0


def _written(cell: SafeCell, wording: Wording) -> str:
    return wording.figure(cell.estimate or 0.0, cell.unit)
