"""Disclosure control: no published figure tells of fewer than `threshold` people, nor lets them be worked out.

    DC-01  A cell is withheld if its base, its rows, or the rest of its base is smaller than the threshold, unless the
           rows are none. ("rows" stand behind a share's numerator or a category; "base" is the denominator.)
    DC-02  Cells that add up to a published figure are never withheld alone, and those withheld together hold at
           least the threshold: else the smallest of the others is withheld too, at last the sum itself.
    DC-03  What is withheld stays in an interval of the width owed to it, whatever a reader computes from all figures
           together (see `linked`, `suppression`).
    DC-08  Nor does a figure whose people, or all others, are of one household, however many they are.
    DC-04  A withheld cell shows no figure, no n and no error, nor why it was withheld. Threshold 0 withholds nothing.

Policy: docs/methods/disclosure.md. `protect` is the only maker of a `SafeTable`, and nothing else may be published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reports.earlier import compare_earlier
from reports.foresight import told_together
from reports.linked import link_tables
from reports.published import Published
from reports.quantities import Key, Meaning
from reports.rounding import round_counts
from reports.rules import DisclosureRules
from reports.statement import disclosure_statement, rounding_statement
from reports.suppression import choose_cells
from schemas.errors import ReleaseError
from schemas.estimates import Estimate, Measure, SafeCell, SafeTable

PRIMARY = "primary"
SECONDARY = "secondary"
_REPAIRS = 6
"""How often more is hidden, because all releases together tell too much."""

WITHHELD = "withheld"
"""What is printed in the place of both: who knows that a cell is small, or isn't, knows half of it."""


def protect(
    estimates: Iterable[Estimate],
    rules: DisclosureRules | int,
    meanings: Mapping[str, Meaning] | None = None,
    earlier: Sequence[Published] = (),
) -> SafeTable:
    """Make the table that may be published.

    Args:
        estimates: all figures of one release; what one of them could give away about another is seen only together.
        rules: what tells too much; a number stands for the defaults that go with that threshold.
        meanings: what each indicator counts (`quantities.meanings_of`), so that figures on the same people are seen as
            such; null to take each indicator by itself.
        earlier: releases of the same survey that are out.

    Returns:
        One cell an estimate, in the same order.
    """
    cells = tuple(estimates)
    rules = DisclosureRules.of(rules) if isinstance(rules, int) else rules
    threshold = rules.threshold
    if rules.method == "rounding" and threshold:
        return _rounded(cells, rules, meanings or {})
    by_rule = rules.by_rule(cells)
    primary = rules.primary(cells)
    chosen = primary
    incomplete: tuple[tuple[str, str], ...] = ()
    if threshold:
        single = frozenset(at for at, cell in enumerate(cells) if cell.one_household)
        linked = link_tables(cells, meanings or {}, rules, changed=single)
        bounds: Mapping[Key, tuple[float, float]] = {}
        if earlier:
            changed, bounds = compare_earlier(linked.layout, linked.tables.values, earlier, threshold)
            by_rule["earlier"] = changed - primary
            primary, single = primary | changed, single | changed
            linked = link_tables(cells, meanings or {}, rules, bounds, single)
        chosen, incomplete = choose_cells(linked.tables, primary), linked.incomplete
        more: dict[int, float] = {}
        for _ in range(_REPAIRS if earlier else 0):
            narrow = told_together(cells, linked, chosen, meanings or {}, rules, earlier)
            if not narrow:
                break
            for quantity in narrow:
                more[quantity] = max(more.get(quantity, 0.0), linked.tables.owed.get(quantity, 0.0)) + rules.protection
            linked = link_tables(cells, meanings or {}, rules, bounds, single, more)
            chosen = choose_cells(linked.tables, chosen)
    reasons = [PRIMARY if at in primary else SECONDARY if at in chosen else "" for at in range(len(cells))]
    safe = tuple(_safe(cell, reason, threshold) for cell, reason in zip(cells, reasons, strict=True))
    counted = reasons.count(PRIMARY), reasons.count(SECONDARY)
    measures = _measures(rules, by_rule, counted[1]) if threshold else ()
    text = disclosure_statement(threshold, *counted, measures)
    return SafeTable(safe, threshold, *counted, text, rules.protection, incomplete, measures=measures)


