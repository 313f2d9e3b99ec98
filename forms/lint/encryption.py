"""Check the public key of the settings sheet: a wrong one would make phones refuse the form, or lock it for nobody."""

from __future__ import annotations

from collections.abc import Iterator

from forms.encryption.keys import read_public_key
from forms.headers import cell
from forms.lint.problems import problem
from forms.outline import Outline
from schemas.errors import FormError, Problem


def check_encryption(outline: Outline) -> Iterator[Problem]:
    """FRM-701, no RSA public key; FRM-702, a weak one."""
    for row in outline.workbook.rows("settings")[:1]:
        if text := cell(row, "public_key"):
            try:
                read_public_key(text)
            except FormError as error:
                yield problem(
                    outline.workbook, "error", error.code, "settings", row, "public_key", error.message, error.advice
                )
