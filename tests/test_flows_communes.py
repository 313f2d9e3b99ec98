"""A survey of three communes end to end: ingest, figures of each, previews, confirmations, the release, a panel."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from three_communes import (
    AT,
    COMMUNES,
    FORM,
    INDEPENDENCIA,
    QUILICURA,
    SANTIAGO,
    add_interviews,
    add_people,
    survey_folder,
)
from typer.testing import CliRunner

from console.acts import confirming
from flows.cli import app
from flows.previewing import keep_preview, write_commune
from flows.registering import load_form
from flows.releasing import draw_up, release
from flows.spreading import unit_communes
from reports.panel import write_panel
from schemas.domains import parts
from schemas.errors import AccessError, ReleaseError
from schemas.fields import INSTANCE_ID, MAIN_TABLE
from schemas.findings import Finding
from store.audit import list_log
from store.communes import count_by_commune, list_within, put_communes, put_unit_communes
from store.decisions import add_decision
from store.findings import count, list_findings, put_findings
from store.open import Store, open_store
from store.people import Person
from store.releases import get_release
from store.submissions import list_by_state
from store.tables import read_tables


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a release that every commune confirmed."""
    folder = tmp_path_factory.mktemp("released")
    shutil.copytree(survey_folder() / "data", folder / "data")
    with pytest.MonkeyPatch.context() as patch, open_store(folder / "data") as store:
        patch.setenv("COMUNAL_BROWSER", "no-browser")
        keep_preview(store, draw_up(store, FORM))
        confirm_all(store, add_people(store))
        return Path(release(store, FORM, folder / "releases").folder)


@pytest.fixture(autouse=True)
def nothing_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases without PDF: a browser takes seconds, and what it prints isn't looked at here."""
    monkeypatch.setenv("COMUNAL_BROWSER", "no-browser")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(survey_folder() / "data", tmp_path / "data")
    with open_store(tmp_path / "data") as store:
        yield store


@pytest.fixture
def people(store: Store) -> dict[str, Person]:
    return add_people(store)


def confirm_all(store: Store, people: dict[str, Person], *names: str) -> None:
    communes = {"santiago": SANTIAGO, "independencia": INDEPENDENCIA, "quilicura": QUILICURA}
    for name in names or communes:
        confirming.answer(store, people[name], FORM, communes[name], "confirmed", at=AT)


def test_each_interview_keeps_its_commune_as_often_as_the_frame_says(store: Store) -> None:
    with store.read() as connection:
        counts = count_by_commune(connection, FORM)
    frame = {cut: float(load_form(store, FORM).specs.design.settings[f"frame:{cut}"]) for cut in COMMUNES}
    assert set(counts) == set(COMMUNES)
    for cut in COMMUNES:
        assert abs(counts[cut] - 200 * frame[cut] / sum(frame.values())) <= 1


def test_every_indicator_is_estimated_in_the_whole_in_each_commune_and_across(store: Store) -> None:
    candidate = draw_up(store, FORM)
    specs = load_form(store, FORM).specs
    domains = {(cell.indicator, tuple(name for name, _ in parts(cell.domain))) for cell in candidate.table.cells}
    # Tables that are mostly not reliable aren't published: of the small ones there may be none in a small commune.
    assert {(indicator.name, ()) for indicator in specs.indicators} <= domains
    assert {(name, ("commune",)) for name in ("age_groups", "born_abroad")} <= domains
    assert ("born_abroad", ("commune", "resident_sex")) in domains
    shares = {cell.domain: cell for cell in candidate.table.cells if cell.indicator == "born_abroad"}
    tables = read_tables(store, FORM, load_form(store, FORM).form)
    main = tables[MAIN_TABLE]
    mine = set(main.filter(main["commune"] == QUILICURA)[INSTANCE_ID])
    people = tables["resident"].filter(tables["resident"][INSTANCE_ID].is_in(list(mine)))
    known = people.filter(people["p25_lug_nacimiento_esp"] != "-99")
    abroad = known.filter(known["p25_lug_nacimiento_esp"] != "152")
    cell = shares[f"commune={QUILICURA}"]
    assert cell.n == known.height
    assert cell.estimate == pytest.approx(100 * abroad.height / known.height)
    assert cell.se


