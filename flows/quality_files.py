"""What the report's folder holds beside its pages: PDFs where a browser prints them, Great Expectations' pages."""

from __future__ import annotations

from collections.abc import Sequence

from flows.printing import find_browser, print_pdf
from reports.quality.model import QualityReport
from reports.quality.page import build_print
from schemas.errors import CommandError
from schemas.fields import Form
from schemas.findings import RuleSummary
from store.open import Store
from store.tables import read_tables
from validation.expectations import build_docs

DOCS = "gx"
"""Folder of Great Expectations' pages within the report."""


def docs_pages(store: Store, form: Form, runs: Sequence[RuleSummary], language: str = "es") -> dict[str, bytes]:
    """Great Expectations' pages of the last check, path -> bytes, with counts and without answers."""
    pages = build_docs(runs, read_tables(store, form.form_id, form), form, language)
    return {f"{DOCS}/{path}": page for path, page in pages.items()}


def print_report(report: QualityReport) -> dict[str, bytes]:
    """The report as PDF in each of its languages, path -> bytes; nothing where no browser is installed."""
    try:
        find_browser()
    except CommandError:
        return {}
    languages = report.contents.languages
    return {f"report-{language}.pdf": print_pdf(build_print(report, language)) for language in languages}
