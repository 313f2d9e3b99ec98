"""Release: accepted interviews -> indicators -> protected tables -> an immutable release folder."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path

import polars as pl

from console.acts.edited import cleaning_statistics, edit_survey
from console.acts.imputed import RECORD, count_interviews
from console.acts.releasing import DATA
from estimation.comparisons import compare_groups
from estimation.differences import round_difference
from estimation.indicators import estimate
from flows.previewing import require_confirmations
from flows.printing import print_or_not
from flows.quality_gate import require_signature
from flows.registering import load_form
from flows.release_papers import (
    find_former,
    hash_code,
    list_libraries,
    list_missing_codes,
    tell_cleaning,
    tell_imputation,
)
from reports.contents import Counts, Provenance, ReleaseContents, combine_digests, list_of_digests
from reports.design_tables import design_tables, whole_tables
from reports.disclosure import protect
from reports.latest import LATEST, point_latest
from reports.published import Published, read_published
from reports.quantities import meanings_of
from reports.release import publish
from reports.rounds import Measured, read_rounds
from reports.rules import DisclosureRules
from schemas.errors import Problem, ReleaseError
from schemas.estimates import SafeTable
from schemas.fields import CLIENT, INSTANCE_ID, MAIN_TABLE
from schemas.releases import ReleaseRecord
from store import findings as finding_rows
from store import forms as form_rows
from store import releases
from store.digests import list_digests
from store.finding_pages import list_instances
from store.open import Store
from store.releases import ReleaseRow
from store.submissions import SubmissionCounts, count_submissions
from store.tables import read_tables

_CHANCE = 0.05

DUPLICATE = "field:duplicate_person"
"""The rule that finds the same person in two interviews."""

CONFIRMED = "confirmed"
"""Key of a release's details: commune -> who confirmed its figures before publication, and when."""

SOURCES = "sources_sha256"
"""Key of a release's details: digest of the list of its interviews' digests, which the store keeps as a content."""


@dataclass(frozen=True, slots=True)
class ReleaseReport:
    """What one release holds, and where it is.

    Attributes:
        interviews: accepted interviews behind its figures.
        figures: cells of its table, suppressed ones included.
        suppressed: cells suppressed.
        site: the page to open.
        new: false when the same interviews, form and code had been released before.
        problems: indicators and breakdowns that could not be evaluated and were left out.
    """

    form_id: str
    release_id: str
    folder: str
    site: str
    interviews: int
    figures: int
    suppressed: int
    new: bool = True
    problems: tuple[str, ...] = ()


def release(store: Store, form_id: str, folder: Path, at: datetime | None = None) -> ReleaseReport:
    """Makes a release of the accepted interviews: those without an open finding of severity "error".

    The same interviews, form and code give the same release: it is not made again.

    Args:
        folder: where releases are kept; each becomes a folder there. `latest` leads to the newest draft until a release
            was approved or withdrawn; from then on people's acts alone turn it.
        at: when it is made, null for now.

    Raises:
        StoreError: STO-011, when the form is not registered.
        ReleaseError: REL-010, when there is no accepted interview; REL-066, REL-067, when the workbook requires a
            signature and the data as they are have none, or are refused; REL-122, REL-123, when it requires that every
            commune confirms its figures, and some haven't or object.
    """
    signed = require_signature(store, form_id, load_form(store, form_id).specs.design)
    candidate = draw_up(store, form_id, at)
    table, contents = candidate.table, candidate.contents
    free = _latest_is_free(store)
    report = ReleaseReport(
        form_id=form_id,
        release_id=candidate.release_id,
        folder=str(folder / candidate.release_id),
        site=str(folder.resolve() / (LATEST if free else candidate.release_id) / "site" / "index.html"),
        interviews=contents.counts.accepted,
        figures=len(table.cells),
        suppressed=table.primary + table.secondary,
        problems=tuple(f"{problem.code} {problem.message}" for problem in (*contents.problems, *candidate.warnings)),
    )
    made = folder / candidate.release_id
    if made.exists():
        if free:
            point_latest(folder, candidate.release_id)
        return replace(report, new=False)
    confirmed = require_confirmations(store, candidate, at)
    _register(
        store,
        publish(made, table, contents, candidate.earlier, print_or_not),
        (candidate.sources, candidate.imputations),
        ({DATA: signed} if signed else {}) | ({CONFIRMED: confirmed} if confirmed else {}),
    )
    if free:
        point_latest(folder, candidate.release_id)
    return report


