"""The desk in a survey of three communes: whoever is bound to one sees and decides its own and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_visitors import Visitor, serve, visit
from starlette.applications import Starlette
from three_communes import COMMUNES, FORM, QUILICURA, SANTIAGO, add_people, survey_folder

from console.acts import confirming, deciding, importing
from console.acts.bulk import bulk
from console.acts.exporting_log import export_log
from console.acts.importing import LogRow
from console.acts.wishes import Wish
from flows.previewing import keep_preview
from flows.releasing import draw_up
from schemas.errors import AccessError
from store.assignments import list_offered_to
from store.communes import count_by_commune, list_within
from store.findings import list_findings
from store.open import Store, open_store
from store.people import Person
from validation.cleaning.log import ChangeType, CleaningRow

QUEUE = f"/s/{FORM}/findings"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(survey_folder() / "data", tmp_path / "data")
    with open_store(tmp_path / "data") as store:
        yield store


@pytest.fixture
def people(store: Store) -> dict[str, Person]:
    return add_people(store)


@pytest.fixture
def visitors(store: Store, people: dict[str, Person]) -> dict[str, Visitor]:
    app: Starlette = serve(store)
    return {name: visit(app, store, person) for name, person in people.items()}


def interviews(store: Store, commune: str) -> set[str]:
    with store.read() as connection:
        return list_within(connection, FORM, [commune])


def shown(page: str, names: set[str]) -> set[str]:
    """Those that a page links to; addresses write the colon of an id otherwise."""
    return {name for name in names if name.removeprefix("uuid:") in page}


def whole_queue(visitor: Visitor) -> str:
    pages, address = "", f"{QUEUE}?severity=all"
    for _ in range(40):
        _, page = visitor.get(address)
        pages += page
        at = page.find("after=")
        if at < 0:
            break
        address = f"{QUEUE}?severity=all&after=" + page[at + 6 :].partition('"')[0].partition("&")[0]
    return pages


def test_the_queue_holds_the_findings_of_the_own_commune(store: Store, visitors: dict[str, Visitor]) -> None:
    every = {cut: interviews(store, cut) for cut in COMMUNES}
    mine = whole_queue(visitors["quilicura"])
    assert shown(mine, every[QUILICURA])
    for other in set(COMMUNES) - {QUILICURA}:
        assert not shown(mine, every[other])
    everything = whole_queue(visitors["all"])
    assert all(shown(everything, names) for names in every.values())


def test_whoever_sees_several_communes_chooses_one(store: Store, visitors: dict[str, Visitor]) -> None:
    page = visitors["all"].get(f"{QUEUE}?severity=all&commune={QUILICURA}")[1]
    assert '<option value="13125" selected>Quilicura</option>' in page
    assert shown(page, interviews(store, QUILICURA)) and not shown(page, interviews(store, SANTIAGO))
    assert "13101" not in visitors["quilicura"].get(QUEUE)[1]
    forced = visitors["quilicura"].get(f"{QUEUE}?severity=all&commune={SANTIAGO}")[1]
    assert not shown(forced, interviews(store, SANTIAGO)), "what isn't one's own can't be chosen"
    assert "3 communes with interviews" in visitors["all"].get(f"/s/{FORM}/fieldwork")[1]
    assert "communes with interviews" not in visitors["quilicura"].get(f"/s/{FORM}/fieldwork")[1]


def test_an_interview_of_another_commune_isnt_there(store: Store, visitors: dict[str, Visitor]) -> None:
    own, foreign = sorted(interviews(store, QUILICURA))[0], sorted(interviews(store, SANTIAGO))[0]
    for name in ("quilicura", "reviewer", "supervisor"):
        assert visitors[name].get(f"/s/{FORM}/interviews/{own}")[0] == 200
        assert visitors[name].get(f"/s/{FORM}/interviews/{foreign}")[0] == 404
    assert visitors["all"].get(f"/s/{FORM}/interviews/{foreign}")[0] == 200
    status, _ = visitors["quilicura"].post(f"/s/{FORM}/interviews/{foreign}/personal", reason="curious")
    assert status == 404


def test_pages_about_all_communes_are_for_people_of_all(visitors: dict[str, Visitor]) -> None:
    for page in ("flows", "releases", "reports"):
        assert visitors["quilicura"].get(f"/s/{FORM}/{page}")[0] == 403, page
        assert visitors["all"].get(f"/s/{FORM}/{page}")[0] != 403, page
    assert visitors["iquique"].get(QUEUE)[0] == 403, "a commune that the survey doesn't span"


def test_field_work_is_counted_in_the_own_commune(store: Store, visitors: dict[str, Visitor]) -> None:
    with store.read() as connection:
        counts = count_by_commune(connection, FORM)
    page = visitors["supervisor"].get(f"/s/{FORM}/fieldwork")[1]
    assert f">{counts[QUILICURA]}<" in page
    assert f">{sum(counts.values())}<" not in page
    assert f">{sum(counts.values())}<" in visitors["all"].get(f"/s/{FORM}/fieldwork")[1]


def test_decisions_stop_at_the_communes_edge(store: Store, people: dict[str, Person]) -> None:
    who = people["quilicura"]
    with store.read() as connection:
        found = [row for row in list_findings(connection, FORM) if row.instance_id]
    own, foreign = interviews(store, QUILICURA), interviews(store, SANTIAGO)
    theirs = next(row for row in found if row.instance_id in foreign)
    wish = Wish("accept", theirs.instance_id, "seen", theirs.rule_id, theirs.row_id)
    for act in (deciding.decide, deciding.preview):
        with pytest.raises(AccessError, match="ACC-123"):
            act(store, who, FORM, wish)
    with pytest.raises(AccessError, match="ACC-123"):
        deciding.read_interview(store, who, FORM, theirs.instance_id)
    (number,) = deciding.decide(store, people["santiago"], FORM, wish).ids
    with pytest.raises(AccessError, match="ACC-123"):
        deciding.undo(store, who, FORM, number, "not so")
    (asked,) = deciding.decide(store, people["santiago"], FORM, Wish("exclude", theirs.instance_id, "twice")).ids
    with pytest.raises(AccessError, match="ACC-123"):
        deciding.second(store, people["reviewer"], FORM, asked)
    assert deciding.list_log(store, who, FORM) == []
    assert len(deciding.list_log(store, people["santiago"], FORM)) == 2
    rule = next(row.rule_id for row in found if row.instance_id in own)
    both = {row.instance_id for row in found if row.rule_id == rule}
    outcome = bulk(store, who, FORM, Wish("accept", "", "seen"), rule_id=rule)
    assert outcome.decided == sum(row.rule_id == rule and row.instance_id in own for row in found)
    assert {row.instance_id for row in deciding.list_log(store, who, FORM)} == both & own


def test_a_cleaning_log_reaches_the_own_interviews(store: Store, people: dict[str, Person]) -> None:
    own, foreign = sorted(interviews(store, QUILICURA))[0], sorted(interviews(store, SANTIAGO))[0]
    rows = [
        LogRow(CleaningRow(number, name, "joined", None, "yes", ChangeType.CHANGE))
        for number, name in ((2, own), (3, foreign))
    ]
    done = importing.import_log(store, people["quilicura"], FORM, rows)
    assert [(row.number, row.reason) for row in done.refused] == [(3, "unknown_key")]
    importing.import_log(
        store, people["all"], FORM, [LogRow(CleaningRow(2, foreign, "joined", None, "no", ChangeType.CHANGE))]
    )
    assert {row[0] for row in export_log(store, FORM, person=people["quilicura"]).rows} <= {own}
    assert len(export_log(store, FORM, person=people["all"]).rows) == len(
        export_log(store, FORM, person=people["quilicura"]).rows
    ) + len(export_log(store, FORM, person=people["santiago"]).rows)


def test_a_phone_is_offered_the_survey_in_each_of_its_communes(store: Store) -> None:
    with store.read() as connection:
        assert [row.form_id for row in list_offered_to(connection, 1, {QUILICURA})] == [FORM]
        assert list_offered_to(connection, 1, {"01101"}) == []


def test_each_commune_sees_confirms_and_objects_at_the_desk(store: Store, visitors: dict[str, Visitor]) -> None:
    me = visitors["quilicura"]
    assert "There is no preview yet" in me.get(f"/s/{FORM}/preview")[1]
    keep_preview(store, draw_up(store, FORM))
    address = f"/s/{FORM}/preview/{QUILICURA}"
    assert me.client.get(f"/desk/s/{FORM}/preview").headers["location"].endswith(address)
    assert "waits for you to confirm" in me.get("/")[1]
    status, page = me.get(address)
    assert status == 200
    assert "Not published." in page
    assert "Born abroad" in page
    assert "Santiago" not in page
    status, page = me.post(address, answer="objected", reason=" ", release=row_id(store))
    assert status != 303
    assert "An objection needs a reason." in page
    assert me.post(address, answer="objected", reason="ages look odd", release=row_id(store))[0] == 303
    assert "objected to" in visitors["all"].get(f"/s/{FORM}/preview")[1]
    assert me.post(address, answer="confirmed", release=row_id(store))[0] == 303
    page = me.get(address)[1]
    assert "confirmed" in page and "ages look odd" in page
    assert "newer preview" in me.post(address, answer="confirmed", release="older")[1]
    assert visitors["santiago"].get(address)[0] == 403 or "ACC-123" in visitors["santiago"].get(address)[1]
    assert visitors["supervisor"].get(address)[0] == 403
    assert "people of its own" in visitors["all"].post(address, answer="confirmed", release=row_id(store))[1]
    for language in ("es", "ht"):
        assert me.get(address, language)[0] == 200


def row_id(store: Store) -> str:
    row = confirming.find_preview(store, FORM)
    assert row is not None
    return row.release_id


def test_home_counts_what_is_of_the_own_commune(
    store: Store, visitors: dict[str, Visitor], people: dict[str, Person]
) -> None:
    with store.read() as connection:
        counts = count_by_commune(connection, FORM)
    assert f"{counts[QUILICURA]} interviews" in visitors["quilicura"].get("/")[1]
    assert f"{sum(counts.values())} interviews" in visitors["all"].get("/")[1]
    theirs = sorted(interviews(store, SANTIAGO))[0]
    deciding.decide(store, people["santiago"], FORM, Wish("exclude", theirs, "twice"))
    assert theirs.removeprefix("uuid:") in visitors["all"].get(f"/s/{FORM}/exclusions")[1]
    assert theirs.removeprefix("uuid:") not in visitors["reviewer"].get(f"/s/{FORM}/exclusions")[1]
    assert "exclusion waits" not in visitors["reviewer"].get("/")[1]
    assert "exclusion waits" in visitors["all"].get("/")[1]


def test_the_menu_has_the_preview_where_there_are_communes(visitors: dict[str, Visitor]) -> None:
    assert f"/s/{FORM}/preview" in visitors["quilicura"].get(QUEUE)[1]
    assert f"/s/{FORM}/preview" not in visitors["supervisor"].get(QUEUE)[1]
