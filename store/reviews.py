"""What reviewers say about interviews: review states and comments, by the instance id as first sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select

from schemas.central_tables import REVIEW_STATES, comments, reviews
from schemas.errors import StoreError
from schemas.tables import people
from store.audit import record


@dataclass(frozen=True, slots=True)
class Review:
    """The latest review state of an interview."""

    instance_id: str
    state: str
    person_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """One remark. Its repr hides the words: people write names into remarks."""

    id: int
    person_id: int
    person: str
    at: datetime
    body: str = field(repr=False)


def add_review(
    connection: Connection, form_id: str, instance_id: str, state: str, person_id: int, at: datetime | None = None
) -> None:
    """Set the review state of an interview; the earlier ones stay in the log.

    Raises:
        StoreError: STO-020, no such state.
    """
    if state not in REVIEW_STATES:
        message = f"A review state is one of {', '.join(REVIEW_STATES)}."
        raise StoreError("STO-020", message, "Choose one of them.")
    row = {"form_id": form_id, "instance_id": instance_id, "state": state, "person_id": person_id}
    connection.execute(insert(reviews).values(**row, at=at or datetime.now(UTC)))
    record(connection, "review", "interview", instance_id, note=f"form {form_id}: {state}", at=at)


def list_reviews(
    connection: Connection, form_id: str, instance_ids: Collection[str] | None = None
) -> dict[str, Review]:
    """Instance id as first sent -> its latest review, of these interviews or of all; those without one are absent."""
    latest = select(func.max(reviews.c.id)).where(reviews.c.form_id == form_id).group_by(reviews.c.instance_id)
    if instance_ids is not None:
        latest = latest.where(reviews.c.instance_id.in_(instance_ids))
    query = select(reviews.c.instance_id, reviews.c.state, reviews.c.person_id, reviews.c.at)
    found = (Review(*row) for row in connection.execute(query.where(reviews.c.id.in_(latest)).order_by(reviews.c.id)))
    return {review.instance_id: review for review in found}


def list_review_log(connection: Connection, form_id: str, instance_id: str) -> list[Review]:
    """Every review state that an interview was given, latest first."""
    query = select(reviews.c.instance_id, reviews.c.state, reviews.c.person_id, reviews.c.at)
    query = query.where(reviews.c.form_id == form_id, reviews.c.instance_id == instance_id)
    return [Review(*row) for row in connection.execute(query.order_by(reviews.c.id.desc()))]


def add_comment(
    connection: Connection, form_id: str, instance_id: str, body: str, person_id: int, at: datetime | None = None
) -> Comment:
    """Remark on an interview."""
    at = at or datetime.now(UTC)
    row = {"form_id": form_id, "instance_id": instance_id, "body": body, "person_id": person_id, "at": at}
    number = connection.execute(insert(comments).values(**row).returning(comments.c.id)).scalar_one()
    name = connection.scalar(select(people.c.name).where(people.c.id == person_id)) or ""
    record(connection, "comment", "interview", instance_id, note=f"form {form_id}", at=at)
    return Comment(number, person_id, name, at, body)


def list_comments(connection: Connection, form_id: str, instance_id: str) -> list[Comment]:
    """The remarks on an interview, latest first."""
    columns = (comments.c.id, comments.c.person_id, people.c.name, comments.c.at, comments.c.body)
    query = select(*columns).select_from(comments.join(people))
    query = query.where(comments.c.form_id == form_id, comments.c.instance_id == instance_id)
    return [Comment(*row) for row in connection.execute(query.order_by(comments.c.id.desc()))]
