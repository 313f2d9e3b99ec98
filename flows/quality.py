"""The data-quality report: what the store, the checks and people's decisions say, gathered, written and registered."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from itertools import count
from pathlib import Path

import polars as pl

from console.acts.edited import edit_survey
from console.acts.imputed import Counted, accept, count_interviews, flags_of
from flows.quality_days import fieldwork_days
from flows.quality_files import DOCS, docs_pages, print_report
from flows.quality_findings import FindingCounts, count_findings, rule_outcomes
from flows.registering import load_form
from forms.compile import CompiledForm
from forms.spreading import communes_text
from reports.contents import list_of_digests
from reports.quality.contents import (
    Arrivals,
    Decided,
    Imputations,
    ImputedQuestion,
    QualityContents,
    Rate,
    RuleOutcome,
)
from reports.quality.folder import hash_folder, write_report
from reports.quality.model import build_report
from reports.quality.page import build_pages
from reports.signing import DataDigests, canonical, hash_files
from schemas.decisions import Decision, InForce, in_force, taken_back
from schemas.errors import ReleaseError
from schemas.fields import CLIENT, INSTANCE_ID, MAIN_TABLE
from schemas.findings import RuleSummary
from schemas.text import LANGUAGES, Text
from store import findings as finding_rows
from store import forms as form_rows
from store import quality_reports as report_rows
from store.decisions import list_decisions
from store.digests import list_digests
from store.open import Store
from store.quality_reports import ReportRow
from store.submissions import SubmissionCounts, count_submissions
from store.tables import read_tables
from validation.fieldwork import responses
from validation.fieldwork.evaluate import make_task
from validation.imputation.rates import DERIVED
from validation.reasons import say_reason

READER = "comunal quality report"
RATES = {"RR1": ("I",), "RR2": ("I", "P"), "REF1": ("R",), "CON1": ("I", "P", "R", "O")}
_EVERY = ("I", "P", "R", "NC", "O", "UH", "UO")


@dataclass(frozen=True, slots=True)
class QualityMade:
    """A report that was made, or found made already.

    Attributes:
        page: the page to open.
        pdf: whether it has PDFs; false where no browser prints them.
    """

    report_id: str
    folder: str
    page: str
    data_sha256: str
    interviews: int
    findings: int
    open: int
    pdf: bool
    new: bool = True


@dataclass(frozen=True, slots=True)
class _Seen:
    """One snapshot of the store."""

    counts: SubmissionCounts
    log: tuple[Decision, ...]
    runs: tuple[RuleSummary, ...]
    found: FindingCounts
    digests: DataDigests
    submissions: bytes
    decisions: bytes


def make_quality_report(
    store: Store, form_id: str, folder: Path, *, pdf: bool = True, docs: bool = True, at: datetime | None = None
) -> QualityMade:
    """Make the report of a survey as it is now; the same data, findings and program give the same report, made once.

    Args:
        folder: where reports are kept; each becomes a folder there.
        pdf: also print it, where a browser is installed.
        docs: also have Great Expectations write its pages.
        at: when it is made, null for now.

    Raises:
        StoreError: STO-011, the form isn't registered.
        ReleaseError: REL-065, the survey was never checked.
    """
    compiled = load_form(store, form_id)
    with tempfile.TemporaryDirectory(prefix="comunal-quality-") as scratch:
        return _make(store, compiled, folder, Path(scratch) / "findings.csv", pdf=pdf, docs=docs, at=at)


def _make(
    store: Store, compiled: CompiledForm, folder: Path, listed: Path, *, pdf: bool, docs: bool, at: datetime | None
) -> QualityMade:
    """Make the report; the list of findings is written to `listed` on the way."""
    form_id = compiled.form.form_id
    seen = _look(store, form_id, listed)
    contents = _contents(store, compiled, seen, at or datetime.now(UTC))
    report_id, made = _place(store, contents, folder.resolve())
    contents = replace(contents, report_id=report_id)
    is_new = not made.exists()
    more = docs_pages(store, compiled.form, seen.runs) if is_new and docs else {}
    report = build_report(replace(contents, docs=f"{DOCS}/index.html" if more else ""))
    if is_new:
        files: dict[str, bytes | Path] = {**build_pages(report), **more}
        if pdf:
            files |= print_report(report)
        write_report(made, files)
    hashes = hash_folder(made)
    row = _register(store, contents, made, hash_files(hashes))
    return QualityMade(
        report_id=row.report_id,
        folder=str(made),
        page=str(made / "index.html"),
        data_sha256=row.data_sha256,
        interviews=report.accepted,
        findings=report.found,
        open=report.open,
        pdf=any(path.endswith(".pdf") for path in hashes),
        new=is_new,
    )


def _place(store: Store, contents: QualityContents, folder: Path) -> tuple[str, Path]:
    """Name and folder of the report: where it lies already, or a new name beside one whose folder is gone."""
    with store.read() as connection:
        known = {row.report_id: row for row in report_rows.list_reports(connection, contents.form.form_id)}
    for number in count(1):
        name = contents.report_id if number == 1 else f"{contents.report_id}-{number}"
        if name not in known:
            return name, folder / name
        if Path(known[name].folder).is_dir():
            return name, Path(known[name].folder)
    raise AssertionError  # count has no end


def data_digests(store: Store, form_id: str) -> DataDigests:
    """The digests of a survey's data as they are: submissions, decisions and form versions."""
    with store.read() as connection:
        submissions = list_of_digests(list_digests(connection, form_id).values())
        decisions = _decision_lines(list_decisions(connection, form_id))
        versions = form_rows.list_form_versions(connection, form_id)
    forms = list_of_digests(
        hashlib.sha256(f"{row.version} {row.xform_sha256} {row.workbook_sha256 or ''}".encode()).hexdigest()
        for row in versions
    )
    return DataDigests(
        submissions.count(b"\n"), _sha256(submissions), decisions.count(b"\n"), _sha256(decisions), _sha256(forms)
    )


