"""Links for answering in a browser: how long each is good, for whom, and what the store can't tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from schemas.door_tables import web_links
from schemas.errors import AccessError
from store.links import (
    CLAIM_LASTS,
    NewLink,
    add_links,
    claim_link,
    count_use,
    get_link,
    list_links,
    release_link,
    revoke_links,
)
from store.open import Store

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.begin() as connection:
        yield connection


def one(connection: Connection, *, is_single: bool = True, expires_at: datetime | None = None) -> NewLink:
    return add_links(connection, "f", 1, is_single=is_single, language="ht", expires_at=expires_at, at=NOW)[0]


def state(connection: Connection, link: NewLink, at: datetime = NOW) -> str:
    found = get_link(connection, link.token)
    assert found is not None
    return found.state(at)


def test_a_token_is_found_as_it_was_copied_in_capitals_too_and_stored_nowhere(connection: Connection) -> None:
    link = one(connection)
    assert get_link(connection, link.token) == get_link(connection, link.token.upper())
    assert get_link(connection, link.token[:-1]) is None
    assert link.token not in str(connection.execute(select(web_links)).all())
    assert link.token not in repr(link)


def test_a_link_for_one_person_is_used_by_one_interview_however_often_that_comes(connection: Connection) -> None:
    link = one(connection)
    assert claim_link(connection, link.token, "uuid:a", NOW)
    assert claim_link(connection, link.token, "uuid:a", NOW)
    assert not claim_link(connection, link.token, "uuid:b", NOW)
    count_use(connection, link.token, NOW)
    assert state(connection, link) == "used"
    assert claim_link(connection, link.token, "uuid:a", NOW)
    assert not claim_link(connection, link.token, "uuid:b", NOW + 2 * CLAIM_LASTS)


def test_an_interview_that_could_not_be_stored_gives_the_link_back(connection: Connection) -> None:
    link = one(connection)
    assert claim_link(connection, link.token, "uuid:a", NOW)
    release_link(connection, link.token, "uuid:other")
    assert not claim_link(connection, link.token, "uuid:b", NOW)
    release_link(connection, link.token, "uuid:a")
    assert claim_link(connection, link.token, "uuid:b", NOW)


def test_an_interview_that_never_ended_holds_the_link_for_minutes_only(connection: Connection) -> None:
    link = one(connection)
    assert claim_link(connection, link.token, "uuid:a", NOW)
    assert claim_link(connection, link.token, "uuid:b", NOW + CLAIM_LASTS + timedelta(seconds=1))


def test_a_stored_interview_is_never_given_back(connection: Connection) -> None:
    link = one(connection)
    claim_link(connection, link.token, "uuid:a", NOW)
    count_use(connection, link.token, NOW)
    release_link(connection, link.token, "uuid:a")
    assert state(connection, link) == "used"
    assert not claim_link(connection, link.token, "uuid:b", NOW)


def test_an_open_link_counts_and_stays_open(connection: Connection) -> None:
    link = one(connection, is_single=False)
    for _ in range(3):
        count_use(connection, link.token, NOW)
    found = list_links(connection, "f")[0]
    assert (found.received, found.used_on, found.state(NOW)) == (3, NOW.date(), "open")
    assert list_links(connection, "g") == []


def test_links_end_on_their_day_and_when_they_are_revoked(connection: Connection) -> None:
    link = one(connection, expires_at=NOW + timedelta(days=1))
    assert state(connection, link) == "open"
    assert state(connection, link, NOW + timedelta(days=1)) == "expired"
    found = get_link(connection, link.token)
    assert found is not None
    revoke_links(connection, [found.id], NOW)
    assert state(connection, link) == "revoked"


def test_the_store_alone_cannot_tell_which_link_gave_which_interview(connection: Connection) -> None:
    link = one(connection)
    claim_link(connection, link.token, "uuid:a", NOW)
    count_use(connection, link.token, NOW)
    claim_link(connection, link.token, "uuid:a", NOW)
    row = connection.execute(select(web_links)).one()
    assert "uuid:a" not in str(row)
    assert row.claimed_at is None  # the day of use is kept, the moment isn't: it would tell by the time of arrival


def test_links_that_make_no_sense_are_refused(connection: Connection) -> None:
    for count, language, end in ((0, "es", None), (1, "fr", None), (1, "es", NOW)):
        with pytest.raises(AccessError) as error:
            add_links(connection, "f", count, is_single=True, language=language, expires_at=end, at=NOW)
        assert error.value.code == "ACC-021"
    known = one(connection)
    with pytest.raises(AccessError) as unknown:
        revoke_links(connection, [known.id, 999])
    assert unknown.value.code == "ACC-022"
    assert state(connection, known) == "open"
