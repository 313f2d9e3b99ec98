"""Registered form versions, read: each once, since a version never changes."""

from __future__ import annotations

from functools import lru_cache

from forms.compile import CompiledForm
from forms.entities import read_entity_plans
from forms.registered import read_registered
from schemas.fields import Field, Form
from store.forms import FormVersionRow, get_form_version, get_form_version_by_id, read_media, read_workbook, read_xform
from store.open import Store


@lru_cache(maxsize=32)
def _read(store: Store, number: int) -> CompiledForm:
    with store.read() as connection:
        row = get_form_version_by_id(connection, number)
        assert row is not None  # noqa: S101  versions are never deleted, and the number came from the store
        xform = read_xform(connection, store.blobs, row)
        book = read_workbook(connection, store.blobs, row)
        media = read_media(connection, store.blobs, row)
    return read_registered(row.form_id, xform, book, media)


def version_row(store: Store, form_id: str, version: str | None = None) -> FormVersionRow:
    """A registered version, the latest for null.

    Raises:
        StoreError: STO-011, there is none.
    """
    with store.read() as connection:
        return get_form_version(connection, form_id, version)


def definition(store: Store, form_id: str, version: str | None = None) -> Form:
    """The fields of a registered version, the latest for null, with what its workbook marks as personal.

    Raises:
        StoreError: STO-011, there is none.
    """
    return _read(store, version_row(store, form_id, version).id).form


def is_read_whole(store: Store, form_id: str, version: str) -> bool:
    """Whether reading the rows is all that ingest does with an interview: no entities, audit log or encryption."""
    compiled = _read(store, version_row(store, form_id, version).id)
    return not (compiled.form.public_key or compiled.form.audit or read_entity_plans(compiled.xform))


def personal_paths(form: Form) -> frozenset[str]:
    """Paths that must not leave: personal questions, and a name of the interview that is made of them."""
    marked = {field.path for field in form.fields() if field.personal}
    return frozenset(marked | {field.path for field in form.fields() if _tells(field, marked)})


def _tells(field: Field, marked: set[str]) -> bool:
    return field.name == "instanceName" and any(path in (field.calculation or "") for path in marked)
