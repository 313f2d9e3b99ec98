"""Files of a folder that the desk shows: a release or a report, as whoever gets it would see it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.responses import Response

from console.visiting import Visit

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".png": "image/png",
}
"""What is shown, and as what; anything else is only for downloading."""


def answer_with_file(visit: Visit, folder: Path, path: str) -> Response:
    """A file below the folder; of anything else, 404."""
    folder = folder.resolve()
    file = (folder / path).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        return visit.page("error.html", 404, error=None, kind="missing")
    kind = TYPES.get(file.suffix.lower())
    headers = {} if kind else {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.read_bytes(), headers=headers, media_type=kind or "application/octet-stream")
