"""A withdrawn release: untouched, with a marked copy beside it that the public's address leads to."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import html
from release_sample import build

from reports.latest import latest_name, point_latest
from reports.release import publish
from reports.withdrawn import mark_page, mark_withdrawn
from schemas.errors import ReleaseError

AT = datetime(2027, 1, 5, 12, tzinfo=UTC)
REASON = "Un sector se contó <dos> veces"


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("releases") / "sample-1"
    publish(folder, *build())
    point_latest(folder.parent, folder.name)
    return folder


@pytest.fixture(scope="module")
def marked(release: Path) -> Path:
    return mark_withdrawn(release, REASON, AT)


def test_every_page_says_so_in_its_language_before_anything_else(marked: Path) -> None:
    pages = [path for path in marked.rglob("*.html") if "graficos" not in path.parts]
    assert len(pages) > 20
    titles = {"es": "PUBLICACIÓN RETIRADA", "ht": "PIBLIKASYON KI RETIRE", "en": "RELEASE WITHDRAWN"}
    for path in pages:
        page = html.fromstring(path.read_bytes())
        (notice,) = page.xpath("//aside[@class='withdrawn']")
        assert titles[page.get("lang")] in notice.text_content() and f"{REASON}." in notice.text_content(), path
        before = page.xpath("//aside[@class='withdrawn']/preceding::body/* | //aside[@class='withdrawn']/preceding::a")
        assert [each.get("class") for each in before] in (["skip"], []), path  # a page that stands alone has no links
        assert page.xpath("//meta[@name='robots']/@content") == ["noindex"]


def test_charts_that_stand_alone_carry_it_across(marked: Path) -> None:
    charts = list(marked.glob("site/**/graficos/*"))
    assert len(charts) > 10
    assert all("RETIR" in path.read_text() or "WITHDRAWN" in path.read_text() for path in charts)


def test_the_release_itself_is_untouched_and_its_tables_are_shared(release: Path, marked: Path) -> None:
    listed = dict(reversed(line.split("  ")) for line in (release / "CHECKSUMS.sha256").read_text().splitlines())
    found = digests(release)
    assert {path: found[path] for path in listed} == listed
    assert (marked / "tables/estimates.csv").samefile(release / "tables/estimates.csv")
    assert not (marked / "CHECKSUMS.sha256").exists()
    assert json.loads((marked / "withdrawn.json").read_text())["reason"] == REASON
    assert "RELEASE WITHDRAWN" in (marked / "WITHDRAWN.txt").read_text()


def test_the_address_of_the_public_leads_to_the_marked_copy(release: Path, marked: Path) -> None:
    assert latest_name(release.parent) == marked.name == "sample-1.withdrawn"
    assert "withdrawn" in (release.parent / "latest" / "site" / "index.html").read_text()


def test_the_address_leads_to_what_replaces_it(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    publish(folder, *build())
    point_latest(tmp_path, "old")
    (tmp_path / "new").mkdir()
    copy = mark_withdrawn(folder, "Error de pesos.", AT, instead="new")
    assert latest_name(tmp_path) == "new"
    assert "La reemplaza new." in (copy / "site" / "index.html").read_text()


def test_an_older_release_that_is_withdrawn_leaves_the_address_alone(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    publish(folder, *build())
    point_latest(tmp_path, "newer")
    mark_withdrawn(folder, "Error.", AT)
    assert latest_name(tmp_path) == "newer"


def test_marking_twice_changes_nothing(release: Path, marked: Path) -> None:
    before = digests(marked)
    assert mark_withdrawn(release, "Otra razón", AT) == marked and digests(marked) == before


def test_pages_of_before_the_place_for_a_notice_get_one_all_the_same() -> None:
    assert mark_page('<html lang="en"><body class="x"><p>', "Why", AT).startswith(
        '<html lang="en"><body class="x"><aside class="withdrawn"'
    )


def test_a_release_whose_folder_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="REL-068"):
        mark_withdrawn(tmp_path / "gone", "Why", AT)
