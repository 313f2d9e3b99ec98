"""What happens to submissions that arrive: many at once, in one transaction, each with its own outcome.

same instance, same bytes (or the same after C14N)  duplicate: nothing changes but new attachments
same instance, other bytes                          conflict: bytes and files are kept beside the first ones
unknown form                                        unknown_form: nothing is stored
closed form                                         closed_form: nothing is stored
of a person whose key was revoked                   revoked: nothing is stored
anything else                                       added; held out of the tables while its version is unknown
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from lxml import etree
from sqlalchemy import Connection, select

from schemas.door_tables import conflict_attachments, quarantine_attachments
from schemas.tables import attachments, conflicts, quarantine, submissions
from store.arrival_queries import Key, Known, add_rows, look_up, stored_among
from store.blobs import Blobs, Content
from store.edits import first_state, settle_edits
from store.inserts import keyed_insert

Status = Literal["added", "duplicate", "conflict", "unknown_form", "closed_form", "revoked"]


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A file that came with a submission; `content` is from `Blobs.hold` or a `ContentWriter`."""

    name: str
    content: Content
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """A submission whose envelope was read.

    Attributes:
        instance_id: from the XML, or `derive_instance_id` of it.
        xml: exactly the bytes received.
        content: the same as a content; null makes one (give it for XML above 256 KiB, to keep the transaction short).
        deprecated_id: instance id of the submission that it replaces, null if none.
        person_id: whose key it came with.
    """

    form_id: str
    version: str
    instance_id: str
    xml: bytes = field(repr=False)
    received_at: datetime
    deprecated_id: str | None = None
    client: str = "unknown"
    person_id: int | None = None
    attachments: tuple[NewAttachment, ...] = ()
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that came as a submission and are none; `code` and `reason` tell why, without repeating them."""

    content: Content
    code: str
    reason: str
    received_at: datetime
    client: str = "unknown"
    person_id: int | None = None
    attachments: tuple[NewAttachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission.

    Attributes:
        submission_id: null if nothing is stored of it.
        version_known: whether its form version is registered; if not it waits.
        new_attachments: how many of its files weren't stored before.
    """

    status: Status
    instance_id: str
    submission_id: int | None = None
    version_known: bool = True
    new_attachments: int = 0


def derive_instance_id(xml: bytes) -> str:
    """The instance id of a submission that has none: always the same for the same bytes."""
    return f"uuid:{uuid.UUID(bytes=hashlib.sha256(xml).digest()[:16], version=5)}"


MOST_COMPARED = 1024 * 1024
MOST_NAMESPACES = 200
MOST_ATTRIBUTES = 2000
"""Documents with more than these are the same only byte for byte: canonicalisation takes a time that grows with their
square, and every other phone would wait for it."""


def is_same_xml(one: bytes, other: bytes) -> bool:
    """Whether two well-formed documents are equal after XML canonicalisation; large or odd ones byte for byte."""
    if one == other:
        return True
    if _is_odd(one) or _is_odd(other):
        return False
    try:
        return _canonical(one) == _canonical(other)
    except (etree.LxmlError, ValueError):
        return False


def _is_odd(xml: bytes) -> bool:
    is_long = len(xml) > MOST_COMPARED
    return is_long or xml.count(b"xmlns") > MOST_NAMESPACES or xml.count(b"=") > MOST_ATTRIBUTES


def _canonical(xml: bytes) -> bytes:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    return bytes(etree.tostring(etree.fromstring(xml, parser), method="c14n2", with_comments=False))


def add_submissions(connection: Connection, blobs: Blobs, items: Sequence[NewSubmission]) -> list[Outcome]:
    """Store submissions, at most some hundreds a call; an outcome each, in the same order.

    Args:
        connection: of `Store.begin()`; what it adds is durable when that ends.
        blobs: of the store.
        items: in order of arrival.
    """
    if not items:
        return []
    keys = {(item.form_id, item.instance_id) for item in items}
    before = look_up(connection, keys, {item.person_id for item in items if item.person_id is not None})
    outcomes: dict[int, Outcome] = {}
    welcome: list[tuple[int, NewSubmission, Content]] = []
    for index, item in enumerate(items):
        known = before.versions.get(item.form_id)
        if item.person_id in before.revoked:
            outcomes[index] = Outcome("revoked", item.instance_id)
        elif not known:
            outcomes[index] = Outcome("unknown_form", item.instance_id)
        elif known.get(item.version, "open") == "closed" or set(known.values()) == {"closed"}:
            outcomes[index] = Outcome("closed_form", item.instance_id)
        else:
            welcome.append((index, item, item.content or blobs.hold(item.xml)))
    stored, added = _insert(connection, blobs, welcome, before)
    for index, item, content in welcome:
        submission_id, sha256 = stored[item.form_id, item.instance_id]
        is_first = added.pop((item.form_id, item.instance_id), None) is not None
        status: Status = "added" if is_first else "duplicate"
        if not is_first and sha256 != content.sha256 and not is_same_xml(blobs.read(connection, sha256), item.xml):
            status = "conflict"
            _keep_conflict(connection, blobs, submission_id, item, content)
        outcomes[index] = Outcome(
            status, item.instance_id, submission_id, item.version in before.versions[item.form_id]
        )
    files = [(index, item) for index, item, _ in welcome if item.attachments and outcomes[index].status != "conflict"]
    for index, item in files:
        count = add_files(
            connection, blobs, stored[item.form_id, item.instance_id][0], item.attachments, item.received_at
        )
        if count:
            _read_again(connection, outcomes[index])
        outcomes[index] = replace(outcomes[index], new_attachments=count)
    return [outcomes[index] for index in range(len(items))]


