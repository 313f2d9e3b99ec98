"""Pages of a release that are printed as PDF, and how a PDF loses the time of its printing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from reports.contents import ReleaseContents
from reports.disclosure_page import statement_pages, statement_path
from reports.profile_prints import profiles_to_print
from reports.questionnaire.page import questionnaire_page
from schemas.estimates import SafeTable

PrintPage = Callable[[str], bytes | None]
"""Prints a page that needs no other file: HTML -> PDF, null where nothing can print."""

_DATE: Final = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)\d{14}[+-]\d\d'\d\d'\)")


def pages_to_print(release_id: str, table: SafeTable, contents: ReleaseContents) -> dict[str, str]:
    """Path of each PDF within the release -> the page that becomes it, whole in itself (styles and pictures within).

    Args:
        release_id: name of the release.
        table: the only figures that may stand on a page.
        contents: everything else.
    """
    form, specs = contents.form, contents.specs
    questionnaires = {
        f"questionnaire/{form.form_id}_{language}.pdf": questionnaire_page(form, specs, language, contents.rehearsal)
        for language in contents.languages
    }
    statements = {
        statement_path(language, "pdf"): page for language, page in statement_pages(release_id, table, contents).items()
    }
    return questionnaires | statements | profiles_to_print(release_id, table, contents)


def print_pages(pages: Mapping[str, str], print_page: PrintPage, at: datetime) -> tuple[dict[str, bytes], list[str]]:
    """The PDFs, and the paths of those that couldn't be printed.

    Args:
        pages: path -> page.
        print_page: see `PrintPage`.
        at: the time that each PDF tells as that of its making.
    """
    printed = {path: print_page(page) for path, page in pages.items()}
    made = {path: settle_pdf(data, at) for path, data in printed.items() if data is not None}
    return made, [path for path, data in printed.items() if data is None]


def settle_pdf(data: bytes, at: datetime) -> bytes:
    """The PDF with this time as that of its making: the same page printed twice is then the same bytes.

    A browser writes two dates and nothing else that changes; both keep their length, so every offset holds.

    >>> settle_pdf(b"<</CreationDate (D:20261124120049+00'00')", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    b"<</CreationDate (D:20260102030405+00'00')"
    """
    moment = at.astimezone(UTC).strftime("%Y%m%d%H%M%S").encode()
    return _DATE.sub(rb"\g<1>" + moment + rb"+00'00')", data)