def _look(store: Store, form_id: str, listed: Path) -> _Seen:
    digests = data_digests(store, form_id)
    with store.read() as connection:
        log = list_decisions(connection, form_id)
        runs = tuple(finding_rows.list_rule_runs(connection, form_id))
        counts = count_submissions(connection, form_id)
        submissions = list_of_digests(list_digests(connection, form_id).values())
    if not runs:
        advice = "Run comunal run ingest and comunal run check first."
        raise ReleaseError("REL-065", f"No check of {form_id} has been run: there is no quality to report.", advice)
    return _Seen(
        counts=counts,
        log=tuple(log),
        runs=runs,
        found=count_findings(store, form_id, in_force(log).accepted, runs, listed),
        digests=digests,
        submissions=submissions,
        decisions=_decision_lines(log),
    )


def _contents(store: Store, compiled: CompiledForm, seen: _Seen, at: datetime) -> QualityContents:
    form, specs = compiled.form, compiled.specs
    raw = read_tables(store, form.form_id, form)
    survey = edit_survey(store, form, raw, reader=READER)
    counted = count_interviews(store, compiled, survey)
    accepted = accept(survey.tables, counted.blocked)
    task = make_task(form, accepted, specs.design.settings, specs.monitoring)
    area = task.question((*task.general_names("psu"), "")[0])
    standing = in_force(seen.log)
    present = set(raw[MAIN_TABLE][INSTANCE_ID])
    outcomes = rule_outcomes(seen.found, seen.runs)
    code = package_version("comunal")
    first, last, is_held = fieldwork_days(form, accepted, specs.design.settings.get("timezone", "UTC"))
    return QualityContents(
        report_id=_name(specs.design.survey or form.form_id, seen, outcomes, code),
        form=form,
        specs=specs,
        made_at=at,
        code_version=code,
        digests=seen.digests,
        arrivals=_arrivals(seen.counts),
        accepted=accepted,
        set_aside=_set_aside(seen, counted.blocked & present, standing),
        rules=outcomes,
        decided=_decided(seen.log, standing),
        who=task.enumerator.column if task.enumerator else None,
        area=area.column if area else None,
        target=int(task.general("target")) or None,
        rates=_rates(responses(form, accepted, specs.design.settings, specs.monitoring)),
        unknown_codes=frozenset(task.general_names("dont_know")),
        logs=_logs(seen) | _imputed_log(store, counted),
        rehearsal=bool((accepted[MAIN_TABLE][CLIENT] == "rehearsal").any()),
        days=(first, last),
        days_held=is_held,
        reasons={
            row.rule.not_checked: _in_languages(row.rule.not_checked) for row in seen.runs if row.rule.not_checked
        },
        imputation=_imputations(counted),
    )


def _in_languages(reason: str) -> Text:
    return {language: say_reason(reason, language) for language in LANGUAGES}


def _imputations(counted: Counted) -> Imputations | None:
    """What imputation did, in the words of the report."""
    if counted.plan is None:
        return None
    questions = tuple(
        ImputedQuestion(rate.question, rate.table, rate.domain, rate.of, rate.missing, rate.failed, rate.opened)
        for rate in counted.rates
    )
    return Imputations(counted.plan.seed, dict(sorted(Counter(counted.outcomes.values()).items())), questions)


