"""How the findings of a survey compare with what a rehearsal planted in it, and why what was missed was missed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.exporting import open_findings
from flows.registering import load_form
from forms.spreading import list_communes
from reports.maps import find_area
from schemas.fields import INSTANCE_ID, MAIN_TABLE
from schemas.findings import Finding
from store.findings import list_rule_runs
from store.open import Store
from store.personal import PersonalAccess, read_personal
from store.tables import read_tables
from validation.fieldwork import make_task
from validation.fieldwork.missed import Explainer, Miss
from validation.scoring import Score, score

SCORER = PersonalAccess(person="comunal score", reason="why planted faults were missed")


@dataclass(frozen=True, slots=True)
class Explained:
    """A planted fault that no finding names, and why."""

    kind: str
    instance_id: str
    questions: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ScoredRehearsal:
    """The score of a rehearsal.

    Attributes:
        score: found, missed and false alarms.
        misses: in order of the kinds, then of the truth.
        unmade: rule id -> why it wasn't judged.
        checked: rules that were judged; 0 if no check was run.
    """

    score: Score
    misses: tuple[Explained, ...]
    unmade: Mapping[str, str]
    checked: int


def score_rehearsal(store: Store, form_id: str, truth: Path) -> ScoredRehearsal:
    """Compare the open findings of a form with what a rehearsal says it spoiled.

    Raises:
        StoreError: STO-011, when the form is not registered.
    """
    tables = read_tables(store, form_id, load_form(store, form_id).form)
    lines = truth.read_text(encoding="utf-8").splitlines()
    found = open_findings(store, form_id)
    scored = score(lines, found, tables[MAIN_TABLE][INSTANCE_ID].to_list())
    with store.read() as connection:
        runs = list_rule_runs(connection, form_id)
    unmade = {run.rule.rule_id: run.rule.not_checked for run in runs if run.rule.not_checked}
    misses = _explain(store, form_id, scored, lines, found, unmade)
    return ScoredRehearsal(scored, misses, unmade, len(runs) - len(unmade))


def _explain(
    store: Store, form_id: str, scored: Score, lines: list[str], found: list[Finding], unmade: Mapping[str, str]
) -> tuple[Explained, ...]:
    missed = [(kind.kind, *miss) for kind in scored.kinds for miss in kind.missed]
    if not missed:
        return ()
    compiled = load_form(store, form_id)
    specs = compiled.specs
    with store.begin() as connection:
        personal = read_personal(connection, SCORER, form_id)
    task = make_task(
        compiled.form,
        read_tables(store, form_id, compiled.form),
        specs.design.settings,
        specs.monitoring,
        personal,
        boundary=find_area(list_communes(specs)),
    )
    explainer = Explainer(task, unmade)
    acts = {(act["kind"], act["instance_id"]): act for act in map(_read_act, lines) if act}
    about: dict[str, list[Finding]] = {}
    for finding in found:
        about.setdefault(finding.instance_id, []).append(finding)
    units = {unit.unit: tuple(unit.rules) for unit in scored.units}
    explained = []
    for kind, instance_id, questions in missed:
        act = acts[kind, instance_id]
        miss = Miss(
            instance_id,
            kind,
            questions,
            str(act.get("note", "")),
            str(act.get("original", "")),
            tuple(about.get(instance_id, ())),
            units.get(str(act.get("unit", "")), ()),
        )
        explained.append(Explained(kind, instance_id, questions, explainer.explain(miss)))
    return tuple(explained)


def _read_act(line: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(line) if line.strip() else {}
    return read
