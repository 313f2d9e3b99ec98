"""Work at the desk without a script: the queue, deciding, undoing, releases, people; every text in three languages."""

from __future__ import annotations

import csv
import re
import shutil
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from decided_survey import FORM, add_people, make_survey
from desk_visitors import Visitor, serve, visit

import console
from console.differences import compare_releases
from console.pages.places import read_cursor
from schemas.findings import Finding
from schemas.text import LANGUAGES
from store.findings import list_findings, put_findings
from store.open import Store, open_store
from store.people import Person, add_person, list_people
from store.releases import add_release, get_release

ROOM = Path(console.__file__).parent
CHILD = f"/s/{FORM}/interviews/uuid:child"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    with open_store(folder / "data") as store:
        make_survey(store, folder)
        add_people(store)
    return folder / "data"


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(template, tmp_path / "data")
    with open_store(tmp_path / "data") as store:
        yield store


@pytest.fixture
def people(store: Store) -> dict[str, Person]:
    with store.read() as connection:
        return {person.name.lower(): person for person in list_people(connection)}


@pytest.fixture
def visitors(store: Store, people: dict[str, Person]) -> dict[str, Visitor]:
    app = serve(store)
    return {name: visit(app, store, person) for name, person in people.items()}


def open_rules(store: Store, instance: str = "uuid:child") -> set[str]:
    with store.read() as connection:
        return {row.rule_id for row in list_findings(connection, FORM) if row.instance_id == instance}


def number_of(page: str, rule: str = "Adults don't match") -> str:
    """Number of the finding whose article has that sentence."""
    articles = re.findall(r'<article class="finding \w+" id="finding-(\d+)".*?</article>', page, re.DOTALL)
    found = [one for one in articles if rule in page.split(f'id="finding-{one}"')[1].split("</article>")[0]]
    assert len(found) == 1
    return found[0]


def test_a_correction_is_looked_at_confirmed_undone_and_made_again(store: Store, visitors: dict[str, Visitor]) -> None:
    ana = visitors["ana"]
    finding = number_of(ana.get(CHILD)[1])
    fields = {"action": "correct", "finding": finding, "value::told": "3", "reason": "asked again"}
    status, page = ana.post(f"{CHILD}/decide", **fields)
    assert status == 200
    assert "No finding closes." in page, "two adults are counted, and three told: that is still wrong"
    fields |= {"value::told": "2"}
    status, page = ana.post(f"{CHILD}/decide", **fields)
    assert "1 finding closes:" in page
    assert open_rules(store) >= {"check:adults_told"}, "looking changes nothing"
    status, address = ana.post(f"{CHILD}/decide", **fields, confirm="yes")
    assert (status, address.endswith("done=correct")) == (303, True)
    assert "check:adults_told" not in open_rules(store)
    page = ana.get(CHILD)[1]
    assert "<del>1</del> → <ins>2</ins>" in page
    decision = re.search(r'name="decision" value="(\d+)"', page)
    assert decision is not None
    assert ana.post(f"{CHILD}/undo", decision=decision[1], reason="it was the other")[0] == 303
    assert "check:adults_told" in open_rules(store)
    assert visitors["rosa"].post(f"{CHILD}/undo", decision=decision[1], reason="mine")[0] == 403


def test_a_value_that_the_question_does_not_take_is_told_and_nothing_is_written(
    store: Store, visitors: dict[str, Visitor]
) -> None:
    ana = visitors["ana"]
    finding = number_of(ana.get(CHILD)[1])
    wish = {"action": "correct", "finding": finding, "reason": "asked again", "confirm": "yes"}
    status, page = ana.post(f"{CHILD}/decide", **wish, **{"value::told": "many"})
    assert status == 409
    assert "isn't of the question's type" in page
    status, page = ana.post(f"{CHILD}/decide", **wish, **{"value::told": "1"})
    assert "No answer was changed" in page
    assert "check:adults_told" in open_rules(store)


