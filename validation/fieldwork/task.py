"""What a check of field work is given, what it returns, and how it is declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, RECEIVED_AT, Field, Form
from schemas.findings import FindingSeverity
from schemas.text import Text
from validation.evaluation import NotChecked
from validation.fieldwork.parameters import GENERAL, GENERAL_DEFAULTS, PREFIX, Defaults, Parameters
from validation.fieldwork_rules import FieldworkSettings
from validation.likeness import Counts, count_answers, is_asked
from validation.order import END, START, time_fields
from validation.people import describe_people

Unit = Literal["interview", "enumerator", "psu", "day", "commune"]
WHO, PSU, DAY, ANSWERS, COMPLETE = "_who", "_psu", "_day", "_answers", "_complete"
QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found.

    Attributes:
        checked: units (interviews, enumerators, ...) looked at.
        rows: one per finding. Interviews have _instance_id, perhaps _row_id; other units `unit`, such as
            "enumerator:7". `question`: name, or list of names, of the questions involved. Further columns fill the
            places of the check's `detail`.
        variables: names of the questions that were compared.
    """

    checked: int
    rows: pl.DataFrame
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """One check over many interviews.

    Attributes:
        name: stable; the rule is "field:" + name.
        unit: unit of account, what a finding is about.
        message: a sentence; `detail` is added to it for each finding, with {places} filled from its row.
        defaults: parameters with the values that hold where the `monitoring` sheet says nothing.
    """

    name: str
    severity: FindingSeverity
    unit: Unit
    message: Text
    advice: Text
    judge: Callable[[Task], Outcome | NotChecked] = field(repr=False)
    detail: Text = field(default_factory=dict)
    defaults: Defaults = field(default_factory=dict)

    @property
    def rule_id(self) -> str:
        """Its id among rules."""
        return PREFIX + self.name


@dataclass(frozen=True)
class Task:
    """Everything that checks look at; what several need is made once.

    Attributes:
        personal: answers kept apart: instance_id, row_id, question, value.
        versions: version -> when it was published.
        boundary: the commune's area in degrees (a shapely geometry), null if not known.
        today: the moment at which it is judged, null if it doesn't matter.
    """

    form: Form
    tables: Mapping[str, pl.DataFrame]
    settings: FieldworkSettings
    parameters: Parameters
    personal: pl.DataFrame | None = field(default=None, repr=False)
    versions: Mapping[str, datetime] = field(default_factory=dict)
    boundary: Any = None
    today: datetime | None = None

    @property
    def main(self) -> pl.DataFrame:
        """One row an interview."""
        return self.tables[MAIN_TABLE]

    def general(self, name: str) -> float:
        """A shared parameter that is a number."""
        return self.parameters.number(GENERAL, name, GENERAL_DEFAULTS)

    def general_names(self, name: str) -> tuple[str, ...]:
        """A shared parameter that is a list."""
        return self.parameters.names(GENERAL, name, GENERAL_DEFAULTS)

    def question(self, name: str) -> Field | None:
        """The question of the main table with that name, null if there is none that isn't kept apart."""
        fields = self.form.table(MAIN_TABLE).fields
        found = next((field for field in fields if field.name == name and not field.personal), None)
        return found if found is not None and found.column in self.main.columns else None

    def asked(self, table: str = MAIN_TABLE) -> list[Field]:
        """The questions of a table that people answer, in form order, without notes and personal answers."""
        frame = self.tables.get(table)
        if frame is None:
            return []
        fields = self.form.table(table).fields
        return [field for field in fields if is_asked(field) and field.column in frame.columns]

    @cached_property
    def enumerator(self) -> Field | None:
        """The question that tells who made the interview: named, else the form's user name, else its device."""
        named = self.general_names("enumerator") or ((self.settings.enumerator,) if self.settings.enumerator else ())
        if named:
            return self.question(named[0])
        return self.preloaded("property/username") or self.preloaded("property/deviceid")

    def preloaded(self, preload: str) -> Field | None:
        """The main table's field that the phone fills so."""
        fields = self.form.table(MAIN_TABLE).fields
        found = (each for each in fields if each.preload == preload and not each.personal)
        return next((each for each in found if each.column in self.main.columns), None)

    @cached_property
    def answers(self) -> Counts:
        """Answers of each interview, repeats included."""
        return count_answers(self.form, self.tables)

    @cached_property
    def moments(self) -> dict[str, str]:
        """Of `START` and `END` those that the form records, with their columns."""
        return {at: each.column for at, each in time_fields(self.form).items() if each.column in self.main.columns}

    @cached_property
    def interviews(self) -> pl.DataFrame:
        """One row an interview, in the order of the main table; null where it isn't known.

        Columns _instance_id, _received_at, _start, _end, _who, _psu, _day (local date of the start, else of arrival),
        _answers and _complete.
        """
        main, nothing = self.main, pl.lit(None, pl.Datetime("ms", "UTC"))
        received = pl.col(RECEIVED_AT) if RECEIVED_AT in main.columns else nothing
        psu = self.question((self.general_names("psu") or ("",))[0])
        zone = self.settings.timezone or "UTC"
        frame = main.select(
            pl.col(INSTANCE_ID),
            received.alias(RECEIVED_AT),
            *((pl.col(self.moments[at]) if at in self.moments else nothing).alias(at) for at in (START, END)),
            _text(self.enumerator).alias(WHO),
            _text(psu).alias(PSU),
            pl.Series(ANSWERS, self.answers, dtype=pl.Int64),
            self._is_complete().alias(COMPLETE),
        )
        moment = pl.coalesce(START, RECEIVED_AT)
        return frame.with_columns(moment.dt.convert_time_zone(zone).dt.date().alias(DAY))

    @cached_property
    def item_rates(self) -> pl.DataFrame:
        """`rates.item_rates`, made once."""
        from validation.fieldwork.rates import item_rates

        return item_rates(self)

    @cached_property
    def people(self) -> pl.DataFrame:
        """`people.describe_people` of the personal answers, made once; in memory only, and empty without them."""
        nothing = pl.DataFrame(schema=dict.fromkeys(("instance_id", "row_id", "question", "value"), pl.String))
        personal = nothing if self.personal is None else self.personal
        return describe_people(self.form, self.tables, personal, self.settings)

    @cached_property
    def positions(self) -> pl.DataFrame | NotChecked:
        """`places.read_positions`, made once; in memory only."""
        from validation.fieldwork.places import read_positions

        return read_positions(self)

    def _is_complete(self) -> pl.Expr:
        codes, outcome = self.general_names("complete"), self.question((self.general_names("disposition") or ("",))[0])
        if codes and outcome is not None:
            return pl.col(outcome.column).cast(pl.String).is_in(codes).fill_null(value=False)
        return pl.lit(pl.Series(self.answers >= self.general("min_answers")))


def _text(found: Field | None) -> pl.Expr:
    return pl.lit(None, pl.String) if found is None else pl.col(found.column).cast(pl.String)


def unit_of(kind: str, value: pl.Expr, question: pl.Expr | None = None) -> pl.Expr:
    """What a finding that is about no single interview is about: "enumerator:7", "enumerator:7/question:age"."""
    parts = [pl.lit(f"{kind}:"), value]
    if question is not None:
        parts += [pl.lit("/question:"), question]
    return pl.concat_str(parts).alias("unit")


NO_ENUMERATOR = NotChecked("no question of the main table tells who made the interview (setting “enumerator”)")
