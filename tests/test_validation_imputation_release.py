"""Imputation from interviews to a release: what counts, what is told, what stays as it was."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.acts.edited import edit_survey
from console.acts.imputed import Counted, count_interviews, read_record, replay_record
from flows.checking import check
from flows.cli import app
from flows.ingesting import ingest
from flows.quality import make_quality_report
from flows.registering import add_form, load_form
from flows.releasing import release
from flows.tracing import trace
from forms.sheets import write_xlsx
from forms.sheets.markdown import workbook_from_markdown
from schemas.decisions import Decision
from store.arrivals import NewSubmission, add_submissions
from store.decisions import add_decision, list_decisions
from store.digests import list_digests
from store.open import Store, open_store
from store.releases import get_release
from store.tables import read_tables

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
FORM = "censo"
SENTINEL = "Zentinela Pérez"

SHEETS = """
| survey | | | | | | | |
| | type | name | label | relevant | constraint | required | calculation | personal |
| | text | head | Head | | | | | name |
| | select_one zone | zone | Zone | | | yes | | |
| | integer | told | People | | | yes | | |
| | begin_repeat | person | Person | | | | | |
| | select_one sex | sex | Sex | | | yes | | |
| | integer | age | Age | | . >= 0 and . < 110 | yes | | |
| | select_one marital | marital | Marital status | | | yes | | |
| | select_one yn | works | Works | ${age} >= 15 | | yes | | |
| | integer | hours | Hours | ${works} = 'yes' | . < 100 | yes | | |
| | calculate | adult | | | | | if(${age} >= 18, 1, 0) | |
| | end_repeat | | | | | | | |
| | calculate | adults | | | | | sum(${adult}) | |
| choices | | | |
| | list_name | name | label |
| | zone | n | North |
| | zone | s | South |
| | sex | f | Female |
| | sex | m | Male |
| | marital | never | Never |
| | marital | married | Married |
| | yn | yes | Yes |
| | yn | no | No |
| | yn | 99 | Doesn't know |
| checks | | | | | |
| | name | table | expression | severity | message::English (en) |
| | young | person | not(${age} < 15 and ${marital} = 'married') | error | Too young to be married. |
| | adult_there | main | ${adults} > 0 | error | Nobody is grown up. |
| topics | | |
| | name | label::English (en) |
| | people | People |
| indicators | | | | | | | |
| | name | topic | kind | table | label::English (en) | unit | value | numerator |
| | mean_age | people | mean | person | Mean age | years | ${age} | |
| | working | people | share | person | Working | percent | | ${works} = 'yes' |
| imputation | | | | | |
| | variable | classes | order | missing | donors |
| | works | sex | age | 99 | 9 |
| | age | marital | | | 9 |
| design | | |
| | setting | value |
| | survey | censo |
| | probability | no |
| | threshold | 3 |
| | imputation | {on} |
| | imputation_seed | 2026 |
| | imputation_classes | sex |
| settings | | |
| | form_id | version |
| | censo | 1 |
"""


def person(sex: str, age: object, marital: str, works: str = "", hours: object = "") -> str:
    grown = 1 if isinstance(age, int) and age >= 18 else 0
    return (
        f"<person><sex>{sex}</sex><age>{age}</age><marital>{marital}</marital><works>{works}</works>"
        f"<hours>{hours}</hours><adult>{grown}</adult></person>"
    )


def household(number: int, people: list[str], *, zone: str = "n") -> bytes:
    grown = sum("<adult>1</adult>" in each for each in people)
    return (
        f'<data id="{FORM}" version="1"><head>{SENTINEL}</head><zone>{zone}</zone><told>{len(people)}</told>'
        f"{''.join(people)}<adults>{grown}</adults><meta><instanceID>uuid:h{number:02}</instanceID></meta></data>"
    ).encode()


def sound(number: int) -> bytes:
    works = "yes" if number % 3 else "no"
    return household(
        number,
        [
            person("f", 30 + number, "married", works, 40 if works == "yes" else ""),
            person("m", 32 + number, "married", "yes", 45),
            person("f" if number % 2 else "m", 3 + number % 10, "never"),
        ],
        zone="ns"[number % 2],
    )


FAULTY = {
    20: [person("f", 40, "married", "", ""), person("m", 9, "married")],  # required, and married too young
    21: [person("m", "", "married", "yes", 45)],  # age missing: works and hours show that it is 15 or more
    22: [person("f", 5, "never", "yes", 30), person("m", 50, "married", "no")],  # a child at work: age
    23: [person("f", "old", "married", "no")],  # no number
    24: [person("f", 33, "married", "99", "")],  # counts, but doesn't know
    25: [person("f", 12, "never")],  # nobody grown up
}


def fill(folder: Path, on: str) -> None:
    with open_store(folder) as store:
        file = folder / f"{FORM}.xlsx"
        file.write_bytes(write_xlsx(workbook_from_markdown(SHEETS.replace("{on}", on), FORM)))
        added = add_form(store, file)
        assert added.version == "1", added.problems
        documents = [(number, sound(number)) for number in range(20)]
        documents += [(number, household(number, people)) for number, people in FAULTY.items()]
        items = [NewSubmission(FORM, "1", f"uuid:h{number:02}", xml, AT, None) for number, xml in documents]
        with store.begin() as connection:
            add_submissions(connection, store.blobs, items)
        ingest(store, FORM)
        check(store, FORM, expectations=False)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for on in ("yes", "no"):
        made[on] = tmp_path_factory.mktemp("imputed") / on
        fill(made[on], on)
    return made


@pytest.fixture
def store(folders: dict[str, Path], tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(folders["yes"], tmp_path / "data")
    with open_store(tmp_path / "data") as opened:
        yield opened


def counted(store: Store, **more: bool) -> Counted:
    compiled = load_form(store, FORM)
    received = read_tables(store, FORM, compiled.form)
    return count_interviews(store, compiled, edit_survey(store, compiled.form, received, reader="test"), **more)


def test_interviews_whose_errors_are_solved_count_and_the_others_stay_out(store: Store) -> None:
    found = counted(store)
    assert dict(found.outcomes) == {f"uuid:h{number}": "imputed" for number in FAULTY}
    assert not found.blocked
    assert found.tables["main"].height == 26
    changed = {(row.instance_id[-2:], row.row_id, row.column, row.kind, row.method) for row in found.changes}
    # In the class of never married there are children alone; to work one must be grown up.
    assert ("22", "person[1]", "age", "failed", "nearest") in changed
    assert ("23", "person[1]", "age", "missing", "hot_deck") in changed
    assert ("24", "person[1]", "works", "missing", "hot_deck") in changed
    givers = {row.donor for row in found.changes} - {""}
    assert givers <= {f"uuid:h{number:02}" for number in (*range(20), 24)}
    rows = {row["_instance_id"]: row for row in found.tables["person"].to_dicts() if row["_row_id"] == "person[1]"}
    assert rows["uuid:h21"]["age"] >= 15
    assert rows["uuid:h21"]["adult"] == "1"
    assert rows["uuid:h24"]["works"] in {"yes", "no"}
    assert (rows["uuid:h24"]["hours"] is None) == (rows["uuid:h24"]["works"] == "no")


def test_nothing_is_imputed_unless_the_design_sheet_says_so(folders: dict[str, Path]) -> None:
    with open_store(folders["no"]) as off:
        found = counted(off)
        assert (found.changes, found.plan, found.statistics) == ((), None, {})
        assert found.blocked == {"uuid:h20", "uuid:h21", "uuid:h22", "uuid:h23", "uuid:h25"}
        assert found.tables["main"].height == 21
        # ... though it can be seen what would be done.
        assert len({row.instance_id for row in counted(off, anyway=True).changes}) == 6


def test_the_same_seed_gives_the_same_and_another_may_not(store: Store) -> None:
    first, again = counted(store), counted(store)
    assert first.changes == again.changes
    assert [row.new for row in first.changes] == [row.new for row in again.changes]
    assert first.record == again.record


def test_what_was_received_and_decided_stays_as_it_is(store: Store, tmp_path: Path) -> None:
    before = {name: frame.clone() for name, frame in read_tables(store, FORM).items()}
    with store.read() as connection:
        log, digests = list_decisions(connection, FORM), list_digests(connection, FORM)
    release(store, FORM, tmp_path / "releases")
    with store.read() as connection:
        assert list_decisions(connection, FORM) == log
        assert list_digests(connection, FORM) == digests
    for name, frame in read_tables(store, FORM).items():
        assert frame.equals(before[name])


def test_a_finding_that_was_accepted_needs_no_imputation(store: Store) -> None:
    with store.begin() as connection:
        add_decision(
            connection,
            Decision(FORM, "uuid:h25", "accept", "a child alone", "Ana", rule_id="check:adult_there", at=AT),
        )
    found = counted(store)
    assert "uuid:h25" not in found.outcomes
    assert "uuid:h25" not in {row.instance_id for row in found.changes}


def test_a_release_tells_of_its_imputations_and_can_be_traced(store: Store, tmp_path: Path) -> None:
    made = release(store, FORM, tmp_path / "releases")
    assert made.interviews == 26
    folder = Path(made.folder)
    rows = list(csv.DictReader((folder / "tables" / "cleaning.csv").read_text().splitlines()))
    told = {(row["code"], row["question"]): row for row in rows if row["step"] == "imputation"}
    assert ("hot_deck", "works") in told
    assert (told["hot_deck", "works"]["records"], told["hot_deck", "works"]["percent"]) == ("", "4")
    assert not {"records", "of"} & {name for row in told.values() for name, text in row.items() if text}
    provenance = json.loads((folder / "provenance.json").read_text())["parameters"]
    assert provenance["imputed_interviews"] == "6"
    assert provenance["imputation_seed"] == "2026"
    with store.read() as connection:
        details = get_release(connection, made.release_id).details
    record = read_record(store, details["imputation_sha256"])
    assert provenance["imputation_sha256"] == details["imputation_sha256"]
    donors = {row["donor"] for row in csv.DictReader(record.decode().splitlines())} - {""}
    assert donors
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            assert not [donor for donor in donors if donor in text], path
    traced = trace(store, made.release_id, "mean_age", "total")
    assert traced.same
    compiled = load_form(store, FORM)
    received = read_tables(store, FORM, compiled.form)
    assert replay_record(compiled, received, record)["person"].equals(counted(store).tables["person"])


def test_the_quality_report_tells_rates_by_question_and_class_and_no_donor(store: Store, tmp_path: Path) -> None:
    made = make_quality_report(store, FORM, tmp_path / "quality", pdf=False, docs=False, at=AT)
    folder = Path(made.folder)
    assert made.interviews == 26
    rows = list(csv.DictReader((folder / "log" / "imputation.csv").read_text().splitlines()))
    told = {(row["question"], row["domain"]): row for row in rows}
    assert told["works", "total"]["missing"] == "2"
    assert any(domain.startswith("sex=") for question, domain in told if question == "works")
    flags = (folder / "log" / "imputed.csv").read_text()
    assert flags.splitlines()[0] == "instance_id,table,row_id,question,kind,method,donor"
    assert not any(f"uuid:h{number:02}" in flags for number in range(20)), "donors are told by a digest"
    for path, text in (
        ("index.html", "La semilla de los sorteos es 2026"),
        ("ht/index.html", "Grenn tiraj yo se 2026"),
    ):
        page = (folder / path).read_text(encoding="utf-8")
        assert text in page
        assert 'id="fig-imputed-works"' in page
        assert SENTINEL not in page


def test_the_command_tells_counts_and_no_answer(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["yes"], tmp_path / "data")
    flags = tmp_path / "flags.csv"
    run = CliRunner().invoke(app, ["cleaning", "impute", FORM, "--data", str(tmp_path / "data"), "--flags", str(flags)])
    assert run.exit_code == 0, run.output
    assert "6 interviews looked at, 6 solved" in run.output
    assert "works" in run.output
    rows = list(csv.DictReader(flags.read_text().splitlines()))
    assert set(rows[0]) == {"instance_id", "table", "row_id", "question", "kind", "method", "donor"}
    assert not any("uuid:" in row["donor"] for row in rows)
    lines = CliRunner().invoke(app, ["cleaning", "impute", FORM, "--data", str(tmp_path / "data"), "--json"]).output
    first = json.loads(lines.splitlines()[0])
    assert first["outcomes"] == {"imputed": 6}
    shutil.copytree(folders["no"], tmp_path / "off")
    off = CliRunner().invoke(app, ["cleaning", "impute", FORM, "--data", str(tmp_path / "off")])
    assert "doesn't turn imputation on" in off.output
