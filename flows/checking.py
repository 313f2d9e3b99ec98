"""Check: rules of the form and of `checks`, field-work checks and the expectations suite -> findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice

import polars as pl

from console.acts.edited import edit_survey
from flows.registering import load_form
from flows.spreading import interview_communes, unit_communes
from forms.compile import CompiledForm
from forms.spreading import list_communes
from reports.maps import find_area
from schemas.fields import FORM_VERSION, INSTANCE_ID, MAIN_TABLE
from schemas.findings import Finding, Rule, RuleSummary
from store import findings as finding_rows
from store import forms as form_rows
from store.communes import put_communes, put_unit_communes
from store.open import Store
from store.personal import PersonalAccess, read_personal
from store.settled_readings import settle_readings
from store.tables import read_tables
from validation.checks import check_rules
from validation.cleaning.readings import Readings, split_readings
from validation.evaluate import evaluate_rules
from validation.expectations import SuiteResult, run_suite
from validation.fieldwork import evaluate_fieldwork
from validation.rules import form_rules

CHECKER = PersonalAccess(person="comunal check", reason="rules on personal questions, and the same person twice")

READING_KINDS = frozenset({"type", "structure", "attachment"})
"""Kinds of findings that ingest makes while it reads; check passes them on and never closes them."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What one run of check saw.

    Attributes:
        interviews: current interviews judged.
        findings: open findings after the run.
        opened, closed: what the run changed.
        set_aside: interviews that a release leaves out until a finding is decided.
        summaries: how each rule fared; a rule that could not be judged says why.
        suite: the Great Expectations result, null if it was left out.
    """

    form_id: str
    interviews: int
    findings: int
    opened: int
    closed: int
    set_aside: int
    summaries: tuple[RuleSummary, ...]
    suite: SuiteResult | None = None


def check(
    store: Store,
    form_id: str,
    *,
    expectations: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
) -> CheckReport:
    """Judges every current interview, as decisions left it, by the version it was made with, and keeps the findings.

    Excluded interviews aren't judged: their findings close until they count again.
    Findings are keyed, so that a second run changes nothing; one that no longer holds closes by itself.

    Raises:
        StoreError: STO-011, when the form is not registered.
    """
    latest = load_form(store, form_id)
    received = read_tables(store, form_id, latest.form)
    with store.begin() as connection:
        personal = read_personal(connection, CHECKER, form_id)
        reading = finding_rows.list_findings(connection, form_id, kinds=READING_KINDS)
        published = {row.version: row.created_at for row in form_rows.list_form_versions(connection, form_id)}
    survey = edit_survey(store, latest.form, received, reader=CHECKER.person, personal=personal)
    tables, personal = survey.tables, personal if survey.personal is None else survey.personal
    zone = latest.specs.design.settings.get("timezone", "UTC")
    settled: list[Readings] = []
    found: list[Iterable[Finding]] = []
    summaries: list[RuleSummary] = []
    versions = tables[MAIN_TABLE][FORM_VERSION].unique().sort().to_list()
    for done, version in enumerate(versions):
        compiled = load_form(store, form_id, version)
        part = _of_version(tables, version) if len(versions) > 1 else tables
        mine = [row for row in reading if row.form_version == version]
        settled.append(split_readings(compiled.form, mine, survey.log, survey.edited))
        read = settled[-1].open
        judged = evaluate_rules(compiled.form, rules_of(compiled), part, personal=personal, parsed=read, zone=zone)
        found.append(islice(judged.findings, len(read), None))  # those of reading are in the store already
        summaries += judged.summaries
        if progress:
            progress(done + 1, len(versions) + 1)
    specs = latest.specs
    fieldwork = evaluate_fieldwork(
        latest.form,
        tables,
        specs.design.settings,
        personal=personal,
        versions=published,
        monitoring=specs.monitoring,
        boundary=find_area(list_communes(specs)),
        today=datetime.now(UTC),
    )
    found.append(fieldwork.findings)
    summaries += fieldwork.summaries
    if progress:
        progress(len(versions) + 1, len(versions) + 1)
    merged = merge_summaries(summaries)
    own, plugins = latest.specs.expectations, store.data / "expectations"
    suite = run_suite(merged, tables, latest.form, own, plugins) if expectations else None
    evaluated = {row.rule.rule_id for row in merged if not row.rule.not_checked and row.rule.kind not in READING_KINDS}
    communes = interview_communes(latest, tables)
    with store.begin() as connection:
        if communes is not None:
            put_communes(connection, form_id, communes.items())
        changes = finding_rows.put_findings(connection, form_id, chain.from_iterable(found), evaluated)
        finding_rows.put_rule_runs(connection, form_id, merged)
        if communes is not None:
            put_unit_communes(connection, form_id, unit_communes(latest, tables, communes))
        for split in settled:
            settle_readings(connection, form_id, split.corrected, split.restored)
        set_aside = finding_rows.blocked_instances(connection, form_id)
        still_open = finding_rows.count(connection, form_id)
    return CheckReport(
        form_id=form_id,
        interviews=tables[MAIN_TABLE].height,
        findings=still_open,
        opened=changes.opened,
        closed=changes.closed,
        set_aside=len(set_aside),
        summaries=tuple(merged),
        suite=suite,
    )


def rules_of(compiled: CompiledForm) -> list[Rule]:
    """Every rule that one version of a form brings: its own, and those of its `checks` sheet."""
    return [*form_rules(compiled.form), *check_rules(compiled.specs, compiled.form)]


def merge_summaries(summaries: list[RuleSummary]) -> list[RuleSummary]:
    """One summary a rule, where several versions have it: counts are added."""
    merged: dict[str, RuleSummary] = {}
    for row in summaries:
        known = merged.get(row.rule.rule_id)
        merged[row.rule.rule_id] = (
            row
            if known is None
            else RuleSummary(
                row.rule,
                known.checked + row.checked,
                known.failed + row.failed,
                known.engine_dependent + row.engine_dependent,
            )
        )
    return list(merged.values())


def _of_version(tables: Mapping[str, pl.DataFrame], version: str) -> dict[str, pl.DataFrame]:
    instances = tables[MAIN_TABLE].filter(pl.col(FORM_VERSION) == version)[INSTANCE_ID]
    return {name: frame.filter(pl.col(INSTANCE_ID).is_in(instances.implode())) for name, frame in tables.items()}
