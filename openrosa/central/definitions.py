"""Registered form versions, read: each once, since a version never changes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from forms.compile import CompiledForm, compile_xform
from forms.fields import read_form
from forms.sheets import read_workbook_bytes
from forms.specs import read_specs
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
    if book is None:
        return compile_xform(xform, media)
    sheets = replace(read_workbook_bytes(f"{row.form_id}.xlsx", book), media=media)
    return CompiledForm(xform, read_form(xform, sheets), read_specs(sheets), media, ())


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


def personal_paths(form: Form) -> frozenset[str]:
    """Paths that must not leave: personal questions, and a name of the interview that is made of them."""
    marked = {field.path for field in form.fields() if field.personal}
    return frozenset(marked | {field.path for field in form.fields() if _tells(field, marked)})


def _tells(field: Field, marked: set[str]) -> bool:
    return field.name == "instanceName" and any(path in (field.calculation or "") for path in marked)
