"""The interviews of a survey that count: those without an open error, and those whose errors imputation solved."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from console.acts.edited import EditedSurvey
from console.surveys import load_survey
from forms.compile import CompiledForm
from schemas.decisions import CellChange
from schemas.fields import FORM_VERSION, INSTANCE_ID, MAIN_TABLE
from store.findings import blocked_instances, list_blocking
from store.open import Store
from store.settings import personal_key
from validation.checks import check_rules
from validation.cleaning.cells import apply_changes, to_texts
from validation.imputation.impute import Imputation, Imputed, impute, write_changes
from validation.imputation.plan import Plan, read_plan
from validation.imputation.rates import Rate, imputation_rates
from validation.rules import form_rules

RECORD = "imputation_sha256"
"""Key of a release's details and parameters: digest of the record of its imputations, which the store keeps."""

_COLUMNS = ("instance_id", "table", "row_id", "question", "kind", "method", "donor", "value")


@dataclass(frozen=True, slots=True)
class Counted:
    """The interviews that count.

    Attributes:
        tables: with imputed answers in their places.
        blocked: instance ids of those that don't count.
        plan: how was imputed, null where the workbook doesn't turn it on.
        changes: every answer that was imputed or calculated anew.
        outcomes: instance id -> what became of an interview that was to be mended.
        rates: answers imputed by question and class.
        record: the changes as CSV, with who gave: for the store alone. Empty without changes.
    """

    tables: Mapping[str, pl.DataFrame]
    blocked: frozenset[str]
    plan: Plan | None = None
    changes: Sequence[Imputed] = ()
    outcomes: Mapping[str, str] = field(default_factory=dict)
    rates: Sequence[Rate] = ()
    record: bytes = field(default=b"", repr=False)

    @property
    def statistics(self) -> dict[str, str]:
        """What a release tells of it, name -> value; empty where imputation is off."""
        if self.plan is None:
            return {}
        told = Counter(self.outcomes.values())
        values = [row for row in self.changes if row.kind != "derived"]
        left = {f"imputation_{outcome}": str(count) for outcome, count in sorted(told.items()) if outcome != "imputed"}
        return {
            "imputation_seed": self.plan.seed,
            "imputed_interviews": str(len({row.instance_id for row in values})),
            "imputed_answers": str(len(values)),
            **left,
            RECORD: hashlib.sha256(self.record).hexdigest(),
        }


def count_interviews(store: Store, compiled: CompiledForm, survey: EditedSurvey, *, anyway: bool = False) -> Counted:
    """The interviews that count, as decisions left them, imputed if the workbook wants it.

    Nothing is written: neither what was received nor the log of decisions changes, and the same interviews, decisions
    and seed give the same again.

    Args:
        compiled: the latest version of the form.
        survey: its interviews, edited.
        anyway: impute even if the workbook doesn't want it, to see what would be done.
    """
    with store.read() as connection:
        blocked = frozenset(blocked_instances(connection, compiled.form.form_id))
    plan = read_plan(compiled.specs, compiled.form, anyway=anyway)
    if plan is None:
        return Counted(accept(survey.tables, blocked), blocked)
    with store.read() as connection:
        keys = list_blocking(connection, compiled.form.form_id)
    accepted: dict[str, list[tuple[str, str]]] = {}
    for rule, instance, row in survey.edited.log.accepted:
        accepted.setdefault(instance, []).append((rule, row))
    giving = accept(survey.tables, blocked)
    zone = compiled.specs.design.settings.get("timezone", "UTC")
    changes: list[Imputed] = []
    outcomes: dict[str, str] = {}
    versions = survey.tables[MAIN_TABLE][FORM_VERSION].unique().sort().to_list()
    for version in versions:
        theirs = survey.tables if len(versions) == 1 else _of_version(survey.tables, version)
        found = _impute(store, compiled, version, theirs, giving, keys, accepted, zone)
        changes += found.changes
        outcomes |= found.outcomes
    solved = {name for name, outcome in outcomes.items() if outcome == "imputed"}
    still = blocked - solved
    tables = accept(write_changes(survey.tables, changes), still)
    changes.sort(key=lambda row: row.instance_id)
    rates = imputation_rates(compiled.form, tables, changes, plan)
    return Counted(tables, still, plan, tuple(changes), outcomes, rates, _record(changes))


