"""Building and registering forms: from a file to an immutable version in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from flows.entities import declare_lists
from flows.keys import with_public_key
from flows.places import data_folder
from forms.compile import CompiledForm, compile_workbook
from forms.lint import check_workbook
from forms.registered import read_registered
from forms.repair import repair_workbook
from forms.sheets import read_workbook, write_xlsx
from forms.spreading import communes_text
from schemas.errors import Problem
from store import forms as form_rows
from store import submissions
from store.open import Store


@dataclass(frozen=True, slots=True)
class BuiltForm:
    """The files that `comunal forms build` wrote."""

    form_id: str
    version: str
    workbook: Path
    xform: Path
    media: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class AddedForm:
    """What became of a registration; `version` is null if errors stopped it."""

    form_id: str
    version: str | None
    title: str
    new: bool
    questions: int
    tables: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class RegisteredForm:
    """One registered version, with the count of its submissions."""

    form_id: str
    version: str
    title: str
    registered_at: datetime
    submissions: int


def build_form(file: Path, out: Path | None, data: Path | None) -> BuiltForm:
    """Compiles a workbook and writes .xlsx, .xml and media.

    Raises:
        FormError: FRM-*, when the workbook can't be compiled.
    """
    workbook = read_workbook(file)
    compiled = compile_workbook(workbook)
    folder = out or data_folder(data) / "build" / compiled.form.form_id
    folder.mkdir(parents=True, exist_ok=True)
    xlsx, xform = folder / f"{compiled.form.form_id}.xlsx", folder / f"{compiled.form.form_id}.xml"
    xlsx.write_bytes(write_xlsx(workbook))
    xform.write_bytes(compiled.xform)
    media = []
    for name, content in compiled.media.items():
        (folder / Path(name).name).write_bytes(content)
        media.append(folder / Path(name).name)
    return BuiltForm(compiled.form.form_id, compiled.form.version, xlsx, xform, tuple(media))


def add_form(store: Store, file: Path, *, repair: bool = False, public_key: str | None = None) -> AddedForm:
    """Registers a version of a form, unless its workbook has errors.

    Args:
        public_key: goes into the settings sheet's `public_key`; phones then encrypt what they send.
    """
    workbook = read_workbook(file)
    if public_key is not None:
        workbook = with_public_key(workbook, public_key)
    mended: list[Problem] = []
    if repair:
        workbook, mended = repair_workbook(workbook)
    problems = (*mended, *check_workbook(workbook))
    if any(problem.severity == "error" for problem in problems):
        return AddedForm(workbook.name, None, workbook.name, False, 0, (), problems)
    compiled = compile_workbook(workbook)
    form = compiled.form
    with store.begin() as connection:
        known = {(row.form_id, row.version) for row in form_rows.list_form_versions(connection, form.form_id)}
        form_rows.add_form_version(
            connection,
            store.blobs,
            form_id=form.form_id,
            version=form.version,
            title=form.title,
            xform=compiled.xform,
            workbook=write_xlsx(workbook),
            media=compiled.media,
            commune=communes_text(compiled.specs),
        )
    declare_lists(store, compiled, datetime.now(UTC))
    asked = sum(1 for field in form.fields() if field.control)
    return AddedForm(
        form.form_id,
        form.version,
        form.title,
        (form.form_id, form.version) not in known,
        asked,
        tuple(table.name for table in form.tables),
        problems,
    )


def list_registered(store: Store) -> list[RegisteredForm]:
    """Every registered version, in the order of registration; submissions are counted by form."""
    with store.read() as connection:
        rows = form_rows.list_form_versions(connection)
        counts = {
            form_id: submissions.count_submissions(connection, form_id).received
            for form_id in {row.form_id for row in rows}
        }
    return [RegisteredForm(row.form_id, row.version, row.title, row.created_at, counts[row.form_id]) for row in rows]


def load_form(store: Store, form_id: str, version: str | None = None) -> CompiledForm:
    """A registered version (the latest if null): the XForm as it was registered, and what its workbook says.

    Raises:
        StoreError: STO-011, when no such form is registered.
    """
    with store.read() as connection:
        row = form_rows.get_form_version(connection, form_id, version)
        xform = form_rows.read_xform(connection, store.blobs, row)
        workbook = form_rows.read_workbook(connection, store.blobs, row)
        media = form_rows.read_media(connection, store.blobs, row)
    return _read_registered(form_id, xform, workbook, tuple(sorted(media.items())))


@lru_cache(maxsize=32)
def _read_registered(
    form_id: str, xform: bytes, workbook: bytes | None, media: tuple[tuple[str, bytes], ...]
) -> CompiledForm:
    return read_registered(form_id, xform, workbook, dict(media))
