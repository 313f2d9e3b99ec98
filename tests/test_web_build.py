"""What is fetched from npm is pinned to the byte, and no wheel lacks it."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))


@pytest.fixture
def build() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "web" / "build.py"))


def test_versions_are_exact_and_every_package_has_its_hash() -> None:
    wanted = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    packages = {path: package for path, package in LOCK["packages"].items() if path}
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version


def test_the_lock_names_no_host_that_packages_come_from() -> None:
    assert not [path for path, package in LOCK["packages"].items() if "resolved" in package]
    assert "registry" not in json.dumps(LOCK)


def test_the_style_sheet_leaves_its_script_whole_and_without_fonts(build: dict[str, Any]) -> None:
    sheet = 'a::before{content:"\\\\e9"}b{top:0}'
    fonts = "@font-face{font-family:Roboto;src:url(data:font/woff2;base64,AA==)}"
    script = f"document.createTextNode('{fonts}{sheet}')"
    assert build["style_sheet"](script) == 'a::before{content:"\\e9"}b{top:0}'
    for broken in ("nothing here", "document.createTextNode('b{src:url(data:font/woff2)}')"):
        with pytest.raises(SystemExit, match=r"mend web/build\.py"):
            build["style_sheet"](broken)


def test_without_npm_the_build_says_what_to_do(build: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(SystemExit, match="apt-get install nodejs npm"):
        build["build"]()


@pytest.mark.parametrize("is_fresh", [False, True])
def test_a_wheel_that_would_lack_the_library_is_not_built(is_fresh: bool, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "build.py").write_text(f"def is_fresh():\n    return {is_fresh}\n", encoding="utf-8")
    hook = runpy.run_path(str(ROOT / "web" / "wheel.py"))["WebFormsHook"](str(tmp_path), {}, None, None, "", "wheel")
    hook.initialize("editable", {})
    if is_fresh:
        hook.initialize("standard", {})
        return
    with pytest.raises(SystemExit, match="make web"):
        hook.initialize("standard", {})
