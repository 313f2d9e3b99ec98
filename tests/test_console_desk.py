"""Work at the desk without a script: the queue, deciding, undoing, releases, people; every text in three languages."""

from __future__ import annotations

import csv
import re
import shutil
import string
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from decided_survey import AT, FORM, SENTINEL, add_people, interview_xml, make_survey, person_xml
from desk_visitors import Visitor, serve, visit
from starlette.applications import Starlette
from starlette.routing import Mount

import console
from console.app import create_desk
from console.differences import compare_releases
from console.pages.places import read_cursor
from console.visiting import csrf_of
from flows.checking import check
from flows.handing_out import sheet_page
from flows.ingesting import ingest
from schemas.findings import Finding
from schemas.text import LANGUAGES
from store.arrivals import NewSubmission, add_submissions
from store.audit import acting, list_log, person_actor
from store.findings import list_findings, put_findings
from store.open import Store, open_store
from store.people import Person, add_person, get_person, get_person_by_key, list_people, renew_key
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
    assert "0 findings" in ana.get(f"/s/{FORM}/findings?rule=check:adults_told")[1], (
        "what was accepted isn't open any more"
    )
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


def test_whoever_made_a_release_does_not_approve_it_and_a_withdrawal_says_why(
    store: Store, people: dict[str, Person], visitors: dict[str, Visitor], tmp_path: Path
) -> None:
    folder = tmp_path / "r9"
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "index.html").write_text('<html lang="en"><title>x</title><body><h1>Figures</h1>', "utf-8")
    with acting(person_actor(people["ana"].id)), store.begin() as connection:
        add_release(connection, release_id="r9", form_id=FORM, folder=str(folder), sha256="9" * 64)
    ana, luis, address = visitors["ana"], visitors["luis"], f"/s/{FORM}/releases/r9"
    page = ana.get(address)[1]
    assert "You made it, so another person approves it." in page
    assert 'value="approved"' not in page
    assert "Made by Ana" in luis.get(address)[1]
    status, page = ana.post(address, state="approved")
    assert status == 409
    assert "REL-093" in page
    assert "release candidate to approve" in luis.get("/")[1]
    assert "release candidate to approve" not in ana.get("/")[1]
    assert luis.post(address, state="approved")[0] == 303
    status, page = luis.post(address, state="withdrawn", reason=" ")
    assert status == 409
    assert "A withdrawal needs a reason" in page
    assert luis.post(address, state="withdrawn", reason="a PSU was counted twice")[0] == 303
    for who in ("ana", "rosa"):
        assert "Release withdrawn." in visitors[who].get(address)[1]
        assert "a PSU was counted twice" in visitors[who].get(f"/s/{FORM}/releases")[1]
    with store.read() as connection:
        refused = [row for row in list_log(connection, act="release") if row.outcome == "refused"]
        row = get_release(connection, "r9")
    assert len(refused) == 1
    shown = luis.get(f"{address}/files/site/index.html")[1]
    assert "RELEASE WITHDRAWN" in shown
    assert "a PSU was counted twice." in shown
    assert "WITHDRAWN" not in (folder / "site" / "index.html").read_text("utf-8"), "a release is never rewritten"
    assert (tmp_path / "latest").readlink().name == "r9.withdrawn"
    assert (row.state, row.state_reason, row.details["made_by"]) == (
        "withdrawn",
        "a PSU was counted twice",
        f"person {people['ana'].id}",
    )


def test_one_answer_is_given_in_all_findings_of_a_rule_after_its_counts_were_shown(
    store: Store, visitors: dict[str, Visitor]
) -> None:
    ana, address = visitors["ana"], f"/s/{FORM}/bulk?rule=check:adults_told"
    page = ana.get(address)[1]
    assert "Correct the answer in all" in page
    assert SENTINEL not in page
    page = ana.post(address, action="correct", reason="the office counted", **{"value::told": "2"})[1]
    assert "1 finding would be decided." in page
    assert "1 finding closes. 0 findings open." in page
    assert "check:adults_told" in open_rules(store)
    page = ana.post(address, action="correct", reason="the office counted", confirm="yes", **{"value::told": "2"})[1]
    assert "1 finding was decided." in page
    assert "check:adults_told" not in open_rules(store)
    page = ana.post(address, action="correct", reason="odd", **{"value::told": "many"})[1]
    assert "0 findings would be decided." in page


def test_findings_are_found_by_whoever_sent_them_and_by_what_was_decided(
    store: Store, people: dict[str, Person], visitors: dict[str, Visitor]
) -> None:
    eva, ana = people["eva"], visitors["ana"]
    xml = interview_xml("uuid:evas", person_xml(40, 1, "no"), told=4)
    with store.begin() as connection:
        add_submissions(
            connection,
            store.blobs,
            [NewSubmission(FORM, "1", "uuid:evas", xml, AT, person_id=eva.id, client="collect")],
        )
    ingest(store, FORM)
    check(store, FORM, expectations=False)
    queue = f"/s/{FORM}/findings"
    assert f'<option value="{eva.id}">Eva</option>' in ana.get(queue)[1]
    page = ana.get(f"{queue}?person={eva.id}")[1]
    assert "1 finding<" in page
    assert "<code>evas</code>" in page
    assert "0 findings" in ana.get(f"{queue}?person={people['saul'].id}")[1]
    page = ana.post(
        f"/s/{FORM}/bulk?rule=check:adults_told&person={eva.id}", action="accept", reason="told so", confirm="y"
    )
    assert "1 finding was decided." in page[1]
    assert "Only those sent by Eva" in page[1]
    assert "<code>evas</code>" in ana.get(f"{queue}?state=accepted")[1]
    assert "<code>evas</code>" not in ana.get(f"{queue}?state=open&severity=all")[1]
    assert ana.get(f"{queue}?person=99999999999999999999&state=odd")[0] == 200


