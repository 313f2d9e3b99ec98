"""`comunal links`: what is printed and written once, what is refused, and that nothing secret is listed."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.link_sheets import SheetLink, page_of
from schemas.errors import AccessError, CommandError, ComunalError, FormError, StoreError
from store.links import get_link
from store.open import open_store

FORM = """| survey | | | |
| | type | name | label |
| | {type} | q | Pregunta |
| settings | | | |
| | form_id | version | form_title |
| | prueba | 1 | Prueba |
"""
URL = "https://encuesta.example/"


def comunal(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data", str(data), "--json"])


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def error_of(result: Result, kind: type[ComunalError]) -> ComunalError:
    assert isinstance(result.exception, kind), result.output
    return result.exception


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "prueba.md").write_text(FORM.format(type="text"), encoding="utf-8")
    lines(comunal(tmp_path / "data", "forms", "add", str(tmp_path / "prueba.md")))
    return tmp_path / "data"


def test_links_for_people_are_shown_once_and_each_works(data: Path) -> None:
    made = lines(comunal(data, "links", "make", "prueba", "--people", "3", "--language", "ht", "--url", URL))
    assert len({str(link["url"]) for link in made}) == 3
    with open_store(data) as store, store.read() as connection:
        for link in made:
            base, _, token = str(link["url"]).rpartition("/")
            assert base == "https://encuesta.example/web"
            found = get_link(connection, token)
            assert found is not None
            assert (found.form_id, found.language, found.is_single) == ("prueba", "ht", True)
    listed = comunal(data, "links", "list")
    assert [(row["id"], row["state"], row["received"]) for row in lines(listed)] == [
        (1, "open", 0),
        (2, "open", 0),
        (3, "open", 0),
    ]
    assert not any(str(link["url"]).rpartition("/")[2] in listed.output for link in made)


def test_a_revoked_link_is_listed_as_such(data: Path) -> None:
    lines(comunal(data, "links", "make", "prueba", "--open", "--until", "2099-12-31"))
    assert lines(comunal(data, "links", "revoke", "1")) == [{"id": 1, "state": "revoked"}]
    (row,) = lines(comunal(data, "links", "list", "prueba"))
    assert (row["state"], row["single"]) == ("revoked", False)
    assert str(row["expires_at"]) > "2099-12-31"
    assert lines(comunal(data, "links", "list", "otra")) == []
    assert error_of(comunal(data, "links", "revoke", "9"), AccessError).code == "ACC-022"


def test_a_table_of_links_is_for_its_owner_only(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "links.csv"
    made = lines(comunal(data, "links", "make", "prueba", "--people", "2", "--out", str(out)))
    assert out.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [row["url"] for row in rows] == [link["url"] for link in made]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "CMD-082"),
        (("--open", "--people", "2"), "CMD-082"),
        (("--open", "--out", "links.pdf"), "CMD-083"),
        (("--open", "--out", "no/such/links.csv"), "CMD-083"),
    ],
)
def test_wrong_use_makes_no_link(data: Path, arguments: tuple[str, ...], code: str) -> None:
    assert error_of(comunal(data, "links", "make", "prueba", *arguments), CommandError).code == code
    assert lines(comunal(data, "links", "list")) == []


def test_a_day_that_is_past_and_a_form_that_is_unknown_are_refused(data: Path, tmp_path: Path) -> None:
    past = comunal(data, "links", "make", "prueba", "--open", "--until", "2020-01-01")
    assert error_of(past, AccessError).code == "ACC-021"
    unknown = comunal(data, "links", "make", "otra", "--open")
    assert error_of(unknown, StoreError).code == "STO-011"


def test_a_form_that_a_browser_cannot_ask_gets_no_link(tmp_path: Path) -> None:
    (tmp_path / "prueba.md").write_text(FORM.format(type="audio"), encoding="utf-8")
    data = tmp_path / "data"
    lines(comunal(data, "forms", "add", str(tmp_path / "prueba.md")))
    refused = error_of(comunal(data, "links", "make", "prueba", "--open"), FormError)
    assert refused.code == "FRM-611"
    assert "/prueba/q: recording audio" in refused.message or "/data/q: recording audio" in refused.message
    assert lines(comunal(data, "links", "list")) == []


def drawn(code: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The picture of a code's SVG: dark runs of one path, each `h` at the height that `M` and `m` led to."""
    side = int(re.search(r'viewBox="0 0 (\d+)', code).group(1))  # type: ignore[union-attr]
    path = re.search(r' d="([^"]+)"', code).group(1)  # type: ignore[union-attr]
    picture = np.full((side, side), 255, np.uint8)
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path):
        first, *second = (float(number) for number in numbers.split())
        if command == "h":
            picture[int(y), int(x) : int(x + first)] = 0
            x += first
        else:
            x, y = (first, second[0]) if command == "M" else (x + first, y + second[0])
    return np.kron(picture, np.ones((4, 4), np.uint8))


def test_a_sheet_speaks_the_language_and_its_codes_are_read_again() -> None:
    links = [SheetLink(number, f"https://encuesta.example/web/abcde-fghjk-mnpqr-2345{number}") for number in (6, 7)]
    title = {"es": "Encuesta <de> barrio", "ht": "Ankèt katye"}
    page = page_of(links, title=title, language="ht", is_single=True, until=None)
    assert '<html lang="ht">' in page
    assert "Ankèt katye" in page
    assert "yon sèl moun" in page
    assert "Encuesta &lt;de&gt; barrio" in page_of(links, title=title, language="es", is_single=False, until=None)
    codes = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert [read.text for code in codes for read in zxingcpp.read_barcodes(drawn(code))] == [one.url for one in links]