def test_a_commune_sees_what_the_release_will_show_of_it_and_nothing_of_the_others(
    store: Store, people: dict[str, Person], released: Path
) -> None:
    candidate = draw_up(store, FORM)
    keep_preview(store, candidate)
    row, table = confirming.read_figures(store, people["quilicura"], FORM, QUILICURA)
    assert {parts(cell.domain)[0] for cell in table.cells} == {("commune", QUILICURA)}
    kept = (store.data / row.folder / f"{QUILICURA}.json").read_text(encoding="utf-8")
    assert SANTIAGO not in kept
    assert '"total"' not in kept
    assert released.name == row.release_id
    with Path(released, "tables", "estimates.csv").open(encoding="utf-8") as lines:
        published = {(one["indicator"], one["domain"], one["category"]): one for one in csv.DictReader(lines)}
    for cell in table.cells:
        shown = published[cell.indicator, cell.domain, cell.category]
        assert bool(shown["suppressed"]) == bool(cell.suppressed)
        assert (
            shown["estimate"] == ""
            if cell.estimate is None
            else float(shown["estimate"]) == pytest.approx(cell.estimate, abs=1e-6)
        )


def test_a_preview_is_a_folder_like_a_release_marked_as_such(store: Store, tmp_path: Path) -> None:
    candidate = draw_up(store, FORM)
    out = tmp_path / "out"
    assert write_commune(candidate, QUILICURA, out) > 20
    page = (out / "site" / "index.html").read_text(encoding="utf-8")
    assert "VISTA PREVIA, SIN PUBLICAR: Quilicura" in page
    with (out / "tables" / "estimates.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["domain"].partition("=")[0] for row in rows} <= {"total", "sex", "resident_sex"}
    whole = {cell.n for cell in candidate.table.cells if cell.domain == "total"}
    assert not whole & {int(row["n"]) for row in rows if row["n"]}
    for file in out.rglob("*"):
        if file.suffix in {".csv", ".html", ".json", ".txt", ".xml"} and "map" not in file.name:
            assert f"commune={SANTIAGO}" not in file.read_text(encoding="utf-8"), file
    with pytest.raises(ReleaseError, match="REL-001"):
        write_commune(candidate, QUILICURA, out)
    with pytest.raises(ReleaseError, match="REL-121"):
        write_commune(candidate, "01101", tmp_path / "other")


def test_no_release_before_every_commune_confirmed(store: Store, people: dict[str, Person], tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"REL-122.*3 of 3 communes.*Santiago, Independencia, Quilicura"):
        release(store, FORM, tmp_path / "releases")
    confirm_all(store, people, "santiago", "quilicura")
    with pytest.raises(ReleaseError, match=r"REL-122.*1 of 3 communes.*Independencia"):
        release(store, FORM, tmp_path / "releases")
    confirming.answer(store, people["independencia"], FORM, INDEPENDENCIA, "objected", "ages look odd")
    with pytest.raises(ReleaseError, match=r"REL-123.*Independencia") as objected:
        release(store, FORM, tmp_path / "releases")
    assert "ages" not in str(objected.value)
    confirming.answer(store, people["independencia"], FORM, INDEPENDENCIA, "confirmed", at=AT)
    made = release(store, FORM, tmp_path / "releases")
    with store.read() as connection:
        confirmed = get_release(connection, made.release_id).details["confirmed"]
        log = [row for row in list_log(connection, act="preview") if row.act != "preview.read"]
    assert isinstance(confirmed, dict)
    assert {cut: one["person"] for cut, one in confirmed.items()} == {
        SANTIAGO: "santiago",
        INDEPENDENCIA: "independencia",
        QUILICURA: "quilicura",
    }
    assert [row.act for row in log].count("preview.objected") == 1
    assert all("ages" not in row.note for row in log)


def exclude_one(store: Store, commune: str) -> None:
    from schemas.decisions import Decision

    main = read_tables(store, FORM, load_form(store, FORM).form)[MAIN_TABLE]
    instance = main.filter(main["commune"] == commune)[INSTANCE_ID][0]
    with store.begin() as connection:
        add_decision(connection, Decision(FORM, instance, "exclude", "twice", "a", person_id=1, seconded_by="b"))


def test_a_confirmation_holds_while_the_figures_of_that_commune_stay_the_same(
    store: Store, people: dict[str, Person]
) -> None:
    first = keep_preview(store, draw_up(store, FORM))
    confirm_all(store, people)
    exclude_one(store, SANTIAGO)
    second = keep_preview(store, draw_up(store, FORM))
    assert second.release_id != first.release_id
    row = confirming.find_preview(store, FORM)
    assert row is not None
    waiting = confirming.waiting_communes(store, row)
    assert SANTIAGO in waiting.missing
    assert waiting.confirmed, "whose figures stayed the same need say nothing again"
    folders = [store.data / "previews" / one.release_id for one in (first, second)]
    for cut in COMMUNES:
        same = (folders[0] / f"{cut}.json").read_bytes() == (folders[1] / f"{cut}.json").read_bytes()
        assert same == (cut in waiting.confirmed)


def test_nobody_sees_or_answers_for_another_commune(store: Store, people: dict[str, Person]) -> None:
    keep_preview(store, draw_up(store, FORM))
    for name in ("santiago", "iquique", "supervisor", "enumerator"):
        with pytest.raises(AccessError, match="ACC-123"):
            confirming.read_figures(store, people[name], FORM, QUILICURA)
        with pytest.raises(AccessError, match="ACC-123"):
            confirming.answer(store, people[name], FORM, QUILICURA, "confirmed")
    standing = confirming.list_standing(store, people["santiago"], FORM)
    assert standing is not None
    assert [one.commune for one in standing[1]] == [SANTIAGO]
    with pytest.raises(AccessError, match="ACC-123"):
        confirming.list_standing(store, people["iquique"], FORM)
    with pytest.raises(AccessError, match="ACC-130"):
        confirming.answer(store, people["all"], FORM, QUILICURA, "confirmed")
    with store.read() as connection:
        refused = [row for row in list_log(connection, act="confirm_figures") if row.outcome == "refused"]
    assert len(refused) == 9


def test_an_answer_says_what_it_is_about(store: Store, people: dict[str, Person]) -> None:
    with pytest.raises(ReleaseError, match="REL-121"):
        confirming.answer(store, people["quilicura"], FORM, QUILICURA, "confirmed")
    keep_preview(store, draw_up(store, FORM))
    with pytest.raises(ReleaseError, match="REL-124"):
        confirming.answer(store, people["quilicura"], FORM, QUILICURA, "objected", "  ")
    with pytest.raises(ReleaseError, match="REL-124"):
        confirming.answer(store, people["quilicura"], FORM, QUILICURA, "perhaps")
    with pytest.raises(ReleaseError, match="REL-125"):
        confirming.answer(store, people["quilicura"], FORM, QUILICURA, "confirmed", release_id="older")


def test_a_corrected_commune_moves_the_interview_and_its_findings(store: Store, people: dict[str, Person]) -> None:
    from console.acts import deciding
    from console.acts.wishes import Change, Wish
    from flows.checking import check

    with store.read() as connection:
        mine = {row.instance_id for row in list_findings(connection, FORM, communes=[QUILICURA])} - {""}
        before = count_by_commune(connection, FORM)
    instance = sorted(mine)[0]
    wish = Wish("correct", instance, "wrong commune", changes=(Change("commune", SANTIAGO),))
    with pytest.raises(AccessError, match="ACC-123"):
        deciding.decide(store, people["santiago"], FORM, wish)
    deciding.decide(store, people["quilicura"], FORM, wish)
    check(store, FORM, expectations=False)
    with store.read() as connection:
        after = count_by_commune(connection, FORM)
        theirs = {row.instance_id for row in list_findings(connection, FORM, communes=[SANTIAGO])}
    assert after[QUILICURA] == before[QUILICURA] - 1
    assert after[SANTIAGO] == before[SANTIAGO] + 1
    assert instance in theirs


def test_an_interview_without_commune_is_nobodys_who_is_bound(store: Store) -> None:
    with store.begin() as connection:
        name = list_by_state(connection, FORM, "current")[0]
        assert put_communes(connection, FORM, [(name, "")]) == 1
        assert put_communes(connection, FORM, [(name, "")]) == 0
    with store.read() as connection:
        assert count_by_commune(connection, FORM)[""] == 1
    add_interviews(store, survey_folder() / "book", 3, seed=77)
    with store.read() as connection:
        assert "" not in count_by_commune(connection, FORM), "check reads it from the answers again"


def test_a_finding_about_an_enumerator_is_of_the_commune_of_all_their_interviews(store: Store) -> None:
    compiled = load_form(store, FORM)
    design = replace(compiled.specs.design, settings={**compiled.specs.design.settings, "enumerator": "${code}"})
    compiled = replace(compiled, specs=replace(compiled.specs, design=design))
    rows = [("i1", "7"), ("i2", "7"), ("i3", "8"), ("i4", "8"), ("i5", None)]
    main = pl.DataFrame(rows, schema=[INSTANCE_ID, "code"], orient="row")
    communes = {"i1": QUILICURA, "i2": QUILICURA, "i3": QUILICURA, "i4": SANTIAGO, "i5": SANTIAGO}
    found = unit_communes(compiled, {MAIN_TABLE: main}, communes)
    assert found == {"enumerator:7": QUILICURA}
    said = [
        Finding(FORM, "1", "", unit, "field:rate", "field", "warning", "", {"en": "odd"})
        for unit in ("enumerator:7", "enumerator:7/question:age", "enumerator:8", "commune:x")
    ]
    with store.begin() as connection:
        put_findings(connection, FORM, said, {"field:rate"})
        assert put_unit_communes(connection, FORM, found) == 2
        assert put_unit_communes(connection, FORM, found) == 0
        mine = [row for row in list_findings(connection, FORM, communes=[QUILICURA]) if not row.instance_id]
        assert [row.row_id for row in mine] == ["enumerator:7", "enumerator:7/question:age"]
        assert count(connection, FORM, rule_id="field:rate", communes=[QUILICURA]) == 2


def run(store: Store, *words: str, fails: bool = False) -> str:
    result = CliRunner().invoke(app, [*words, "--data", str(store.data)], catch_exceptions=fails)
    assert (result.exit_code != 0) == fails, result.output
    return str(result.exception) if fails else result.stdout


def test_the_command_line_previews_and_confirms(store: Store, people: dict[str, Person], tmp_path: Path) -> None:
    out = tmp_path / "quilicura"
    told = json.loads(
        run(store, "release", "preview", FORM, "--commune", QUILICURA, "--out", str(out), "--json").splitlines()[-1]
    )
    assert [one["commune"] for one in told["communes"]] == [QUILICURA]
    assert (out / "site" / "index.html").is_file()
    me = str(people["quilicura"].id)
    lines = run(store, "release", "preview", FORM, "--person", me).splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [[QUILICURA, "Quilicura:"]]
    assert "ACC-123" in run(store, "release", "preview", FORM, "--commune", SANTIAGO, "--person", me, fails=True)
    assert "confirmed" in run(store, "release", "confirm", FORM, QUILICURA, "--person", me)
    assert "REL-124" in run(store, "release", "confirm", FORM, QUILICURA, "--person", me, "--object", fails=True)


def test_tables_and_findings_of_one_commune_are_handed_out(store: Store, tmp_path: Path) -> None:
    with store.read() as connection:
        mine = list_within(connection, FORM, [QUILICURA])
    run(store, "tables", FORM, "--out", str(tmp_path / "out"), "--commune", QUILICURA)
    for name in (MAIN_TABLE, "resident"):
        assert set(pl.read_csv(tmp_path / "out" / f"{name}.csv")[INSTANCE_ID]) == mine
    rows = csv.DictReader(run(store, "findings", "--format", "csv", "--commune", QUILICURA).splitlines())
    assert {row["instance_id"] for row in rows} <= mine


def test_a_panel_joins_what_releases_published(released: Path, tmp_path: Path) -> None:
    whole = released
    report = write_panel([whole], tmp_path / "panel")
    assert (report.releases, report.communes) == (1, 3)
    with (tmp_path / "panel" / "estimates.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    by_commune = {row["commune"]: row for row in rows if (row["indicator"], row["domain"]) == ("born_abroad", "total")}
    assert set(by_commune) == {"", *COMMUNES}
    assert by_commune[QUILICURA]["commune_name"] == "Quilicura"
    assert all(row["suppressed"] or row["estimate"] or row["note"] for row in rows)
    with pytest.raises(ReleaseError, match="REL-128"):
        write_panel([whole, whole], tmp_path / "twice")
    with pytest.raises(ReleaseError, match="REL-053"):
        write_panel([tmp_path], tmp_path / "none")
    copy = tmp_path / "copy"
    shutil.copytree(whole, copy)
    (copy / "tables" / "estimates.csv").chmod(0o600)
    (copy / "tables" / "estimates.csv").write_text("indicator,domain\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match="REL-126"):
        write_panel([copy], tmp_path / "changed")


def test_a_panel_tells_indicators_that_count_otherwise(released: Path, tmp_path: Path) -> None:
    whole, former, latter = released, "", ""
    other = tmp_path / "other"
    shutil.copytree(whole, other)
    for name, old, new in (
        ("tables/indicators.csv", "${p25_lug_nacimiento_esp} != '152'", "${p25_lug_nacimiento_esp} = '604'"),
        ("CHECKSUMS.sha256", "", ""),
    ):
        file = other / name
        file.chmod(0o600)
        if name.endswith("csv"):
            former = hashlib.sha256(file.read_bytes()).hexdigest()
            file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
            latter = hashlib.sha256(file.read_bytes()).hexdigest()
        else:
            file.write_text(file.read_text(encoding="utf-8").replace(former, latter), encoding="utf-8")
    report = write_panel([whole, other], tmp_path / "panel")
    assert report.differing == {"born_abroad": "numerator"}
    assert report.compared == write_panel([whole], tmp_path / "alone").compared - 1
