"""The engines behind the programs that people answer in, and on which findings they disagree.

The same expression may mean another thing in ODK Collect, ODK Web Forms and Enketo. An interview is judged by the
engine that made it; a row that breaks a rule there is then judged by the others too, and where one of them would have
let it pass the finding says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from expressions.links import Links
from expressions.profiles import Profile
from schemas.fields import CLIENT, INSTANCE_ID, MAIN_TABLE, ROW_ID, Form
from schemas.findings import Rule
from validation.chunks import Chunk
from validation.compiled import Compiler
from validation.disagreement import is_engine_dependent
from validation.distinct import Columns
from validation.evaluation import ENGINES, FAILURES, NotChecked
from validation.judges import Judges, make_judge
from validation.relevance import Judged, RelevancePlan
from validation.rules import rule_path
from validation.verdicts import Judge

PROFILES: Mapping[str, Profile] = {"webforms": Profile.WEBFORMS, "enketo": Profile.ENKETO}
"""Engine of the programs whose engine isn't JavaRosa, by what `schemas.fields.CLIENT` calls them."""

COMPARED = frozenset(("required", "constraint", "choice_filter", "calculation", "relevant"))
"""Rules that programs evaluate by an expression (by the first word of their id)."""

MOST_INTERVIEWS = 2_000
"""Interviews of a chunk that are judged again for a rule; more are left without comparison."""


def split_by_engine(tables: Mapping[str, pl.DataFrame]) -> list[tuple[Profile, pl.Series]]:
    """The engines that made the interviews, each with the numbers of its rows in the main table; JavaRosa first."""
    main = tables[MAIN_TABLE]
    numbers = pl.int_range(main.height, dtype=pl.Int64, eager=True)
    clients = main.get_column(CLIENT) if CLIENT in main.columns else None
    if clients is None or not clients.is_in(list(PROFILES)).any():
        return [(Profile.JAVAROSA, numbers)]
    others = [(profile, numbers.filter(clients == client)) for client, profile in PROFILES.items()]
    first = (Profile.JAVAROSA, numbers.filter(~clients.is_in(list(PROFILES)).fill_null(value=False)))
    return [(profile, found) for profile, found in (first, *others) if len(found)]


@dataclass(slots=True)
class _Other:
    """One of the other engines: its compiler, and judges made when they are first needed."""

    compiler: Compiler
    judges: dict[str, Judge | NotChecked] = field(default_factory=dict)
    conditions: dict[str, Columns | NotChecked] = field(default_factory=dict)


class Comparison:
    """Judges what broke a rule under one engine by the others.

    Args:
        own: the engine by which the interviews were judged.
        plan: that engine's relevance.
    """

    def __init__(self, form: Form, own: Profile, plan: RelevancePlan, *, has_personal: bool, zone: str) -> None:
        self._form, self._own, self._plan = form, own, plan
        self._others = {
            profile: _Other(Compiler(form, has_personal=has_personal, zone=zone, profile=profile))
            for profile in Profile
            if profile is not own
        }

    def label(self, rule: Rule, rows: pl.DataFrame, judged: Judged) -> pl.DataFrame:
        """The rows with the engines under which they break the rule, separated by spaces; "" if not compared.

        Args:
            rows: rows that break the rule under the own engine, with `_instance_id` and `_row_id`.
            judged: the chunk they come from.
        """
        keys = rows.select(INSTANCE_ID).unique().sort(INSTANCE_ID).head(MOST_INTERVIEWS)
        failing = {profile: self._failing(profile, rule, keys, judged) for profile in self._others}
        names = []
        for profile in Profile:
            found = failing.get(profile)
            if found is None:  # the own engine, or one that can't tell
                names.append(pl.Series([profile.value] * rows.height, dtype=pl.String))
                continue
            fails = rows.select(INSTANCE_ID, ROW_ID).join(
                found.with_columns(pl.lit(profile.value).alias("_engine")),
                on=[INSTANCE_ID, ROW_ID],
                how="left",
                maintain_order="left",
            )
            names.append(fails.get_column("_engine"))
        joined = pl.DataFrame({str(at): one for at, one in enumerate(names)}).select(
            pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)
        )
        compared = rows.get_column(INSTANCE_ID).is_in(keys.get_column(INSTANCE_ID).implode())
        labels = joined.to_series().set(~compared, "")
        return rows.with_columns(labels.alias(ENGINES))

    @staticmethod
    def count_dependent(rows: pl.DataFrame) -> int:
        """How many of the labelled rows another engine would let pass."""
        return sum(is_engine_dependent(engines) for engines in rows.get_column(ENGINES))

    def _failing(self, profile: Profile, rule: Rule, keys: pl.DataFrame, judged: Judged) -> pl.DataFrame | None:
        """Rows that break the rule under another engine; null where that can't be told."""
        other = self._others[profile]
        if rule.kind == "relevant":
            try:
                return self._irrelevant(other, rule, keys, judged)
            except FAILURES:
                return None
        if rule.rule_id not in other.judges:
            other.judges[rule.rule_id] = make_judge(rule, Judges(self._form, self._plan, other.compiler))
        judge = other.judges[rule.rule_id]
        if isinstance(judge, NotChecked):
            return None
        try:
            again = self._only(keys, judged)
            verdict = judge.verdict(again)
        except FAILURES:
            return None
        frame = again.tables[rule.table]
        return frame.select(INSTANCE_ID, ROW_ID).filter(pl.Series(verdict.fails))

    def _only(self, keys: pl.DataFrame, judged: Judged) -> Judged:
        """Those interviews as they were judged, what isn't relevant blank."""
        tables = {name: _of(frame, keys) for name, frame in judged.tables.items()}
        return Judged(Chunk(tables, {}, {}), replace(self._plan, expressions={}), tables)

    def _irrelevant(self, other: _Other, rule: Rule, keys: pl.DataFrame, judged: Judged) -> pl.DataFrame | None:
        """Rows of those interviews whose question isn't relevant, by its own conditions and those above it.

        Rows that were dropped are back, and what stands in them isn't blank, relevant or not.
        """
        source = {
            name: judged.tables[name] if judged.kept.get(name) is None else frame
            for name, frame in judged.before.items()
        }
        tables = {name: _of(frame, keys) for name, frame in source.items()}
        links = Links(self._form, tables)
        holds = np.ones(tables[rule.table].height, dtype=np.bool_)
        at: str | None = rule_path(rule)
        while at is not None:
            place = self._plan.places[at]
            if place.node.relevant:
                if at not in other.conditions:
                    other.conditions[at] = other.compiler.compile(place.node.relevant, place.table, place.node)
                condition = other.conditions[at]
                if isinstance(condition, NotChecked):
                    return None
                above = links.ancestors(rule.table, place.table)
                holds &= (above >= 0) & condition.boolean(tables).to_numpy()[above]
            at = place.parent
        return tables[rule.table].select(INSTANCE_ID, ROW_ID).filter(pl.Series(~holds))


def _of(frame: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    return frame.join(keys, on=INSTANCE_ID, how="semi", maintain_order="left")
