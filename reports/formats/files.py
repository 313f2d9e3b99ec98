"""Every further format of a release: path -> bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from reports.contents import ReleaseContents
from reports.formats.ddi import write_ddi
from reports.formats.hxl import write_hxl
from reports.formats.ine import write_ine
from reports.formats.questions import list_questions
from reports.formats.sdmx import write_sdmx
from schemas.estimates import SafeTable

FOLDER: Final = "formats"
"""Where they stand in a release."""


def format_files(
    release_id: str, table: SafeTable, tables: Mapping[str, pl.DataFrame], contents: ReleaseContents
) -> dict[str, bytes]:
    """DDI, SDMX, HXL and INE's two sheets.

    Args:
        release_id: name of the release.
        table: the safe table, for its statement.
        tables: the release's own tables by name, as they are published.
        contents: the questionnaire and how collection went.
    """
    questions = list_questions(contents.form, contents.specs, contents.missing_codes)
    sdmx, structure = write_sdmx(tables, contents)
    files = {
        "ddi.xml": write_ddi(release_id, table, contents, questions),
        "sdmx.csv": sdmx,
        "sdmx_structure.xml": structure,
        "hxl.csv": write_hxl(release_id, tables, contents),
        **write_ine(release_id, table, contents, questions),
    }
    return {f"{FOLDER}/{name}": data for name, data in files.items()}
