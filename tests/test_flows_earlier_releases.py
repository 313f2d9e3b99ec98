"""Which earlier releases a new one is held against."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.releasing import _read_earlier
from schemas.errors import ReleaseError
from store.releases import ReleaseRow

HEADER = "indicator,domain,category,estimate,unit,n,se,ci_low,ci_high,cv,df,label,suppressed,note\n"
FIGURE = "people,total,,40.0,persons,40,,,,,,no_sampling_error,,\n"


def row(folder: Path, table: str | None, cells: int) -> ReleaseRow:
    (folder / "tables").mkdir(parents=True)
    if table is not None:
        (folder / "tables" / "estimates.csv").write_text(table)
    return ReleaseRow(folder.name, "f", str(folder), "0" * 64, "draft", datetime.now(UTC), details={"cells": cells})


def test_a_release_without_figures_or_without_its_folder_blocks_no_later_one(tmp_path: Path) -> None:
    rows = [
        row(tmp_path / "empty", HEADER, 0),
        row(tmp_path / "moved", None, 1),
        row(tmp_path / "full", HEADER + FIGURE, 1),
    ]
    assert [each.name for each in _read_earlier(rows)] == ["full"]


def test_a_damaged_table_of_an_earlier_release_is_told_and_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="REL-053"):
        _read_earlier([row(tmp_path / "damaged", "indicator,domain\npeople,total\n", 1)])
