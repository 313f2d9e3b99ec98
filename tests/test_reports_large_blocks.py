"""Tables of many communes: what is covered place by place holds against programmes over everything."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from reports import equations, suppression
from reports.disclosure import protect, veil
from reports.intruder import AuditedCell, audit_release
from reports.published import Published, published_from
from reports.quantities import Meaning
from schemas.estimates import Estimate, SafeTable

PATH = Path(__file__).resolve().parents[1] / "benchmarks" / "disclosure_sample.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("disclosure_sample", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load().sample


def publish(table: SafeTable, meanings: dict[str, Meaning]) -> Published:
    rows = [
        {
            "indicator": cell.indicator,
            "domain": cell.domain,
            "category": cell.category,
            "estimate": "" if cell.estimate is None else f"{cell.estimate:.6f}",
            "unit": cell.unit,
            "n": "" if cell.n is None else str(cell.n),
            "suppressed": cell.suppressed,
        }
        for cell in veil(table).cells
    ]
    columns = ("kind", "table", "universe", "denominator", "numerator", "value")
    named = [{"indicator": name} | {c: getattr(m, c) for c in columns} for name, m in meanings.items()]
    told = {"threshold": table.threshold, "protection": table.protection, "incomplete": list(table.incomplete)}
    return published_from("r", rows, named, {"comunal": {"disclosure": told}})


@pytest.fixture(scope="module")
def survey() -> tuple[list[Estimate], dict[str, Meaning], SafeTable]:
    cells, meanings = sample(9, 1500, 5)
    return cells, meanings, protect(cells, 10, meanings)


def _narrow(found: list[AuditedCell]) -> set[tuple[str, str, str]]:
    return {(cell.indicator, cell.domain, cell.category) for cell in found if cell.is_narrow}


def test_no_cell_is_too_narrow_for_programmes_over_everything(
    survey: tuple[list[Estimate], dict[str, Meaning], SafeTable],
) -> None:
    cells, meanings, table = survey
    assert len(cells) > suppression.LARGEST_BLOCK
    hidden = sum(bool(cell.suppressed) for cell in table.cells)
    assert table.primary < hidden < len(cells)
    assert not _narrow(audit_release(publish(table, meanings), exact=False))


def test_the_auditor_place_by_place_finds_what_the_whole_one_finds(
    survey: tuple[list[Estimate], dict[str, Meaning], SafeTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells that were put back make others follow: both auditors see them, and the local one never fewer."""
    _, meanings, table = survey
    bare = publish(table, meanings)
    truth = {(each.indicator, each.domain, each.category): each for each in survey[0]}
    shown = list(bare.shown)
    back = [at for at, cell in enumerate(table.cells) if cell.suppressed == "secondary"][::4]
    for at in back:
        true = truth[bare.places[at].indicator, bare.places[at].domain, bare.places[at].category]
        shown[at] = type(shown[at])(true.estimate, true.n, False)
    spoiled = Published(**{name: getattr(bare, name) for name in Published.__slots__} | {"shown": tuple(shown)})
    whole = _narrow(audit_release(spoiled, exact=False))
    monkeypatch.setattr(equations, "_LARGE", 40)
    local = _narrow(audit_release(spoiled, exact=False))
    assert whole and whole <= local
    assert len(local) <= len(whole) + 0.2 * sum(cell.is_hidden for cell in shown)
    assert not _narrow(audit_release(bare, exact=False))
