"""A survey of some hundred made-up interviews, into which tests of field-work checks put what should be found."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from schemas.fields import Choice, Field, Form, Group, Repeat, Table
from schemas.workbook import MonitoringRow
from validation.evaluation import Evaluation
from validation.fieldwork import evaluate_fieldwork

START = datetime(2026, 3, 2, 13, tzinfo=UTC)
SELECTS = 20
CODES = ("1", "2", "3", "4")
TODAY = datetime(2026, 3, 20, tzinfo=UTC)


def meta(name: str, preload: str, kind: str = "string") -> Field:
    return Field(name=name, path=f"/data/{name}", column=name, type=kind, preload=preload)


def asked(name: str, table: str = "main", path: str = "/data", **more: Any) -> Field:  # noqa: ANN401
    return Field(name=name, path=f"{path}/{name}", table=table, column=name, **{"control": "input", **more})


def choices(*codes: str) -> tuple[Choice, ...]:
    return tuple(Choice(code, {"en": code}) for code in codes)


def select(name: str, *codes: str, **more: Any) -> Field:  # noqa: ANN401
    return asked(name, control="select1", choices=choices(*codes), **more)


def make_form() -> Form:
    main = (
        meta("start", "timestamp/start", "dateTime"),
        meta("end", "timestamp/end", "dateTime"),
        meta("today", "date/today", "date"),
        meta("deviceid", "property/deviceid"),
        asked("who", type="int"),
        asked("psu", type="int"),
        asked("house", type="int"),
        select("result", "110", "120", "211", "220", "310", "451"),
        select("consent", "yes", "no"),
        asked("size", type="int"),
        asked("age", type="int"),
        asked("income", type="int"),
        *(select(f"s{number}", *CODES, "-99", "other", list_name="four") for number in range(SELECTS)),
        asked("s0_other", relevant=" /data/s0  = 'other'"),
        select("tongue", "en", "ht", "fr"),
        select("helper", "none", "staff", "child"),
        asked("place", type="geopoint", personal="position"),
    )
    person = (
        asked("p_name", "person", "/data/person", personal="name"),
        asked("sex", "person", "/data/person"),
        asked("years", "person", "/data/person", type="int"),
    )
    repeat = Repeat("person", "/data/person", "person", person)
    tables = (Table("main", "/data", None, main), Table("person", "/data/person", "main", person))
    return Form("f", "1", "F", Group("data", "/data", (*main, repeat)), tables, languages=("en", "ht"))


FORM = make_form()
SHEET = (
    ("general", "enumerator", "who"),
    ("general", "psu", "psu"),
    ("general", "disposition", "result"),
    ("general", "complete", "110"),
    ("duplicate_id", "questions", "psu house"),
    ("roster_size", "rosters", "size=person"),
    ("interpreter", "question", "helper"),
    ("language", "question", "tongue"),
    ("language", "interpreter", "helper"),
)


class Survey:
    """Interviews of ten enumerators over some days, sound until a test changes some."""

    def __init__(self, interviews: int = 300, enumerators: int = 10, seed: int = 1) -> None:
        chance = random.Random(seed)  # noqa: S311
        self.main = [self._interview(at, at % enumerators + 1, chance) for at in range(interviews)]
        self.people = [
            {"_instance_id": row["_instance_id"], "_row_id": f"person[{at}]", "_parent_row_id": "", "_position": at}
            | {"sex": chance.choice("12"), "years": chance.randrange(90)}
            for row in self.main
            for at in range(1, row["size"] + 1)
        ]
        self.personal = [
            (row["_instance_id"], "", "place", f"{-33.36 + chance.gauss(0, 0.01)} {-70.73 + chance.gauss(0, 0.01)} 0 5")
            for row in self.main
        ]
        self.audit: pl.DataFrame | None = None

    def _interview(self, at: int, who: int, chance: random.Random) -> dict[str, Any]:
        day, turn = divmod(at, 40)
        start = START + timedelta(days=day, minutes=(turn // 10) * 70 + chance.randrange(20))
        row: dict[str, Any] = {"_instance_id": f"i{at:04}", "_row_id": "", "_form_version": "1"}
        row |= {"_received_at": start + timedelta(hours=3), "start": start, "today": start.date()}
        row |= {"end": start + timedelta(minutes=chance.randrange(25, 45)), "deviceid": f"phone{who}", "who": who}
        row |= {"psu": at // 15, "house": at, "result": "110", "consent": "yes", "size": chance.randrange(1, 5)}
        row |= {"age": chance.randrange(18, 90), "income": round(400_000 * 2.718 ** chance.gauss(0, 0.5))}
        row |= {f"s{number}": chance.choice(CODES) for number in range(SELECTS)}
        return row | {"s0_other": None, "tongue": chance.choice(("en", "ht")), "helper": "none", "place": "***"}

    def of(self, who: int) -> list[dict[str, Any]]:
        return [row for row in self.main if row["who"] == who]

    def change(self, rows: Iterable[dict[str, Any]], how: Callable[[dict[str, Any]], dict[str, Any]]) -> Survey:
        for row in rows:
            row |= how(row)
        return self

    def tables(self) -> dict[str, pl.DataFrame]:
        times = {name: pl.Datetime("ms", "UTC") for name in ("start", "end", "_received_at")}
        numbers = dict.fromkeys(("who", "psu", "house", "size", "age", "income"), pl.Int64)
        schema = dict.fromkeys(self.main[0], pl.String) | times | numbers | {"today": pl.Date}
        keys = {"_instance_id": pl.String, "_row_id": pl.String, "_parent_row_id": pl.String, "_position": pl.Int64}
        people = pl.DataFrame(self.people, schema={**keys, "sex": pl.String, "years": pl.Int64})
        audit = {} if self.audit is None else {"_audit": self.audit}
        return {"main": pl.DataFrame(self.main, schema=schema), "person": people, **audit}

    def judge(self, *rows: tuple[str, str, str], **more: Any) -> Evaluation:  # noqa: ANN401
        schema = dict.fromkeys(("instance_id", "row_id", "question", "value"), pl.String)
        sheet = [MonitoringRow(*row, row=at + 2) for at, row in enumerate((*SHEET, *rows))]
        more = {"personal": pl.DataFrame(self.personal, schema=schema, orient="row"), "today": TODAY, **more}
        settings = more.pop("settings", {"timezone": "America/Santiago"})
        return evaluate_fieldwork(FORM, self.tables(), settings, monitoring=sheet, **more)


def found(evaluation: Evaluation, check: str) -> set[str]:
    """What the findings of a check are about: instance ids, or units."""
    mine = [finding for finding in evaluation.findings if finding.rule_id == f"field:{check}"]
    return {finding.instance_id or finding.row_id for finding in mine}
