"""The link to the newest release beside the releases: what the public's address leads to."""

from __future__ import annotations

from pathlib import Path

LATEST = "latest"
"""Name of the link in the folder of releases."""


def point_latest(folder: Path, name: str) -> None:
    """Turn the link to another folder beside it, at once: a reader never finds it missing.

    Args:
        folder: of the releases.
        name: of the release, or of the marked copy of a withdrawn one.
    """
    link, fresh = folder / LATEST, folder / f".{LATEST}.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(name, target_is_directory=True)
    fresh.rename(link)


def latest_name(folder: Path) -> str:
    """What the link leads to, "" if there is none."""
    link = folder / LATEST
    return link.readlink().name if link.is_symlink() else ""
