"""What differs between two releases: told figure by figure, with a reason, and never what one of them withholds."""

from __future__ import annotations

import csv
import importlib.util
import io
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from reports.contents import Provenance, ReleaseContents
from reports.differences import REASONS, STATUSES, Snapshot, compare, compare_folders, read_snapshot
from reports.disclosure import protect
from reports.release import publish, release_files
from schemas.estimates import Estimate, SafeTable
from schemas.workbook import Specs


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()
TABLE, CONTENTS = sample.build()
FORMER = replace(CONTENTS, previous="")


def snapshot_of(folder: Path) -> Snapshot:
    found = read_snapshot(folder)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("former") / "sample-1"
    publish(folder, TABLE, FORMER)
    return snapshot_of(folder)


def make(former: Snapshot, estimates: list[Estimate], **changes: object) -> dict[str, list[dict[str, str]]]:
    """The tables of differences of a release that follows."""
    contents: ReleaseContents = replace(CONTENTS, former=former, previous="sample-1", **changes)  # type: ignore[arg-type]
    files = release_files("sample-2", protect(estimates, TABLE.threshold), contents)
    names = ("differences", "differences_names", "estimates")
    return {name: list(csv.DictReader(io.StringIO(files[f"tables/{name}.csv"].decode()))) for name in names}


def other_interviews(**changes: str) -> Provenance:
    return replace(CONTENTS.provenance, submissions_sha256="d" * 64, **changes)  # type: ignore[arg-type]


def test_a_first_release_differs_from_nothing() -> None:
    files = release_files("sample-1", TABLE, FORMER)
    assert len(files["tables/differences.csv"].splitlines()) == 1
    assert len(files["tables/differences_names.csv"].splitlines()) == 1


def test_the_same_figures_differ_in_nothing(former: Snapshot) -> None:
    made = make(former, sample.estimates())
    assert made["differences"] == made["differences_names"] == []
    assert compare(former, former).same == len(TABLE.cells)


def test_a_changed_figure_stands_with_both_values_and_why(former: Snapshot) -> None:
    estimates = [
        replace(each, estimate=(each.estimate or 0) + 1.5, n=each.n + 30) if each.indicator == "mean_age" else each
        for each in sample.estimates()
    ]
    rows = make(former, estimates, provenance=other_interviews())["differences"]
    assert {(row["indicator"], row["status"], row["reason"]) for row in rows} == {("mean_age", "changed", "interviews")}
    for row in rows:
        assert float(row["after"]) - float(row["before"]) == pytest.approx(float(row["change"]), abs=1e-6)
        assert (float(row["change"]), int(row["n_after"]) - int(row["n_before"])) == (pytest.approx(1.5, abs=1e-6), 30)
    decided = {"decisions_sha256": "e" * 64}
    told = [
        (CONTENTS.provenance, "method"),
        (replace(CONTENTS.provenance, parameters=decided), "corrections"),
        (replace(other_interviews(), parameters=decided), "interviews_and_corrections"),
    ]
    for provenance, reason in told:
        rows = make(former, estimates, provenance=provenance)["differences"]
        assert {row["reason"] for row in rows} == {reason}


def test_a_figure_that_either_release_withholds_is_named_and_not_told(former: Snapshot) -> None:
    """The rent is withheld anew, "rare" is shown anew: neither number nor cases stand in the file."""
    estimates = []
    for each in sample.estimates():
        if each.indicator == "rent":
            estimates.append(replace(each, n=6, cell_n=6, estimate=88_123.5))
        elif each.indicator == "rare" and each.domain == "sex=female":
            estimates.append(replace(each, n=498, cell_n=120, estimate=24.1))
        else:
            estimates.append(each)
    made = make(former, estimates, provenance=other_interviews())
    hidden = {
        (row["indicator"], row["domain"], row["category"])
        for rows in (made["estimates"], former.figures.iter_rows(named=True))
        for row in rows
        if row["suppressed"]
    }
    seen = {
        row["status"] for row in made["differences"] if (row["indicator"], row["domain"], row["category"]) in hidden
    }
    assert {"hidden", "shown"} <= seen
    for row in made["differences"]:
        if (row["indicator"], row["domain"], row["category"]) in hidden:
            assert not any(row[name] for name in ("before", "after", "change", "n_before", "n_after")), row
            assert row["reason"] == "protection"


def test_what_both_withhold_is_no_difference(former: Snapshot) -> None:
    both = compare(former, former)
    assert both.figures.is_empty() and (former.figures["suppressed"] != "").any()


def change_specs(**changes: object) -> Specs:
    return replace(CONTENTS.specs, **changes)  # type: ignore[arg-type]


def test_a_changed_label_is_reported_and_joins_all_the_same(former: Snapshot) -> None:
    renamed = tuple(
        replace(each, label=sample.words("Edad media", "Laj mwayen", "Mean age")) if each.name == "mean_age" else each
        for each in CONTENTS.specs.indicators
    )
    made = make(former, sample.estimates(), specs=change_specs(indicators=renamed))
    assert made["differences"] == []
    assert [tuple(row.values()) for row in made["differences_names"]] == [
        ("indicator", "mean_age", "label_es", "renamed", "Edad promedio", "Edad media")
    ]