def test_all_findings_of_a_rule_are_decided_at_once_after_a_look(store: Store, visitors: dict[str, Visitor]) -> None:
    ana, address = visitors["ana"], f"/s/{FORM}/bulk?rule=check:adults_told"
    assert "Accept all" in ana.get(address)[1]
    assert "Accept all" not in visitors["saul"].get(address)[1]
    page = ana.post(address, action="accept", reason="told so at the door")[1]
    assert "1 finding would be decided." in page
    assert ana.get(f"/s/{FORM}/findings?rule=check:adults_told")[1].count(">accepted<") == 0
    assert "1 finding was decided." in ana.post(address, action="accept", reason="told so", confirm="yes")[1]
    assert ana.get(f"/s/{FORM}/findings?rule=check:adults_told&state=accepted")[1].count(">accepted<") == 1
    assert "0 findings" in ana.get(f"/s/{FORM}/findings?rule=check:adults_told")[1], "what was accepted isn't open any more"
    assert visitors["saul"].post(address, action="accept", reason="why not", confirm="yes")[0] == 403
    assert ana.post(address, action="correct", reason="odd")[0] == 409


def test_an_exclusion_waits_for_another_person(store: Store, visitors: dict[str, Visitor]) -> None:
    ana, luis = visitors["ana"], visitors["luis"]
    assert ana.post(f"{CHILD}/decide", action="exclude", reason="made up")[1].endswith("done=pending")
    page = luis.get(CHILD)[1]
    assert "waits for another person" in page
    decision = re.search(r'name="decision" value="(\d+)"', page)
    assert decision is not None
    status, page = ana.post(f"{CHILD}/second", decision=decision[1])
    assert status == 409
    assert "Whoever asks for an exclusion doesn't confirm it" in page
    assert luis.post(f"{CHILD}/second", decision=decision[1])[0] == 303
    assert "excluded" in luis.get(CHILD)[1]


def test_what_a_role_may_not_do_is_not_offered(visitors: dict[str, Visitor]) -> None:
    offered = {name: visitors[name].get(CHILD)[1] for name in ("ana", "saul", "rosa")}
    assert {name: 'data-key="c"' in page for name, page in offered.items()} == {
        "ana": True,
        "saul": False,
        "rosa": False,
    }
    assert {name: 'data-key="s"' in page for name, page in offered.items()} == {
        "ana": True,
        "saul": True,
        "rosa": False,
    }
    assert {name: 'data-key="x"' in page for name, page in offered.items()} == {
        "ana": True,
        "saul": False,
        "rosa": True,
    }


def test_the_queue_has_every_finding_once_gravest_first(store: Store, visitors: dict[str, Visitor]) -> None:
    at = datetime(2026, 3, 3, tzinfo=UTC)
    made = [
        Finding(FORM, "1", f"uuid:{n:03}", "", "check:many", "check", "warning", "/data/rooms", {"en": f"Number {n}."})
        for n in range(95)
    ]
    with store.begin() as connection:
        for start in range(0, 95, 19):
            put_findings(connection, FORM, made[: start + 19], {"check:many"}, at + timedelta(hours=start))
    ana, seen, address = visitors["ana"], [], f"/s/{FORM}/findings?severity=warning"
    for _ in range(4):
        page = ana.get(address)[1]
        assert "95 findings" in page
        seen += re.findall(r"Number (\d+)\.", page)
        following = re.search(r'rel="next" href="/desk([^"]+)"', page)
        if following is None:
            break
        address = following[1]
    assert sorted(map(int, seen)) == list(range(95))
    assert 'class="tab error" aria-current="true"' in ana.get(f"/s/{FORM}/findings")[1]
    assert ana.get(f"/s/{FORM}/findings?after=nonsense&state=odd&severity=odd")[0] == 200


def test_findings_are_found_by_rule_and_by_question(visitors: dict[str, Visitor]) -> None:
    page = visitors["ana"].get(f"/s/{FORM}/findings?question=told")[1]
    assert "Adults don't match." in page
    assert "1 finding<" in page
    assert "0 findings" in visitors["ana"].get(f"/s/{FORM}/findings?rule=check:rent_high")[1]


