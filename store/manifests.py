"""What a backup says of itself: every file by its digest, the rows of every table, and the list of all contents.

A backup has these members, in a folder or in one file:

    comunal.db        all tables at one moment, as SQLite
    contents.sha256   a line for every content: digest, bytes, and whether it is a row of comunal.db or a file
    files/DIGEST      every file beside the database, once
    manifest.json     this; written last, so that a backup without it is none
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from store.snapshots import damaged

FORMAT = "comunal-backup-1"
DATABASE, CONTENTS, MANIFEST, FILES = "comunal.db", "contents.sha256", "manifest.json", "files"
DIGEST = re.compile(r"[0-9a-f]{64}")
_SEAL = b', "sha256": "'
_OURS = {DATABASE, "incoming", ".restore"}


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of the data folder: its path there, its digest, its bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup's description. No answer of anybody stands in it.

    Attributes:
        made_at: ISO 8601, UTC: the moment that it shows.
        program: version of Comunal; `revision` is that of the schema.
        database: kind that the rows came from, sqlite or postgresql.
        tables: table -> rows.
        contents: how many contents `contents.sha256` lists, and their bytes together.
        members: comunal.db and contents.sha256 -> digest.
        files: beside the database, in order of path.
        links: symbolic links of the data folder: path, and where it leads.
    """

    made_at: str
    program: str
    revision: str
    database: str
    tables: dict[str, int]
    contents: int
    content_bytes: int
    members: dict[str, str]
    files: tuple[FileEntry, ...]
    links: tuple[tuple[str, str], ...] = ()
    format: str = FORMAT

    def to_bytes(self) -> bytes:
        """As JSON, one file a line; its last value is the digest of everything before it."""
        head = {name: value for name, value in asdict(self).items() if name not in {"files", "links"}}
        lines = [json.dumps(head, ensure_ascii=False, sort_keys=True)[:-1] + ', "links": ' + json.dumps(self.links)]
        files = [json.dumps([file.path, file.sha256, file.size], ensure_ascii=False) for file in self.files]
        body = (lines[0] + ', "files": [\n' + ",\n".join(files) + "\n]").encode()
        return body + _SEAL + hashlib.sha256(body).hexdigest().encode() + b'"}\n'

    @property
    def digests(self) -> set[str]:
        """Digests of all files."""
        return {file.sha256 for file in self.files}


def read_manifest(data: bytes) -> Manifest:
    """The manifest of these bytes.

    Raises:
        StoreError: STO-081, it is none, or names files outside the data folder.
    """
    body, _, _ = data.rpartition(_SEAL)
    try:
        found = json.loads(data)
        if found.pop("sha256") != hashlib.sha256(body).hexdigest():
            raise damaged("its manifest has other bytes than were written")
        if found["format"] != FORMAT:
            raise damaged(f"its format is {str(found['format'])[:40]!r}; this program reads {FORMAT!r}")
        files = tuple(FileEntry(str(path), str(sha256), int(size)) for path, sha256, size in found.pop("files"))
        links = tuple((str(path), str(target)) for path, target in found.pop("links"))
        manifest = Manifest(**found, files=files, links=links)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged("its manifest can't be read") from None
    targets = [str(PurePosixPath(path).parent / target) for path, target in manifest.links]
    if not all(is_inside(path) for path in [*(file.path for file in files), *(path for path, _ in links), *targets]):
        raise damaged("its manifest names files outside the data folder")
    if not all(DIGEST.fullmatch(digest) for digest in manifest.digests | set(manifest.members.values())):
        raise damaged("its manifest has digests that are none")
    return manifest


def is_inside(path: str) -> bool:
    """Whether a path stays in the data folder and isn't one of the store's own names.

    >>> is_inside("blobs/aa/bb/cc"), is_inside("../x"), is_inside("/etc/passwd"), is_inside("comunal.db")
    (True, False, False, False)
    """
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\0" not in path and parts[0] not in _OURS
