"""Cells of an export as the texts that a submission would hold."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from forms.exports.sheets import Cell
from forms.rehearsal.calculation import decimal_text, moment_text
from schemas.fields import Field

_TRUE = frozenset(("1", "1.0", "true", "yes", "sí", "si", "x"))
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answer_text(field: Field, cell: Cell) -> str:
    """A cell as the answer of that field. What doesn't fit its type stays as it is, for the checks to find.

    Moments without a time zone are taken to be UTC, since exports don't say.
    """
    match field.type:
        case "date":
            return _date(cell)
        case "dateTime":
            return _moment(cell)
        case "time":
            return cell.isoformat(timespec="milliseconds") if isinstance(cell, time) else plain_text(cell)
        case "decimal" if isinstance(cell, int | float) and not isinstance(cell, bool):
            return decimal_text(float(cell))
        case _:
            return plain_text(cell)


def plain_text(cell: Cell) -> str:
    """A cell as text: whole numbers without a point, dates in ISO 8601, characters that XML can't hold left out.

    >>> plain_text(15.0), plain_text(True), plain_text(date(2026, 1, 2)), plain_text(None)
    ('15', '1', '2026-01-02', '')
    """
    match cell:
        case None:
            return ""
        case bool():
            return "1" if cell else "0"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        case datetime():
            return moment_text(cell)
        case date() | time():
            return cell.isoformat()
        case _:
            return _ILLEGAL.sub("", str(cell)).strip()


def is_chosen(cell: Cell) -> bool:
    """Whether a cell of a split select says that its choice was taken."""
    return plain_text(cell).lower() in _TRUE


def _date(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    text = plain_text(cell)
    return text[:10] if _MOMENT.fullmatch(text) else text


def _moment(cell: Cell) -> str:
    if isinstance(cell, datetime):
        text = moment_text(cell)
        return text if cell.tzinfo else f"{text}Z"
    if isinstance(cell, date):
        return f"{cell.isoformat()}T00:00:00.000Z"
    text = plain_text(cell)
    if not _MOMENT.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment_text(moment) if moment.tzinfo else f"{moment_text(moment)}Z"