def test_a_release_is_approved_once_and_the_one_before_superseded(
    store: Store, visitors: dict[str, Visitor], tmp_path: Path
) -> None:
    rows = {"r1": "told,total,,5,people\ntold,sex=1,,3,people", "r2": "told,total,,7,people\nnew,total,,1,people"}
    for name, lines in rows.items():
        folder = tmp_path / name / "tables"
        folder.mkdir(parents=True)
        (folder / "estimates.csv").write_text(f"indicator,domain,category,estimate,unit\n{lines}\n", encoding="utf-8")
        with store.begin() as connection:
            add_release(connection, release_id=name, form_id=FORM, folder=str(tmp_path / name), sha256=name * 32)
    found = compare_releases(tmp_path / "r1", tmp_path / "r2", "en")
    assert found is not None
    assert {(row.indicator, row.domain, row.former, row.now, row.kind) for row in found.rows} == {
        ("told", "total", 5, 7, "changed"),
        ("told", "sex=1", 3, None, "gone"),
        ("new", "total", None, 1, "new"),
    }
    rosa = visitors["rosa"]
    assert "3 figures differ" in rosa.get(f"/s/{FORM}/releases/r2")[1]
    assert rosa.post(f"/s/{FORM}/releases/r1", state="approved")[0] == 303
    assert rosa.post(f"/s/{FORM}/releases/r2", state="approved")[0] == 303
    _status, page = rosa.post(f"/s/{FORM}/releases/r1", state="approved")
    assert "can't become" in page
    with store.read() as connection:
        states = [get_release(connection, name).state for name in ("r1", "r2")]
    assert states == ["superseded", "approved"]
    assert visitors["saul"].post(f"/s/{FORM}/releases/r2", state="withdrawn")[0] == 403


def test_a_key_and_a_password_are_shown_once_and_nobody_gives_more_than_they_have(
    store: Store, visitors: dict[str, Visitor]
) -> None:
    ana = visitors["ana"]
    status, page = ana.post("/people", name="Nora Díaz", role="supervisor", communes="13125")
    assert status == 200
    shown = re.findall(r"<dd><code>([^<]+)</code></dd>", page)
    assert len(shown) == 3
    assert not set(shown[1:]) & set(re.findall(r"<code>([^<]+)</code>", ana.get("/people")[1]))
    for role in ("statistician", "reviewer", "administrator"):
        assert ana.post("/people", name="Nobody", role=role)[0] == 403
    with store.begin() as connection:
        root = add_person(connection, "Root", "administrator")
    assert ana.post(f"/people/{root.id}", act="password")[0] == 403
    assert ana.post(f"/people/{root.id}", act="revoke")[0] == 403


def test_every_text_is_there_in_every_language_with_the_same_places() -> None:
    rows = list(csv.DictReader((ROOM / "texts.csv").read_text(encoding="utf-8").splitlines()))
    keys = [row["key"] for row in rows]
    assert len(keys) == len(set(keys))
    for row in rows:
        assert set(row) == {"key", *LANGUAGES}, row["key"]
        places = {code: {name for _, name, _, _ in string.Formatter().parse(row[code]) if name} for code in LANGUAGES}
        assert all(row[code].strip() for code in LANGUAGES), row["key"]
        assert places["es"] == places["ht"] == places["en"], row["key"]


def test_every_text_that_a_template_names_is_there() -> None:
    known = {row["key"] for row in csv.DictReader((ROOM / "texts.csv").read_text(encoding="utf-8").splitlines())}
    known |= {"nav.skip", "nav.languages", "map.source"}
    for file in sorted((ROOM / "templates").glob("*.html")):
        text = file.read_text(encoding="utf-8")
        for name in re.findall(r"\bt\('([^']+)'[,)]", text):
            assert name in known, (file.name, name)
        for name in re.findall(r"counted\('([^']+)',", text):
            assert {f"{name}_one", f"{name}_other"} <= known, (file.name, name)


@pytest.mark.parametrize("text", ["", "_", "x_1", "2026-01-01_x", "_5"])
def test_a_place_that_is_none_begins_at_the_beginning(text: str) -> None:
    assert read_cursor(text) is None
