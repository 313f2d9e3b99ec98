"""The page of a release that tells what changed since the former one, from the tables that stand beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from reports.pages import PageContext
from reports.results import OTHER
from reports.wording import Wording
from schemas.estimates import TOTAL

FILE: Final = "cambios.html"
_SHOWN: Final = 200
"""Figures that the page lists; all of them are in the table to take along."""


def differences_page(context: PageContext) -> dict[str, Any]:
    """Counts by kind, names and definitions that changed, and the figures that differ most."""
    wording, former = context.wording, context.contents.former
    figures = _frame(context, "differences")
    rows = figures.head(_SHOWN).rows(named=True)
    labels = _labels(context)
    counts = dict(figures.group_by("status", maintain_order=True).len().iter_rows())
    return {
        "former": "" if former is None else former.name,
        "lead": wording.text("changes.lead", former="" if former is None else former.name),
        "counts": [(wording.text(f"changes.{status}"), wording.number(number)) for status, number in counts.items()],
        "names": [
            _name(row, wording)
            for row in _read(context, "differences_names")
            if not row["column"].startswith("label_") or row["column"] == f"label_{wording.language}"
        ],
        "figures": [_figure(row, labels, wording) for row in rows],
        "more": figures.height - len(rows),
        "reasons": [
            (code, wording.text(f"changes.reason_{code}")) for code in dict.fromkeys(r["reason"] for r in rows)
        ],
    }


def _figure(row: Mapping[str, str], labels: Mapping[tuple[str, str], str], wording: Wording) -> dict[str, str]:
    unit = row["unit"]

    def told(text: str) -> str:
        return wording.figure(float(text), unit) if text else "–"

    group = "" if row["domain"] == TOTAL else labels.get(("domain", row["domain"]), row["domain"])
    category = labels.get((row["indicator"], row["category"]), row["category"])
    if category == OTHER:
        category = wording.text("result.other")
    change = float(row["change"]) if row["change"] else None
    sign = "" if change is None else "+" if change > 0 else "−" if change < 0 else ""
    return {
        "label": labels.get(("indicator", row["indicator"]), row["indicator"]),
        "where": " · ".join(part for part in (group, category) if part),
        "before": told(row["before"]),
        "after": told(row["after"]),
        "n_before": wording.number(int(row["n_before"])) if row["n_before"] else "",
        "n_after": wording.number(int(row["n_after"])) if row["n_after"] else "",
        "change": "" if change is None else f"{sign}{wording.figure(abs(change), unit)}",
        "status": wording.text(f"changes.{row['status']}"),
        "reason": wording.text(f"changes.reason_{row['reason']}"),
    }


def _name(row: Mapping[str, str], wording: Wording) -> dict[str, str]:
    return {
        "code": row["code"],
        "column": row["column"],
        "status": wording.text(f"changes.name_{row['status']}"),
        "before": row["before"],
        "after": row["after"],
    }


def _labels(context: PageContext) -> dict[tuple[str, str], str]:
    """("indicator", code), ("domain", domain) and (indicator, category) -> label; of what is gone, the former one."""
    column = f"label_{context.wording.language}"
    found: dict[tuple[str, str], str] = {}
    former = context.contents.former
    for key, table in (("indicator", "indicators"), ("domain", "domains")):
        old = [] if former is None else list(getattr(former, table).iter_rows(named=True))
        for row in [*old, *_read(context, table)]:
            found[key, row[key]] = row.get(column, "")
    for row in _read(context, "categories"):
        found[row["indicator"], row["category"]] = row[column]
    return {key: label for key, label in found.items() if label}


def _read(context: PageContext, table: str) -> list[dict[str, str]]:
    return _frame(context, table).rows(named=True)


def _frame(context: PageContext, table: str) -> pl.DataFrame:
    """A table of the release as text; there may be many rows, of which a page shows few."""
    return pl.read_csv(context.data[f"tables/{table}.csv"], infer_schema=False).fill_null("")
