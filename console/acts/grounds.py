"""What decisions stand on: interviews as received, as they stand now, with personal answers and the log."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from console.surveys import load_survey
from forms.compile import CompiledForm
from schemas.decisions import Decision
from schemas.errors import DecisionError
from schemas.fields import FORM_VERSION, INSTANCE_ID, MAIN_TABLE
from schemas.findings import Finding, Rule
from store.audit import person_actor
from store.decisions import list_decisions, read_personal_corrections
from store.findings import list_findings
from store.interviews import list_interviews, list_latest
from store.one_interview import read_one
from store.open import Store
from store.people import Person
from store.personal import PersonalAccess, read_personal
from store.tables import read_tables
from validation.checks import check_rules
from validation.cleaning.edited import Edited, replay_decisions
from validation.cleaning.readings import Readings, split_readings
from validation.cleaning.weighing import Interviews
from validation.rules import form_rules

REPLAY = "rules on personal questions, and corrections of them"
READING_KINDS = frozenset({"type", "structure", "attachment"})
"""Kinds of findings made while answers are read."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Some interviews of one form version.

    Attributes:
        raw: as received; `edited`: as decisions left them.
        personal: personal answers as received.
        log: the whole log about them, with the values of personal corrections.
        readings: findings of reading that are open, or that a correction settled.
    """

    compiled: CompiledForm
    raw: Mapping[str, pl.DataFrame]
    personal: pl.DataFrame
    log: Sequence[Decision]
    edited: Edited
    readings: Readings
    latest: Mapping[str, str]

    @property
    def rules(self) -> list[Rule]:
        """Every rule of the form version."""
        return [*form_rules(self.compiled.form), *check_rules(self.compiled.specs, self.compiled.form)]

    @property
    def zone(self) -> str:
        """Where days begin."""
        return self.compiled.specs.design.settings.get("timezone", "UTC")

    @property
    def interviews(self) -> Interviews:
        """The interviews as they stand."""
        personal = self.edited.personal
        return Interviews(self.edited.tables, self.personal if personal is None else personal)

    def replayed(self, log: Sequence[Decision]) -> Edited:
        """The interviews as another log would leave them."""
        return replay_decisions(self.compiled.form, self.raw, log, latest=self.latest, personal=self.personal)


def reader(person: Person) -> str:
    """A person as the log of readings names them: by number, as the audit log does."""
    return person_actor(person.id).who


def read_log(
    store: Store, form_id: str, person: str, instances: Sequence[str] | None = None, *, with_personal: bool = True
) -> list[Decision]:
    """The log of a form with the values of personal corrections; reading those is logged.

    Args:
        person: who reads.
        instances: only about these interviews, few; null for all.
        with_personal: false leaves these values out, and nothing is logged.
    """
    with store.read() as connection:
        log = list_decisions(connection, form_id, instances)
    if not (with_personal and any(row.is_personal for row in log)):
        return log
    with store.begin() as connection:
        values = read_personal_corrections(connection, PersonalAccess(person, REPLAY), form_id)
    return [_with_values(row, values) for row in log]


def _with_values(row: Decision, values: Mapping[int, object]) -> Decision:
    held = values.get(row.id or 0)
    return row if held is None else replace(row, old=getattr(held, "old", None), value=getattr(held, "value", None))


def ground_of_one(store: Store, form_id: str, instance_id: str, person: str) -> Ground:
    """One interview, by the instance id of any of its edits.

    Raises:
        DecisionError: DEC-003, there is no such interview, or it wasn't read yet.
    """
    with store.read() as connection:
        found = list_interviews(connection, form_id, instance_id)
        latest = list_latest(connection, form_id)
    if not found:
        raise _no_interview(form_id)
    now, version = found[0].current_id, found[0].version
    compiled = load_survey(store, form_id, version)
    raw = read_one(store, form_id, now, compiled.form)
    if raw[MAIN_TABLE].is_empty():
        raise _no_interview(form_id)
    family = [now, *(old for old, new in latest.items() if new == now)]
    with store.begin() as connection:
        personal = read_personal(connection, PersonalAccess(person, REPLAY), form_id, instance_id=now)
        readings = list_findings(connection, form_id, kinds=READING_KINDS, instance_id=now)
    log = read_log(store, form_id, person, family)
    return _make(compiled, raw, personal, log, readings, latest)


def grounds_of(store: Store, form_id: str, instances: Collection[str] | None, person: str) -> list[Ground]:
    """Many interviews, or all (null), one ground a form version; those that don't count are left out."""
    latest_form = load_survey(store, form_id)
    tables = read_tables(store, form_id, latest_form.form)
    with store.begin() as connection:
        personal = read_personal(connection, PersonalAccess(person, REPLAY), form_id)
        readings = list_findings(connection, form_id, kinds=READING_KINDS)
        latest = list_latest(connection, form_id)
    log = read_log(store, form_id, person)
    if instances is not None:
        wanted = pl.Series([latest.get(name, name) for name in instances], dtype=pl.String).unique()
        tables = _only(tables, wanted)
    main = tables[MAIN_TABLE]
    found = []
    for version in main[FORM_VERSION].unique().sort().to_list():
        mine = main.filter(pl.col(FORM_VERSION) == version)[INSTANCE_ID]
        names = set(mine.to_list())
        found.append(
            _make(
                load_survey(store, form_id, version),
                _only(tables, mine),
                personal.filter(pl.col("instance_id").is_in(mine.implode())),
                [row for row in log if latest.get(row.instance_id, row.instance_id) in names],
                [row for row in readings if row.instance_id in names],
                latest,
            )
        )
    return found


def _only(tables: Mapping[str, pl.DataFrame], instances: pl.Series) -> dict[str, pl.DataFrame]:
    return {name: frame.filter(pl.col(INSTANCE_ID).is_in(instances.implode())) for name, frame in tables.items()}


def _make(
    compiled: CompiledForm,
    raw: Mapping[str, pl.DataFrame],
    personal: pl.DataFrame,
    log: Sequence[Decision],
    readings: Sequence[Finding],
    latest: Mapping[str, str],
) -> Ground:
    edited = replay_decisions(compiled.form, raw, log, latest=latest, personal=personal)
    split = split_readings(compiled.form, readings, log, edited)
    return Ground(compiled, raw, personal, log, edited, split, latest)


def _no_interview(form_id: str) -> DecisionError:
    return DecisionError(
        "DEC-003", f"No interview of {form_id} has that id, or it wasn't read yet.", "Check the id; run ingest."
    )
