"""From what the rooms below know to what the report says: figures, each with the counts that may be shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from reports.quality.contents import ImputedQuestion, QualityContents, RuleOutcome
from reports.quality.enumerators import EnumeratorEffect, enumerator_effects
from reports.quality.items import ItemRate, item_rates
from schemas.estimates import TOTAL
from schemas.fields import MAIN_TABLE

Shown = int | None
"""A count of people that may be shown; null if it is one of the few."""


@dataclass(frozen=True, slots=True)
class Area:
    """Interviews that count in one sampling area."""

    name: str
    interviews: Shown


@dataclass(frozen=True, slots=True)
class SafeItem:
    """One question, with what may be shown of it.

    Attributes:
        asked: rows in which it was to be answered, null where it isn't known; then `of` are those answered.
        blank, unknown: null where few; `blank_known` tells a blank that isn't known from one of the few.
        missing: share of `of`, null where it would tell one of the few.
    """

    question: str
    table: str
    of: Shown
    asked_known: bool
    blank: Shown
    unknown: Shown
    missing: float | None


@dataclass(frozen=True, slots=True)
class KindCount:
    """Checks of one kind, before and after decisions."""

    kind: str
    checks: int
    found: int
    accepted: int
    settled: int
    open: int


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What a report says, in no language yet.

    Attributes:
        answers: answers in the interviews that count, personal ones left out.
        first_day, last_day: of field work, ISO dates, "" if nothing came.
        enumerators: how many people asked, null if no question tells.
        edited, imputed: answers that were changed by people, and filled in by the program.
    """

    contents: QualityContents
    accepted: int
    answers: int
    first_day: str
    last_day: str
    enumerators: int | None
    areas: tuple[Area, ...]
    kinds: tuple[KindCount, ...]
    effects: tuple[EnumeratorEffect, ...]
    items: tuple[SafeItem, ...]
    edited: int
    imputed: int

    @property
    def found(self) -> int:
        """Findings that there ever were."""
        return sum(row.found for row in self.contents.rules)

    @property
    def open(self) -> int:
        """Findings that are open."""
        return sum(row.open for row in self.contents.rules)

    @property
    def open_errors(self) -> int:
        """Those of them that are errors."""
        return sum(row.open for row in self.contents.rules if row.summary.rule.severity == "error")

    @property
    def unchecked(self) -> tuple[RuleOutcome, ...]:
        """Checks that could not be made."""
        return tuple(row for row in self.contents.rules if row.summary.rule.not_checked)


def build_report(contents: QualityContents) -> QualityReport:
    """Compute every figure of a report. Pure."""
    main = contents.accepted[MAIN_TABLE]
    threshold = contents.specs.design.threshold
    rates = item_rates(
        contents.form, contents.accepted, contents.unknown_codes, [row.summary for row in contents.rules]
    )
    imputation = contents.imputation
    filled = sum(row.imputed for row in imputation.questions if row.domain == TOTAL) if imputation else 0
    questions = contents.decided.questions.values()
    return QualityReport(
        contents=contents,
        accepted=main.height,
        answers=sum(rate.answered for rate in rates),
        first_day=contents.days[0],
        last_day=contents.days[1],
        enumerators=main[contents.who].drop_nulls().n_unique() if contents.who in main.columns else None,
        areas=_areas(main, contents.area, threshold),
        kinds=_kinds(contents.rules),
        effects=tuple(enumerator_effects(contents.form, main, contents.who)) if contents.who in main.columns else (),
        items=tuple(_safe(rate, threshold) for rate in rates),
        edited=sum(corrected + blanked for corrected, blanked, _ in questions),
        imputed=filled + sum(imputed for _, _, imputed in questions),
    )


def few(count: int, threshold: int) -> bool:
    """Whether a count of people is one of the few that aren't shown.

    >>> few(0, 10), few(1, 10), few(9, 10), few(10, 10)
    (False, True, True, False)
    """
    return 0 < count < threshold


