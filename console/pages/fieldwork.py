"""Field work: exceptions first, today against what was expected, progress by unit and quota, each enumerator."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import polars as pl
from starlette.responses import Response

from console.acts.explaining import read_notes
from console.surveys import load_survey, zone_of
from console.visiting import Visit
from forms.compile import CompiledForm
from reports.maps import draw_map, letter_map
from schemas.communes import name_of
from schemas.fields import INSTANCE_ID, MAIN_TABLE, RECEIVED_AT
from schemas.findings import Finding, Rule
from schemas.rights import is_spread
from store import findings
from store.communes import count_by_commune, list_within
from store.interviews import read_mark
from store.open import Store
from store.own_progress import list_own_progress
from store.standing import list_accepted
from store.tables import read_tables
from validation.fieldwork import enumerators, progress

DAYS: Final = 14
_RANK: Final = {"error": 0, "warning": 1, "info": 2}
UNITS: Final = 200
"""Sampling units that the page shows."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How field work stands, as the tables tell.

    Attributes:
        progress, enumerators: see `validation.fieldwork`.
        days: day -> interviews received, the last `DAYS` up to today.
    """

    progress: list[dict[str, Any]]
    enumerators: list[dict[str, Any]]
    days: dict[date, int]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Rows of progress of a kind: commune, psu or quota."""
        return [row for row in self.progress if row["kind"] == kind]


_kept: OrderedDict[tuple[object, ...], Standing] = OrderedDict()
_turn = threading.Lock()


def show(visit: Visit) -> Response:
    """The page."""
    compiled = load_survey(visit.store, visit.about.form_id)
    now = visit.desk.now().astimezone(zone_of(compiled))
    standing = read_standing(visit.store, compiled, now, visit.within)
    with visit.store.read() as connection:
        found = findings.list_findings(connection, visit.about.form_id, kinds={"field"}, communes=visit.within)
        rules = {row.rule.rule_id: row.rule for row in findings.list_rule_runs(connection, visit.about.form_id)}
        accepted = list_accepted(connection, visit.about.form_id)
        here = count_by_commune(connection, visit.about.form_id) if is_spread(visit.about.commune) else {}
    mine = [cut for cut in here if cut and (visit.within is None or cut in visit.within)]
    found = [row for row in found if (row.rule_id, row.instance_id, row.row_id) not in accepted]
    exceptions = [row for row in found if not row.instance_id]
    about = Counter(row.row_id.partition("/")[0].removeprefix("enumerator:") for row in exceptions)
    communes = " ".join(sorted(visit.within)) if visit.within is not None else visit.about.commune
    map_ = draw_map(communes) if communes else None
    return visit.page(
        "fieldwork.html",
        section="fieldwork",
        standing=standing,
        today=now.date(),
        exceptions=sorted(exceptions, key=_rank),
        about=about,
        single=_singles(found, rules),
        map=letter_map(map_, visit.words) if map_ else "",
        communes=sorted(((name_of(cut), here[cut]) for cut in mine), key=lambda one: (-one[1], one[0])),
        codes=_quota_labels(visit, compiled),
        units=UNITS,
        notes=read_notes(visit.store, visit.who, visit.about.form_id, ""),
        zone=zone_of(compiled),
        notice="done_explain" if visit.request.query_params.get("done") == "explain" else "",
    )


def show_own(visit: Visit) -> Response:
    """What the person who asks has sent: theirs alone."""
    now = visit.desk.now()
    with visit.store.read() as connection:
        rows = list_own_progress(connection, visit.who.id, now - timedelta(days=1))
    return visit.page("mine.html", section="mine", rows=rows)


def read_standing(
    store: Store, compiled: CompiledForm, now: datetime, within: frozenset[str] | None = None
) -> Standing:
    """How field work stands; worked out again only when interviews came or the day changed.

    Args:
        within: in these communes alone; null for all.
    """
    form_id = compiled.form.form_id
    with store.read() as connection:
        mark = read_mark(connection, form_id)
        key = (str(store.data.resolve()), form_id, compiled.form.version, now.date(), mark, within)
        mine = None if within is None else list_within(connection, form_id, within)
    with _turn:
        if key not in _kept:
            _kept[key] = _work_out(store, compiled, now, mine)
            while len(_kept) > 8:
                _kept.popitem(last=False)
        return _kept[key]


def _work_out(store: Store, compiled: CompiledForm, now: datetime, mine: set[str] | None) -> Standing:
    form, specs = compiled.form, compiled.specs
    tables = read_tables(store, form.form_id, form)
    if mine is not None:
        some = pl.Series(sorted(mine), dtype=pl.String).implode()
        tables = {name: frame.filter(pl.col(INSTANCE_ID).is_in(some)) for name, frame in tables.items()}
    settings = specs.design.settings
    rows = progress(form, tables, settings, specs.monitoring, now)
    if mine is not None:
        # What is planned is planned for all communes together.
        rows = rows.with_columns(
            pl.when(pl.col("kind") == "psu").then(pl.col(name)).alias(name) for name in ("target", "expected")
        )
    return Standing(
        progress=rows.to_dicts(),
        enumerators=enumerators(form, tables, settings, specs.monitoring).to_dicts(),
        days=_days(tables[MAIN_TABLE], now),
    )


def _days(main: pl.DataFrame, now: datetime) -> dict[date, int]:
    """Interviews received on each of the last days, days without any too."""
    zone = getattr(now.tzinfo, "key", None) or "UTC"
    counted = dict(
        main.select(pl.col(RECEIVED_AT).dt.convert_time_zone(zone).dt.date().alias("day"))
        .group_by("day")
        .len()
        .iter_rows()
    )
    days = [now.date() - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return {day: int(counted.get(day, 0)) for day in days}


def _rank(finding: Finding) -> tuple[int, str, str]:
    return (_RANK[finding.severity], finding.rule_id, finding.row_id)


def _singles(found: list[Finding], rules: dict[str, Rule]) -> list[tuple[Rule, int]]:
    """The field checks that found something about single interviews, and how many each: gravest first, then most."""
    counts = Counter(row.rule_id for row in found if row.instance_id)
    told = [(rules[rule], number) for rule, number in counts.most_common() if rule in rules]
    return sorted(told, key=lambda one: (_RANK[one[0].severity], -one[1]))


def _quota_labels(visit: Visit, compiled: CompiledForm) -> dict[str, str]:
    """Codes of the quota's question -> labels; a quota without a labelled list keeps its codes."""
    name = next((row.value for row in compiled.specs.monitoring if row.parameter == "quota_question" and row.value), "")
    field = next((field for field in compiled.form.fields() if field.name == name), None)
    return {} if field is None else {choice.value: visit.words.pick(choice.label) for choice in field.choices}
