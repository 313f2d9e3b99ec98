"""A registered version of a form, read again from the bytes that were kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from forms.compile import CompiledForm, compile_xform
from forms.fields import read_form
from forms.sheets import read_workbook_bytes
from forms.specs import read_specs


def read_registered(form_id: str, xform: bytes, workbook: bytes | None, media: Mapping[str, bytes]) -> CompiledForm:
    """The form as it was registered.

    The XForm is the registered one, never compiled anew: a newer pyxform may write another, and every submission is
    judged by the form that the phone showed.

    Args:
        workbook: the compiled .xlsx, null for a form that was registered as an XForm.
    """
    if workbook is None:
        return compile_xform(xform, dict(media))
    sheets = replace(read_workbook_bytes(f"{form_id}.xlsx", workbook), media=dict(media))
    return CompiledForm(xform, read_form(xform, sheets), read_specs(sheets), dict(media), ())
