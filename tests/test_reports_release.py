"""A release on disk: whole or not at all, never rewritten, described, checkable, and free of unsafe figures."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from openpyxl import load_workbook

from reports.contents import combine_digests
from reports.release import publish, release_files
from reports.tables import ESTIMATE_COLUMNS, plain_text
from schemas.errors import ReleaseError
from schemas.estimates import SafeTable


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("releases") / "sample-2026-1"
    publish(folder, *sample.build())
    return folder


def test_the_record_says_what_was_published(tmp_path: Path) -> None:
    table, contents = sample.build()
    record = publish(tmp_path / "sample-2026-1", table, contents)
    checksums = (tmp_path / "sample-2026-1" / "CHECKSUMS.sha256").read_bytes()
    assert (record.release_id, record.survey, record.form_version) == ("sample-2026-1", "sample", "2026.1")
    assert record.checksum == hashlib.sha256(checksums).hexdigest()
    assert (record.submissions, record.cells, record.rehearsal) == (1021, len(table.cells), True)
    assert record.files == sum(path.is_file() for path in (tmp_path / "sample-2026-1").rglob("*"))


def test_a_release_is_never_rewritten(folder: Path) -> None:
    before = (folder / "tables" / "estimates.csv").read_bytes()
    with pytest.raises(ReleaseError, match="REL-001"):
        publish(folder, *sample.build(threshold=0))
    assert (folder / "tables" / "estimates.csv").read_bytes() == before
    assert all(path.stat().st_mode & 0o222 == 0 for path in folder.rglob("*") if path.is_file())


def test_a_release_that_fails_midway_leaves_nothing_behind_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reports import release

    written: list[Path] = []

    def fail_at_the_third(path: Path, data: bytes) -> None:
        if len(written) == 2:
            raise OSError("No space left on device")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written.append(path)

    with monkeypatch.context() as patch:
        patch.setattr(release, "write_file", fail_at_the_third)
        with pytest.raises(OSError, match="No space"):
            publish(tmp_path / "sample-1", *sample.build())
    assert written and not (tmp_path / "sample-1").exists()
    publish(tmp_path / "sample-1", *sample.build())
    assert [path.name for path in tmp_path.iterdir()] == ["sample-1"]


def test_the_same_input_gives_the_same_bytes() -> None:
    assert release_files("sample-1", *sample.build()) == release_files("sample-1", *sample.build())


def test_every_file_stands_in_the_checksums(folder: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "CHECKSUMS.sha256"],  # noqa: S607
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    named = {line.split("  ", 1)[1] for line in (folder / "CHECKSUMS.sha256").read_text().splitlines()}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert named == found - {"CHECKSUMS.sha256"}


def test_estimates_have_exactly_the_published_columns(folder: Path) -> None:
    heads = (
        "indicator,domain,category,estimate,unit,n,se,ci_low,ci_high,cv,df,label,suppressed,note".split(",")  # noqa: SIM905
    )
    rows = list(csv.reader(io.StringIO((folder / "tables" / "estimates.csv").read_text())))
    assert rows[0] == heads == list(ESTIMATE_COLUMNS)
    assert rows[8][:6] == ["country_of_birth", "total", "332", "67.972576", "percent", "1021"]


def test_withheld_rows_show_nothing_in_any_table(folder: Path) -> None:
    table, _ = sample.build()
    withheld = sum(bool(cell.suppressed) for cell in table.cells)
    parquet = pl.read_parquet(folder / "tables" / "estimates.parquet").filter(pl.col("suppressed") != "")
    assert parquet.height == withheld > 3
    figures = parquet.select("estimate", "n", "se", "ci_low", "ci_high", "cv", "df")
    assert figures.null_count().row(0) == (withheld,) * 7
    read = pl.read_csv(folder / "tables" / "estimates.csv", schema_overrides=parquet.schema)
    assert read.filter(pl.col("suppressed") != "").select("estimate", "n").null_count().row(0) == (withheld,) * 2


def test_a_table_that_was_not_protected_is_refused(tmp_path: Path) -> None:
    table, contents = sample.build()
    withheld = next(cell for cell in table.cells if cell.suppressed)
    small = replace(next(cell for cell in table.cells if not cell.suppressed), n=9)
    for unsafe in (replace(withheld, estimate=1.0), replace(withheld, n=3), small):
        with pytest.raises(ReleaseError, match="REL-002"):
            publish(tmp_path / "sample-1", SafeTable((unsafe,), 10, 1, 0), contents)
    assert not list(tmp_path.iterdir())


def test_the_data_package_describes_each_file_with_size_and_digest(folder: Path) -> None:
    package = json.loads((folder / "datapackage.json").read_text())
    assert package["licenses"][0]["name"] == "CC-BY-4.0"
    table, _ = sample.build()
    counted = {"threshold": 10, "primary": table.primary, "secondary": table.secondary}
    withheld = counted | {"protection": 5, "incomplete": [list(each) for each in table.incomplete]}
    told = {"rehearsal": True, "previous": "sample-2025-1", "round": "", "period": "2026", "commune": "13125"}
    told |= {"communes": None, "probability_sample": False, "disclosure": withheld}
    assert package["comunal"].items() >= told.items()
    described = {resource["path"] for resource in package["resources"]}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {path for path in files - described if not path.startswith("site/")} == {
        "CHECKSUMS.sha256",
        "datapackage.json",
    }
    for resource in package["resources"]:
        data = (folder / resource["path"]).read_bytes()
        assert (resource["bytes"], resource["hash"]) == (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}")
    estimates = next(each for each in package["resources"] if each["path"] == "tables/estimates.csv")
    assert [field["name"] for field in estimates["schema"]["fields"]] == list(ESTIMATE_COLUMNS)
    assert estimates["schema"]["fields"][3]["type"] == "number"
    names = [resource["name"] for resource in package["resources"]]
    assert len(names) == len(set(names)) and all(name == name.lower() for name in names)


def test_provenance_leads_back_to_the_bytes(folder: Path) -> None:
    origin = json.loads((folder / "provenance.json").read_text())
    assert origin["submissions"] == {
        "received": 1030,
        "accepted": 1021,
        "set_aside": {"rule": 7, "unheard_of": 2},
        "sha256": "c" * 64,
        "sha256_of": "the sorted lower-case hex sha256 of each accepted submission, one a line",
    }
    assert (origin["workbook_sha256"], origin["form"]["xform_sha256"], origin["seed"]) == ("a" * 64, "b" * 64, 7)
    assert origin["parameters"] == {"threshold": "10", "interviews": "1021"}
    assert origin["left_out"] == ["EXP-101 odd: no such question."]
    words = (folder / "provenance.txt").read_text()
    for told in ("c" * 64, "a" * 64, "Semilla: 7", "Grenn: 7", "Seed: 7", "interviews=1021", "DATOS DE ENSAYO"):
        assert told in words


def test_the_codebook_lists_every_question_and_marks_personal_ones(folder: Path) -> None:
    rows = read_csv(folder / "tables" / "codebook.csv")
    assert [(row["name"], row["type"], row["personal"]) for row in rows] == [
        ("age", "int", ""),
        ("insurance", "select_one", ""),
        ("name", "string", "name"),
    ]
    assert rows[1]["label_es"] == "¿Qué previsión tiene …?"
    codes = read_csv(folder / "tables" / "codes.csv")
    assert [(row["code"], row["label_en"]) for row in codes] == [("none", "None"), ("fonasa", "F")]


def test_the_read_me_speaks_each_language_and_warns_of_a_rehearsal(folder: Path) -> None:
    for name, words in {"LEEME.txt": "DATOS DE ENSAYO", "LI_M.txt": "DONE ESÈ", "README.txt": "REHEARSAL DATA"}.items():
        text = (folder / name).read_text()
        assert words in text and "sha256sum --check" in text and "&" not in text


def test_a_combined_digest_does_not_depend_on_order() -> None:
    assert combine_digests(["2", "1"]) == combine_digests(["1", "2"]) != combine_digests(["12"])


@pytest.mark.parametrize(("label", "plain"), [("a <b>c</b>", "a …c…"), ("${x}?", "…?"), ("5 < 6", "5 < 6")])
def test_labels_lose_what_only_a_form_can_fill_in(label: str, plain: str) -> None:
    assert plain_text(label) == plain


def test_a_withheld_figure_stands_in_no_file() -> None:
    """The mean of five people, by a number that nothing else has, is sought in every byte of the release."""
    from reports.disclosure import protect

    table, contents = sample.build()
    estimates = [
        replace(figure, estimate=77_123.456, n=5, cell_n=5) if figure.indicator == "rent" else figure
        for figure in sample.estimates()
    ]
    files = release_files("sample-1", protect(estimates, table.threshold), contents)
    books = [load_workbook(io.BytesIO(data)) for path, data in files.items() if path.endswith(".xlsx")]
    cells = [str(cell.value) for book in books for sheet in book for row in sheet.iter_rows() for cell in row]
    everything = b"\n".join(files.values()) + "\n".join(cells).encode()
    for written in ("77123", "77.123", "77,123", "77\u202f123"):
        assert written.encode() not in everything
    open_files = release_files("sample-1", protect(estimates, 0), contents)
    assert b"77.123" in open_files["site/tema-housing.html"] and b"77123.456" in open_files["tables/estimates.csv"]
