"""The page that holds earlier rounds against this one, and the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from reports.figure_tables import write_cell
from reports.pages import PageContext
from reports.results import Result
from reports.rounds import Round, difference_text, main_key, verdict
from reports.sentences import category_label
from reports.wording import Wording
from schemas.estimates import SafeTable


def rounds_page(context: PageContext) -> dict[str, Any]:
    """Every indicator's main figure in each round, the change since the last, and what may be said of it."""
    wording, rounds = context.wording, context.contents.rounds
    last = rounds[-1]
    topics = []
    for topic in context.topics:
        rows = [_row(result, rounds, wording) for result in context.results if result.indicator.topic == topic.name]
        topics.append((wording.pick(topic.label), context.topic_file(topic.name), rows))
    return {
        "rounds": [(each.name, wording.text("rounds.release", release=each.release_id)) for each in rounds],
        "against": wording.text("rounds.against", period=last.name),
        "topics": topics,
    }


def rounds_table(table: SafeTable, rounds: Sequence[Round]) -> bytes:
    """All figures that an earlier round published too, one row a figure and round, as CSV."""
    rows = [
        {
            "indicator": cell.indicator,
            "domain": cell.domain,
            "category": cell.category,
            "unit": cell.unit,
            "estimate": cell.estimate,
            "round": earlier.name,
            "release": earlier.release_id,
            "earlier": then.estimate,
            "difference": cell.estimate - then.estimate,
            "beyond_sampling_error": {True: "yes", False: "no"}.get(earlier.beyond.get(key), ""),  # type: ignore[arg-type]
            "same_definition": "no" if cell.indicator in earlier.changed else "yes",
        }
        for cell in table.cells
        for earlier in rounds
        if (key := (cell.indicator, cell.domain, cell.category)) in earlier.figures
        and cell.estimate is not None
        and (then := earlier.figures[key]).estimate is not None
        and then.unit == cell.unit
    ]
    columns = ("indicator", "domain", "category", "unit", "estimate", "round", "release", "earlier", "difference")
    numbers = {"estimate", "earlier", "difference"}
    schema = {name: pl.Float64 if name in numbers else pl.String for name in columns}
    schema |= {"beyond_sampling_error": pl.String, "same_definition": pl.String}
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col(pl.Float64).round(6)).write_csv().encode()


def _row(result: Result, rounds: Sequence[Round], wording: Wording) -> dict[str, Any]:
    key, now = main_key(result, ""), result.total
    figures = []
    for earlier in rounds:
        then = earlier.figures.get(key)
        is_same = then is not None and then.estimate is not None and then.unit == now.unit
        figures.append(
            wording.figure(then.estimate, then.unit)
            if is_same and then is not None and then.estimate is not None
            else wording.text("rounds.hidden")
        )
    then = rounds[-1].figures.get(key)
    change = "" if then is None or then.unit != now.unit else difference_text(now, then, wording)
    label = wording.pick(result.indicator.label)
    if key[2]:
        label = wording.text("compare.category", label=label, category=category_label(result, key[2], wording))
    return {
        "name": result.indicator.name,
        "label": label,
        "figures": figures,
        "now": write_cell(now, wording),
        "change": change or "–",
        "verdict": verdict(key, rounds[-1], wording) if change else "–",
    }