def _impute(
    store: Store,
    compiled: CompiledForm,
    version: str,
    tables: Mapping[str, pl.DataFrame],
    giving: Mapping[str, pl.DataFrame],
    keys: Mapping[str, Collection[tuple[str, str]]],
    accepted: Mapping[str, Collection[tuple[str, str]]],
    zone: str,
) -> Imputation:
    """The interviews of one version, judged by its own rules."""
    mine = load_survey(store, compiled.form.form_id, version)
    plan = read_plan(compiled.specs, mine.form, anyway=True)
    names = set(tables[MAIN_TABLE][INSTANCE_ID].to_list())
    rules = [*form_rules(mine.form), *check_rules(mine.specs, mine.form)]
    if plan is None:
        raise AssertionError("asked for anyway")
    return impute(
        mine.form,
        rules,
        tables,
        plan,
        blocked={name: found for name, found in keys.items() if name in names},
        accepted=accepted,
        donors=giving,
        zone=zone,
    )


def accept(tables: Mapping[str, pl.DataFrame], blocked: Collection[str]) -> dict[str, pl.DataFrame]:
    """The rows of the interviews that count: all but the blocked ones, in every table."""
    out = pl.Series(sorted(blocked), dtype=pl.String)
    return {
        name: frame.filter(~pl.col(INSTANCE_ID).is_in(out.implode())) if len(out) else frame
        for name, frame in tables.items()
    }


def replay_record(compiled: CompiledForm, tables: Mapping[str, pl.DataFrame], record: bytes) -> dict[str, pl.DataFrame]:
    """Tables as a release had them: with the imputations of its record."""
    if not record:
        return dict(tables)
    rows = csv.DictReader(io.StringIO(record.decode("utf-8")))
    changes = [
        CellChange(row["instance_id"], row["table"], row["row_id"], row["question"], None, row["value"] or None)
        for row in rows
    ]
    return apply_changes(compiled.form, tables, None, changes)[0]


def read_record(store: Store, digest: object) -> bytes:
    """The record of a release's imputations; empty if it has none.

    Raises:
        StoreError: STO-012, it is missing or was changed.
    """
    if not digest or digest == hashlib.sha256(b"").hexdigest():
        return b""
    with store.read() as connection:
        return store.blobs.read(connection, str(digest))


def flags_of(store: Store, changes: Sequence[Imputed]) -> bytes:
    """One row an imputed answer as CSV, without the answer; who gave it is told by a keyed digest.

    Columns: instance_id, table, row_id, question, kind, method, donor.
    """
    with store.begin() as connection:
        key = personal_key(connection)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS[:-1])
    for row in changes:
        donor = hmac.new(key, row.donor.encode(), hashlib.sha256).hexdigest()[:16] if row.donor else ""
        writer.writerow((row.instance_id, row.table, row.row_id, row.column, row.kind, row.method, donor))
    return text.getvalue().encode()


def _record(changes: Sequence[Imputed]) -> bytes:
    if not changes:
        return b""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in changes:
        (value,) = to_texts(pl.Series([row.new]))
        told = (row.instance_id, row.table, row.row_id, row.column, row.kind, row.method, row.donor)
        writer.writerow((*told, "" if value is None else value))
    return text.getvalue().encode()


def _of_version(tables: Mapping[str, pl.DataFrame], version: str) -> dict[str, pl.DataFrame]:
    instances = tables[MAIN_TABLE].filter(pl.col(FORM_VERSION) == version)[INSTANCE_ID]
    return {name: frame.filter(pl.col(INSTANCE_ID).is_in(instances.implode())) for name, frame in tables.items()}
