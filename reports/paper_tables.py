"""Tables of a release that aren't figures: what differs from the former release, and what cleaning did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from reports.contents import CleaningRow, ReleaseContents
from reports.differences import FIGURE_COLUMNS, NAME_COLUMNS, Differences
from reports.tables import ReleaseTable

FEW: Final = "few"
"""Mark of a count that isn't told because fewer records than the threshold stand behind it."""

_FIGURES: Final = {
    "indicator": "code of the indicator",
    "domain": "total, or breakdown=code, as in estimates.csv",
    "category": "code of a distribution's category, empty for other kinds",
    "unit": "unit of the figure",
    "status": "changed, new, gone, hidden (shown before, withheld now) or shown (withheld before, shown now)",
    "reason": "why: definition, round, interviews, corrections, interviews_and_corrections, method, indicator, "
    "grouping, group or protection",
    "before": "the figure of the former release; empty where either release withholds it",
    "after": "the figure of this release; empty where either release withholds it",
    "change": "after less before",
    "n_before": "unweighted cases of the base in the former release; empty where either release withholds it",
    "n_after": "unweighted cases of the base in this release; empty where either release withholds it",
}
_NAMES: Final = {
    "what": "indicator or group",
    "code": "code of the indicator, or domain of the group",
    "column": "column of indicators.csv or domains.csv that differs, empty for what came or went",
    "status": "new, gone, renamed (a label) or redefined (a meaning)",
    "before": "what the former release says",
    "after": "what this release says",
}
_CLEANING: Final = {
    "step": "collection, rule, decision, edit or imputation",
    "code": "code of the reason, decision or method; broken for a rule",
    "rule": "rule that was broken or decided about, empty if none",
    "table": "typed table whose records are meant, empty for interviews",
    "question": "name of the question, empty where no single one is meant",
    "records": "how many records it touched, empty if not told",
    "of": "of how many records, empty if there is no such number or it would tell how many people a filter leaves",
    "percent": "imputed answers per hundred, rounded; empty for other steps",
    "withheld": f"{FEW} where fewer records than the threshold were touched, else empty",
}
_CLEANING_TYPES: Final = {
    **dict.fromkeys(_CLEANING, pl.String),
    **dict.fromkeys(("records", "of", "percent"), pl.Int64),
}


def difference_tables(differences: Differences) -> tuple[ReleaseTable, ReleaseTable]:
    """differences.csv and differences_names.csv: without a row where there is no former release."""
    return (
        ReleaseTable(
            "differences",
            {
                "es": "Diferencias con la publicación anterior",
                "ht": "Diferans ak piblikasyon anvan an",
                "en": "Differences from the former release",
            },
            differences.figures.select(*FIGURE_COLUMNS),
            _FIGURES,
            ("indicator", "domain", "category"),
        ),
        ReleaseTable(
            "differences_names",
            {
                "es": "Nombres y definiciones que cambiaron",
                "ht": "Non ak definisyon ki chanje",
                "en": "Names and definitions that changed",
            },
            differences.names.select(*NAME_COLUMNS),
            _NAMES,
            ("what", "code", "column"),
        ),
    )


def cleaning_table(contents: ReleaseContents, threshold: int) -> ReleaseTable:
    """cleaning.csv: what arrived and was set aside, how rules fared, what was decided, edited and imputed."""
    rows = [_protect(row, threshold) for row in _rows(contents)]
    title = {"es": "Limpieza de los datos", "ht": "Netwayaj done yo", "en": "Cleaning of the data"}
    frame = pl.DataFrame(rows, schema=_CLEANING_TYPES, orient="row")
    return ReleaseTable("cleaning", title, frame, _CLEANING, ("step", "code", "rule", "table", "question"))


def _rows(contents: ReleaseContents) -> Iterator[CleaningRow]:
    counts = contents.counts
    yield CleaningRow("collection", "received", counts.received)
    yield CleaningRow("collection", "accepted", counts.accepted, counts.received)
    for reason, number in counts.set_aside.items():
        yield CleaningRow("collection", reason, number, counts.received)
    for each in contents.rules:
        if not each.rule.not_checked:
            yield CleaningRow("rule", "broken", each.failed, each.checked, each.rule.rule_id, each.rule.table)
    yield from contents.cleaning


def _protect(row: CleaningRow, threshold: int) -> tuple[str | int | None, ...]:
    # What arrived and was set aside is told on the pages too, to the last interview: it says nothing of any answer.
    # To how many rows a rule or a question applies is the size of a group, which the figures may withhold: it isn't
    # told, and of imputed answers only the rate, since a count beside it would give the size away.
    is_few = row.step != "collection" and 0 < row.records < threshold
    is_imputed = row.step == "imputation"
    records = None if is_few or is_imputed else row.records
    of = row.of if row.step == "collection" or (row.step == "edit" and (row.of or 0) >= threshold) else None
    percent = round(100 * row.records / row.of) if is_imputed and row.of and row.of >= threshold else None
    place = (row.step, row.code, row.rule, row.table, row.question)
    return (*place, records, of, percent, FEW if is_few and not is_imputed else "")