def _insert(
    connection: Connection, blobs: Blobs, items: Sequence[tuple[int, NewSubmission, Content]], known: Known
) -> tuple[dict[Key, tuple[int, str]], dict[Key, int]]:
    """Insert those that aren't stored yet; every key's row afterwards, and the keys that this call added."""
    stored = dict(known.stored)
    fresh: dict[Key, tuple[NewSubmission, Content]] = {}
    for _, item, content in items:
        key = (item.form_id, item.instance_id)
        if key not in stored and key not in fresh:
            fresh[key] = (item, content)
    if not fresh:
        return stored, {}
    times = [item.received_at for item, _ in fresh.values()]
    blobs.put(connection, [content for _, content in fresh.values()], max(times))
    added = add_rows(connection, [_row(item, content) for item, content in fresh.values()])
    # Another process may have been faster with the rest.
    stored |= {key: (number, fresh[key][1].sha256) for key, number in added.items()}
    stored |= stored_among(connection, set(fresh) - set(added))
    keys = [key for key in fresh if key in added]
    is_edit = any(first_state(key[1], fresh[key][0].deprecated_id) != "current" for key in keys)
    if keys and (is_edit or known.is_awaited):
        settle_edits(connection, keys)
    return stored, added


def _row(item: NewSubmission, content: Content) -> tuple[object, ...]:
    """The values of `store.arrival_queries.COLUMNS`."""
    return (
        item.form_id,
        item.version,
        item.instance_id,
        item.deprecated_id,
        content.sha256,
        item.received_at,
        item.client,
        item.person_id,
        first_state(item.instance_id, item.deprecated_id),
    )


def _keep_conflict(
    connection: Connection, blobs: Blobs, submission_id: int, item: NewSubmission, content: Content
) -> None:
    """Keep the other bytes, and the files that came with them, beside the stored submission."""
    blobs.put(connection, [content, *(file.content for file in item.attachments)], item.received_at)
    row = {"submission_id": submission_id, "sha256": content.sha256, "received_at": item.received_at}
    row |= {"client": item.client, "person_id": item.person_id}
    connection.execute(keyed_insert(connection, conflicts).on_conflict_do_nothing(), row)
    if item.attachments:
        where = (conflicts.c.submission_id == submission_id, conflicts.c.sha256 == content.sha256)
        number = connection.scalars(select(conflicts.c.id).where(*where)).one()
        files = [{"conflict_id": number} | row for row in _file_rows(item.attachments, item.received_at)]
        connection.execute(keyed_insert(connection, conflict_attachments).on_conflict_do_nothing(), files)


def add_files(
    connection: Connection, blobs: Blobs, submission_id: int, files: Sequence[NewAttachment], at: datetime
) -> int:
    """Store files of a submission; a second content under a name is kept too, and marked. How many are new."""
    known: dict[str, set[str]] = {}
    query = select(attachments.c.name, attachments.c.sha256).where(attachments.c.submission_id == submission_id)
    for name, sha256 in connection.execute(query):
        known.setdefault(name, set()).add(sha256)
    rows: list[dict[str, object]] = []
    contents: list[Content] = []
    for file in files:
        digests = known.setdefault(file.name, set())
        if file.content.sha256 in digests:
            continue
        rows.append(
            {
                "submission_id": submission_id,
                "name": file.name,
                "sha256": file.content.sha256,
                "content_type": file.content_type,
                "is_conflict": bool(digests),
                "received_at": at,
            }
        )
        contents.append(file.content)
        digests.add(file.content.sha256)
    if rows:
        blobs.put(connection, contents, at)
        connection.execute(keyed_insert(connection, attachments).on_conflict_do_nothing(), rows)
    return len(rows)


def _read_again(connection: Connection, outcome: Outcome) -> None:
    """Let ingest read the submission anew: what it found missing may be there now. Its rows stay until then."""
    if outcome.status == "duplicate":
        where = submissions.c.id == outcome.submission_id
        connection.execute(submissions.update().where(where).values(parsed_at=None))


def add_malformed(connection: Connection, blobs: Blobs, items: Sequence[Malformed]) -> None:
    """Keep bytes that are no submission, with the reason and their files; the same again changes nothing."""
    if not items:
        return
    contents = [content for item in items for content in (item.content, *(file.content for file in item.attachments))]
    blobs.put(connection, contents, items[0].received_at)
    connection.execute(
        keyed_insert(connection, quarantine).on_conflict_do_nothing(),
        [
            {
                "sha256": item.content.sha256,
                "code": item.code,
                "reason": item.reason,
                "received_at": item.received_at,
                "client": item.client,
                "person_id": item.person_id,
            }
            for item in items
        ],
    )
    for item in items:
        if item.attachments:
            where = (quarantine.c.sha256 == item.content.sha256, quarantine.c.code == item.code)
            owner = {"quarantine_id": connection.scalars(select(quarantine.c.id).where(*where)).one()}
            rows = [owner | row for row in _file_rows(item.attachments, item.received_at)]
            connection.execute(keyed_insert(connection, quarantine_attachments).on_conflict_do_nothing(), rows)


def _file_rows(files: Sequence[NewAttachment], at: datetime) -> list[dict[str, object]]:
    return [
        {"name": file.name, "sha256": file.content.sha256, "content_type": file.content_type, "received_at": at}
        for file in files
    ]
