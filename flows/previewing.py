"""Before a release over many communes: each sees what would be published of it, and the release may wait for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.acts.confirming import waiting_communes
from flows.spreading import interview_communes
from forms.compile import CompiledForm
from reports.durable import write_file
from reports.previews import as_one_commune, contents_of_commune, cut_by_commune, write_preview
from reports.release import release_files
from schemas.communes import find_commune
from schemas.errors import ReleaseError
from schemas.estimates import SafeTable
from store.open import Store
from store.previews import list_previews, put_preview

if TYPE_CHECKING:
    from flows.releasing import Candidate

FOLDER = "previews"
"""Below the data folder: a folder a candidate, a file a commune."""


@dataclass(frozen=True, slots=True)
class CommunePreview:
    """What one commune would see: its interviews, figures, and how many of them are withheld."""

    commune: str
    name: str
    interviews: int
    figures: int
    suppressed: int


@dataclass(frozen=True, slots=True)
class PreviewReport:
    """One preview.

    Attributes:
        release_id: which a release of the same interviews, form and code will have.
    """

    form_id: str
    release_id: str
    communes: tuple[CommunePreview, ...]


def keep_preview(store: Store, candidate: Candidate, at: datetime | None = None) -> PreviewReport:
    """Keep what each commune would see of a candidate; the same candidate again changes nothing.

    Raises:
        ReleaseError: REL-120, the survey isn't of many communes.
    """
    contents = candidate.contents
    breakdown = contents.specs.design.communes
    if not breakdown:
        raise ReleaseError(
            "REL-120",
            f"{contents.form.form_id} isn't a survey of many communes.",
            "Name its breakdown of communes in the design setting `communes`; see docs/communes.md.",
        )
    tables = cut_by_commune(candidate.table, breakdown)
    counts = count_interviews(candidate)
    folder = f"{FOLDER}/{candidate.release_id}"
    for cut, table in tables.items():
        file = store.data / folder / f"{cut}.json"
        if not file.exists():
            write_file(file, write_preview(table))
    with store.begin() as connection:
        put_preview(
            connection,
            release_id=candidate.release_id,
            form_id=contents.form.form_id,
            communes=tuple(tables),
            folder=folder,
            interviews=contents.counts.accepted,
            at=at,
        )
    told = tuple(_tell(cut, table, counts[cut]) for cut, table in tables.items())
    return PreviewReport(contents.form.form_id, candidate.release_id, told)


def count_interviews(candidate: Candidate) -> Counter[str]:
    """Accepted interviews of each commune."""
    contents = candidate.contents
    compiled = CompiledForm(b"", contents.form, contents.specs, {}, ())
    return Counter((interview_communes(compiled, candidate.accepted) or {}).values())


def _tell(cut: str, table: SafeTable, interviews: int) -> CommunePreview:
    commune = find_commune(cut)
    name = cut if commune is None else commune.name
    return CommunePreview(cut, name, interviews, len(table.cells), sum(bool(cell.suppressed) for cell in table.cells))


def write_commune(candidate: Candidate, cut: str, out: Path) -> int:
    """Write a commune's part of a candidate as a folder like a release's, with tables and site; how many files.

    Raises:
        ReleaseError: REL-121, the candidate has no figures of that commune; REL-001, the folder holds something.
    """
    contents = candidate.contents
    tables = cut_by_commune(candidate.table, contents.specs.design.communes)
    if cut not in tables:
        raise no_such_commune(candidate.release_id, cut)
    if out.exists() and any(out.iterdir()):
        raise ReleaseError("REL-001", f"«{out.name}» exists already and isn't empty.", "Choose a new folder.")
    own = contents_of_commune(contents, cut, count_interviews(candidate)[cut])
    files = release_files(f"{candidate.release_id}-{cut}-preview", as_one_commune(tables[cut]), own)
    for path, data in files.items():
        write_file(out / path, data)
    return len(files)


def no_such_commune(release_id: str, cut: str) -> ReleaseError:
    """REL-121."""
    return ReleaseError(
        "REL-121",
        f"The preview {release_id} has no figures of a commune {cut}.",
        "Write its CUT code of five digits; comunal release preview FORM_ID lists them.",
    )


def require_confirmations(store: Store, candidate: Candidate, at: datetime | None = None) -> dict[str, object]:
    """Go on only if no approval is asked for, or every commune confirmed its figures as they are now.

    Where some are missing, the preview is kept, so that they can look at it.

    Returns:
        Commune -> who confirmed and when, for the release's record; empty where no approval is asked for.

    Raises:
        ReleaseError: REL-122, communes haven't answered yet; REL-123, some object.
    """
    contents = candidate.contents
    if not contents.specs.design.communes or not asks_approval(contents.specs.design.settings):
        return {}
    keep_preview(store, candidate, at)
    with store.read() as connection:
        row = next(
            one for one in list_previews(connection, contents.form.form_id) if one.release_id == candidate.release_id
        )
    standing = waiting_communes(store, row)
    if standing.objected:
        raise ReleaseError(
            "REL-123",
            f"{len(standing.objected)} communes object to their figures: {_names(standing.objected)}.",
            "Their reasons stand at the desk, under Preview. Correct what is wrong, or ask them to confirm.",
        )
    if standing.missing:
        raise ReleaseError(
            "REL-122",
            f"{len(standing.missing)} of {len(row.communes)} communes haven't confirmed their figures: "
            f"{_names(standing.missing)}.",
            "Each sees its own at the desk, under Preview (comunal release preview), and confirms there.",
        )
    return {
        cut: {"person": one.person, "person_id": one.person_id, "at": one.created_at.isoformat()}
        for cut, one in standing.confirmed.items()
    }


def asks_approval(settings: Mapping[str, str]) -> bool:
    """Whether the design says that no release is made before every commune confirmed its figures."""
    return settings.get("require_commune_approval", "").strip().lower() in {"yes", "true"}


def _names(cuts: tuple[str, ...]) -> str:
    found = [commune.name if (commune := find_commune(cut)) else cut for cut in cuts[:10]]
    return ", ".join(found) + (", ..." if len(cuts) > 10 else "")