def _areas(main: pl.DataFrame, column: str | None, threshold: int) -> tuple[Area, ...]:
    """Interviews by area. Where a single one is few, the next smallest is hidden too: their sum is known."""
    if column is None or column not in main.columns:
        return ()
    counted = main.group_by(pl.col(column).cast(pl.String).fill_null("").alias("area")).len("n").sort("area")
    rows = [(str(area), int(n)) for area, n in counted.iter_rows()]
    hidden = {area for area, n in rows if few(n, threshold)}
    if len(hidden) == 1 and len(rows) > 1:
        hidden.add(min((row for row in rows if row[0] not in hidden), key=lambda row: (row[1], row[0]))[0])
    return tuple(Area(area, None if area in hidden else n) for area, n in rows)


def _kinds(rules: Sequence[RuleOutcome]) -> tuple[KindCount, ...]:
    grouped: dict[str, list[RuleOutcome]] = {}
    for row in rules:
        grouped.setdefault(row.summary.rule.kind, []).append(row)
    return tuple(
        KindCount(
            kind,
            len(rows),
            found=sum(row.found for row in rows),
            accepted=sum(row.accepted for row in rows),
            settled=sum(settled(row) for row in rows),
            open=sum(row.open for row in rows),
        )
        for kind, rows in grouped.items()
    )


def settled(row: RuleOutcome) -> int:
    """Findings of a rule that are neither open nor accepted: corrected, or gone by themselves."""
    return max(row.found - row.open - row.accepted, 0)


def _safe(rate: ItemRate, threshold: int) -> SafeItem:
    of = rate.answered if rate.asked is None else rate.asked
    blank, unknown = rate.blank or 0, rate.unknown
    hides = (
        few(of, threshold) or few(blank, threshold) or few(unknown, threshold) or few(of - blank - unknown, threshold)
    )
    return SafeItem(
        question=rate.question,
        table=rate.table,
        of=None if few(of, threshold) else of,
        asked_known=rate.asked is not None,
        blank=None if few(blank, threshold) else blank,
        unknown=None if few(unknown, threshold) else unknown,
        missing=None if hides or not of else (blank + unknown) / of,
    )


def report_logs(report: QualityReport) -> dict[str, bytes]:
    """The logs that the report itself makes: path -> bytes."""
    contents, threshold = report.contents, report.contents.specs.design.threshold
    files: dict[str, bytes] = {}
    files["log/rules.csv"] = _csv(
        ("rule_id", "kind", "severity", "table", "rows_checked", "found", "accepted", "settled", "open", "not_checked"),
        (_rule_row(row) for row in contents.rules),
    )
    files["log/items.csv"] = _csv(
        ("question", "table", "of", "of_is", "blank", "unknown", "missing"),
        (_item_row(item, threshold) for item in report.items),
    )
    files["log/enumerators.csv"] = _csv(
        ("question", "category", "enumerators", "interviews", "rho", "low", "high", "deff", "is_sure"),
        (_effect_row(row) for row in report.effects),
    )
    if contents.imputation is not None:
        files["log/imputation.csv"] = _csv(
            ("question", "table", "domain", "of", "missing", "failed", "opened", "rate"),
            (_imputed_row(row, threshold) for row in contents.imputation.questions),
        )
    return files


def _imputed_row(row: ImputedQuestion, threshold: int) -> list[object]:
    """A class of few people isn't counted."""
    of = None if few(row.of, threshold) else row.of
    rate = f"{row.imputed / of:.6f}" if of else ""
    return [row.question, row.table, row.domain, _told(of, threshold), row.missing, row.failed, row.opened, rate]


def _rule_row(row: RuleOutcome) -> list[object]:
    rule = row.summary.rule
    told: list[object] = [rule.rule_id, rule.kind, rule.severity, rule.table, row.summary.checked]
    return [*told, row.found, row.accepted, settled(row), row.open, rule.not_checked]


def _item_row(item: SafeItem, threshold: int) -> list[str]:
    row = [item.question, item.table, _told(item.of, threshold), "asked" if item.asked_known else "answered"]
    row += [_told(item.blank, threshold) if item.asked_known else "", _told(item.unknown, threshold)]
    return [*row, "" if item.missing is None else f"{item.missing:.6f}"]


def _effect_row(row: EnumeratorEffect) -> list[object]:
    numbers = (f"{value:.6f}" for value in (row.rho, row.low, row.high, row.deff))
    told: list[object] = [row.question, row.category, row.enumerators, row.interviews]
    return [*told, *numbers, "yes" if row.is_sure else "no"]


def _told(count: Shown, threshold: int) -> str:
    return f"<{threshold}" if count is None else str(count)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
