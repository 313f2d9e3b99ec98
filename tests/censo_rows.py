"""A small census form, submissions of it, and what reading them found."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from typing import Any

from forms.compile import compile_workbook
from forms.rows import read_rows
from forms.sheets import workbook_from_markdown
from schemas.fields import Form
from schemas.findings import Finding
from schemas.submissions import ParsedBatch, RawSubmission

FORM = """
| settings |
| | form_id | version |
| | censo | 1 |
| survey |
| | type | name | label | personal |
| | start | start | | |
| | text | head | Nombre | name |
| | integer | age | Edad | |
| | decimal | income | Ingreso | |
| | date | born | Nacimiento | |
| | time | hour | Hora | |
| | dateTime | when | Cuándo | |
| | select_one yn | works | Trabaja | |
| | select_multiple yn | needs | Necesita | |
| | geopoint | place | Lugar | |
| | geopoint | home | Casa | position |
| | image | photo | Foto | |
| | begin_group | g | G | |
| | text | note | Nota | |
| | end_group | | | |
| | begin_repeat | household | Hogar | |
| | text | street | Calle | address |
| | begin_repeat | person | Persona | |
| | integer | years | Años | |
| | text | phone | Teléfono | phone |
| | end_repeat | | | |
| | end_repeat | | | |
| choices |
| | list_name | name | label |
| | yn | 1 | Sí |
| | yn | 0 | No |
"""
KEY = b"key of a test"
RECEIVED = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)


def compile_form() -> Form:
    return compile_workbook(workbook_from_markdown(FORM)).form


def raw(
    body: str, number: int = 1, attributes: str = 'id="censo" version="1"', meta: str | None = None
) -> RawSubmission:
    name = f"uuid:{number}"
    meta = f"<meta><instanceID>{name}</instanceID></meta>" if meta is None else meta
    xml = f"<data {attributes}>{body}{meta}</data>".encode()
    digest = hashlib.sha256(xml).hexdigest()
    return RawSubmission(number, "censo", "1", name, RECEIVED, xml, digest, "collect", ("a.jpg",))


def read(form: Form, *batch: RawSubmission) -> ParsedBatch:
    return read_rows(form, batch, KEY)


def rules(parsed: ParsedBatch) -> list[tuple[str, str, str]]:
    return [(found.rule_id, found.severity, found.row_id) for found in parsed.findings]


def only(parsed: ParsedBatch) -> Finding:
    (found,) = parsed.findings
    return found


def first(parsed: ParsedBatch, table: str = "main") -> Mapping[str, Any]:
    return parsed.tables[table].row(0, named=True)
