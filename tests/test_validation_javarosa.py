"""Interviews that a client nobody here wrote has made, against our checking.

JavaRosa fills real forms and sends them through the real server: no rule of the form may find anything. Then one value
of each is changed, and the findings must be exactly those of a reader who knows nothing of columns, and must agree with
what JavaRosa itself says of the changed interview.

`COMUNAL_INTERVIEWS=500 pytest tests/test_validation_javarosa.py -s` runs the whole size over every form, and prints the
figures; `COMUNAL_SEED` draws others.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from interview_changes import Changer
from javarosa_phone import NEEDS_JAVAROSA, Complaint, Filled, explained_by, fill, look_at
from served_store import serve
from slow_reader import SlowReader

from flows.checking import check, rules_of
from flows.collect_client import CollectClient
from flows.collect_sending import send_all
from flows.ingesting import ingest
from flows.registering import add_form
from forms.compile import CompiledForm, compile_workbook
from forms.rehearsal import rehearse
from forms.rehearsal.interviews import Send
from forms.repair import repair_workbook
from forms.rows import read_rows
from forms.sheets import read_workbook, write_folder
from schemas.submissions import RawSubmission
from schemas.workbook import Workbook
from store import findings as finding_rows
from store import submissions
from validation.evaluate import evaluate_rules

REPOSITORY = Path(__file__).resolve().parents[1]
FORMS = REPOSITORY.parent / "shared/forms"
INTERVIEWS = int(os.environ.get("COMUNAL_INTERVIEWS", "20"))
LARGE = ("quilicura", "who_va_2022.xlsx")
OTHERS: tuple[str, ...] = ("unhcr_xlsformutil_demo.xlsx",)
if INTERVIEWS >= 100:
    OTHERS += (
        "pyxform_widgets.xls",
        "xlsform_org_cascading.xlsx",
        "unhcr_rms_capi_v3.xlsx",
        "unhcr_koboloader_form.xls",
    )
SEED = int(os.environ.get("COMUNAL_SEED", "2026"))
FORM_RULES = frozenset({"type", "structure", "attachment", "choice", "required", "constraint", "relevant"}) | {
    "calculation",
    "repeat",
}

REHEARSED = frozenset({"unhcr_rms_capi_v3.xlsx", "unhcr_koboloader_form.xls"})
"""Forms that draws at random never finish: one asks for the day of today, one for a telephone number. They are filled
by our rehearsal, whose interviews JavaRosa accepts."""

LISTS = {
    "unhcr_rms_capi_v3.xlsx": {
        "admin_level.csv": "name,label,filter\n"
        + "".join(f"{country}{n},Place {n},{country}\n" for country in ("AFG", "ALB", "DZA", "AND") for n in range(3))
    },
}
"""Lists that a form reads from a file which isn't published with it, made up here."""

pytestmark = NEEDS_JAVAROSA


@dataclass(frozen=True, slots=True)
class Survey:
    """A form with interviews that JavaRosa made of it."""

    workbook: Workbook
    compiled: CompiledForm
    zone: str
    interviews: tuple[Filled, ...]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("javarosa")


