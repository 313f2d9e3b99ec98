"""The data package of a release, judged by frictionless."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from reports.release import publish


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    publish(tmp_path / "sample-2026-1", *sample.build())
    return tmp_path / "sample-2026-1"


def judge(folder: Path) -> Any:  # noqa: ANN401  frictionless ships no types
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from frictionless import Package

        return Package(str(folder / "datapackage.json")).validate()


def change(folder: Path, path: str, data: bytes, *, told: bool) -> None:
    """Another content, which the package tells or not."""
    (folder / path).chmod(0o644)
    (folder / path).write_bytes(data)
    if not told:
        return
    file = folder / "datapackage.json"
    package = json.loads(file.read_text())
    (resource,) = [each for each in package["resources"] if each["path"] == path]
    resource |= {"bytes": len(data), "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}
    file.chmod(0o644)
    file.write_text(json.dumps(package))


def test_frictionless_finds_every_resource_valid(folder: Path) -> None:
    report = judge(folder)
    assert report.valid, report.flatten(["name", "message"])
    package = json.loads((folder / "datapackage.json").read_text())
    assert report.stats["tasks"] == len(package["resources"]) > 15


def test_a_changed_file_is_found(folder: Path) -> None:
    change(folder, "tables/codes.csv", (folder / "tables" / "codes.csv").read_bytes() + b"x,y,z,a,b,c\n", told=False)
    assert {row[0] for row in judge(folder).flatten(["type"])} >= {"hash-count", "byte-count"}


def test_a_figure_of_an_indicator_that_nobody_defines_is_found(folder: Path) -> None:
    lines = (folder / "tables" / "indicators.csv").read_bytes().splitlines(keepends=True)
    change(folder, "tables/indicators.csv", b"".join(lines[:-1]), told=True)
    assert {row[0] for row in judge(folder).flatten(["type"])} == {"foreign-key"}


def test_a_figure_twice_and_text_for_a_number_are_found(folder: Path) -> None:
    data = (folder / "tables" / "estimates.csv").read_bytes()
    lines = data.splitlines(keepends=True)
    change(folder, "tables/estimates.csv", data + lines[1].replace(b"1021.0", b"many"), told=True)
    assert {row[0] for row in judge(folder).flatten(["type"])} == {"primary-key", "type-error"}


def test_the_package_tells_titles_in_three_languages_licence_sources_and_who_made_it(folder: Path) -> None:
    package = json.loads((folder / "datapackage.json").read_text())
    assert set(package["titles"]) == set(package["descriptions"]) == set(package["languages"]) == {"es", "ht", "en"}
    assert package["licenses"][0]["path"].startswith("https://creativecommons.org/")
    assert [each["role"] for each in package["contributors"]] == ["publisher", "wrangler"]
    assert "Censo" in " ".join(each["title"] for each in package["sources"])
    untitled = [each["path"] for each in package["resources"] if set(each.get("titles", {})) != {"es", "ht", "en"}]
    assert not untitled
