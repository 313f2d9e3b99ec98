"""Whether the groups of a result differ by more than chance, in sentences: from the release's own table of tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reports.results import Result
from reports.sentences import grouping_label
from reports.tables import ReleaseTable
from reports.wording import Wording

_CHANCE: Final = 0.05
_LEAST: Final = 0.001
"""A smaller p is only said to be smaller."""


def tell_tests(result: Result, tables: Sequence[ReleaseTable], wording: Wording) -> tuple[str, ...]:
    """One sentence a breakdown that was tested.

    Args:
        result: of everybody.
        tables: of the release; the one named "tests" holds indicator, breakdown and p.
        wording: the language.
    """
    found = next((table.frame for table in tables if table.name == "tests"), None)
    if found is None:
        return ()
    tested = {
        row["breakdown"]: row["p"] for row in found.iter_rows(named=True) if row["indicator"] == result.indicator.name
    }
    return tuple(
        wording.text(
            "result.test_beyond" if chance < _CHANCE else "result.test_within",
            breakdown=grouping_label(grouping, wording),
            p=_write_p(chance, wording),
        )
        for grouping in result.groupings
        if (chance := tested.get(grouping.name)) is not None
    )


def _write_p(chance: float, wording: Wording) -> str:
    if chance < _LEAST:
        return f"< {wording.number(_LEAST, 3)}"
    return f"= {wording.number(chance, 3)}"
