"""Data-quality reports: read, asked about, signed or refused."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response

from console.acts import reviewing
from console.acts.reviewing import ReportView
from console.pages.files import answer_with_file
from console.surveys import load_survey, zone_of
from console.visiting import Visit, status_of
from schemas.errors import AccessError, ComunalError, ReleaseError, StoreError
from store.people import list_people


def _names(visit: Visit) -> dict[int, str]:
    with visit.store.read() as connection:
        return {person.id: person.name for person in list_people(connection)}


def _one(visit: Visit) -> ReportView:
    found = reviewing.open_report(visit.store, visit.who, str(visit.request.path_params["report"]))
    if found.report.form_id != visit.about.form_id:
        raise StoreError("STO-090", "There is no such report of this survey.", "Open it from the list.")
    return found


def show(visit: Visit) -> Response:
    """The list of reports, and one's own signing key."""
    return _list(visit)


def _list(visit: Visit, error: ComunalError | None = None, made: str = "") -> Response:
    rows = reviewing.list_reports(visit.store, visit.who, visit.about.form_id)[::-1]
    views = [reviewing.open_report(visit.store, visit.who, row.report_id) for row in rows]
    return visit.page(
        "reports.html",
        200 if error is None else status_of(error),
        section="reports",
        views=views,
        key=reviewing.get_signing_key(visit.store, visit.who) if visit.may("sign_report") else None,
        made=made,
        error=error,
        names=_names(visit),
        zone=zone_of(load_survey(visit.store, visit.about.form_id)),
    )


def make_key(visit: Visit) -> Response:
    """Make the key pair with which a reviewer signs at the desk."""
    if visit.posted.get("passphrase", "") != visit.posted.get("again", ""):
        error = AccessError("ACC-127", "The two passphrases aren't the same.", "Write the same one twice.")
        return _list(visit, error)
    try:
        made = reviewing.make_signing_key(visit.store, visit.who, visit.posted.get("passphrase", ""))
    except AccessError as error:
        return _list(visit, error)
    return _list(visit, made=made.fingerprint)


def show_one(visit: Visit) -> Response:
    """One report: its pages to open, what was asked, who signed or refused."""
    return _page(visit, _one(visit))


def _page(visit: Visit, view: ReportView, error: ComunalError | None = None) -> Response:
    folder = Path(view.report.folder)
    pages = [name for name in _pages(visit.words.language) if (folder / name).is_file()]
    return visit.page(
        "report.html",
        200 if error is None else status_of(error),
        section="reports",
        view=view,
        page=pages[0] if pages else "",
        pdf=next((file.name for file in sorted(folder.glob(f"*{visit.words.language}*.pdf"))), ""),
        key=reviewing.get_signing_key(visit.store, visit.who) if view.may_sign else None,
        names=_names(visit),
        zone=zone_of(load_survey(visit.store, visit.about.form_id)),
        error=error,
    )


def _pages(language: str) -> tuple[str, ...]:
    """Where the report's first page may be, the reader's language first."""
    return (f"{language}/index.html", f"index.{language}.html", f"report-{language}.html", "index.html")


def act(visit: Visit) -> Response:
    """Ask, answer, close, sign or refuse."""
    view, told = _one(visit), visit.posted
    report_id = view.report.report_id
    number = int(told.get("question_id", "0")) if told.get("question_id", "0").isdecimal() else 0
    try:
        match told.get("act", ""):
            case "ask":
                figure, question = told.get("figure", "")[:200], told.get("question", "")[:4000]
                reviewing.ask_question(visit.store, visit.who, report_id, figure, question)
            case "answer":
                reviewing.answer_question(visit.store, visit.who, number, told.get("answer", "")[:4000])
            case "close":
                reviewing.close_question(visit.store, visit.who, number)
            case "sign":
                reviewing.sign_report(visit.store, visit.who, report_id, told.get("passphrase", ""))
            case "refuse":
                passphrase, reasons = told.get("passphrase", ""), told.get("reasons", "")[:4000]
                reviewing.refuse_report(visit.store, visit.who, report_id, passphrase, reasons)
            case _:
                raise ReleaseError("REL-091", "There is no such act about a report.", "Use the page's buttons.")
    except (AccessError, StoreError, ReleaseError) as error:
        return _page(visit, _one(visit), error)
    return visit.go(visit.in_survey("reports", report_id))


def read_file(visit: Visit) -> Response:
    """A file of a report."""
    return answer_with_file(visit, Path(_one(visit).report.folder), str(visit.request.path_params["path"]))
