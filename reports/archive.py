"""The archive of a release: one .zip that is the same bytes whenever and wherever the same release is archived."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reports.durable import flush_folder
from schemas.errors import ReleaseError

SUFFIX: Final = ".zip"
DIGEST_SUFFIX: Final = ".zip.sha256"

_FIRST: Final = (1980, 1, 1, 0, 0, 0)  # before it, a .zip knows no time
_READ_ONLY: Final = 0o100444
_CHUNK: Final = 1 << 20


def write_archive(folder: Path, into: Path) -> tuple[Path, str]:
    """Writes `into/RELEASE.zip`, and beside it its SHA-256 as `sha256sum --check` reads it.

    Files stand in order of their paths below `RELEASE/`, with the time of the release and read-only: nothing else of
    the disk goes in. The same files give the same bytes with the same zlib; another one may pack them otherwise, and
    what comes out is the same.

    Args:
        folder: of the release, signatures included.
        into: made if it isn't there; an archive of that name is replaced, at once.

    Returns:
        The archive, and its SHA-256.

    Raises:
        ReleaseError: REL-073, there is no release in the folder.
    """
    moment = _moment(folder)
    into.mkdir(parents=True, exist_ok=True)
    target, partial = into / f"{folder.name}{SUFFIX}", into / f".{folder.name}{SUFFIX}.partial"
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folder.rglob("*"), key=lambda each: each.relative_to(folder).as_posix()):
            if path.is_file():
                member = zipfile.ZipInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}", moment)
                member.compress_type, member.create_system = zipfile.ZIP_DEFLATED, 3
                member.external_attr = _READ_ONLY << 16
                member.file_size = path.stat().st_size
                with path.open("rb") as source, archive.open(member, "w") as written:
                    while chunk := source.read(_CHUNK):
                        written.write(chunk)
    with partial.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    partial.replace(target)
    (into / f"{folder.name}{DIGEST_SUFFIX}").write_text(f"{digest}  {target.name}\n", encoding="utf-8")
    flush_folder(into)
    return target, digest


def read_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Path below the release's folder -> bytes, of each file of an archive, one at a time.

    Raises:
        ReleaseError: REL-074, it is no archive, a damaged one, or not of one release.
    """
    advice = "Take the archive anew from whoever handed it over, and compare its SHA-256 first."
    seen: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                top, _, name = member.filename.partition("/")
                if member.is_dir():
                    continue
                if not name or name in seen or top != archive.infolist()[0].filename.partition("/")[0]:
                    raise ReleaseError("REL-074", f"{path.name} holds files of no release or of several.", advice)
                seen.add(name)
                yield name, archive.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        raise ReleaseError("REL-074", f"{path.name} is damaged, or no archive.", advice) from None


def no_release(place: Path | str) -> ReleaseError:
    """REL-073: a folder or an archive holds no release."""
    advice = "Give the folder of a release, or its archive; comunal release list shows them."
    return ReleaseError("REL-073", f"There is no release in {place}.", advice)


def _moment(folder: Path) -> tuple[int, int, int, int, int, int]:
    """When the release was made, as its own provenance says."""
    file = folder / "provenance.json"
    if not file.is_file():
        raise no_release(folder)
    try:
        made = datetime.fromisoformat(json.loads(file.read_text("utf-8"))["made_at"]).astimezone(UTC)
    except (ValueError, KeyError, TypeError):
        return _FIRST
    moment = (made.year, made.month, made.day, made.hour, made.minute, made.second)
    return max(moment, _FIRST)
