"""What a flow leaves on its page in Prefect, as Markdown: counts and codes, never an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.checking import CheckReport
    from flows.ingesting import IngestReport
    from flows.quality import QualityMade
    from flows.releasing import ReleaseReport


COUNTS = (
    *("read", "failed", "waiting", "interviews", "findings", "open", "opened", "closed", "set_aside"),
    *("figures", "suppressed", "new"),
)
"""Names of counts, in the order in which they are shown."""


def ingest_markdown(report: IngestReport) -> str:
    """The counts of one ingest run."""
    rows = "\n".join(f"| {name} | {count} |" for name, count in report.rows.items())
    waiting = f" {report.waiting} cifradas esperan su clave o sus archivos." if report.waiting else ""
    return (
        f"### ingest · {report.form_id}\n\n{report.read} leídas, {report.failed} ilegibles, "
        f"{report.findings} hallazgos de lectura.{waiting}\n\n| tabla | filas nuevas |\n|---|---|\n{rows}\n"
    )


def check_markdown(report: CheckReport) -> str:
    """The rules that were broken, most often first, and those that could not be judged."""
    broken = sorted((row for row in report.summaries if row.failed), key=lambda row: -row.failed)
    rows = "\n".join(f"| `{row.rule.rule_id}` | {row.rule.severity} | {row.checked} | {row.failed} |" for row in broken)
    unchecked = [row.rule for row in report.summaries if row.rule.not_checked]
    return (
        f"### check · {report.form_id}\n\n{report.interviews} entrevistas, {len(report.summaries)} reglas, "
        f"{report.findings} hallazgos, {report.set_aside} entrevistas apartadas, "
        f"{len(unchecked)} reglas sin revisar.\n\n"
        f"| regla | gravedad | revisadas | falladas |\n|---|---|---|---|\n{rows}\n"
    )


def release_markdown(report: ReleaseReport) -> str:
    """Where the release is, and what was suppressed in it."""
    return (
        f"### release · {report.form_id}\n\n`{report.folder}`\n\n{report.interviews} entrevistas aceptadas, "
        f"{report.figures} cifras, {report.suppressed} suprimidas.\n"
    )


def report_markdown(report: QualityMade) -> str:
    """Where the report is, and what it counts."""
    return (
        f"### report · {report.report_id}\n\n`{report.folder}`\n\n{report.interviews} entrevistas, "
        f"{report.findings} hallazgos, {report.open} abiertos.\n"
    )


def counts_of(report: IngestReport | CheckReport | ReleaseReport | QualityMade) -> dict[str, int]:
    """The counts of a run that a page of the desk shows."""
    return {name: int(getattr(report, name)) for name in COUNTS if hasattr(report, name)}
