"""A withdrawn release: its folder stays as it is, and a copy whose every page says so takes its place before readers.

docs/decisions, "A withdrawal is written beside the release". The copy's other files are hard links to those of the
release. Where the release was the newest, the public's address leads to what replaces it, else to the marked copy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Final

from reports.durable import flush_folder, write_file
from reports.latest import latest_name, point_latest
from reports.wording import Wording
from schemas.errors import ReleaseError
from schemas.text import LANGUAGES

SUFFIX: Final = ".withdrawn"
NOTICE: Final = "WITHDRAWN.txt"
RECORD: Final = "withdrawn.json"

_MARK: Final = "<!--notice-->"
"""Where a page of the site holds a place for the notice."""

_LANGUAGE: Final = re.compile(r'<(?:html|svg|figure)[^>]*? lang="(\w+)"')
_BODY: Final = re.compile(r"<body[^>]*>")


def mark_withdrawn(folder: Path, reason: str, at: datetime, instead: str = "") -> Path:
    """Write the marked copy of a release beside it, and turn the public's address away from the release.

    Args:
        folder: of the release; nothing in it is changed.
        reason: why, in words for whoever opens it.
        at: when it was withdrawn.
        instead: id of the release that replaces it, "" if none does.

    Returns:
        Folder of the copy. One that is there already is left as it is.

    Raises:
        ReleaseError: REL-068, the release's folder isn't there.
    """
    if not (folder / "site").is_dir():
        raise ReleaseError(
            "REL-068",
            f"Release «{folder.name}» has no folder {folder} with a site to mark.",
            "Restore it from a backup, or tell readers by other means.",
        )
    target = folder.parent / f"{folder.name}{SUFFIX}"
    if not target.exists():
        partial = folder.parent / f".{folder.name}{SUFFIX}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            _copy(path, folder, partial, reason, at, instead)
        write_file(partial / NOTICE, _notice_text(reason, at, instead).encode())
        told = {
            "release": folder.name,
            "withdrawn_at": at.isoformat(),
            "reason": reason,
            "replaced_by": instead or None,
        }
        write_file(partial / RECORD, json.dumps(told, ensure_ascii=False, indent=2).encode())
        partial.rename(target)
        flush_folder(folder.parent)
    if latest_name(folder.parent) == folder.name:
        has_other = bool(instead) and (folder.parent / instead).is_dir()
        point_latest(folder.parent, instead if has_other else target.name)
    return target


def mark_page(page: str, reason: str, at: datetime, instead: str = "") -> str:
    """A page with the notice before anything else, and asked to stay out of search engines.

    Args:
        page: HTML of the site, in any of its languages.
        reason, at, instead: as in `mark_withdrawn`.
    """
    wording = _wording_of(page)
    title, told = escape(wording.text("withdrawn.title")), escape(_told(wording, reason, at, instead))
    notice = f'<aside class="withdrawn" aria-label="{title}"><p><strong>{title}</strong> {told}</p></aside>'
    page = page.replace("</title>", '</title>\n<meta name="robots" content="noindex">', 1)
    if _MARK in page:
        return page.replace(_MARK, notice, 1)
    return _BODY.sub(lambda found: f"{found[0]}{notice}", page, count=1)


def mark_picture(picture: str) -> str:
    """A chart that stands alone, with the notice across it."""
    title = escape(_wording_of(picture).text("withdrawn.title"))
    across = (
        '<text x="50%" y="50%" text-anchor="middle" style="font:700 24px sans-serif;fill:#7d1d12;stroke:#fff;'
        f'stroke-width:5px;paint-order:stroke">{title}</text>'
    )
    drawn, end, rest = picture.rpartition("</svg>")
    return f"{drawn}{across}{end}{rest}"


def _copy(path: Path, folder: Path, partial: Path, reason: str, at: datetime, instead: str) -> None:
    name = path.relative_to(folder)
    if name.name == "CHECKSUMS.sha256":
        return  # it is of the release as it was published, and there it stays
    target = partial / name
    is_picture = "graficos" in name.parts
    if name.parts[0] == "site" and is_picture:
        write_file(target, mark_picture(path.read_text(encoding="utf-8")).encode())
    elif name.suffix == ".html":
        write_file(target, mark_page(path.read_text(encoding="utf-8"), reason, at, instead).encode())
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:  # another file system, or one without hard links
            shutil.copy2(path, target)


def _notice_text(reason: str, at: datetime, instead: str) -> str:
    texts = []
    for code in LANGUAGES:
        wording = Wording(code)
        texts.append(f"{wording.text('withdrawn.title')}\n{_told(wording, reason, at, instead)}\n")
    return "\n".join(texts)


def _told(wording: Wording, reason: str, at: datetime, instead: str) -> str:
    sentence = reason.strip()
    if sentence and sentence[-1] not in ".!?…":
        sentence += "."
    told = wording.text("withdrawn.text", date=wording.date(at), reason=sentence)
    return f"{told} {wording.text('withdrawn.instead', release=instead)}" if instead else told


def _wording_of(page: str) -> Wording:
    found = _LANGUAGE.search(page)
    return Wording(found[1] if found and found[1] in LANGUAGES else LANGUAGES[0])
