"""Checks over many interviews: the same person twice, copied interviews, times and versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from schemas.fields import Field, Form, Group, Repeat, Table
from schemas.text import LANGUAGES
from schemas.workbook import MonitoringRow
from validation.evaluation import Evaluation
from validation.fieldwork import evaluate_fieldwork
from validation.fieldwork_rules import fieldwork_rules, read_settings

NOON = datetime(2026, 3, 10, 15, tzinfo=UTC)
QUESTIONS = 25


def asked(name: str, table: str = "main", path: str = "/data", **more: str) -> Field:
    return Field(name=name, path=f"{path}/{name}", table=table, column=name, control="input", **more)  # type: ignore[arg-type]


def make_form() -> Form:
    main = (
        Field(name="start", path="/data/start", type="dateTime", column="start", preload="timestamp/start"),
        Field(name="end", path="/data/end", type="dateTime", column="end", preload="timestamp/end"),
        Field(name="username", path="/data/username", column="username", preload="property/username"),
        asked("name", personal="name"),
        asked("run", personal="document"),
        asked("phone", personal="phone"),
        asked("sex"),
        asked("age", type="int"),
        asked("birth_date", type="date"),
        *(asked(f"q{number}") for number in range(QUESTIONS)),
    )
    member = (
        asked("m_name", "member", "/data/member", personal="name"),
        asked("sex", "member", "/data/member"),
        asked("birth_date", "member", "/data/member", type="date"),
    )
    repeat = Repeat("member", "/data/member", "member", member)
    tables = (Table("main", "/data", None, main), Table("member", "/data/member", "main", member))
    return Form("f", "1", "F", Group("data", "/data", (*main, repeat)), tables)


FORM = make_form()


class Interviews:
    """Builds tables and personal answers interview by interview."""

    def __init__(self) -> None:
        self.main: list[dict[str, object]] = []
        self.members: list[dict[str, object]] = []
        self.personal: list[dict[str, str]] = []

    def add(
        self,
        instance_id: str,
        personal: Mapping[str, str] | None = None,
        members: tuple[Mapping[str, str], ...] = (),
        minutes: float = 30,
        start: datetime = NOON,
        arrival: int | None = None,
        **answers: object,
    ) -> Interviews:
        at = len(self.main) if arrival is None else arrival
        row: dict[str, object] = {f"q{number}": f"{instance_id}{number}" for number in range(QUESTIONS)}
        row |= {"start": start, "end": start + timedelta(minutes=minutes), "username": "ana"}
        row |= {"_instance_id": instance_id, "_row_id": "", "_form_version": "1", "sex": None}
        row |= {"_received_at": NOON + timedelta(minutes=at), "age": None, "birth_date": None}
        self.main.append(row | answers)
        self._keep(instance_id, "", personal or {})
        for position, member in enumerate(members, 1):
            row_id = f"member[{position}]"
            keys = {"_instance_id": instance_id, "_row_id": row_id, "_parent_row_id": "", "_position": position}
            self.members.append({**keys, "sex": member.get("sex"), "birth_date": member.get("birth_date")})
            self._keep(instance_id, row_id, {"m_name": member["m_name"]})
        return self

    def _keep(self, instance_id: str, row_id: str, answers: Mapping[str, str]) -> None:
        self.personal += [
            {"instance_id": instance_id, "row_id": row_id, "question": question, "value": value}
            for question, value in answers.items()
        ]

    def tables(self) -> dict[str, pl.DataFrame]:
        times = {name: pl.Datetime("ms", "UTC") for name in ("start", "end", "_received_at")}
        keys = {"_instance_id": pl.String, "_row_id": pl.String, "_parent_row_id": pl.String, "_position": pl.Int64}
        member_schema = {**keys, "sex": pl.String, "birth_date": pl.String}
        schema = dict.fromkeys(self.main[0], pl.String) | times | {"age": pl.Int64}
        return {
            "main": pl.DataFrame(self.main, schema=schema),
            "member": pl.DataFrame(self.members, schema=member_schema),
        }

    def judge(self, settings: Mapping[str, str] | None = None, **more: object) -> Evaluation:
        schema = dict.fromkeys(("instance_id", "row_id", "question", "value"), pl.String)
        kept = pl.DataFrame(self.personal, schema=schema)
        off = [MonitoringRow(name, on="no") for name in ("clock_ahead", "overlap")]  # arrivals here are what tests need
        return evaluate_fieldwork(FORM, self.tables(), settings or {}, personal=kept, monitoring=off, **more)  # type: ignore[arg-type]


def found(evaluation: Evaluation, rule: str) -> set[tuple[str, str]]:
    return {(item.instance_id, item.row_id) for item in evaluation.findings if item.rule_id == f"field:{rule}"}


def not_checked(evaluation: Evaluation) -> dict[str, str]:
    return {rule.rule_id.removeprefix("field:"): rule.not_checked for rule in evaluation.not_checked}


NAMES = {rule.rule_id.removeprefix("field:") for rule in fieldwork_rules()}
JEAN = {"name": "Jean Baptiste", "sex": "1", "age": 30}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"run": "24.567.890-K"}, {"run": "24567890k"}, True),
        ({"run": "24.567.890-K"}, {"run": "24.567.891-K"}, False),
        ({"run": "0"}, {"run": "0"}, False),
        ({"run": "11.111.111"}, {"run": "11111111"}, False),
        ({"name": "Jean Baptiste"}, {"name": "Jean Baptiste"}, False),
        (JEAN | {"birth_date": "1996-01-02"}, JEAN | {"birth_date": "1996-01-02"}, True),
        (JEAN | {"birth_date": "1996-01-02"}, JEAN | {"birth_date": "1996-02-01"}, False),
        ({"name": "Jean B", "phone": "+56 9 8765 4321"}, {"name": "B Jean", "phone": "987654321"}, True),
        ({"name": "Jean B", "phone": "987654321"}, {"name": "Luc B", "phone": "987654321"}, False),
        ({"name": "Jean B", "phone": "000000000"}, {"name": "Jean B", "phone": "000000000"}, False),
    ],
)
def test_same_person_is_told_by_strong_keys_only(
    first: Mapping[str, object], second: Mapping[str, object], same: bool
) -> None:
    kept = {"name", "run", "phone"}
    interviews = Interviews()
    for instance_id, person in (("a", first), ("b", second)):
        personal = {name: str(value) for name, value in person.items() if name in kept}
        interviews.add(instance_id, personal, **{name: value for name, value in person.items() if name not in kept})  # type: ignore[arg-type]
    assert found(interviews.judge(), "duplicate_person") == ({("b", "")} if same else set())


@pytest.mark.parametrize(
    ("second", "similar"),
    [
        ({"name": "BAPTISTE  Jéan", "sex": "1", "age": 30}, True),
        ({"name": "Jean Baptiste", "sex": "2", "age": 30}, False),
        ({"name": "Jean Baptiste", "sex": "1", "age": 31}, False),
        ({"name": "Jean", "sex": "1", "age": 30}, False),
        ({"name": "Jean Baptiste", "sex": "1", "age": 30, "birth_date": "1996-01-02"}, False),
    ],
)
def test_namesake_of_the_same_sex_and_age_is_a_warning(second: Mapping[str, object], similar: bool) -> None:
    interviews = Interviews()
    for instance_id, person in (("a", JEAN), ("b", second)):
        marks = {name: value for name, value in person.items() if name != "name"}
        interviews.add(instance_id, {"name": str(person["name"])}, **marks)  # type: ignore[arg-type]
    evaluation = interviews.judge()
    assert found(evaluation, "similar_person") == ({("b", "")} if similar else set())
    assert found(evaluation, "duplicate_person") == set()


def test_a_duplicate_is_not_called_similar_too() -> None:
    personal = {"name": "Jean Baptiste", "run": "24567890K"}
    evaluation = Interviews().add("a", personal, sex="1", age=30).add("b", personal, sex="1", age=30).judge()
    assert [finding.rule_id for finding in evaluation.findings] == ["field:duplicate_person"]


def test_duplicate_falls_on_the_later_arrival_and_names_the_earlier() -> None:
    interviews = Interviews().add("a", {"run": "24567890K"}, arrival=5).add("b", {"run": "24567890K"}, arrival=1)
    (finding,) = [item for item in interviews.judge().findings if item.kind == "field"]
    assert (finding.instance_id, finding.severity) == ("a", "error")
    assert all(finding.message[language].endswith(": b.") for language in LANGUAGES)


def test_duplicate_falls_on_the_interview_held_later_though_it_arrived_first() -> None:
    held_first = Interviews().add("a", {"run": "24567890K"}, start=NOON, arrival=9)
    both = held_first.add("b", {"run": "24567890K"}, start=NOON + timedelta(hours=2), arrival=1)
    assert found(both.judge(), "duplicate_person") == {("b", "")}


@pytest.mark.parametrize(
    ("name", "changed", "expected"),
    [("Jean Baptiste", False, {("b", "")}), ("Jean Baptiste", True, set()), ("Jean", False, set())],
)
def test_same_full_name_with_every_answer_the_same_is_one_person(
    name: str, changed: bool, expected: set[tuple[str, str]]
) -> None:
    answers = {f"q{number}": "1" for number in range(QUESTIONS)}
    other = answers | ({"q3": "2"} if changed else {})
    interviews = Interviews().add("a", {"name": name}, **answers).add("b", {"name": name}, **other)  # type: ignore[arg-type]
    assert found(interviews.judge(), "duplicate_person") == expected


def test_household_members_are_compared_across_interviews_but_not_within_one() -> None:
    marie = {"m_name": "Marie Louis", "sex": "2", "birth_date": "2001-05-05"}
    luc = {"m_name": "Luc Louis", "sex": "1", "birth_date": "2002-05-05"}
    evaluation = Interviews().add("a", members=(marie, marie, luc)).add("b", members=(luc, marie)).judge()
    assert found(evaluation, "duplicate_person") == {("b", "member[1]"), ("b", "member[2]")}


def test_phone_asked_once_belongs_to_every_member() -> None:
    marie = ({"m_name": "Marie"},)
    evaluation = Interviews().add("a", {"phone": "987654321"}, marie).add("b", {"phone": "987654321"}, marie).judge()
    assert found(evaluation, "duplicate_person") == {("b", "member[1]")}
    other = ({"m_name": "Luc"},)
    evaluation = Interviews().add("a", {"phone": "987654321"}, marie).add("b", {"phone": "987654321"}, other).judge()
    assert found(evaluation, "duplicate_person") == set()


def test_no_personal_answer_reaches_a_finding() -> None:
    person = {"run": "24567890K", "name": "Sentinela Única", "phone": "987654321"}
    findings = list(Interviews().add("a", person).add("b", person).judge().findings)
    assert findings
    assert not any(value.lower() in repr(findings).lower() for value in person.values())


def test_duplicates_are_not_checked_without_personal_answers() -> None:
    evaluation = evaluate_fieldwork(FORM, Interviews().add("a").tables(), {})
    assert "personal answers" in not_checked(evaluation)["duplicate_person"]


def answers(changed: int, of: int = QUESTIONS) -> dict[str, str | None]:
    return {
        f"q{number}": ("other" if number < changed else "same") if number < of else None for number in range(QUESTIONS)
    }


@pytest.mark.parametrize(
    ("second", "who", "expected"),
    [
        (answers(0), "ana", {("b", "")}),
        (answers(1), "ana", {("b", "")}),
        (answers(2), "ana", set()),
        (answers(0), "luz", set()),
        (answers(0, of=24), "ana", {("b", "")}),
        (answers(0, of=23), "ana", set()),
    ],
)
def test_near_identical_interviews_of_one_enumerator(
    second: dict[str, str | None], who: str, expected: set[tuple[str, str]]
) -> None:
    interviews = Interviews().add("a", **answers(0)).add("b", username=who, **second)
    assert found(interviews.judge(), "near_identical") == expected


def test_short_interviews_are_not_called_copies() -> None:
    interviews = Interviews().add("a", **answers(0, of=14)).add("b", **answers(0, of=14))
    assert found(interviews.judge(), "near_identical") == set()
    assert found(interviews.judge({"near_identical_min_answers": "14"}), "near_identical") == {("b", "")}


def test_near_identical_in_blocks_is_near_identical_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    interviews = Interviews()
    for number in range(12):
        interviews.add(f"i{number:02}", **answers(number % 4))
    expected = found(interviews.judge(), "near_identical")
    assert expected
    monkeypatch.setattr("validation.likeness.CELLS_AT_A_TIME", 700)
    assert found(interviews.judge(), "near_identical") == expected


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (30, set()),
        (5, set()),
        (4.9, {"short_duration"}),
        (0.7, {"short_duration"}),
        (0.4, {"short_duration", "impossible_duration"}),  # 24 seconds for 25 answers
        (0, {"short_duration", "impossible_duration"}),
        (-1, {"impossible_duration"}),
        (240, set()),
        (241, {"long_duration"}),
    ],
)
def test_durations(minutes: float, expected: set[str]) -> None:
    evaluation = Interviews().add("a", minutes=minutes).judge()
    assert {finding.rule_id.removeprefix("field:") for finding in evaluation.findings} == expected


def test_refusal_may_be_short() -> None:
    refusal = Interviews().add("a", minutes=1, **answers(0, of=3))
    assert not refusal.judge().findings
    assert len(refusal.judge({"duration_min_answers": "3"}).findings) == 1


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (datetime(2026, 3, 1, 2, 59, tzinfo=UTC), {"outside_period", "at_night"}),  # still February in Santiago
        (datetime(2026, 3, 1, 3, tzinfo=UTC), {"at_night"}),
        (datetime(2026, 3, 10, 9, tzinfo=UTC), set()),  # six in the morning
        (datetime(2026, 3, 10, 8, 59, tzinfo=UTC), {"at_night"}),
        (datetime(2026, 3, 11, 0, 59, tzinfo=UTC), set()),
        (datetime(2026, 3, 11, 1, tzinfo=UTC), {"at_night"}),  # ten in the evening
        (datetime(2026, 4, 1, 12, tzinfo=UTC), {"outside_period"}),
    ],
)
def test_days_and_hours_are_told_in_the_surveys_time_zone(start: datetime, expected: set[str]) -> None:
    settings = {"timezone": "America/Santiago", "fieldwork_start": "2026-03-01", "fieldwork_end": "2026-03-31"}
    evaluation = Interviews().add("a", start=start).judge(settings)
    assert {finding.rule_id.removeprefix("field:") for finding in evaluation.findings} == expected


@pytest.mark.parametrize(
    ("version", "start", "outdated"),
    [
        ("1", datetime(2026, 3, 6, 11, tzinfo=UTC), False),
        ("1", datetime(2026, 3, 6, 13, tzinfo=UTC), True),
        ("2", datetime(2026, 3, 9, tzinfo=UTC), False),
        ("unknown", datetime(2026, 3, 9, tzinfo=UTC), False),
    ],
)
def test_outdated_version_is_noted_after_a_days_grace(version: str, start: datetime, outdated: bool) -> None:
    versions = {"1": datetime(2026, 1, 1, tzinfo=UTC), "2": datetime(2026, 3, 5, 12, tzinfo=UTC)}
    evaluation = Interviews().add("a", start=start, _form_version=version).judge(versions=versions)
    assert found(evaluation, "outdated_version") == ({("a", "")} if outdated else set())


def test_what_can_not_be_told_is_not_checked() -> None:
    reasons = not_checked(Interviews().add("a").judge({"duration_min_minutes": "five", "timezone": "Quilicura"}))
    assert set(reasons) & NAMES == {"short_duration", "outside_period", "at_night", "outdated_version"}
    assert "duration_min_minutes" in reasons["short_duration"]
    assert "timezone" in reasons["at_night"]


def test_form_without_metadata_leaves_its_rules_unchecked() -> None:
    bare = tuple(field for field in FORM.tables[0].fields if not field.preload and not field.personal)
    form = Form("f", "1", "F", Group("data", "/data", bare), (Table("main", "/data", None, bare),))
    tables = {"main": Interviews().add("a").tables()["main"].drop("start", "end", "username")}
    evaluation = evaluate_fieldwork(form, tables, {"timezone": "UTC", "fieldwork_start": "2026-03-01"})
    assert set(not_checked(evaluation)) >= NAMES
    assert len(evaluation.findings) == 0


def test_no_interviews_no_findings() -> None:
    tables = {name: frame.clear() for name, frame in Interviews().add("a").tables().items()}
    personal = pl.DataFrame(schema=dict.fromkeys(("instance_id", "row_id", "question", "value"), pl.String))
    evaluation = evaluate_fieldwork(FORM, tables, {"timezone": "UTC"}, personal=personal)
    assert list(evaluation.findings) == []


def test_every_rule_speaks_three_languages() -> None:
    for rule in fieldwork_rules():
        assert all(rule.message[language] and rule.advice[language] for language in LANGUAGES)


def test_settings_are_read_and_others_left_alone() -> None:
    settings = read_settings({"person_sex": "sex, p_sex", "night_from": "23:30", "psu": "${x}", "timezone": ""})
    assert settings.person_sex == ("sex", "p_sex")
    assert settings.night_from.hour == 23
    assert settings.timezone is None
    assert settings.problems == {}
    assert "near_identical_share" in read_settings({"near_identical_share": "95"}).problems
