"""`comunal release profile`: the page that is meant, in the language that is meant, or a coded answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands_release_profile import find_profile
from schemas.errors import CommandError


@pytest.fixture
def release(tmp_path: Path) -> Path:
    for folder, language in (("", "es"), ("ht/", "ht")):
        for below in ("", "comunas/13125/"):
            path = tmp_path / "site" / folder / below / "perfil.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'<!doctype html>\n<html lang="{language}">')
    return tmp_path


def test_the_page_is_found_in_its_language(release: Path) -> None:
    site = release / "site"
    assert find_profile(release, "", "es") == site / "perfil.html"
    assert find_profile(release, "", "ht") == site / "ht" / "perfil.html"
    assert find_profile(release, "13125", "ht") == site / "ht" / "comunas" / "13125" / "perfil.html"


@pytest.mark.parametrize(("commune", "language"), [("99999", "es"), ("", "en"), ("13125", "xx")])
def test_what_the_release_has_not_is_told(release: Path, commune: str, language: str) -> None:
    with pytest.raises(CommandError, match="CMD-156") as told:
        find_profile(release, commune, language)
    assert "13125" in str(told.value.advice)
