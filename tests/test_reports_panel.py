"""A panel of communes that each published a release of their own."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from reports.panel import write_panel
from schemas.errors import ReleaseError

ESTIMATES = "indicator,domain,category,estimate,unit,n,se,ci_low,ci_high,cv,df,label,suppressed,note\n"
INDICATORS = "indicator,kind,table,unit,label_es,universe,denominator,numerator,value\n"


def make_release(folder: Path, commune: str | None, estimate: str, numerator: str = "${works} = 1") -> Path:
    """The files of a release that a panel reads, and their checksums."""
    package = {"keywords": ["migration", folder.name], "created": "2026-11-24T12:00:00+00:00"}
    told = {"rehearsal": False, "period": "2026", "commune": commune, "communes": None}
    hidden = ",".join(["works", "sex=2", "", "", "percent", *[""] * 7, "withheld", ""])
    files = {
        "datapackage.json": json.dumps(package | {"comunal": told}),
        "tables/estimates.csv": f"{ESTIMATES}works,total,,{estimate},percent,90,,,,,,no_sampling_error,,\n{hidden}\n",
        "tables/indicators.csv": f"{INDICATORS}works,share,main,percent,Trabaja,,,{numerator},\n",
    }
    sums = ""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        sums += f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n"
    (folder / "CHECKSUMS.sha256").write_text(sums, encoding="utf-8")
    return folder


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_each_releases_figures_stand_under_its_commune(tmp_path: Path) -> None:
    folders = [
        make_release(tmp_path / "quilicura-1", "13125", "41.5"),
        make_release(tmp_path / "iquique-1", "01101", "38.0", "${works}  =  1"),
    ]
    report = write_panel(folders, tmp_path / "panel")
    assert (report.releases, report.communes, report.indicators, report.compared, report.rows) == (2, 2, 1, 1, 4)
    assert report.differing == {}, "spaces in an expression don't make another indicator"
    told = [
        (row["commune_name"], row["region"], row["domain"], row["estimate"], row["suppressed"], row["comparable"])
        for row in rows_of(tmp_path / "panel" / "estimates.csv")
    ]
    assert told == [
        ("Quilicura", "Metropolitana de Santiago", "total", "41.5", "", "yes"),
        ("Quilicura", "Metropolitana de Santiago", "sex=2", "", "withheld", "yes"),
        ("Iquique", "Tarapacá", "total", "38.0", "", "yes"),
        ("Iquique", "Tarapacá", "sex=2", "", "withheld", "yes"),
    ]
    assert [row["communes"] for row in rows_of(tmp_path / "panel" / "releases.csv")] == ["13125", "01101"]
    (indicator,) = rows_of(tmp_path / "panel" / "indicators.csv")
    assert (indicator["label_es"], indicator["communes"], indicator["differs_in"]) == ("Trabaja", "2", "")
    sums = (tmp_path / "panel" / "CHECKSUMS.sha256").read_text(encoding="utf-8").splitlines()
    for line in sums:
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((tmp_path / "panel" / name).read_bytes()).hexdigest() == digest


def test_the_same_releases_give_the_same_panel(tmp_path: Path) -> None:
    folders = [make_release(tmp_path / f"r{cut}", cut, "40") for cut in ("13125", "13108")]
    for name in ("one", "two"):
        write_panel(folders, tmp_path / name / "panel")
    for file in (tmp_path / "one" / "panel").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / "panel" / file.name).read_bytes()


def test_an_indicator_that_counts_otherwise_is_told_so(tmp_path: Path) -> None:
    folders = [
        make_release(tmp_path / "a", "13125", "41.5"),
        make_release(tmp_path / "b", "13108", "38.0", "${works} = 2"),
    ]
    report = write_panel(folders, tmp_path / "panel")
    assert report.differing == {"works": "numerator"}
    assert report.compared == 0
    assert {row["comparable"] for row in rows_of(tmp_path / "panel" / "estimates.csv")} == {"no"}


def test_a_release_that_names_no_commune_stands_in_no_panel(tmp_path: Path) -> None:
    folder = make_release(tmp_path / "nowhere", None, "41.5")
    with pytest.raises(ReleaseError, match="REL-127"):
        write_panel([folder], tmp_path / "panel")
    assert not (tmp_path / "panel").exists()


def test_a_panel_is_never_rewritten(tmp_path: Path) -> None:
    folder = make_release(tmp_path / "a", "13125", "41.5")
    write_panel([folder], tmp_path / "panel")
    with pytest.raises(ReleaseError, match="REL-001"):
        write_panel([folder], tmp_path / "panel")
