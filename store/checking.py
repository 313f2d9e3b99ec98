"""Reading a backup: every member is hashed, and its database, its files and its lists compared with each other."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from schemas.errors import StoreError
from store.backup_places import copy_hashed, list_snapshots, pool_path, private_file
from store.complaints import translated
from store.folders import make_private_folder
from store.manifests import CONTENTS, DATABASE, DIGEST, FILES, MANIFEST, Manifest, read_manifest
from store.sealing import MAGIC, SealedReader
from store.snapshots import check_database, count_rows, damaged, list_segments, walk_contents

AskKey = Callable[[], RSAPrivateKey]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was read and found right: every member, row of `blobs` and file, each by its digest."""

    place: Path
    made_at: str
    submissions: int
    contents: int
    files: int
    bytes_read: int


def check_backup(place: Path, ask_key: AskKey | None = None, snapshot: str | None = None) -> CheckReport:
    """Read a whole backup and see that it is what it says, keeping nothing but its database, for a moment.

    Args:
        place: a file, or a folder of backups.
        ask_key: gives the private key of a sealed file; called only for such a one.
        snapshot: which of a folder's backups; null is the newest.

    Raises:
        StoreError: STO-081, damaged; STO-082, no backup is there; STO-083, sealed, and no or another key was given.
    """
    with translated(), tempfile.TemporaryDirectory(prefix="comunal-check-") as folder:
        return stage(place, Path(folder), ask_key, snapshot, keep_files=False)[1]


def _members(place: Path, ask_key: AskKey | None, snapshot: str | None) -> tuple[str, Iterator[tuple[str, BinaryIO]]]:
    """The name of the backup, and its members in their order."""
    if place.is_dir():
        snapshots = list_snapshots(place)
        chosen = [path for path in snapshots if snapshot in {None, path.name}]
        if not chosen:
            message = f"There is no backup {snapshot or ''} in the folder {place}.".replace("  ", " ")
            advice = f"There are: {', '.join(path.name for path in snapshots) or 'none'}."
            raise StoreError("STO-082", message, advice)
        return chosen[-1].name, _folder_members(place, chosen[-1])
    if not place.is_file():
        raise StoreError("STO-082", f"There is no backup {place}.", "Name a backup's file or folder.")
    return place.name, _file_members(place, ask_key)


def _folder_members(place: Path, snapshot: Path) -> Iterator[tuple[str, BinaryIO]]:
    paths = {name: snapshot / name for name in (DATABASE, CONTENTS)}
    for digest in sorted(read_manifest((snapshot / MANIFEST).read_bytes()).digests):
        paths[f"{FILES}/{digest}"] = pool_path(place / FILES, digest)
    for name, path in [*paths.items(), (MANIFEST, snapshot / MANIFEST)]:
        try:
            with path.open("rb") as file:
                yield name, file
        except FileNotFoundError:
            raise damaged(f"its file {name} is missing") from None


def _file_members(place: Path, ask_key: AskKey | None) -> Iterator[tuple[str, BinaryIO]]:
    with ExitStack() as stack:
        file: BinaryIO = stack.enter_context(place.open("rb"))
        if _begins_with(file, MAGIC):
            if ask_key is None:
                message = "The backup is sealed."
                raise StoreError("STO-083", message, "Give the private key that opens it: --private-key FILE.")
            file = cast(BinaryIO, stack.enter_context(SealedReader(file, ask_key())))
        # "r|*" finds out whether it is compressed.
        tar = stack.enter_context(tarfile.open(fileobj=file, mode="r|*"))
        for info in tar:
            member = tar.extractfile(info)
            if member is None:
                raise damaged("it has members that are no files")
            yield info.name, cast(BinaryIO, member)


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, UnicodeError, zlib.error, gzip.BadGzipFile):
        raise damaged("it isn't a whole backup file") from None


def _begins_with(file: BinaryIO, magic: bytes) -> bool:
    begins = file.read(len(magic)) == magic
    file.seek(0)
    return begins


def stage(
    place: Path, staging: Path, ask_key: AskKey | None, snapshot: str | None, *, keep_files: bool
) -> tuple[Manifest, CheckReport]:
    """Read every member into the staging folder, and check all of it; arguments and errors as `check_backup`."""
    name, members = _members(place, ask_key, snapshot)
    read = _Read(staging, keep_files=keep_files)
    make_private_folder(staging / FILES)
    with _whole():
        for member, file in members:
            read.take(member, file)
    if read.manifest is None:
        raise damaged("it was cut short: its manifest is missing")
    manifest = read.manifest
    _check(staging, manifest, read.digests, read.sizes)
    submissions = manifest.tables.get("submissions", 0)
    there = place if place.is_file() else place / name
    files = len(manifest.digests)
    total = sum(read.sizes.values())
    return manifest, CheckReport(there, manifest.made_at, submissions, manifest.contents, files, total)


@dataclass
class _Read:
    """What was read so far: member -> digest, and bytes."""

    staging: Path
    keep_files: bool
    manifest: Manifest | None = None
    digests: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def take(self, member: str, file: BinaryIO) -> None:
        """Read one member."""
        kind, _, digest = member.partition("/")
        is_file = kind == FILES and DIGEST.fullmatch(digest) is not None
        is_ours = is_file or member in {DATABASE, CONTENTS, MANIFEST}
        if member in self.digests or self.manifest is not None or not is_ours:
            raise damaged("it has members that don't belong there")
        if member == MANIFEST:
            self.manifest = read_manifest(file.read())
        elif is_file and not self.keep_files:
            self.digests[member], self.sizes[member] = hash_all(file)
        else:
            with private_file(self.staging / member) as copy:
                self.digests[member] = copy_hashed(file, copy)
                self.sizes[member] = copy.tell()
        if is_file and self.digests[member] != digest:
            raise damaged(f"its file {digest} has other bytes than that digest says")


def hash_all(file: BinaryIO) -> tuple[str, int]:
    """Digest and length of all that is left."""
    digest, size = hashlib.sha256(), 0
    while piece := file.read(1024 * 1024):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _check(staging: Path, manifest: Manifest, digests: dict[str, str], sizes: dict[str, int]) -> None:
    for member, digest in manifest.members.items():
        if digests.get(member) != digest:
            raise damaged(f"its member {member} has other bytes than the manifest says")
    for file in manifest.files:
        if sizes.get(f"{FILES}/{file.sha256}") != file.size:
            raise damaged(f"its file {file.path} is missing or has another size")
    database = staging / DATABASE
    check_database(database)
    if count_rows(database) != manifest.tables:
        raise damaged("its tables have other numbers of rows than the manifest says")
    files = {file.path: file.sha256 for file in manifest.files}
    stored = set(files.values())
    lines = hashlib.sha256()
    for content in walk_contents(database):
        lines.update(content.line())
        if content.is_file and content.sha256 not in stored:
            raise damaged(f"the file of content {content.sha256} is missing")
    if lines.hexdigest() != manifest.members.get(CONTENTS):
        raise damaged("its database has other contents than its list says")
    for path, digest in list_segments(database).items():
        if files.get(path) != digest:
            raise damaged(f"the table segment {path} is missing")