def test_home_says_what_waits_for_whom(store: Store, visitors: dict[str, Visitor]) -> None:
    ana, luis, rosa, saul = (visitors[name] for name in ("ana", "luis", "rosa", "saul"))
    assert "errors that keep interviews from being published" in saul.get("/")[1]
    assert "errors" not in rosa.get("/")[1], "a reviewer decides no finding"
    ana.post(f"{CHILD}/decide", action="exclude", reason="made up")
    assert "exclusion waits for a second person" in rosa.get("/")[1]
    page = luis.get(f"/s/{FORM}/exclusions")[1]
    assert "made up" in page
    assert "Confirm the exclusion" in page
    assert "Confirm the exclusion" not in ana.get(f"/s/{FORM}/exclusions")[1]
    decision = re.search(r'name="decision" value="(\d+)"', page)
    assert decision is not None
    rosa.post(f"{CHILD}/second", decision=decision[1])
    assert "exclusion waits" not in rosa.get("/")[1]
    assert saul.get(f"/s/{FORM}/exclusions")[0] == 403


def test_an_administrator_changes_roles_and_communes_and_prints_cards(store: Store, people: dict[str, Person]) -> None:
    with store.begin() as connection:
        root = get_person(connection, add_person(connection, "Root", "administrator").id)
    app = Starlette(routes=[Mount("/desk", create_desk(store, cards=sheet_page))])
    boss = visit(app, store, root)
    eva, saul = people["eva"], people["saul"]
    assert "person has no password yet" in boss.get("/")[1] or "people have no password yet" in boss.get("/")[1]
    assert boss.post(f"/people/{eva.id}", act="communes", communes="13125, 13101")[0] == 303
    assert boss.post(f"/people/{eva.id}", act="communes", communes="99999")[0] == 403
    assert boss.post(f"/people/{saul.id}", act="role", role="reviewer")[0] == 303
    assert boss.post(f"/people/{root.id}", act="role", role="enumerator")[0] == 403
    with store.read() as connection:
        assert get_person(connection, eva.id).communes == {"13125", "13101"}
        assert get_person(connection, saul.id).role == "reviewer"
        assert get_person(connection, root.id).role == "administrator"
    with store.begin() as connection:
        old = renew_key(connection, eva.id).key
    assert boss.post("/people/cards")[0] == 403
    answer = boss.client.post("/desk/people/cards", {"csrf": csrf_of(boss.token), "person": [str(eva.id)]})
    assert answer.status_code == 200
    assert "<svg" in answer.text
    assert "Eva" in answer.text
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"\sstyle=", answer.text)
    with store.read() as connection:
        assert get_person_by_key(connection, old) is None, "the key before the card is worthless"
    status, page = visit(app, store, people["ana"]).post("/people/cards", person=[str(root.id)])
    assert (status, "Your role doesn't allow that" in page) == (403, True)


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


def test_a_supervisor_explains_a_finding_and_decides_nothing(store: Store, visitors: dict[str, Visitor]) -> None:
    saul, address = visitors["saul"], f"/s/{FORM}/explain"
    told = {"rule": "check:adults_told", "instance": "uuid:child"}
    assert "Explain" in saul.get(CHILD)[1]
    status, where = saul.post(address, body="the aunt lives there on weekdays", **told)
    assert (status, "done=explain" in where) == (303, True)
    page = visitors["ana"].get(CHILD)[1]
    assert "<b>Saul:</b> the aunt lives there on weekdays" in page
    assert "check:adults_told" in open_rules(store)
    assert saul.post(address, body="  ", **told)[0] == 409
    assert saul.post(address, body="x", rule="check:nothing", instance="uuid:child")[0] == 409
    assert visitors["rosa"].post(address, body="x", **told)[0] == 403
    assert "the aunt" in visitors["rosa"].get(CHILD)[1]
    assert 'name="body"' not in visitors["rosa"].get(CHILD)[1]


def test_what_is_found_of_an_enumerator_is_explained_on_the_page_of_field_work(
    store: Store, visitors: dict[str, Visitor]
) -> None:
    said = {"en": "Too quick."}
    found = Finding(FORM, "1", "", "enumerator:7", "field:too_quick", "field", "warning", "", said)
    with store.begin() as connection:
        put_findings(connection, FORM, [found], {"field:too_quick"})
    saul, address = visitors["saul"], f"/s/{FORM}/fieldwork"
    assert "Too quick." in saul.get(address)[1]
    status, where = saul.post(f"/s/{FORM}/explain", rule="field:too_quick", row="enumerator:7", body="a second phone")
    assert (status, where.endswith("fieldwork?done=explain")) == (303, True)
    page = visitors["rosa"].get(address)[1]
    assert "a second phone" in page
