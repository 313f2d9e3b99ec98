"""Checks over many interviews that supervisors need while field work goes on, and how far it has come.

`evaluate_fieldwork` judges; `progress`, `enumerators` and `responses` are the tables that supervisors read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import polars as pl

from schemas.fields import Form
from schemas.workbook import MonitoringRow
from validation.evaluation import NotChecked
from validation.fieldwork.evaluate import evaluate_fieldwork, make_task
from validation.fieldwork.progressing import measure_enumerators, measure_progress
from validation.fieldwork.response import dispositions, response_rates

__all__ = ["enumerators", "evaluate_fieldwork", "make_task", "progress", "responses"]


def progress(
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    settings: Mapping[str, str],
    monitoring: Iterable[MonitoringRow] = (),
    today: datetime | None = None,
) -> pl.DataFrame:
    """Interviews against the sample, the quota and the day: see `progressing.measure_progress`."""
    return measure_progress(make_task(form, tables, settings, monitoring, today=today))


def enumerators(
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    settings: Mapping[str, str],
    monitoring: Iterable[MonitoringRow] = (),
) -> pl.DataFrame:
    """One row an enumerator: see `progressing.measure_enumerators`; empty where nothing tells who they are."""
    return measure_enumerators(make_task(form, tables, settings, monitoring))


def responses(
    form: Form,
    tables: Mapping[str, pl.DataFrame],
    settings: Mapping[str, str],
    monitoring: Iterable[MonitoringRow] = (),
) -> pl.DataFrame | None:
    """AAPOR's rates of the whole survey (`response.response_rates`); null if no question tells dispositions."""
    codes = dispositions(make_task(form, tables, settings, monitoring))
    return None if isinstance(codes, NotChecked) else response_rates(codes)
