"""The files that the page for answering in a browser loads: our own, and ODK Web Forms as web/build.py put it here."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent / "static"
OWN = STATIC / "web"
LIBRARY = STATIC / "webforms"
STAMP = "build.json"
NEEDED = ("vue.js", "web-forms.js", "web-forms.css")

KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class WebFiles:
    """What there is.

    Attributes:
        version: changes with any byte of any file; stands in their addresses, so that a browser may keep them for ever.
        paths: by name.
    """

    version: str
    paths: dict[str, Path]


def _own() -> list[Path]:
    return sorted(path for path in OWN.iterdir() if path.suffix in KINDS)


def find_files(library: Path = LIBRARY) -> WebFiles | None:
    """The files, null if the library isn't there whole: this Comunal was installed without Node."""
    try:
        names = list(json.loads((library / STAMP).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError):
        return None
    paths = {name: library / name for name in names} | {path.name: path for path in _own()}
    if not all(name in paths for name in NEEDED) or not all(path.is_file() for path in paths.values()):
        return None
    digest = hashlib.sha256((library / STAMP).read_bytes())
    for path in _own():
        digest.update(path.name.encode() + path.read_bytes())
    return WebFiles(digest.hexdigest()[:16], paths)


@functools.cache
def web_files() -> WebFiles | None:
    """`find_files`, asked once: files of an installed program don't change while it runs."""
    return find_files()
