"""Write a release: one folder, whole or not at all, that is never rewritten."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from reports.books.book import write_books
from reports.contents import ReleaseContents
from reports.datapackage import checksums, datapackage, describe_provenance, provenance_files
from reports.differences import compare, take_snapshot
from reports.disclosure import veil
from reports.disclosure_page import statement_pages, statement_path
from reports.durable import flush_folder, write_file
from reports.formats.files import format_files
from reports.intruder import audit_release
from reports.paper_tables import cleaning_table, difference_tables
from reports.printed import PrintPage, pages_to_print, print_pages
from reports.published import Published, published_from
from reports.release_signing import CHECKSUMS
from reports.site import build_read_me, build_site
from reports.tables import ReleaseTable, release_tables
from schemas.errors import ReleaseError
from schemas.estimates import SafeCell, SafeTable
from schemas.releases import ReleaseRecord


def publish(
    folder: Path,
    table: SafeTable,
    contents: ReleaseContents,
    earlier: Sequence[Published] = (),
    print_page: PrintPage | None = None,
) -> ReleaseRecord:
    """Write the release `folder.name` into `folder`.

    The files are written beside it, flushed to disk, made read-only, and then the folder is renamed into place: a
    reader sees all of it or nothing.

    Args:
        folder: must not exist; its name becomes the release id.
        table: the only figures that are written.
        contents: everything else.
        earlier: releases of the same survey that are out: what follows from them too is audited.
        print_page: prints the pages that are PDFs too; null to make none.

    Raises:
        ReleaseError: REL-001, when the folder exists; REL-002, when a withheld cell still shows a figure; REL-003,
            when the auditor works out a withheld cell from the files.
    """
    _refuse_unsafe(table)
    if folder.exists():
        raise ReleaseError(
            "REL-001", f"Release «{folder.name}» exists already.", "A release is never rewritten: choose a new name."
        )
    files = release_files(folder.name, table, contents, print_page)
    if table.threshold:
        _refuse_narrow(folder.name, files, earlier)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.parent / f".{folder.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    for path, data in files.items():
        write_file(partial / path, data)
    partial.rename(folder)
    flush_folder(folder.parent)
    return ReleaseRecord(
        release_id=folder.name,
        survey=contents.specs.design.survey,
        form_id=contents.form.form_id,
        form_version=contents.form.version,
        made_at=contents.made_at,
        folder=str(folder.resolve()),
        checksum=hashlib.sha256(files[CHECKSUMS]).hexdigest(),
        submissions=contents.counts.accepted,
        cells=len(table.cells),
        primary=table.primary,
        secondary=table.secondary,
        rehearsal=contents.rehearsal,
        previous=contents.previous,
        files=len(files),
    )


def release_files(
    release_id: str, table: SafeTable, contents: ReleaseContents, print_page: PrintPage | None = None
) -> dict[str, bytes]:
    """Every file of a release, path -> bytes. Pure but for printing: the same input gives the same bytes."""
    table = veil(table)
    told = describe_provenance(release_id, contents, table)
    figures = release_tables(table.cells, contents.specs, contents.form)
    named = {each.name: each.frame for each in figures}
    now = take_snapshot(release_id, named["estimates"], named["indicators"], named["domains"], told)
    differences = compare(contents.former, now)
    tables = (*figures, *difference_tables(differences), cleaning_table(contents, table.threshold), *contents.tables)
    data, described = _data_files(release_id, tables, table, contents)
    if print_page is not None:
        printed, _ = print_pages(pages_to_print(release_id, table, contents), print_page, contents.made_at)
        data |= printed
    data |= format_files(release_id, table, named, contents)
    data |= {
        statement_path(language): page.encode()
        for language, page in statement_pages(release_id, table, contents).items()
    }
    papers = provenance_files(told, contents) | build_read_me(release_id, table, contents)
    files = data | papers
    files["datapackage.json"] = datapackage(release_id, table, contents, described, files)
    files |= {f"site/{path}": page for path, page in build_site(release_id, table, contents, data).items()}
    files[CHECKSUMS] = checksums(files)
    return files


def _data_files(
    release_id: str, tables: tuple[ReleaseTable, ...], table: SafeTable, contents: ReleaseContents
) -> tuple[dict[str, bytes], dict[str, ReleaseTable]]:
    files: dict[str, bytes] = {}
    described: dict[str, ReleaseTable] = {}
    for each in tables:
        path = f"tables/{each.name}.csv"
        files[path] = each.frame.write_csv().encode()
        described[path] = each
    parquet = io.BytesIO()
    tables[0].frame.write_parquet(parquet)
    files["tables/estimates.parquet"] = parquet.getvalue()
    described["tables/estimates.parquet"] = tables[0]
    files |= write_books(release_id, table, contents)
    files |= {f"questionnaire/{name}": data for name, data in contents.files.items()}
    return files, described


def _refuse_unsafe(table: SafeTable) -> None:
    for cell in table.cells:
        shown = (cell.estimate, cell.n, cell.se, cell.ci_low, cell.ci_high, cell.cv, cell.df, cell.unknown_rate)
        if (cell.suppressed and any(figure is not None for figure in shown)) or _is_small(cell, table):
            raise ReleaseError(
                "REL-002",
                f"«{cell.indicator}» in «{cell.domain}» shows a figure that disclosure control withholds.",
                "Make the table by reports.disclosure.protect and nothing else.",
            )


def _refuse_narrow(release_id: str, files: Mapping[str, bytes], earlier: Sequence[Published]) -> None:
    """Audits the files as they will be read."""
    names = ("estimates", "indicators", "domains")
    figures, indicators, domains = (_rows(files[f"tables/{name}.csv"]) for name in names)
    if not figures:
        return
    release = published_from(release_id, figures, indicators, json.loads(files["datapackage.json"]), domains)
    narrow = [cell for cell in audit_release(release, earlier, exact=False) if cell.is_narrow]
    if narrow:
        first = narrow[0]
        raise ReleaseError(
            "REL-003",
            f"{len(narrow)} withheld cells can be worked out from the tables of «{release_id}», the first in indicator "
            f"«{first.indicator}», domain «{first.domain}».",
            "Raise protection in the design sheet, or publish fewer breakdowns.",
        )


def _rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def _is_small(cell: SafeCell, table: SafeTable) -> bool:
    if cell.n is None:
        return False
    return cell.n % table.rounded != 0 if table.rounded else 0 < cell.n < table.threshold
