"""A commune looks at its figures before they are published, and confirms or objects: one function an act.

A confirmation holds for as long as the commune's figures stay the same: another candidate with the same figures of this
commune, as when another commune's data were corrected, needs no second one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reports.previews import read_preview
from schemas.errors import AccessError, ReleaseError
from schemas.estimates import SafeTable
from schemas.rights import may, may_in_part
from store import forms as form_rows
from store.audit import acting, person_actor, record
from store.open import Store
from store.people import Person, list_people
from store.previews import Answer, ConfirmationRow, PreviewRow, add_confirmation, list_confirmations, list_previews

ACT = "confirm_figures"
ANSWERS: tuple[Answer, ...] = ("confirmed", "objected")


@dataclass(frozen=True, slots=True)
class CommuneStanding:
    """One commune of a preview; `answer` is null while it hasn't said anything about its figures as they are."""

    commune: str
    answer: ConfirmationRow | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How the communes of a preview stand: who confirmed, who objects, and who has still to answer."""

    confirmed: Mapping[str, ConfirmationRow]
    objected: tuple[str, ...]
    missing: tuple[str, ...]


def find_preview(store: Store, form_id: str, release_id: str | None = None) -> PreviewRow | None:
    """The latest preview of a survey, or that of a candidate; null if there is none."""
    with store.read() as connection:
        rows = list_previews(connection, form_id)
    wanted = [row for row in rows if release_id is None or row.release_id == release_id]
    return wanted[-1] if wanted else None


def own_communes(store: Store, person: Person, form_id: str, commune: str | None) -> frozenset[str] | None:
    """The communes whose figures a person may see, null for all; of one alone, if given.

    Raises:
        AccessError: ACC-123, no right there.
    """
    with store.read() as connection:
        spread = form_rows.get_form_version(connection, form_id).commune
    is_allowed = may(person, ACT, commune) if commune is not None else may_in_part(person, ACT, spread)
    if person.revoked_at is not None or not is_allowed:
        raise _refused(store, person, form_id, commune or "")
    return frozenset(person.communes) or None


def list_standing(store: Store, person: Person, form_id: str) -> tuple[PreviewRow, list[CommuneStanding]] | None:
    """The latest preview and how those communes stand that the person may see; null if there is no preview.

    Raises:
        AccessError: ACC-123, no right in any commune of the survey.
    """
    with store.read() as connection:
        commune = form_rows.get_form_version(connection, form_id).commune
    if person.revoked_at is not None or not may_in_part(person, ACT, commune):
        raise _refused(store, person, form_id, "")
    row = find_preview(store, form_id)
    if row is None:
        return None
    mine = [cut for cut in row.communes if may(person, ACT, cut)]
    answers = answers_in_force(store, row, mine)
    return row, [CommuneStanding(cut, answers.get(cut)) for cut in mine]


def read_figures(store: Store, person: Person, form_id: str, commune: str) -> tuple[PreviewRow, SafeTable]:
    """What would be published of a commune, of the latest preview; the looking stands in the audit log.

    Raises:
        AccessError: ACC-123, they may not see that commune's. ReleaseError: REL-121, there is no preview of it.
    """
    _require(store, person, form_id, commune)
    row = _reachable(store, form_id, commune)
    with acting(person_actor(person.id)), store.begin() as connection:
        record(connection, "preview.read", "release", row.release_id, note=commune)
    return row, read_preview(_bytes(store, row, commune))


def answer(
    store: Store,
    person: Person,
    form_id: str,
    commune: str,
    said: str,
    reason: str = "",
    *,
    release_id: str | None = None,
    at: datetime | None = None,
) -> None:
    """Confirm a commune's figures, or object to them with a reason. The latest answer counts.

    Args:
        store: where.
        person: of that commune; somebody who is bound to none may answer only for a commune that has nobody.
        form_id: of the survey.
        commune: CUT.
        said: "confirmed" or "objected".
        reason: why; an objection needs one.
        release_id: of the preview that was looked at; null for the latest.
        at: when, null for now.

    Raises:
        AccessError: ACC-123, no right there; ACC-130, the commune has people of its own. ReleaseError: REL-121, there
            is no preview of it; REL-124, no such answer, or an objection without a reason; REL-125, there is a later
            preview than the one that was looked at.
    """
    _require(store, person, form_id, commune)
    row = _reachable(store, form_id, commune)
    if release_id is not None and row.release_id != release_id:
        raise ReleaseError(
            "REL-125",
            "There is a later preview than the one you looked at.",
            "Look at the figures as they are now, and answer again.",
        )
    if said not in ANSWERS:
        raise ReleaseError("REL-124", f"There is no answer {said!r}.", f"It is one of {', '.join(ANSWERS)}.")
    if said == "objected" and not reason.strip():
        raise ReleaseError("REL-124", "An objection needs a reason.", "Say what is wrong, in a sentence.")
    if not person.communes and _has_own(store, commune):
        raise AccessError(
            "ACC-130",
            f"Commune {commune} has people of its own who answer for its figures.",
            "Ask one of them; comunal people list shows who is bound to it.",
        )
    chosen: Answer = "confirmed" if said == "confirmed" else "objected"
    with acting(person_actor(person.id)), store.begin() as connection:
        add_confirmation(
            connection,
            release_id=row.release_id,
            form_id=form_id,
            commune=commune,
            answer=chosen,
            reason=reason.strip()[:1000],
            person=person.name,
            person_id=person.id,
            at=at,
        )


def waiting_communes(store: Store, row: PreviewRow) -> Waiting:
    """How all communes of a preview stand: what a release that asks for approval looks at."""
    answers = answers_in_force(store, row, row.communes)
    return Waiting(
        confirmed={cut: one for cut, one in answers.items() if one.answer == "confirmed"},
        objected=tuple(cut for cut, one in answers.items() if one.answer == "objected"),
        missing=tuple(cut for cut in row.communes if cut not in answers),
    )


def answers_in_force(store: Store, row: PreviewRow, communes: Sequence[str]) -> dict[str, ConfirmationRow]:
    """Commune -> its latest answer about the same figures as this preview's; communes without one are left out."""
    with store.read() as connection:
        said = list_confirmations(connection, row.form_id)
        folders = {one.release_id: one for one in list_previews(connection, row.form_id)}
    latest = {one.commune: one for one in said}
    found = {}
    for cut in communes:
        one = latest.get(cut)
        if one is not None and one.release_id in folders and _is_same(store, row, folders[one.release_id], cut):
            found[cut] = one
    return found