def test_a_changed_definition_is_reported_and_the_reason_of_its_figures(former: Snapshot) -> None:
    redefined = tuple(
        replace(each, numerator="${insurance} = 'no'") if each.name == "no_insurance" else each
        for each in CONTENTS.specs.indicators
    )
    estimates = [
        replace(each, estimate=(each.estimate or 0) / 2) if each.indicator == "no_insurance" else each
        for each in sample.estimates()
    ]
    made = make(former, estimates, specs=change_specs(indicators=redefined), provenance=other_interviews())
    assert {row["reason"] for row in made["differences"] if row["status"] == "changed"} == {"definition"}
    (row,) = made["differences_names"]
    assert (row["code"], row["column"], row["status"]) == ("no_insurance", "numerator", "redefined")


def test_dropped_and_new_indicators_and_groups_are_reported(former: Snapshot) -> None:
    kept = tuple(each for each in CONTENTS.specs.indicators if each.name != "rent")
    fresh = replace(kept[2], name="median_age")
    estimates = [each for each in sample.estimates() if each.indicator != "rent"]
    estimates += [replace(each, indicator="median_age") for each in estimates if each.indicator == "mean_age"]
    estimates = [each for each in estimates if each.domain != "country=other"]
    made = make(former, estimates, specs=change_specs(indicators=(*kept, fresh)))
    names = {(row["status"], row["code"]) for row in made["differences_names"]}
    assert {("gone", "rent"), ("new", "median_age"), ("gone", "country=other")} <= names
    told = {(row["status"], row["indicator"], row["reason"]) for row in made["differences"]}
    assert ("gone", "rent", "indicator") in told and ("new", "median_age", "indicator") in told
    assert ("gone", "people", "group") in told
    assert all(not row["after"] for row in made["differences"] if row["status"] == "gone")


def test_two_rounds_join_by_indicator_domain_and_category(former: Snapshot, tmp_path: Path) -> None:
    """The second round, in another year: other people, codes and labels that stay, one label that doesn't."""
    estimates = [
        replace(each, estimate=None if each.estimate is None else each.estimate * 1.01) for each in sample.estimates()
    ]
    design = replace(CONTENTS.specs.design, settings={**CONTENTS.specs.design.settings, "round": "2"}, period="2028")
    contents = replace(CONTENTS, specs=change_specs(design=design), provenance=other_interviews(), previous="")
    publish(tmp_path / "sample-2", protect(estimates, TABLE.threshold), contents)
    second = snapshot_of(tmp_path / "sample-2")
    keys = ["indicator", "domain", "category"]
    joined = former.figures.join(second.figures, on=keys, how="full", coalesce=True, suffix="_2")
    assert joined.height == former.figures.height == second.figures.height
    assert joined.select(keys).is_unique().all()
    found = compare(former, second)
    assert set(found.figures["reason"].unique()) <= {"round", "protection"} and found.names.is_empty()
    assert second.provenance["round"] == "2"
    with_error = found.figures.filter(pl.col("status") == "changed")
    assert with_error["change"].null_count() == 0 and with_error.height > 10


def test_statuses_and_reasons_are_those_that_are_described(former: Snapshot) -> None:
    shown = compare(former, replace(former, figures=former.figures.with_columns(pl.col("estimate") + 1)))
    assert set(shown.figures["status"]) <= set(STATUSES) and set(shown.figures["reason"]) <= set(REASONS)


def test_a_folder_without_figures_is_compared_with_nothing(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    assert compare_folders(tmp_path, tmp_path) is None
    (tmp_path / "tables" / "estimates.csv").write_text("a,b\n1,2\n")
    assert compare_folders(None, tmp_path) is None and read_snapshot(tmp_path) is None


def test_a_release_of_a_table_without_threshold_shows_all(former: Snapshot) -> None:
    assert isinstance(protect(sample.estimates(), 0), SafeTable)
    contents = replace(CONTENTS, former=former)
    rows = release_files("sample-2", protect(sample.estimates(), 0), contents)["tables/differences.csv"].decode()
    assert {row["status"] for row in csv.DictReader(io.StringIO(rows))} == {"shown"}
    assert not any(row["after"] for row in csv.DictReader(io.StringIO(rows)))


def test_the_site_tells_what_changed_in_each_language_and_has_no_such_page_at_first(former: Snapshot) -> None:
    first = release_files("sample-1", TABLE, FORMER)
    assert "site/cambios.html" not in first and b"cambios.html" not in first["site/index.html"]
    estimates = [
        replace(each, estimate=(each.estimate or 0) + 1.5, n=each.n + 30) if each.indicator == "mean_age" else each
        for each in sample.estimates()
        if each.indicator != "rent"
    ]
    kept = tuple(each for each in CONTENTS.specs.indicators if each.name != "rent")
    contents = replace(CONTENTS, former=former, previous="sample-1", specs=change_specs(indicators=kept))
    files = release_files("sample-2", protect(estimates, TABLE.threshold), contents)
    for path, words in (
        ("", ("Qué cambió", "ya no se publica", "+1,5")),
        ("ht/", ("Sa ki chanje",)),
        ("en/", ("+1.5",)),
    ):
        page = files[f"site/{path}cambios.html"].decode()
        assert all(word in page for word in words) and "cambios.html" in files[f"site/{path}index.html"].decode()


def test_the_page_says_when_nothing_changed(former: Snapshot) -> None:
    files = release_files("sample-2", TABLE, replace(CONTENTS, former=former))
    assert "Ninguna cifra, ningún nombre" in files["site/cambios.html"].decode()
