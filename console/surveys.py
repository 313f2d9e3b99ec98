"""The surveys that a person may see, and a survey's form as it was registered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forms.compile import CompiledForm
from forms.followups import followup_id
from forms.registered import read_registered
from schemas.rights import may_in_part
from store import forms as form_rows
from store.open import Store
from store.people import Person


@dataclass(frozen=True, slots=True)
class Survey:
    """A registered form as the desk shows it.

    Attributes:
        commune: CUT that its latest version names, several with spaces between, "" if none (`schemas.rights.may`).
    """

    form_id: str
    title: str
    version: str
    commune: str


def list_surveys(store: Store, person: Person, act: str) -> list[Survey]:
    """The surveys about which a person may do that, at least in part, in order of registration."""
    latest: dict[str, Survey] = {}
    with store.read() as connection:
        rows = form_rows.list_form_versions(connection)
    # What asks again for a survey's interviews is no survey of its own.
    followups = {followup_id(row.form_id) for row in rows}
    for row in rows:
        if row.form_id in followups:
            continue
        latest[row.form_id] = Survey(row.form_id, row.title, row.version, row.commune)
    return [survey for survey in latest.values() if may_in_part(person, act, survey.commune)]


def load_survey(store: Store, form_id: str, version: str | None = None) -> CompiledForm:
    """A registered version of a form, the latest if null.

    Raises:
        StoreError: STO-011, when no such form is registered.
    """
    with store.read() as connection:
        row = form_rows.get_form_version(connection, form_id, version)
    # A version is never rewritten: what was read of it once holds.
    return _load(store, row.id)


@lru_cache(maxsize=32)
def _load(store: Store, number: int) -> CompiledForm:
    with store.read() as connection:
        row = form_rows.get_form_version_by_id(connection, number)
        if row is None:
            raise AssertionError("a registered version stays")
        xform = form_rows.read_xform(connection, store.blobs, row)
        workbook = form_rows.read_workbook(connection, store.blobs, row)
        media = form_rows.read_media(connection, store.blobs, row)
    return read_registered(row.form_id, xform, workbook, media)


def zone_of(compiled: CompiledForm) -> tzinfo:
    """Where the survey's clocks are: `timezone` of its design sheet, else UTC."""
    try:
        return ZoneInfo(compiled.specs.design.settings.get("timezone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
