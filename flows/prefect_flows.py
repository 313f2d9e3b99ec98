"""The Prefect flows: calls only. What they call is plain functions, tested without Prefect.

This is the only module that imports Prefect when it is imported; `flows.prefect_server.configure_prefect` must have
settled Prefect's environment before. Parameters are form ids, dates and switches, never an answer of a respondent:
Prefect stores them and shows them. Every task is keyed in the store, so that a retry or a second run changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import State, Task, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun

from flows.checking import CheckReport, check
from flows.followed_up import ingest_survey
from flows.ingesting import IngestReport
from flows.places import data_folder, open_data
from flows.releasing import ReleaseReport, release
from flows.summaries import check_markdown, ingest_markdown, release_markdown
from schemas.errors import StoreError


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
    with open_data(None) as store:
        return ingest_survey(store, form)


@task(
    name="judge every rule",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=is_passing,
    cache_policy=NO_CACHE,
)
def check_task(form: str, expectations: bool) -> CheckReport:
    """Rules of the form, of the checks sheet and of field work -> findings."""
    with open_data(None) as store:
        return check(store, form, expectations=expectations)


@task(name="estimate, protect, publish", cache_policy=NO_CACHE)
def release_task(form: str, folder: Path) -> ReleaseReport:
    """Accepted interviews -> indicators -> protected tables -> release folder."""
    with open_data(None) as store:
        return release(store, form, folder)


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
    return report
