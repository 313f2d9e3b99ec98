"""One tree of errors, each with a stable code; and `Problem`, the shape of a defect that is a result.

    ComunalError            exit 1, HTTP 500
    ├── FormError           FRM-*   exit 3, HTTP 400   a workbook or XForm can't be used
    ├── ExpressionError     EXP-*   exit 3, HTTP 400   an expression can't be read or evaluated
    ├── SubmissionError     SUB-*   exit 4, HTTP 400   bytes that are no submission of this form
    ├── AccessError         ACC-*   exit 5, HTTP 403   unknown key, or a right that is missing
    ├── StoreError          STO-*   exit 6, HTTP 503   database or disk refused
    ├── EstimationError     EST-*   exit 7, HTTP 500   a figure can't be estimated as asked
    ├── ReleaseError        REL-*   exit 8, HTTP 500   a release can't be made or is unsafe
    ├── DecisionError       DEC-*   exit 9, HTTP 409   a decision about a record that can't be taken
    └── CommandError        CMD-*   exit 2, HTTP 500   settings, ports, missing programs

A code is never used again for another meaning. A broken record is never an error: it is a `Finding`; a broken
workbook is a list of `Problem`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


class ComunalError(Exception):
    """What was wrong, where, what was expected, and what to do about it.

    Args:
        code: stable code, `AAA-000`.
        message: where and what was found, in one sentence, without any answer of a respondent.
        advice: what the reader can do now, in one sentence.
    """

    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.code} {self.message}" + (f" {self.advice}" if self.advice else "")


class FormError(ComunalError):
    """A workbook or XForm that can't be used (FRM-*)."""

    exit_status = 3
    http_status = 400


class ExpressionError(ComunalError):
    """An expression that can't be read or evaluated (EXP-*).

    Args:
        position: offset of the offending character in the expression's text, from 0.
    """

    exit_status = 3
    http_status = 400

    def __init__(self, code: str, message: str, advice: str = "", position: int = 0) -> None:
        super().__init__(code, message, advice)
        self.position = position


class SubmissionError(ComunalError):
    """Bytes that are no submission of this form (SUB-*)."""

    exit_status = 4
    http_status = 400


class AccessError(ComunalError):
    """An unknown key, or a right that the caller lacks (ACC-*)."""

    exit_status = 5
    http_status = 403


class StoreError(ComunalError):
    """The database or the disk refused (STO-*)."""

    exit_status = 6
    http_status = 503


class EstimationError(ComunalError):
    """A figure that can't be estimated as asked (EST-*)."""

    exit_status = 7


class ReleaseError(ComunalError):
    """A release that can't be made, or would be unsafe (REL-*)."""

    exit_status = 8


class DecisionError(ComunalError):
    """A decision about a record that can't be taken as asked (DEC-*)."""

    exit_status = 9
    http_status = 409


class CommandError(ComunalError):
    """A setting, port or program that a command needs and hasn't (CMD-*)."""

    exit_status = 2


ProblemSeverity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One defect of a workbook, located for the person who will mend it.

    Attributes:
        severity: "error" stops registration; "warning" and "info" don't.
        code: stable code, `FRM-000` or `EXP-000`.
        sheet: name of the sheet, "" where the file as a whole is meant.
        row: spreadsheet row from 1 (the header is row 1), null where none is meant.
        column: header of the column, "" where none is meant.
        message: what was found and what was expected.
        advice: what to do.
        file: the text sheet's file, where the workbook is a folder; else the workbook's file name.
    """

    severity: ProblemSeverity
    code: str
    sheet: str
    row: int | None
    column: str
    message: str
    advice: str
    file: str = ""
