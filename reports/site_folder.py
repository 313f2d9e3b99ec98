"""A site written into a folder that is served: only what changed is touched, so that copies of it move little."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Written:
    """How many files were written, kept as they were, and removed."""

    written: int
    kept: int
    removed: int


def write_site(folder: Path, pages: Mapping[str, bytes]) -> Written:
    """Make a folder hold these files and no others.

    A file whose bytes are the same isn't touched; another one takes its place whole, so that a reader never meets half
    a page.

    Args:
        folder: of the site; it is made. It must not be a release's own: these are never rewritten.
        pages: path below it -> bytes.
    """
    written = kept = 0
    for path, page in pages.items():
        target = folder / path
        if _is_same(target, page):
            kept += 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.new")
        fresh.write_bytes(page)
        fresh.replace(target)
        written += 1
    return Written(written, kept, _remove_others(folder, pages))


def _is_same(target: Path, page: bytes) -> bool:
    try:
        return target.stat().st_size == len(page) and target.read_bytes() == page
    except FileNotFoundError:
        return False


def _remove_others(folder: Path, pages: Mapping[str, bytes]) -> int:
    removed = 0
    for root, folders, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(root, name)
            if path.relative_to(folder).as_posix() not in pages:
                path.unlink()
                removed += 1
        for name in folders:
            below = Path(root, name)
            if not any(below.iterdir()):
                below.rmdir()
    return removed