def list_history(store: Store, person: Person, form_id: str, commune: str) -> list[ConfirmationRow]:
    """Everything that a commune answered about this survey, latest first.

    Raises:
        AccessError: ACC-123, they may not see that commune's.
    """
    _require(store, person, form_id, commune)
    with store.read() as connection:
        return list_confirmations(connection, form_id, commune)[::-1]


def _is_same(store: Store, row: PreviewRow, other: PreviewRow, commune: str) -> bool:
    """Whether two previews show a commune the same figures."""
    if row.release_id == other.release_id:
        return True
    files = [store.data / one.folder / f"{commune}.json" for one in (row, other)]
    return all(file.is_file() for file in files) and files[0].read_bytes() == files[1].read_bytes()


def _has_own(store: Store, commune: str) -> bool:
    with store.read() as connection:
        people = list_people(connection)
    return any(one.revoked_at is None and commune in one.communes and may(one, ACT, commune) for one in people)


def _reachable(store: Store, form_id: str, commune: str) -> PreviewRow:
    row = find_preview(store, form_id)
    if row is None or commune not in row.communes:
        raise ReleaseError(
            "REL-121",
            f"There is no preview of the figures of commune {commune}.",
            "Make one: comunal release preview FORM_ID.",
        )
    return row


def _bytes(store: Store, row: PreviewRow, commune: str) -> bytes:
    file = store.data / row.folder / f"{commune}.json"
    if not file.is_file():
        raise ReleaseError("REL-121", f"The preview of commune {commune} isn't in the data folder.", "Make it again.")
    return file.read_bytes()


def _require(store: Store, person: Person, form_id: str, commune: str) -> None:
    with store.read() as connection:
        spread = form_rows.get_form_version(connection, form_id).commune
    if person.revoked_at is None and may(person, ACT, commune or "") and may_in_part(person, ACT, spread):
        return
    raise _refused(store, person, form_id, commune)


def _refused(store: Store, person: Person, form_id: str, commune: str) -> AccessError:
    with store.begin() as connection:
        by = person_actor(person.id)
        record(connection, ACT, "form", form_id, outcome="refused", note=commune, by=by)
    return AccessError(
        "ACC-123", f"A {person.role} may not do that here ({ACT}).", "Ask someone of that commune who may."
    )
