"""The receiver against a model: whatever comes, in whatever order, is answered and kept as a few lines of Python say.

The model knows nothing of databases: it is a dictionary of what was first, what came later, and what replaces what.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import openrosa_phone as phone
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from schemas.door_tables import conflict_attachments, quarantine_attachments
from schemas.tables import attachments, conflicts, quarantine, submissions
from store.arrivals import derive_instance_id

World = phone.World
EXAMPLES = int(os.environ.get("COMUNAL_MODEL_EXAMPLES", "25"))
INSTANCES = ("uuid:a", "uuid:b", "uuid:c", "uuid:d")
# Some beyond what one request keeps in memory, so that every way of storing is taken.
FILES = {"1": b"one", "2": b"two" * 9, "empty": b"", "large": b"L" * 300_000}


@dataclass(frozen=True)
class Sent:
    """One request: the document, what it is cut to, how it is written, and its files."""

    instance: str | None
    answer: str
    edits: str = ""
    written: str = "plain"
    version: str = "1"
    form: str = phone.FORM
    cut: int | None = None
    files: tuple[tuple[str, str], ...] = ()
    is_incomplete: bool = False

    @property
    def meaning(self) -> bytes:
        """The document as it is plainly written."""
        return phone.submission(self.instance, self.answer, self.version, self.form, self.edits)

    @property
    def xml(self) -> bytes:
        """The bytes that are sent."""
        plain = self.meaning
        xml = {
            "plain": plain,
            "declared": b"<?xml version='1.0' encoding='UTF-8'?>\n" + plain,
            "marked": b"\xef\xbb\xbf" + plain,
            "quoted": plain.replace(b'"', b"'"),
        }[self.written]
        return xml if self.cut is None else xml[: self.cut % len(xml)]


def sent() -> st.SearchStrategy[Sent]:
    """Few interviews, so that they meet each other; most are whole."""
    instances = st.sampled_from(INSTANCES)
    files = st.lists(st.tuples(st.sampled_from(["x.jpg", "y.jpg", "audit.csv"]), st.sampled_from([*FILES])), max_size=3)
    return st.builds(
        Sent,
        instance=st.one_of(instances, instances, instances, st.none()),
        answer=st.sampled_from(["sí", "no"]),
        edits=st.one_of(st.just(""), st.just(""), instances),
        written=st.sampled_from(["plain", "plain", "declared", "marked", "quoted"]),
        version=st.sampled_from(["1", "1", "1", "9"]),
        form=st.sampled_from([phone.FORM] * 9 + ["otra"]),
        cut=st.one_of(st.none(), st.none(), st.none(), st.none(), st.integers(0, 400)),
        files=files.map(lambda found: tuple(dict(found).items())),
        is_incomplete=st.booleans(),
    )


@dataclass
class Interview:
    """What is first, and everything else that came under its id."""

    xml: bytes
    meaning: bytes
    version: str
    deprecated: str | None
    state: str
    files: set[tuple[str, str]] = field(default_factory=set)
    others: dict[bytes, set[tuple[str, str]]] = field(default_factory=dict)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Model:
    """What must be answered and kept."""

    def __init__(self) -> None:
        self.interviews: dict[str, Interview] = {}
        self.refused: set[tuple[str, str]] = set()

    def take(self, request: Sent) -> int:
        """The status of the answer."""
        xml = request.xml
        if request.cut is not None:
            code = "SUB-006" if xml.strip() else "SUB-001"
            if xml.endswith((b"\xc3", b"\xef", b"\xef\xbb")):
                code = "SUB-004"  # in the middle of a character
            if xml != b"" and xml == b"\xef\xbb\xbf":
                code = "SUB-006"
            self.refused.add((digest(xml), code))
            return 400
        if request.form != phone.FORM:
            return 404
        instance = request.instance or derive_instance_id(xml)
        files = {(name, digest(FILES[which])) for name, which in request.files}
        known = self.interviews.get(instance)
        if known is None:
            deprecated = request.edits or None
            is_edit = deprecated is not None and deprecated != instance
            made = Interview(
                xml, request.meaning, request.version, deprecated, "held" if is_edit else "current", set(files)
            )
            self.interviews[instance] = made
            self.settle(instance)
            return 201
        if known.meaning == request.meaning:
            known.files |= files
            return 201
        known.others.setdefault(xml, set()).update(files)
        return 409

    def settle(self, instance: str) -> None:
        """What the arrival of an interview means for those that replace each other."""
        waiting = [instance]
        while waiting:
            one = self.interviews[(name := waiting.pop(0))]
            if one.state == "held":
                original = self.interviews.get(one.deprecated or "")
                if original is None or original.state == "held":
                    continue
                one.state = "fork" if original.state in {"superseded", "fork"} else "current"
                original.state = "superseded"
            waiting += [
                other for other, later in self.interviews.items()
                if later.deprecated == name and later.state == "held" and other != name
            ]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    url = request.getfixturevalue("postgres_module") if request.param == "postgresql" else None
    made = World(tmp_path_factory.mktemp("model") / "data", url=url)
    yield made
    made.close()


def forget(world: World) -> None:
    with world.store.begin() as connection:
        for table in (conflict_attachments, conflicts, attachments, quarantine_attachments, quarantine, submissions):
            connection.execute(delete(table))


def kept(world: World) -> tuple[dict[str, tuple[object, ...]], set[tuple[str, str]]]:
    """What is stored, in the model's words; every content is read and compared with its digest."""
    with world.store.read() as connection:
        interviews: dict[str, tuple[object, ...]] = {}
        digests: set[str] = set()
        for row in connection.execute(select(submissions)).all():
            where = attachments.c.submission_id == row.id
            query = select(attachments.c.name, attachments.c.sha256, attachments.c.is_conflict).where(where)
            files = connection.execute(query.order_by(attachments.c.id)).all()
            seen: set[str] = set()
            for file in files:
                assert file.is_conflict == (file.name in seen)
                seen.add(file.name)
            others = {}
            for other in connection.execute(select(conflicts).where(conflicts.c.submission_id == row.id)):
                where = conflict_attachments.c.conflict_id == other.id
                found = connection.execute(select(conflict_attachments).where(where)).all()
                others[other.sha256] = {(file.name, file.sha256) for file in found}
            named = {(file.name, file.sha256) for file in files}
            interviews[row.instance_id] = (row.sha256, row.version, row.deprecated_id, row.state, named, others)
            digests |= {row.sha256, *(sha for _, sha in named), *others, *(s for o in others.values() for _, s in o)}
        refused = {(row.sha256, row.code) for row in connection.execute(select(quarantine))}
        digests |= {sha256 for sha256, _ in refused}
        contents = world.store.blobs.read_many(connection, sorted(digests))
        assert {digest(content) for content in contents.values()} == digests
    return interviews, refused


