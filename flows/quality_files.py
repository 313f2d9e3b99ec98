"""What the report's folder holds beside its pages: PDFs, printed where a browser is installed."""

from __future__ import annotations

from flows.printing import find_browser, print_pdf
from reports.quality.model import QualityReport
from reports.quality.page import build_print
from schemas.errors import CommandError


def print_report(report: QualityReport) -> dict[str, bytes]:
    """The report as PDF in each of its languages, path -> bytes; nothing where no browser is installed."""
    try:
        find_browser()
    except CommandError:
        return {}
    languages = report.contents.languages
    return {f"report-{language}.pdf": print_pdf(build_print(report, language)) for language in languages}
