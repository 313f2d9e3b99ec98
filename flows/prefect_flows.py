"""The Prefect flows: calls only. What they call is plain functions, tested without Prefect.

This is the only module that imports Prefect when it is imported; `flows.prefect_server.configure_prefect` must have
settled Prefect's environment before. Parameters are form ids, dates and switches, never an answer of a respondent:
Prefect stores them and shows them. Every task is keyed in the store, so that a retry or a second run changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import State, Task, flow, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.runtime import flow_run

from flows.checking import CheckReport, check
from flows.followed_up import ingest_survey
from flows.ingesting import IngestReport
from flows.places import data_folder, open_data
from flows.quality import QualityMade, make_quality_report
from flows.releasing import ReleaseReport, release
from flows.summaries import (
    check_markdown,
    counts_of,
    ingest_markdown,
    release_markdown,
    report_markdown,
)
from schemas.errors import StoreError
from store.audit import Actor, acting
from store.open import Store

SECONDS = 2.0
"""How often a run's progress is told at most."""

BY = "by:"
"""How the tag begins that says who asked for a run, as the audit log names them."""


class Progress:
    """Tells Prefect how far a run is, from which the desk has it."""

    def __init__(self) -> None:
        self._artifact: Any = None
        self._told = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        """So much of so much is done."""
        if not total or time.monotonic() - self._told < SECONDS:
            return
        self._told = time.monotonic()
        percent = min(100.0, 100 * done / total)
        if self._artifact is None:
            self._artifact = create_progress_artifact(percent, key="progress")
        else:
            update_progress_artifact(self._artifact, percent)


@contextmanager
def opened() -> Iterator[Store]:
    """The store; whoever asked for the run acts, else the account that runs it."""
    by = next((tag.removeprefix(BY) for tag in flow_run.tags or () if tag.startswith(BY)), "")
    with open_data(None) as store:
        if not by:
            yield store
            return
        with acting(Actor(by, "prefect")):
            yield store


def tell_counts(counts: Mapping[str, int]) -> None:
    """Leave a run's counts where the desk reads them."""
    create_table_artifact([{"count": name, "number": number} for name, number in counts.items()], key="counts")


def is_passing(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a failure may pass by itself: the database or the disk refused. A broken form stays broken."""
    return isinstance(state.result(raise_on_failure=False), StoreError)


@task(
    name="read submissions into tables",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_passing,
    cache_policy=NO_CACHE,
)
def ingest_task(form: str) -> IngestReport:
    """Raw submissions -> typed rows."""
    with opened() as store:
        return ingest_survey(store, form, Progress())


@task(
    name="judge every rule",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_passing,
    cache_policy=NO_CACHE,
)
def check_task(form: str, expectations: bool) -> CheckReport:
    """Rules of the form, of the checks sheet and of field work -> findings."""
    with opened() as store:
        return check(store, form, expectations=expectations, progress=Progress())


@task(name="estimate, protect, publish", cache_policy=NO_CACHE)
def release_task(form: str, folder: Path) -> ReleaseReport:
    """Accepted interviews -> indicators -> protected tables -> release folder."""
    with opened() as store:
        return release(store, form, folder)


@task(name="tell the quality of the data", cache_policy=NO_CACHE)
def report_task(form: str) -> QualityMade:
    """Everything received and decided -> a report to be read, asked about and signed."""
    with opened() as store:
        return make_quality_report(store, form, store.data / "quality")


@flow(name="ingest", flow_run_name="ingest-{form}", log_prints=False)
def ingest_flow(form: str) -> IngestReport:
    """Lee las entrevistas recibidas y las convierte en tablas.

    Reads the submissions that wait into typed tables, one per repeat. Safe to run at any time: what was read before
    is not read again.

    Args:
        form: form_id, as `comunal forms list` shows it.
    """
    report = ingest_task(form)
    create_markdown_artifact(ingest_markdown(report), key="ingest", description="ingest")
    tell_counts(counts_of(report))
    return report


@flow(name="check", flow_run_name="check-{form}", log_prints=False)
def check_flow(form: str, expectations: bool = True) -> CheckReport:
    """Revisa todas las reglas y deja los hallazgos.

    Judges every rule of the form, of its `checks` sheet and of field work over all interviews, runs the Great
    Expectations suite made from them, and keeps the findings.

    Args:
        form: form_id, as `comunal forms list` shows it.
        expectations: whether the Great Expectations suite runs too.
    """
    report = check_task(form, expectations)
    create_markdown_artifact(check_markdown(report), key="check", description="check")
    tell_counts(counts_of(report))
    return report


@flow(name="release", flow_run_name="release-{form}", log_prints=False)
def release_flow(form: str, folder: str = "") -> ReleaseReport:
    """Calcula los indicadores, protege las celdas pequeñas y escribe la publicación.

    Estimates every indicator of the workbook over the accepted interviews, applies disclosure control, and writes an
    immutable release: tables, codebook, data package and site.

    Args:
        form: form_id, as `comunal forms list` shows it.
        folder: where releases are kept; empty: `releases/` in Comunal's data folder.
    """
    report = release_task(form, Path(folder) if folder else data_folder(None) / "releases")
    create_markdown_artifact(release_markdown(report), key="release", description="release")
    tell_counts(counts_of(report))
    return report


@flow(name="report", flow_run_name="report-{form}", log_prints=False)
def report_flow(form: str) -> QualityMade:
    """Escribe el informe de calidad de los datos, para leer, preguntar y firmar.

    Tells what was asked of whom, what was found and what was decided, as pages and PDF. The same data give the same
    report.

    Args:
        form: form_id, as `comunal forms list` shows it.
    """
    report = report_task(form)
    create_markdown_artifact(report_markdown(report), key="report", description="report")
    tell_counts(counts_of(report))
    return report
