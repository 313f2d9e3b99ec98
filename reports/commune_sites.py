"""The pages of each commune of a release over several, shared out among the cores: a commune is one piece of work."""

from __future__ import annotations

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Final

from reports.contents import ReleaseContents
from reports.maps import draw_map
from reports.page_writer import PageWriter, page_environment
from reports.pages import PROFILE, PageContext, home_page, topic_page
from reports.places import Place
from reports.profile import profile_page
from reports.results import results_by_commune
from reports.tables import estimates_frame
from reports.views import draw_result
from reports.wording import Wording
from schemas.estimates import SafeCell, SafeTable

_PAYS: Final = 12
"""Communes from which a second process is worth its start."""


@dataclass(frozen=True, slots=True)
class CommuneJob:
    """What all communes share.

    Attributes:
        contents: of the release; the bytes of its files aren't needed.
        places: all communes.
        printed: paths of the profiles that were printed.
        whole: indicator -> category -> figure of the whole survey.
    """

    release_id: str
    contents: ReleaseContents
    places: tuple[Place, ...]
    printed: tuple[str, ...]
    whole: Mapping[str, Mapping[str, SafeCell]]


def build_commune_sites(job: CommuneJob, table: SafeTable, processes: int | None = None) -> dict[str, bytes]:
    """The pages of all communes, path below `site/` -> bytes.

    Args:
        job: what they share.
        table: all figures of the release.
        processes: as `site.build_site`.
    """
    job = replace(job, contents=replace(job.contents, files={}, former=None, tables=()))
    cells = _cells_by_commune(table, job.contents.specs.design.settings.get("communes", ""))
    bare = replace(table, cells=())
    count = processes or (os.cpu_count() or 1 if len(job.places) >= _PAYS else 1)
    if count > 1:
        try:
            return dict(_shared(job, bare, cells, count))
        except BrokenProcessPool:
            pass  # where no process can be started (an interpreter fed from a pipe), this one does the work
    return {path: page for place in job.places for path, page in build_commune(job, bare, place, cells[place.cut])}


def build_commune(
    job: CommuneJob, table: SafeTable, place: Place, cells: Sequence[SafeCell]
) -> list[tuple[str, bytes]]:
    """The pages of one commune in all languages, and its figures as a table.

    Args:
        job: what all communes share.
        table: threshold and statement of the release.
        place: the commune.
        cells: its figures.
    """
    contents = job.contents
    own = replace(table, cells=tuple(cells))
    results = results_by_commune(own, contents.specs, contents.form)[place.cut]
    charts = {result.indicator.name: draw_result(result) for result in results}
    commune = draw_map(place.cut)
    built = [(f"{place.folder}cifras.csv", estimates_frame(own.cells).write_csv().encode())]
    for language in contents.languages:
        context = PageContext(
            release_id=job.release_id,
            wording=Wording(language),
            table=own,
            contents=contents,
            results=results,
            charts=charts,
            commune=commune,
            place=place,
            places=job.places,
            data=dict.fromkeys(job.printed, b""),
            whole=job.whole,
        )
        writer = PageWriter(context, page_environment())
        writer.write(f"{place.folder}index.html", "home.html", home_page(context))
        writer.write(f"{place.folder}{PROFILE}", "profile.html", profile_page(context))
        for topic in context.topics:
            writer.write(f"{place.folder}{context.topic_file(topic.name)}", "topic.html", topic_page(context, topic))
        built += writer.built.items()
    return built


def _shared(
    job: CommuneJob, table: SafeTable, cells: dict[str, list[SafeCell]], processes: int
) -> Iterator[tuple[str, bytes]]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start, (job, table)) as pool:
        for built in pool.map(_work, [(place, cells[place.cut]) for place in job.places], chunksize=4):
            yield from built


_shared_work: list[tuple[CommuneJob, SafeTable]] = []
"""What a process was started with."""


def _start(job: CommuneJob, table: SafeTable) -> None:
    _shared_work[:] = [(job, table)]


def _work(piece: tuple[Place, list[SafeCell]]) -> list[tuple[str, bytes]]:
    job, table = _shared_work[0]
    return build_commune(job, table, *piece)


def _cells_by_commune(table: SafeTable, communes: str) -> dict[str, list[SafeCell]]:
    from schemas.domains import parts

    found: dict[str, list[SafeCell]] = defaultdict(list)
    for cell in table.cells:
        if cell.domain.startswith(f"{communes}="):
            found[parts(cell.domain)[0][1]].append(cell)
    return found
