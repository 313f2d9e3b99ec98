"""The profiles that a release prints as PDF: of the whole survey, and of each commune where these are few."""

from __future__ import annotations

from typing import Final

from reports.contents import ReleaseContents
from reports.maps import draw_map
from reports.page_writer import page_environment
from reports.pages import PROFILE, PageContext, profile_pdf
from reports.places import list_places
from reports.profile import profile_page
from reports.results import results_by_commune
from reports.wording import Wording
from schemas.estimates import SafeTable

MOST_PRINTED: Final = 20
"""Communes up to which each has its PDF in the release: a browser takes a second a page and language. Beyond, the page
is there to be printed when it is wanted."""


def profiles_to_print(release_id: str, table: SafeTable, contents: ReleaseContents) -> dict[str, str]:
    """Path of each PDF within the release -> the page that becomes it, whole in itself.

    Args:
        release_id: name of the release.
        table: the only figures that are shown.
        contents: everything else.
    """
    by_commune = results_by_commune(table, contents.specs, contents.form)
    places = list_places(by_commune, contents.specs)
    whole = {result.indicator.name: result.cells["total"] for result in by_commune[""]}
    template = page_environment().get_template("profile.html")
    pages = {}
    for place in (None, *(places if len(places) <= MOST_PRINTED else ())):
        cut = "" if place is None else place.cut
        drawn = draw_map(cut or contents.specs.design.commune)
        for language in contents.languages:
            context = PageContext(
                release_id=release_id,
                wording=Wording(language),
                table=table,
                contents=contents,
                results=by_commune[cut],
                charts={},
                commune=drawn,
                place=place,
                places=places,
                whole={} if place is None else whole,
            )
            page = template.render(**context.frame(f"{context.folder}{PROFILE}"), **profile_page(context))
            pages[profile_pdf(cut, language)] = page
    return pages
