"""The main job on rehearsed interviews, through the real servers, the real protocol and the real flows."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx

import forms
from flows.children import end_with_us
from flows.commands_run import show_check, show_ingest, show_release
from flows.output import Output
from flows.places import open_data
from flows.prefect_server import PrefectServer, configure_prefect, free_port, prefect_server
from flows.registering import add_form, build_form
from flows.rehearsing import first_field_day, rehearse_over_http
from flows.releasing import ReleaseReport
from forms.rehearsal.spoiling import BLOCKING, TRANSPORT
from schemas.errors import CommandError, FormError
from store.people import add_person

SERVER_SECONDS = 60.0


def run_demo(data: Path, survey: str, interviews: int, spoil: float, seed: int, output: Output) -> None:
    """Takes one survey from workbook to release; every step is the command a municipality would give.

    Raises:
        ComunalError: whatever step fails, with what to do.
    """
    started = time.monotonic()
    folder = survey_folder(survey)
    data.mkdir(parents=True, exist_ok=True)
    with prefect_server(data) as prefect:
        form_id = _register(data, folder, output)
        _collect(data, form_id, interviews, spoil, seed, output)
        report = _flows(data, form_id, prefect, output)
    _close(report, output, time.monotonic() - started)


def survey_folder(survey: str) -> Path:
    """The folder of a shipped survey, or the folder that was named."""
    shipped = Path(forms.__file__).parent / survey
    for folder in (shipped, Path(survey)):
        if folder.is_dir():
            return folder
    known = sorted(path.parent.name for path in Path(forms.__file__).parent.glob("*/settings.csv"))
    raise CommandError("CMD-040", f"There is no survey {survey}.", f"Shipped ones: {', '.join(known)}.")


def _register(data: Path, folder: Path, output: Output) -> str:
    output.say(f"1/6 Building the workbook of {folder.name} from its text sheets, and registering it")
    built = build_form(folder, None, data)
    output.say(f"    {built.workbook}")
    with open_data(data) as store:
        added = add_form(store, folder)
    if added.version is None:
        worst = next(problem for problem in added.problems if problem.severity == "error")
        raise FormError(
            worst.code, f"{worst.sheet} row {worst.row}: {worst.message}", f"See all: comunal forms check {folder}"
        )
    output.say(f"    {added.title}, version {added.version}: {added.questions} questions")
    return added.form_id


def _collect(data: Path, form_id: str, interviews: int, spoil: float, seed: int, output: Output) -> None:
    with open_data(data) as store, store.begin() as connection:
        key = add_person(connection, "rehearsal", "enumerator").key
    with _collection_server(data) as base:
        output.say(f"2/6 Collection server at {base}; an enumerator has a key")
        output.say(f"3/6 Rehearsing {interviews} interviews over HTTP, and {spoil:.0%} spoiled ones")
        truth = data / "rehearsal-truth.jsonl"
        with open_data(data) as store, output.progress("interviews sent", interviews) as advance:
            report = rehearse_over_http(
                form_id,
                interviews=interviews,
                seed=seed,
                spoil=spoil,
                kinds=(*BLOCKING, *TRANSPORT),  # the release then stands on the clean interviews alone
                server_url=f"{base}/key/{key}",
                truth_path=truth,
                store=store,
                progress=advance,
                start=_first_day(data, interviews),
            )
        output.record(report, f"    {report}\n    what was spoiled: {truth}")


def _first_day(data: Path, interviews: int) -> datetime:
    """The first field day, chosen at the first run and kept: a later run must send the same bytes again."""
    kept = data / "rehearsal-start.txt"
    if not kept.exists():
        kept.write_text(first_field_day(interviews).isoformat(), encoding="utf-8")
    return datetime.fromisoformat(kept.read_text(encoding="utf-8").strip())


@contextmanager
def _collection_server(data: Path) -> Iterator[str]:
    """`comunal serve` in a process of its own, as in the field."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    log_file = data / "serve.log"
    with log_file.open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "serve", "--port", str(port), "--data", str(data)],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=dict(os.environ),
            start_new_session=True,
            preexec_fn=end_with_us(),
        )
    try:
        _wait_for(base, server, log_file)
        yield base
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(base: str, server: subprocess.Popen[bytes], log_file: Path) -> None:
    until = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            httpx.get(base, timeout=2.0, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise CommandError("CMD-041", "The collection server did not start.", f"Its own words are in {log_file}.")


def _flows(data: Path, form_id: str, prefect: PrefectServer, output: Output) -> ReleaseReport:
    output.say("4/6 Flow ingest: raw submissions to typed tables (waiting for the Prefect server)")
    configure_prefect(data, prefect.wait())
    from flows.prefect_flows import check_flow, ingest_flow, release_flow

    show_ingest(output, ingest_flow(form_id))
    output.say("5/6 Flow check: every rule of the form, the checks sheet, field work, Great Expectations")
    show_check(output, check_flow(form_id))
    output.say("6/6 Flow release: indicators, disclosure control, tables and site")
    report: ReleaseReport = release_flow(form_id)
    show_release(output, report)
    return report


def _close(report: ReleaseReport, output: Output, seconds: float) -> None:
    estimates = Path(report.folder) / "tables" / "estimates.csv"
    with estimates.open(encoding="utf-8", newline="") as lines:
        shares = [row for row in csv.DictReader(lines) if row["indicator"] == "country_of_birth"]
    totals = [row for row in shares if row["domain"] == "total"]
    if totals:
        told = ", ".join(f"{row['category']} {float(row['estimate']):.1f} %" for row in totals if row["estimate"])
        output.say(f"\nCountry of birth (M49 codes), from the stored submissions: {told}")
    output.record(
        {"site": report.site, "release": report.folder, "seconds": round(seconds, 1)},
        f"\nDone in {seconds:.0f} s. Open this page:\n  {report.site}",
    )
