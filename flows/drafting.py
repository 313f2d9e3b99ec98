"""From a workbook to the draft of its form."""

from __future__ import annotations

from pathlib import Path

from forms.compile import compile_workbook
from forms.sheets import read_workbook, write_xlsx
from store.drafts import FormDraft, put_draft
from store.open import Store


def put_workbook(store: Store, file: Path, person_id: int) -> FormDraft:
    """Make a workbook the draft of its form.

    Raises:
        FormError: FRM-*, when the workbook can't be compiled.
    """
    workbook = read_workbook(file)
    compiled = compile_workbook(workbook)
    with store.begin() as connection:
        return put_draft(
            connection,
            store.blobs,
            form_id=compiled.form.form_id,
            version=compiled.form.version,
            title=compiled.form.title,
            xform=compiled.xform,
            workbook=write_xlsx(workbook),
            media=compiled.media,
            person_id=person_id,
        )
