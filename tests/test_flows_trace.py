"""Three figures of a weighted release followed by hand to the bytes that phones sent, and what a trace refuses."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from typer.testing import CliRunner

from flows.cli import app
from flows.releasing import draw_up
from forms.compile import compile_workbook
from forms.rehearsal import rehearse
from forms.sheets import read_workbook
from reports.archive import write_archive
from reports.release import publish
from schemas.errors import ComunalError, StoreError
from store.open import open_store
from store.releases import list_releases

FORMS = Path(__file__).resolve().parents[1] / "forms"
INTERVIEWS = 150
DESIGN = """weight,"if(${resp_sex} = '1', 2, 3)",
"""
MEAN = (
    "9,persons_at_home,people,mean,main,Personas en el hogar,Moun nan kay la,People at home,persons,"
    "${consent} = 'yes',,,${household_size},,,sex*quarter,,,,A test\n"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("traced")
    folder = root / "barrios"
    shutil.copytree(FORMS / "independencia", folder)
    with (folder / "design.csv").open("a", encoding="utf-8") as sheet:
        sheet.write(DESIGN)
    with (folder / "indicators.csv").open("a", encoding="utf-8") as sheet:
        sheet.write(MEAN)
    xml = root / "xml"
    xml.mkdir()
    compiled = compile_workbook(read_workbook(folder))
    for number, done in enumerate(rehearse(compiled, INTERVIEWS, 5, datetime(2026, 3, 2, 12, tzinfo=UTC))):
        (xml / f"{number}.xml").write_bytes(done.xml)
    data = root / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMUNAL_BROWSER", "no-browser-here")  # nothing is to be printed
        for words in (
            ("forms", "add", str(folder)),
            ("import", compiled.form.form_id, str(xml)),
            ("run", "ingest", "--plain"),
            ("run", "check", "--plain"),
            ("run", "release", "--plain"),
        ):
            result = CliRunner().invoke(app, [*words, "--data", str(data)])
            assert result.exit_code == 0, (words, result.output, result.exception)
        yield data


def trace(data: Path, *words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["trace", "latest", *words, "--hashes", "--json", "--data", str(data)])
    if isinstance(result.exception, ComunalError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return dict(json.loads(result.stdout), exit=result.exit_code)


def published(data: Path) -> list[dict[str, str]]:
    with (data / "releases" / "latest" / "tables" / "estimates.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def raw(data: Path, hashes: Mapping[str, str]) -> list[etree._Element]:
    """The stored bytes by their digest, read past the store, each with the digest that the trace names."""
    found = []
    with sqlite3.connect(f"file:{data / 'comunal.db'}?mode=ro", uri=True) as database:
        for instance, digest in hashes.items():
            ((content,),) = database.execute("SELECT bytes FROM blobs WHERE sha256 = ?", [digest])
            assert hashlib.sha256(content).hexdigest() == digest
            assert instance.encode() in content
            found.append(etree.fromstring(content))
    database.close()
    return found


def text(interview: etree._Element, name: str) -> list[str]:
    return [node.text or "" for node in interview.iter() if etree.QName(node).localname == name]


def weight(interview: etree._Element) -> float:
    return 2.0 if text(interview, "sexo")[0] == "1" else 3.0


def row_of(data: Path, indicator: str, domain: str, category: str = "") -> dict[str, str]:
    (row,) = [
        row
        for row in published(data)
        if (row["indicator"], row["domain"], row["category"]) == (indicator, domain, category)
    ]
    return row


def agrees(found: dict[str, Any]) -> bool:
    return (found["intact"], found["same"], found["source_list_matches"], found["exit"]) == (True, True, True, 0)


def test_a_share_is_computed_anew_from_the_raw_bytes_by_hand(data: Path) -> None:
    found = trace(data, "feels_unsafe", "total")
    assert agrees(found) and found["interviews_behind"] == found["verified"] == len(found["hashes"])
    interviews = raw(data, found["hashes"])
    known = [each for each in interviews if text(each, "consent") == ["yes"] and text(each, "safe") != ["-99"]]
    assert len(known) == len(interviews)
    unsafe = sum(weight(each) for each in known if text(each, "safe") == ["no"])
    by_hand = 100 * unsafe / sum(map(weight, known))
    row = row_of(data, "feels_unsafe", "total")
    assert float(row["estimate"]) == pytest.approx(by_hand, abs=1e-6) and int(row["n"]) == len(known)
    assert found["weighting"][0]["name"] == "base"


def test_a_category_of_a_distribution_in_a_breakdown_is_too(data: Path) -> None:
    domain = "resident_sex=2"
    found = trace(data, "age_groups", domain, "--category", "15_29")
    assert agrees(found)
    total = hits = 0.0
    for interview in raw(data, found["hashes"]):
        for resident in (node for node in interview.iter() if etree.QName(node).localname == "resident"):
            if text(resident, "sexo") == ["2"]:
                total += weight(interview)
                hits += weight(interview) if text(resident, "age_group") == ["15_29"] else 0
    row = row_of(data, "age_groups", domain, "15_29")
    assert float(row["estimate"]) == pytest.approx(100 * hits / total, abs=1e-6)


def test_a_weighted_mean_in_a_crossing_is_too_and_names_both_breakdowns(data: Path) -> None:
    shown = [row for row in published(data) if row["indicator"] == "persons_at_home" and "&" in row["domain"]]
    row = next(row for row in shown if row["estimate"])
    found = trace(data, "persons_at_home", row["domain"])
    assert agrees(found)
    assert [each["part"] for each in found["definitions"]].count("breakdown") == 2
    (_, sex), (_, quarter) = (part.split("=") for part in row["domain"].split("&"))
    interviews = raw(data, found["hashes"])
    for interview in interviews:
        assert text(interview, "sexo")[0] == sex and text(interview, "quarter")[0] == quarter
    sizes = [int(text(each, "household_size")[0]) for each in interviews]
    assert float(row["estimate"]) == pytest.approx(sum(sizes) / len(sizes), abs=1e-6)  # one sex has one weight
    assert int(row["n"]) == len(interviews) == found["counts"]["in_base"]


def test_the_release_names_the_digests_of_all_its_interviews_together(data: Path) -> None:
    origin = json.loads((data / "releases" / "latest" / "provenance.json").read_text())
    everything = trace(data, "persons_at_home", "total")
    with sqlite3.connect(f"file:{data / 'comunal.db'}?mode=ro", uri=True) as database:
        ((listed,),) = database.execute("SELECT bytes FROM blobs WHERE sha256 = ?", [origin["submissions"]["sha256"]])
    database.close()
    digests = listed.decode().split()
    assert digests == sorted(digests) and len(digests) == everything["sources"] == origin["submissions"]["accepted"]
    assert set(everything["hashes"].values()) <= set(digests)


def test_bytes_that_were_changed_are_told(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(data, copy, symlinks=True)
    found = trace(data, "feels_unsafe", "total")
    digest = next(iter(found["hashes"].values()))
    with sqlite3.connect(copy / "comunal.db") as database:
        database.execute(
            "UPDATE blobs SET bytes = CAST(replace(bytes, 'yes', 'no') AS BLOB) WHERE sha256 = ?", [digest]
        )
    database.close()
    with pytest.raises(StoreError, match="STO-012"):
        trace(copy, "feels_unsafe", "total")


def test_the_same_release_drawn_up_twice_is_the_same_bytes(data: Path, tmp_path: Path) -> None:
    digests = []
    for name in ("a", "b"):
        with open_store(data) as store:
            with store.read() as connection:
                (row,) = list_releases(connection)
            candidate = draw_up(store, row.form_id, at=row.created_at)
        folder = tmp_path / name / candidate.release_id
        publish(folder, candidate.table, candidate.contents, candidate.earlier)
        digests.append((candidate.release_id, write_archive(folder, tmp_path / f"{name} archived")[1]))
    assert digests[0] == digests[1] and digests[0][0] == row.release_id


def test_what_is_not_published_is_told_with_what_is(data: Path) -> None:
    for words, code in (
        (("nothing", "total"), "REL-071"),
        (("feels_unsafe", "sex=9"), "REL-071"),
        (("feels_unsafe", "sex"), "REL-071"),
        (("age_groups", "total"), "REL-071"),
    ):
        with pytest.raises(ComunalError, match=code):
            trace(data, *words)


def test_a_release_without_a_browser_stands_and_has_no_pdf(data: Path) -> None:
    assert os.environ["COMUNAL_BROWSER"] == "no-browser-here"
    assert not list((data / "releases" / "latest").rglob("*.pdf"))
