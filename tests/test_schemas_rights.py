"""Who may do what: the table as the field reads it, and its laws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rights import ACTS, RIGHTS, ROLES, may, may_manage

PAGE = Path(__file__).resolve().parents[1] / "docs" / "people.md"
CUTS = ("13125", "13101", "05101")
communes = st.frozensets(st.sampled_from(CUTS))
roles = st.sampled_from(ROLES)


@dataclass(frozen=True)
class Somebody:
    role: str
    communes: frozenset[str] = frozenset()


def allowed(role: str) -> set[str]:
    return {act for act in ACTS if may(Somebody(role), act)}


def test_an_enumerator_sends_and_sees_the_own_progress_and_nothing_else() -> None:
    assert allowed("enumerator") == {"send_submission", "see_own_progress"}


def test_a_supervisor_follows_the_field_work_without_personal_answers() -> None:
    assert allowed("supervisor") >= {"see_progress", "see_findings", "send_back", "read_reports", "log_in"}
    assert not allowed("supervisor") & {"see_personal", "export_data", "decide_finding", "run_flow", "manage_people"}


def test_only_a_statistician_sees_personal_answers_and_only_a_reviewer_signs() -> None:
    assert [role for role in ROLES if "see_personal" in allowed(role)] == ["statistician"]
    assert [role for role in ROLES if "sign_report" in allowed(role)] == ["reviewer"]


def test_an_administrator_sees_no_interview_and_no_figure() -> None:
    seen = {act for act in ACTS if act.startswith(("see_", "read_", "export_", "decide_"))}
    assert allowed("administrator") & seen == {"see_forms", "see_audit_log"}


def test_exclusions_and_releases_need_a_second_person_of_another_role() -> None:
    for act in ("decide_exclusion", "approve_release", "withdraw_release"):
        assert len({role for role in ROLES if act in allowed(role)}) > 1


def test_the_table_names_only_known_roles_and_acts_and_each_act_is_somebodys() -> None:
    assert {role for role, _ in RIGHTS} == set(ROLES)
    assert {act for _, act in RIGHTS} == set(ACTS)


@pytest.mark.parametrize("role", [*ROLES, "king", ""])
def test_what_the_table_does_not_name_is_refused(role: str) -> None:
    assert not may(Somebody(role), "fly")
    assert not may(Somebody("king"), "see_forms")


@given(role=roles, act=st.sampled_from(ACTS), bound=communes, there=st.sampled_from([*CUTS, ""]))
def test_being_bound_only_ever_takes_rights_away(role: str, act: str, bound: frozenset[str], there: str) -> None:
    somebody, free = Somebody(role, bound), Somebody(role)
    assert may(somebody, act, there) <= may(free, act, there)
    assert may(somebody, act) == may(free, act)
    if bound and there not in bound:
        assert not may(somebody, act, there)


@given(manager=roles, own=communes, role=roles, given_communes=communes)
def test_nobody_gives_more_than_they_have(
    manager: str, own: frozenset[str], role: str, given_communes: frozenset[str]
) -> None:
    somebody = Somebody(manager, own)
    if not may_manage(somebody, role, given_communes):
        return
    assert may(somebody, "manage_people")
    made = Somebody(role, given_communes)
    for there in CUTS:
        if may(made, "see_findings", there) and manager != "administrator":
            assert may(somebody, "see_findings", there)
    assert not own or (given_communes and given_communes <= own)
    assert manager == "administrator" or role in {"enumerator", "supervisor"}


def test_the_documented_table_is_the_one_that_counts() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    head, _, *acts = rows
    assert head == ["act", *ROLES]
    assert [row[0] for row in acts] == list(ACTS)
    told = {(role, act) for act, *cells in acts for role, cell in zip(ROLES, cells, strict=True) if cell == "yes"}
    assert told == RIGHTS