@cache
def filled(name: str, folder: Path) -> Survey:
    wanted = INTERVIEWS if name in LARGE else max(8, INTERVIEWS // 5)
    source = REPOSITORY / "forms/quilicura" if name == "quilicura" else FORMS / name
    if not source.exists():
        pytest.skip(f"../shared/forms/{name} is not there")
    workbook, _ = repair_workbook(read_workbook(source))
    media = {key: text.encode() for key, text in LISTS.get(name, {}).items()}
    workbook = replace(workbook, media={**workbook.media, **media})
    compiled = compile_workbook(workbook)
    zone = compiled.specs.design.settings.get("timezone", "UTC")
    if name in REHEARSED:
        done = rehearse(compiled, wanted, SEED, datetime.now(UTC))
        made = [Filled(each.instance_id, each.xml, each.attachments) for each in done]
    else:
        made = fill(compiled, folder / name / "fill", wanted, SEED, zone=zone)
    return Survey(workbook, compiled, zone, tuple(made))


# -- nothing is found in what a client made ----------------------------------------------------------------------------
@pytest.mark.parametrize("name", [*LARGE, *OTHERS])
def test_interviews_filled_by_javarosa_arrive_once_and_break_no_rule_of_the_form(
    name: str, folder: Path, tmp_path: Path
) -> None:
    survey = filled(name, folder)
    source = tmp_path / survey.workbook.name
    write_folder(survey.workbook, source)
    with serve(tmp_path / "data") as (store, url):
        added = add_form(store, source)
        assert added.version is not None, added.problems
        began = time.perf_counter()
        with CollectClient(url) as phone:
            fetched = phone.fetch_form(added.form_id)
            assert fetched.xform == survey.compiled.xform
            report = send_all(phone, twice(survey.interviews), parallel=4)
        sending = time.perf_counter() - began
        assert (report.sent, report.refused) == (2 * len(survey.interviews), 0)
        read = ingest(store, added.form_id)
        checked = check(store, added.form_id, expectations=False)
        with store.read() as connection:
            counts = submissions.count_submissions(connection, added.form_id)
            found = finding_rows.list_findings(connection, added.form_id)
    assert (counts.received, counts.current, counts.conflicts) == (len(survey.interviews),) * 2 + (0,)
    assert (read.read, read.failed, checked.interviews) == (len(survey.interviews), 0, len(survey.interviews))
    silent = [row.rule for row in checked.summaries if row.rule.not_checked]
    print(f"\n{name}: seed {SEED}, {len(survey.interviews)} interviews sent twice in {sending:.1f} s; ", end="")
    print(f"{len(checked.summaries)} rules, {len(silent)} not checked; {len(found)} of other rules")
    assert [(row.instance_id, row.rule_id, row.row_id) for row in found if row.kind in FORM_RULES] == []


def twice(interviews: Sequence[Filled]) -> Iterator[Send]:
    for number in (0, 1):
        for each in interviews:
            yield Send(each.instance_id, each.xml, each.attachments, round=number)


# -- one value changed -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Changed:
    """An interview with one change, and what our rules find in it."""

    kind: str
    raw: RawSubmission
    found: frozenset[tuple[str, str]]


@cache
def changed(name: str, folder: Path) -> tuple[Survey, tuple[Changed, ...], frozenset[str]]:
    """Changed interviews and the ids of rules that can't be checked."""
    survey = filled(name, folder)
    changer = Changer(survey.compiled, random.Random(SEED))  # noqa: S311
    form, now = survey.compiled.form, datetime.now(UTC)
    kinds, batch = [], []
    for number, each in enumerate(survey.interviews):
        kind, xml = changer.change(each.xml)
        kinds.append(kind)
        files = tuple(each.attachments)
        batch.append(
            RawSubmission(number, form.form_id, form.version, each.instance_id, now, xml, "", "collect", files)
        )
    parsed = read_rows(form, batch, b"key")
    names = ("instance_id", "row_id", "question", "value")
    kept = [[getattr(answer, key) for key in names] for answer in parsed.personal]
    personal = pl.DataFrame(kept, schema=dict.fromkeys(names, pl.String), orient="row")
    evaluation = evaluate_rules(
        form, rules_of(survey.compiled), parsed.tables, personal=personal, parsed=parsed.findings, zone=survey.zone
    )
    assert parsed.failed == {}
    found: dict[str, set[tuple[str, str]]] = {}
    for item in evaluation.findings:
        found.setdefault(item.instance_id, set()).add((item.rule_id, item.row_id))
    outcome = tuple(
        Changed(kind, raw, frozenset(found.get(raw.instance_id, ()))) for kind, raw in zip(kinds, batch, strict=True)
    )
    return survey, outcome, frozenset(rule.rule_id for rule in evaluation.not_checked)


CHANGED = [name for name in (*LARGE, *OTHERS) if name != "unhcr_koboloader_form.xls"]


@pytest.mark.parametrize("name", CHANGED)
def test_changed_interviews_break_exactly_the_rules_that_a_slow_reader_names(name: str, folder: Path) -> None:
    survey, interviews, not_checked = changed(name, folder)
    made, told, wrong = Counter[str](), Counter[str](), []
    for each in interviews:
        reader = SlowReader(survey.compiled, each.raw.xml, now=each.raw.received_at, zone=ZoneInfo(survey.zone))
        expected = {item for item in reader.broken() if item[0] not in not_checked}
        ours = {item for item in each.found if not item[0].startswith(("structure:", "attachment:"))}
        made[each.kind] += 1
        told[each.kind] += len(each.found)
        if each.kind == "unknown node":
            assert ("structure:unknown_node", "") in each.found
        if ours != expected:
            wrong.append((each.kind, sorted(ours - expected), sorted(expected - ours)))
    show(name, len(interviews), made, told)
    assert wrong == []


def show(name: str, interviews: int, made: Mapping[str, int], told: Mapping[str, int]) -> None:
    print(f"\n{name}: seed {SEED}, {interviews} interviews changed")
    for kind, times in sorted(made.items()):
        print(f"  {kind:32} {times:4} changes {told[kind]:5} findings")


# -- JavaRosa's own word -----------------------------------------------------------------------------------------------
MOVED = ("type", "choice", "choice_filter", "relevant", "calculation", "repeat", "structure")
"""Findings after which JavaRosa goes on with another interview: it blanks, drops, recalculates or adds rows."""


@pytest.mark.parametrize("name", CHANGED)
def test_javarosa_agrees_about_changed_interviews(name: str, folder: Path, tmp_path: Path) -> None:
    survey, interviews, not_checked = changed(name, folder)
    said = look_at(
        survey.compiled, tmp_path, {each.raw.instance_id: each.raw.xml for each in interviews}, zone=survey.zone
    )
    rests = explained_by(survey.compiled)
    # Its clock is this machine's; ours is the interview's.
    clocked = frozenset(rule.rule_id for rule in rules_of(survey.compiled) if CLOCK.search(rule.expression))
    same = explained = 0
    wrong: list[object] = []
    for each in interviews:
        complaints = [one for one in said[each.raw.instance_id] if not is_tolerated(one)]
        theirs = {
            (f"{one.error}:{one.path}", one.row_id) for one in complaints if one.error in {"required", "constraint"}
        }
        ours = {item for item in each.found if item[0].startswith(("required:", "constraint:"))}
        silent = not_checked | clocked if each.kind == "moment moved" or name in REHEARSED else not_checked
        theirs = {item for item in theirs if item[0] not in silent}
        ours = {item for item in ours if item[0] not in silent}
        if not any(item[0].startswith(MOVED) for item in each.found) and "absent" not in each.kind:
            same += 1
            if ours != theirs:
                wrong.append((each.kind, sorted(ours ^ theirs)))
        else:
            explained += 1
            wrong += unexplained(each, complaints, rests, silent)
    print(f"\n{name}: seed {SEED}, {same} interviews judged alike by JavaRosa, {explained} after it had changed them")
    assert wrong == []


CLOCK = re.compile(r"\b(today|now)\(")
REWRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.+Z-]+|-?\d+\.\d+( -?[\d.]+){1,3}")