def _measures(rules: DisclosureRules, by_rule: Mapping[str, frozenset[int]], secondary: int) -> tuple[Measure, ...]:
    settings = rules.settings()
    told = [Measure(name, settings.get(name, ""), len(found)) for name, found in by_rule.items()]
    return (*told, Measure("secondary", settings["secondary"], secondary))


def _rounded(cells: Sequence[Estimate], rules: DisclosureRules, meanings: Mapping[str, Meaning]) -> SafeTable:
    """All counts as multiples of the base, and shares of these; means of too few are withheld.

    Raises:
        ReleaseError: REL-057, no rounding keeps all sums; REL-058, figures are of weighted rows.
    """
    if any(cell.se is not None for cell in cells):
        raise ReleaseError(
            "REL-058",
            "The figures are weighted, and rounding is of counted rows.",
            "Choose disclosure_method suppression in the design sheet.",
        )
    linked = link_tables(cells, meanings, rules)
    counts = round_counts(linked.tables, rules.base)
    safe = []
    for at, cell in enumerate(cells):
        n, rows = int(counts[linked.layout.base[at]]), int(counts[linked.layout.rows[at]])
        if cell.unit == "percent":
            shown = replace(cell, n=n, estimate=100 * rows / n if n else None, unknown_rate=None)
        elif cell.estimate == cell.n:
            shown = replace(cell, n=n, estimate=float(n), unknown_rate=None)
        else:
            shown = replace(cell, n=n, unknown_rate=None)
            if rules.is_too_small(cell.n, cell.n) or rules.shortfall(cell.parts) > 0:
                safe.append(_safe(cell, PRIMARY, rules.threshold))
                continue
        safe.append(_safe(shown, "", 0))
    withheld = sum(bool(cell.suppressed) for cell in safe)
    text = rounding_statement(rules.base, withheld)
    measures = (Measure("threshold", str(rules.threshold), withheld), Measure("rounding", str(rules.base), 0))
    return SafeTable(tuple(safe), rules.threshold, withheld, 0, text, 1, linked.incomplete, rules.base, measures)


def veil(table: SafeTable) -> SafeTable:
    """The table as it is printed: why a single cell was withheld isn't told (DC-04)."""
    cells = tuple(replace(cell, suppressed=WITHHELD) if cell.suppressed else cell for cell in table.cells)
    return replace(table, cells=cells)


def is_too_small(base: int, rows: int, threshold: int) -> bool:
    """DC-01: whether a figure on `rows` of `base` tells of fewer than `threshold` people."""
    return DisclosureRules.of(threshold).is_too_small(base, rows)


def _safe(cell: Estimate, reason: str, threshold: int) -> SafeCell:
    hidden = bool(reason)
    unknown = None if hidden else _safe_rate(cell, threshold)
    return SafeCell(
        indicator=cell.indicator,
        domain=cell.domain,
        category=cell.category,
        estimate=None if hidden else cell.estimate,
        unit=cell.unit,
        n=None if hidden else cell.n,
        se=None if hidden else cell.se,
        ci_low=None if hidden else cell.ci_low,
        ci_high=None if hidden else cell.ci_high,
        cv=None if hidden else cell.cv,
        df=None if hidden else cell.df,
        label="" if hidden else cell.label,
        suppressed=reason,
        unknown_rate=unknown,
        note="" if hidden else cell.note,
    )


def _safe_rate(cell: Estimate, threshold: int) -> float | None:
    """The rate of unknown answers, withheld where it tells of too few people."""
    if cell.unknown_rate is None or cell.unknown_rate >= 1:
        return cell.unknown_rate
    universe = round(cell.n / (1 - cell.unknown_rate))
    return None if is_too_small(universe, universe - cell.n, threshold) else cell.unknown_rate
