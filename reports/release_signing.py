"""Signatures under a release, and whether each byte of it is as it was published: with nothing but its files.

A release is verified as a folder or as an archive. Its own list of digests tells each file; a signature names each
file by its digest too, and whose key made it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from reports.archive import no_release, read_archive
from reports.signing import RELEASE_KIND, SIGNATURES, Signer, Verified, hash_files, verify

CHECKSUMS: Final = "CHECKSUMS.sha256"
_MOST_SIGNATURE: Final = 64 << 20
"""Bytes of a signature that are read: a statement names each file of the release."""


@dataclass(frozen=True, slots=True)
class VerifiedRelease:
    """How a release stands.

    Attributes:
        release_id: as its provenance says, "" where that can't be read.
        checksum: sha256 of its list of digests: what the record of the release keeps.
        files: how many there are, signatures left out.
        faults: what isn't as it was published, one sentence each; names of files, never contents.
        signatures: each one, judged; those of other files are faults of their own.
    """

    release_id: str
    checksum: str
    files: int
    faults: tuple[str, ...]
    signatures: tuple[Verified, ...]

    @property
    def good(self) -> bool:
        """Whether every byte is as it was published, and as each signature says."""
        return not self.faults and all(each.good for each in self.signatures)


def verify_release(path: Path, trusted: frozenset[str] | None = None) -> VerifiedRelease:
    """Judges a release by its folder or its archive.

    Args:
        path: folder, or .zip.
        trusted: public keys that the reader knows, null to take those that the signatures name.

    Raises:
        ReleaseError: REL-073, there is no release; REL-074, the archive is damaged.
    """
    files = _read_folder(path) if path.is_dir() else read_archive(path)
    digests: dict[str, str] = {}
    kept: dict[str, bytes] = {}
    signatures: dict[str, bytes] = {}
    for name, data in files:
        if name.startswith(f"{SIGNATURES}/"):
            signatures[name] = data[:_MOST_SIGNATURE]
            continue
        digests[name] = hashlib.sha256(data).hexdigest()
        if name in {CHECKSUMS, "provenance.json"}:
            kept[name] = data
    if CHECKSUMS not in kept:
        raise no_release(path)
    return VerifiedRelease(
        release_id=_release_id(kept.get("provenance.json", b"")),
        checksum=digests[CHECKSUMS],
        files=len(digests),
        faults=tuple(_faults(kept[CHECKSUMS].decode("utf-8", "replace"), digests)),
        signatures=tuple(verify(name, data, digests, trusted) for name, data in sorted(signatures.items())),
    )


def hash_release(folder: Path) -> dict[str, str]:
    """Path -> SHA-256, of every file but the signatures."""
    return {
        name: hashlib.sha256(data).hexdigest()
        for name, data in _read_folder(folder)
        if not name.startswith(f"{SIGNATURES}/")
    }


def is_intact(folder: Path, checksum: str) -> bool:
    """Whether the folder's list of digests is the one registered, and every file has the digest listed."""
    listed = folder / CHECKSUMS
    if not listed.is_file() or hashlib.sha256(listed.read_bytes()).hexdigest() != checksum:
        return False
    return not list(_faults(listed.read_text("utf-8"), hash_release(folder)))


def make_release_statement(
    release: Mapping[str, str], files: Mapping[str, str], code_version: str, signer: Signer, key: str, at: datetime
) -> dict[str, Any]:
    """What is signed.

    Args:
        release: its id, form, survey and round.
        files: path -> SHA-256 of each file, signatures left out.
        code_version: of the program that signs.
        signer: who signs.
        key: their public key.
        at: when.
    """
    return {
        "kind": RELEASE_KIND,
        "act": "sign",
        "reasons": "",
        "release": dict(release) | {"sha256": hash_files(files), "checksums_sha256": files.get(CHECKSUMS, "")},
        "files": dict(files),
        "code_version": code_version,
        "signer": {"name": signer.name, "role": signer.role, "public_key": key},
        "signed_at": at.astimezone(UTC).isoformat(timespec="seconds"),
    }


def _faults(listed: str, digests: Mapping[str, str]) -> Iterator[str]:
    named = dict(_lines(listed))
    for name, digest in sorted(named.items()):
        if name not in digests:
            yield f"{name}: missing"
        elif digests[name] != digest:
            yield f"{name}: changed"
    for name in sorted(digests):
        if name not in named and name != CHECKSUMS:
            yield f"{name}: not published"


def _lines(listed: str) -> Iterator[tuple[str, str]]:
    for line in listed.splitlines():
        digest, _, name = line.partition("  ")
        yield name, digest


def _read_folder(folder: Path) -> Iterable[tuple[str, bytes]]:
    return (
        (path.relative_to(folder).as_posix(), path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()
    )


def _release_id(provenance: bytes) -> str:
    try:
        return str(json.loads(provenance)["release"])
    except (ValueError, KeyError, TypeError):
        return ""