def is_tolerated(complaint: Complaint) -> bool:
    """JavaRosa writes moments and positions in its own way, drops outer blanks, and puts empty nodes in or out."""
    before, after = complaint.before or "", complaint.after or ""
    if complaint.error == "changed":
        return before.strip() == after or bool(REWRITTEN.fullmatch(before) and after)
    return complaint.error in {"added", "dropped"} and not before.strip() and not after


def unexplained(
    each: Changed, complaints: Sequence[Complaint], rests: Mapping[str, frozenset[str]], not_checked: Collection[str]
) -> Iterator[object]:
    """Complaints of JavaRosa at places that rest on none of ours, and findings of ours where it notices nothing."""
    at = {rule_id.partition(":")[2] for rule_id, _ in each.found}
    is_strange = any(rule_id == "structure:unknown_node" for rule_id, _ in each.found)
    for one in complaints:
        skipped = f"{one.error}:{one.path}" in not_checked or f"calculation:{one.path}" in not_checked
        if (one.path in rests and not skipped and not rests[one.path] & at) or (
            one.path not in rests and not is_strange
        ):
            yield each.kind, one
    heard = {one.path for one in complaints}
    for rule_id, row in each.found:
        kind, _, path = rule_id.partition(":")
        if kind in {"type", "choice", "choice_filter", "relevant"} and not rests[path] & heard:
            if each.kind in {"impossible position", "no date"}:
                continue  # JavaRosa takes a latitude of -133, and a moment for a day
            yield each.kind, rule_id, row