def _latest_is_free(store: Store) -> bool:
    """Whether the public's address may follow drafts: nobody has approved, replaced or withdrawn a release yet.

    Otherwise a draft would be public before anybody approved it, or a withdrawn release would come back.
    """
    with store.read() as connection:
        return all(row.state == "draft" for row in releases.list_releases(connection))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A release as it would be of the interviews as they are now; nothing of it is written.

    Attributes:
        release_id: which it would have, made of everything that the figures hang on.
        earlier: releases that are out.
        sources: digests of its interviews, one a line.
        accepted: the interviews, as typed tables.
        imputations: every answer that was imputed, and who gave it: for the store alone.
        warnings: what disclosure control tells whoever releases, and nobody else.
    """

    release_id: str
    table: SafeTable
    contents: ReleaseContents
    earlier: list[Published]
    sources: bytes
    accepted: Mapping[str, pl.DataFrame]
    imputations: bytes = field(default=b"", repr=False)
    warnings: tuple[Problem, ...] = ()


def draw_up(store: Store, form_id: str, at: datetime | None = None) -> Candidate:
    """Estimate and protect the figures of the accepted interviews.

    Raises:
        StoreError: STO-011, when the form is not registered.
        ReleaseError: REL-010, when there is no accepted interview.
    """
    compiled = load_form(store, form_id)
    survey = edit_survey(store, compiled.form, read_tables(store, form_id, compiled.form), reader="comunal release")
    counted = count_interviews(store, compiled, survey)
    accepted, blocked = counted.tables, set(counted.blocked)
    with store.read() as connection:
        counts = count_submissions(connection, form_id)
        duplicates = list_instances(connection, form_id, DUPLICATE)
        digests = list_digests(connection, form_id)
        row = form_rows.get_form_version(connection, form_id)
        workbook = form_rows.read_workbook(connection, store.blobs, row)
        rules = finding_rows.list_rule_runs(connection, form_id)
        out = releases.list_releases(connection, form_id)
    main = accepted[MAIN_TABLE]
    if main.is_empty():
        raise ReleaseError(
            "REL-010",
            f"No interview of {form_id} can be released: {counts.received} received, {counts.unparsed} not yet read, "
            f"{counts.failed} unreadable, {len(blocked)} set aside.",
            "Run comunal run ingest and comunal run check, and look at comunal findings.",
        )
    estimates = estimate(compiled.specs, compiled.form, accepted)
    rehearsal = bool((main[CLIENT] == "rehearsal").any())
    earlier = [] if rehearsal else _read_earlier(out)
    disclosure = DisclosureRules.read(compiled.specs.design)
    table = protect(estimates, disclosure, meanings_of(compiled.specs), earlier)
    warnings = disclosure.singled_out(estimates.estimates, {each.name: each.row for each in compiled.specs.breakdowns})
    provenance = Provenance(
        workbook_sha256=hashlib.sha256(workbook or b"").hexdigest(),
        xform_sha256=row.xform_sha256,
        submissions_sha256=combine_digests(digests[instance] for instance in main[INSTANCE_ID]),
        code_version=package_version("comunal"),
        parameters={
            "threshold": str(compiled.specs.design.threshold),
            **cleaning_statistics(survey),
            **counted.statistics,
        },
        libraries=list_libraries(),
        code_sha256=hash_code(),
    )
    release_id = f"{compiled.specs.design.survey or form_id}-{fingerprint(provenance, table)}"
    previous, former = find_former([row for row in out if row.release_id != release_id], rehearsal)
    standing = [Path(row.folder) for row in out if row.state != "withdrawn"]
    tests = compare_groups(compiled.specs, compiled.form, accepted, whole_tables(table))
    contents = ReleaseContents(
        form=compiled.form,
        specs=compiled.specs,
        counts=Counts(
            received=counts.received,
            accepted=main.height,
            set_aside=reasons(counts, blocked, duplicates),
        ),
        provenance=provenance,
        made_at=at or datetime.now(UTC),
        rules=tuple(rules),
        problems=estimates.problems,
        previous=previous,
        rehearsal=rehearsal,
        files={f"{form_id}.xml": compiled.xform} | ({f"{form_id}.xlsx": workbook} if workbook else {}),
        missing_codes=list_missing_codes(compiled.specs),
        publisher=compiled.specs.design.settings.get("publisher", ""),
        tables=design_tables(estimates.weighting, tests),
        former=former,
        rounds=read_rounds(standing, table, compiled.specs, _is_beyond, rehearsal=rehearsal),
        cleaning=(*tell_cleaning(survey), *tell_imputation(counted.rates, compiled.specs.design.threshold)),
    )
    return Candidate(
        release_id=release_id,
        table=table,
        contents=contents,
        earlier=earlier,
        sources=list_of_digests(digests[instance] for instance in main[INSTANCE_ID]),
        accepted=accepted,
        imputations=counted.record,
        warnings=tuple(warnings),
    )


def _is_beyond(now: Measured, then: Measured) -> bool:
    """Whether two rounds differ by more than sampling error, at 95 per cent."""
    return round_difference(now, then).p < _CHANCE


def _read_earlier(rows: list[ReleaseRow]) -> list[Published]:
    """The releases that are out, as their files stand; rehearsed ones tell of nobody, nor do those without a figure."""
    found = [
        read_published(Path(row.folder))
        for row in rows
        if row.details.get("cells", 1) and Path(row.folder, "tables", "estimates.csv").is_file()
    ]
    return [each for each in found if not each.is_rehearsal]


def reasons(counts: SubmissionCounts, blocked: set[str], duplicates: set[str]) -> dict[str, int]:
    """Why interviews stand in no figure: reason's code -> interviews, each interview once."""
    duplicates = duplicates & blocked
    told = {
        "unreadable": counts.failed,
        "superseded": counts.superseded,
        "duplicate": len(duplicates),
        "rule": len(blocked - duplicates),
    }
    return {reason: number for reason, number in told.items() if number}


def fingerprint(provenance: Provenance, table: SafeTable) -> str:
    """Ten hex digits that change with the interviews, the form, the code or any published figure."""
    figures = Counter(repr(cell) for cell in table.cells)
    told = json.dumps(
        [
            provenance.workbook_sha256,
            provenance.xform_sha256,
            provenance.submissions_sha256,
            provenance.code_version,
            dict(provenance.parameters),
            sorted(figures.items()),
        ],
        sort_keys=True,
    )
    return hashlib.sha256(told.encode()).hexdigest()[:10]


def _register(store: Store, record: ReleaseRecord, kept: tuple[bytes, bytes], more: Mapping[str, object]) -> None:
    content, imputations = (store.blobs.hold(each) for each in kept)
    with store.begin() as connection:
        store.blobs.put(connection, [content, imputations] if kept[1] else [content])
        releases.add_release(
            connection,
            release_id=record.release_id,
            form_id=record.form_id,
            folder=record.folder,
            sha256=record.checksum,
            details={
                "submissions": record.submissions,
                "cells": record.cells,
                "previous": record.previous,
                "form_version": record.form_version,
                SOURCES: content.sha256,
                **({RECORD: imputations.sha256} if kept[1] else {}),
                **more,
            },
            at=record.made_at,
        )
