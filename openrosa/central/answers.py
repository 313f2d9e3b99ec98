"""Refusals in Central's own shape: `{"code": 404.1, "message": ..., "details": ...}`, and values as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from starlette.responses import Response

from schemas.errors import AccessError, ComunalError, ExpressionError, FormError, SubmissionError

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Comunal", charset="UTF-8"'}
"""Excel and Power BI ask for a name and a key only if the server invites them to."""

UNREADABLE = 400.1
MISSING = 400.2
UNEXPECTED = 400.8
FORM_REFUSED = 400.15
WARNINGS = 400.16
SUBMISSION_REFUSED = 400.19
UNAUTHENTICATED = 401.2
FORBIDDEN = 403.1
UNKNOWN = 404.1
NO_METHOD = 405.1
TAKEN = 409.3
CONFLICT = 409.1
CLOSED = 409.2
TOO_LARGE = 413.1
TOO_MANY = 429.1
FAILED = 500.1
NOT_OFFERED = 501.1
UNAVAILABLE = 503.1

NO_RIGHT = "The authenticated actor does not have rights to perform that action."


class Refused(Exception):
    """A request that is refused.

    Args:
        code: Central's: the whole part is the HTTP status.
        message: what was found and what was expected, without any answer of a respondent.
        details: for programs, null if there is nothing to add.
        retry_after: whole seconds after which to try again, null if nothing is gained by waiting.
    """

    def __init__(
        self, code: float, message: str, details: Mapping[str, Any] | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.code)


def iso(at: datetime | None) -> str | None:
    """A time as Central writes it, to the millisecond in UTC.

    >>> iso(datetime(2026, 11, 24, 7, 5, 1, 250999, tzinfo=UTC))
    '2026-11-24T07:05:01.250Z'
    """
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")


def as_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as a JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain, allow_nan=False)
    kind = "application/json; charset=utf-8"
    return Response(body.encode("utf-8", "backslashreplace"), status, HEADERS | dict(headers or {}), media_type=kind)


def as_answer(refused: Refused) -> Response:
    """A refusal as a JSON answer."""
    body: dict[str, object] = {"message": refused.message, "code": refused.code}
    if refused.details is not None:
        body["details"] = refused.details
    headers = dict(CHALLENGE) if refused.code == UNAUTHENTICATED else {}
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    return as_json(body, refused.status, headers)


_CODES: Mapping[str, float] = {
    "STO-010": TAKEN,
    "STO-011": UNKNOWN,
    "STO-013": UNKNOWN,
    "STO-020": UNEXPECTED,
    "STO-021": UNKNOWN,
    "ACC-002": UNEXPECTED,
    "ACC-003": UNKNOWN,
    "ACC-005": UNEXPECTED,
    "ACC-009": UNEXPECTED,
}


def refused_by(error: ComunalError) -> Refused | None:
    """The refusal that an error of a room below stands for; null if the server itself failed."""
    code = _CODES.get(error.code)
    if code is None and isinstance(error, FormError):
        code = FORM_REFUSED
    if code is None and isinstance(error, ExpressionError):
        code = FORM_REFUSED
    if code is None and isinstance(error, SubmissionError):
        code = SUBMISSION_REFUSED
    if code is None and isinstance(error, AccessError):
        code = FORBIDDEN
    if code is None:
        return None
    return Refused(code, f"{error.message} {error.advice}".strip(), {"code": error.code})
