"""Releases: the candidate, what differs from the one before, and what becomes of each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.responses import Response

from console.acts import releasing
from console.differences import compare_releases
from console.pages.files import answer_with_file
from console.surveys import load_survey, zone_of
from console.visiting import Visit
from schemas.errors import ReleaseError, StoreError
from store.people import list_people
from store.releases import ReleaseRow, list_releases

SHOWN: Final = 200
"""Differences that a page shows; the rest are only counted."""


def _releases(visit: Visit) -> list[ReleaseRow]:
    with visit.store.read() as connection:
        return list_releases(connection, visit.about.form_id)[::-1]


def _one(visit: Visit) -> ReleaseRow:
    wanted = visit.request.path_params["release"]
    found = next((row for row in _releases(visit) if row.release_id == wanted), None)
    if found is None:
        raise StoreError("STO-018", "There is no such release of this survey.", "Open it from the list.")
    return found


def show(visit: Visit) -> Response:
    """The list of releases."""
    zone = zone_of(load_survey(visit.store, visit.about.form_id))
    return visit.page("releases.html", section="releases", releases=_releases(visit), zone=zone)


def show_one(visit: Visit) -> Response:
    """One release, what differs from the one before it, and what may become of it."""
    return _page(visit, _one(visit))


def _page(visit: Visit, row: ReleaseRow, error: ReleaseError | None = None) -> Response:
    rows = _releases(visit)
    older = rows[[one.release_id for one in rows].index(row.release_id) + 1 :]
    former = next((one for one in older if one.state == "approved"), older[0] if older else None)
    differences = compare_releases(Path(former.folder) if former else None, Path(row.folder), visit.words.language)
    compiled = load_survey(visit.store, visit.about.form_id)
    states = [state for state in releasing.NEXT[row.state] if visit.may(releasing.RIGHTS[state])]
    waits = releasing.is_maker(row, visit.who) and not releasing.allows_one(compiled.specs.design)
    if waits and row.state == "draft":
        states = [state for state in states if state != "approved"]
    return visit.page(
        "release.html",
        200 if error is None else 409,
        section="releases",
        release=row,
        former=former,
        differences=differences,
        shown=SHOWN,
        states=states,
        is_here=Path(row.folder).is_dir(),
        zone=zone_of(compiled),
        maker=_maker(visit, row),
        waits_for_another=waits and row.state == "draft",
        needs_signature=row.state == "draft" and releasing.requires_signature(compiled.specs.design),
        error=error,
    )


def _maker(visit: Visit, row: ReleaseRow) -> str:
    """Name of whoever made the release, "" where a program did."""
    told = str(row.details.get("made_by", ""))
    with visit.store.read() as connection:
        names = {f"person {person.id}": person.name for person in list_people(connection)}
    return names.get(told, told.removeprefix("operator "))


def set_state(visit: Visit) -> Response:
    """Approve, supersede or withdraw."""
    row, reason = _one(visit), visit.posted.get("reason", "").strip()[:1000]
    try:
        releasing.set_state(visit.store, visit.who, row.release_id, visit.posted.get("state", ""), reason=reason)
    except ReleaseError as error:
        return _page(visit, row, error)
    return visit.go(visit.in_survey("releases", row.release_id))


def read_file(visit: Visit) -> Response:
    """A file of a release: its pages and tables as the public would see them."""
    return answer_with_file(visit, releasing.public_folder(_one(visit)), str(visit.request.path_params["path"]))