def expected(model: Model) -> tuple[dict[str, tuple[object, ...]], set[tuple[str, str]]]:
    found: dict[str, tuple[object, ...]] = {}
    for instance, one in model.interviews.items():
        others = {digest(xml): files for xml, files in one.others.items()}
        found[instance] = (digest(one.xml), one.version, one.deprecated, one.state, one.files, others)
    return found, model.refused


async def send(world: World, request: Sent) -> int:
    files = {name: FILES[which] for name, which in request.files}
    body = phone.parts(request.xml, files, is_incomplete=request.is_incomplete)
    return (await world.request("POST", "/submission", files=body)).status_code


SLOW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SLOW
@given(st.lists(sent(), min_size=1, max_size=14))
def test_whatever_comes_one_after_the_other_is_answered_and_kept_as_the_model_says(
    world: World, requests: list[Sent]
) -> None:
    forget(world)
    model = Model()

    async def send_all() -> list[int]:
        return [await send(world, request) for request in requests]

    assert asyncio.run(send_all()) == [model.take(request) for request in requests]
    assert kept(world) == expected(model)


@SLOW
@given(st.lists(sent(), min_size=2, max_size=8), st.integers(2, 4))
def test_at_one_instant_some_order_of_the_model_holds_for_each_interview(
    world: World, requests: list[Sent], times: int
) -> None:
    forget(world)

    async def send_at_once() -> list[int]:
        return await asyncio.gather(*(send(world, request) for request in requests * times))

    statuses = asyncio.run(send_at_once())
    stored, refused = kept(world)
    # Who was first is the store's to say; everything else follows from it. Edits have orders of their own, so their
    # states are compared in the test above only.
    first = {row[0] for row in stored.values()}
    order = sorted(requests * times, key=lambda request: digest(request.xml) not in first)
    model = Model()
    answers: dict[Sent, set[int]] = {}
    for request in order:
        answers.setdefault(request, set()).add(model.take(request))
    for request, status in zip(requests * times, statuses, strict=True):
        assert answers[request] == {status}
    wanted, refusals = expected(model)
    assert {name: (*row[:3], *row[4:]) for name, row in stored.items()} == {
        name: (*row[:3], *row[4:]) for name, row in wanted.items()
    }
    assert refused == refusals
