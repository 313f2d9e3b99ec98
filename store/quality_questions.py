"""What reviewers ask about a data-quality report: each question is a task until it is closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from schemas.errors import StoreError
from schemas.quality_tables import report_questions
from store.audit import record
from store.quality_reports import get_report


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One question.

    Attributes:
        figure: anchor within the report that it is about, "" for the whole of it.
        state: open, answered, closed.
        asked_by, answered_by: numbers of people.
    """

    id: int
    report_id: str
    figure: str
    question: str
    state: str
    asked_by: int
    asked_at: datetime
    answer: str = ""
    answered_by: int | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None


_COLUMNS = tuple(report_questions.c[name] for name in QuestionRow.__slots__)


def add_question(
    connection: Connection, report_id: str, figure: str, question: str, asked_by: int, at: datetime | None = None
) -> QuestionRow:
    """Ask about a report, or about one figure of it.

    Raises:
        StoreError: STO-090, there is no such report; STO-094, nothing is asked.
    """
    get_report(connection, report_id)
    values: dict[str, Any] = {"report_id": report_id, "figure": figure.strip(), "question": _words(question)}
    values |= {"state": "open", "asked_by": asked_by, "asked_at": at or datetime.now(UTC)}
    number = connection.execute(insert(report_questions).values(**values).returning(report_questions.c.id))
    row = QuestionRow(id=number.scalar_one(), **values)
    record(connection, "report.ask", "report", report_id, note=f"question {row.id} {row.figure}".strip(), at=at)
    return row


def answer_question(
    connection: Connection, question_id: int, answer: str, answered_by: int, at: datetime | None = None
) -> QuestionRow:
    """Answer a question; whoever asked closes it, or asks again. An answer may be given anew until then.

    Raises:
        StoreError: STO-093, there is no such question, or it is closed; STO-094, an empty answer.
    """
    _unclosed(connection, question_id)
    values = {"state": "answered", "answer": _words(answer), "answered_by": answered_by}
    return _change(connection, question_id, "report.answer", at, **values, answered_at=at or datetime.now(UTC))


def close_question(connection: Connection, question_id: int, at: datetime | None = None) -> QuestionRow:
    """Be content with an answer, or let the question go.

    Raises:
        StoreError: STO-093, there is no such question, or it is closed.
    """
    _unclosed(connection, question_id)
    return _change(connection, question_id, "report.close", at, state="closed", closed_at=at or datetime.now(UTC))


def get_question(connection: Connection, question_id: int) -> QuestionRow:
    """One question.

    Raises:
        StoreError: STO-093, there is no such question.
    """
    row = connection.execute(select(*_COLUMNS).where(report_questions.c.id == question_id)).first()
    if row is None:
        raise StoreError("STO-093", f"There is no question {question_id}.", "List the report's questions first.")
    return QuestionRow(**row._mapping)


def list_questions(
    connection: Connection, *, report_id: str | None = None, state: str | None = None
) -> list[QuestionRow]:
    """Questions, oldest first: of one report or of all, in one state or in any."""
    query = select(*_COLUMNS).order_by(report_questions.c.id)
    if report_id is not None:
        query = query.where(report_questions.c.report_id == report_id)
    if state is not None:
        query = query.where(report_questions.c.state == state)
    return [QuestionRow(**row._mapping) for row in connection.execute(query)]


def _words(text: str) -> str:
    if not text.strip():
        raise StoreError("STO-094", "A question or answer without a word.", "Write what is asked or answered.")
    return text.strip()


def _unclosed(connection: Connection, question_id: int) -> None:
    if get_question(connection, question_id).state == "closed":
        raise StoreError("STO-093", f"The question {question_id} is closed.", "Ask another one.")


def _change(
    connection: Connection,
    question_id: int,
    act: str,
    at: datetime | None,
    **values: Any,  # noqa: ANN401  # columns of the table
) -> QuestionRow:
    connection.execute(update(report_questions).where(report_questions.c.id == question_id).values(**values))
    row = get_question(connection, question_id)
    record(connection, act, "report", row.report_id, note=f"question {question_id}", at=at)
    return row