def _imputed_log(store: Store, counted: Counted) -> dict[str, bytes | Path]:
    if counted.plan is None:
        return {}
    return {"log/imputed.csv": flags_of(store, [row for row in counted.changes if row.kind != DERIVED])}


def _arrivals(counts: SubmissionCounts) -> Arrivals:
    return Arrivals(
        received=counts.received,
        superseded=counts.superseded,
        unsettled=counts.forks + counts.held,
        unread=counts.unparsed + counts.unknown_version,
        failed=counts.failed,
        conflicts=counts.conflicts,
        quarantined=counts.quarantined,
    )


def _set_aside(seen: _Seen, out: frozenset[str], standing: InForce) -> dict[str, int]:
    """Reason -> interviews that count nowhere, each once."""
    excluded = out & standing.excluded
    twice = seen.found.duplicates & (out - excluded)
    told = {"duplicate": len(twice), "excluded": len(excluded), "rule": len(out - excluded - twice)}
    return {reason: count for reason, count in told.items() if count}


def _decided(log: Sequence[Decision], standing: InForce) -> Decided:
    questions: dict[str, list[int]] = {}
    for row in standing.changes:
        counts = questions.setdefault(row.question, [0, 0, 0])
        counts[2 if row.source == "imputation" else 0 if row.action == "correct" else 1] += 1
    undone = taken_back(log)
    return Decided(
        actions=dict(sorted(Counter(row.action for row in standing.decisions).items())),
        sources=dict(sorted(Counter(row.source for row in standing.changes).items())),
        questions={name: (counts[0], counts[1], counts[2]) for name, counts in questions.items()},
        excluded=len(standing.excluded),
        pending=len(standing.pending),
        undone=sum(1 for row in log if row.id in undone and row.action not in {"undo", "second"}),
    )


def _rates(rates: pl.DataFrame | None) -> tuple[Rate, ...]:
    """AAPOR's rates whose denominators are counts, as counts: what may be shown is decided where it is shown."""
    if rates is None or rates.is_empty():
        return ()
    counts: Mapping[str, int] = rates.row(0, named=True)
    every = sum(int(counts[name]) for name in _EVERY)
    return tuple(Rate(code, sum(int(counts[name]) for name in names), every) for code, names in RATES.items())


def _logs(seen: _Seen) -> dict[str, bytes | Path]:
    off = taken_back(seen.log)
    decisions = [_decision_row(row, row.id not in off) for row in seen.log]
    return {
        "log/submissions.sha256": seen.submissions,
        "log/decisions.sha256": seen.decisions,
        "log/findings.csv": seen.found.path,
        "log/decisions.csv": _csv(
            ("id", "at", "person", "action", "instance_id", "row_id", "rule_id", "question", "source", "in_force"),
            decisions,
        ),
    }


def _decision_row(row: Decision, holds: bool) -> list[object]:
    """A decision without values and without words of people."""
    at = row.at.isoformat() if row.at else ""
    told: list[object] = [row.id, at, row.person_id, row.action, row.instance_id, row.row_id]
    return [*told, row.rule_id, row.question, row.source, "yes" if holds else "no"]


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _decision_lines(log: Iterable[Decision]) -> bytes:
    """The digest of each row of the log, one a line, in their order."""
    lines = []
    for row in log:
        told = asdict(row) | {"at": row.at.astimezone(UTC).isoformat(timespec="microseconds") if row.at else None}
        lines.append(hashlib.sha256(canonical(told)).hexdigest() + "\n")
    return "".join(lines).encode()


def _name(survey: str, seen: _Seen, outcomes: Sequence[RuleOutcome], code: str) -> str:
    """A name that changes with the data, what was found, or the program."""
    found = [[row.summary.rule.rule_id, row.summary.checked, row.found, row.open, row.accepted] for row in outcomes]
    told = canonical([seen.digests.sha256, code, found, asdict(_arrivals(seen.counts))])
    return f"{survey}-quality-{_sha256(told)[:10]}"


def _register(store: Store, contents: QualityContents, folder: Path, sha256: str) -> ReportRow:
    with store.begin() as connection:
        known = report_rows.list_reports(connection, contents.form.form_id)
        former = next((row for row in known if row.report_id == contents.report_id), None)
        row = ReportRow(
            report_id=contents.report_id,
            form_id=contents.form.form_id,
            commune=communes_text(contents.specs),
            round=contents.specs.design.period,
            folder=str(folder),
            sha256=sha256,
            data_sha256=contents.digests.sha256,
            data=asdict(contents.digests),
            code_version=contents.code_version,
            made_at=former.made_at if former else contents.made_at,
        )
        return report_rows.add_report(connection, row)
