"""A report's folder: written whole or not at all, never rewritten; only signatures are laid beside its files."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from reports.durable import copy_file, flush_folder, write_file
from reports.signing import SIGNATURES, Signed, Verified, fingerprint, verify
from schemas.errors import ReleaseError


def write_report(folder: Path, files: Mapping[str, bytes | Path]) -> None:
    """Write every file of a report into `folder`, which must not exist: a reader sees all of it or nothing.

    Args:
        files: path within the folder -> its bytes, or a file that holds them and is copied.

    Raises:
        ReleaseError: REL-062, the folder exists and isn't this report.
    """
    if folder.exists():
        if hash_folder(folder) == {path: digest(source) for path, source in files.items()}:
            return
        message = f"{folder.name} exists and has other contents than this report."
        raise ReleaseError("REL-062", message, "A report is never rewritten: move the folder away, or choose another.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.parent / f".{folder.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    for path, source in files.items():
        if isinstance(source, Path):
            copy_file(source, partial / path)
        else:
            write_file(partial / path, source)
    partial.rename(folder)
    flush_folder(folder.parent)


def hash_folder(folder: Path) -> dict[str, str]:
    """Path below the folder -> SHA-256, of every file but the signatures, in the order of paths.

    Raises:
        ReleaseError: REL-063, there is no such folder, or nothing in it.
    """
    found = {
        path.relative_to(folder).as_posix(): digest(path)
        for path in _files(folder)
        if path.relative_to(folder).parts[0] != SIGNATURES
    }
    if not found:
        message = f"There is no report in {folder}."
        raise ReleaseError("REL-063", message, "Give the folder that comunal quality report wrote.")
    return found


def write_signature(folder: Path, signed: Signed) -> Path:
    """Lay a signature beside the files of the report; the same again changes nothing."""
    content = signed.to_bytes()
    name = f"{signed.statement['act']}-{fingerprint(signed.public_key)}-{hashlib.sha256(content).hexdigest()[:8]}.json"
    path = folder / SIGNATURES / name
    if not path.exists():
        write_file(path, content)
        flush_folder(path.parent)
    return path


def verify_folder(folder: Path, trusted: frozenset[str] | None = None) -> list[Verified]:
    """Judge every signature of a report, with nothing but its folder.

    Args:
        trusted: public keys that the reader knows, null to take those that the signatures name.

    Returns:
        One row a signature, in the order of file names; none if nobody signed.

    Raises:
        ReleaseError: REL-063, there is no report in the folder.
    """
    files = hash_folder(folder)
    signatures = sorted((folder / SIGNATURES).glob("*")) if (folder / SIGNATURES).is_dir() else []
    return [verify(f"{SIGNATURES}/{path.name}", path.read_bytes(), files, trusted) for path in signatures]


def _files(folder: Path) -> Iterator[Path]:
    # A link's target may change without a byte of the report: it counts as the file that it is now.
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def digest(source: bytes | Path) -> str:
    """SHA-256 of bytes, or of a file's, which is never held whole."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
