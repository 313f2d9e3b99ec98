"""Which interviews are to be mended, and what of each: rules that fail, answers that are missing or can't be read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, ROW_ID, Field, Form
from validation.imputation.covers import SALTS
from validation.imputation.edits import Edits
from validation.imputation.interviews import Cell, Place
from validation.imputation.mending import Shop
from validation.imputation.plan import Plan
from validation.imputation.units import Unit

FindingKey = tuple[str, str]
"""Rule id and row id of a finding."""


def select_wanted(
    form: Form, tables: Mapping[str, pl.DataFrame], plan: Plan, blocked: set[str]
) -> dict[str, pl.DataFrame]:
    """The interviews that may have something to be mended, in the order of their ids."""
    names: set[str] = set(blocked)
    for table, column in plan.named:
        frame = tables.get(table)
        if frame is not None and column in frame.columns:
            rules = plan.of((table, column))
            missing = pl.col(column).cast(pl.String).is_in(sorted(rules.fills_codes))
            missing = (missing | pl.col(column).is_null()) if rules.fills_blank else missing
            names.update(frame.filter(missing)[INSTANCE_ID].to_list())
    wanted = pl.Series(sorted(names), dtype=pl.String)
    found = {
        table.name: tables[table.name].filter(pl.col(INSTANCE_ID).is_in(wanted.implode()))
        for table in form.tables
        if table.name in tables
    }
    return found | {MAIN_TABLE: found[MAIN_TABLE].sort(INSTANCE_ID)}


def select_rows(tables: Mapping[str, pl.DataFrame], numbers: pl.Series) -> dict[str, pl.DataFrame]:
    """Those rows of the main table, and the rows of repeats that belong to them."""
    main = tables[MAIN_TABLE][numbers]
    keys = main.select(INSTANCE_ID)
    below = {name: frame.join(keys, on=INSTANCE_ID, how="semi") for name, frame in tables.items() if name != MAIN_TABLE}
    return {MAIN_TABLE: main, **below}


def list_units(
    shop: Shop,
    blocked: Mapping[str, Collection[FindingKey]],
    accepted: Mapping[str, Collection[FindingKey]],
) -> tuple[list[Unit], dict[str, str]]:
    """The interviews with something to be mended, and what becomes of those that can't be."""
    edits = shop.edits
    numbers = {rule.rule_id: number for number, rule in enumerate(edits.program.rules)}
    fields = {f"type:{each.path}": each for each in edits.form.fields()}
    units: list[Unit] = []
    refused: dict[str, str] = {}
    missing = _missing(shop)
    for number, (name, failing) in enumerate(zip(shop.interviews.names, shop.bench.failing(), strict=True)):
        exempt = {(numbers[rule], row) for rule, row in accepted.get(name, ()) if rule in numbers}
        forced: set[Cell] = missing.get(number, set())
        if name not in blocked:
            if forced:
                units.append(Unit(number, frozenset(), frozenset(forced), frozenset(exempt | failing), counts=True))
            continue
        unread, others = _findings(blocked[name], numbers, fields, edits)
        broken = frozenset(failing - exempt)
        if others or not (broken or unread):
            refused[name] = "other_finding"
            continue
        forced = forced | unread | _unanswered(broken, edits)
        salt = int.from_bytes(hashlib.blake2b(f"{shop.plan.seed}|{name}".encode(), digest_size=2).digest()) % SALTS
        units.append(Unit(number, broken, frozenset(forced), frozenset(exempt), salt))
    return units, refused


def _findings(
    keys: Collection[FindingKey], numbers: Mapping[str, int], fields: Mapping[str, Field], edits: Edits
) -> tuple[set[Cell], bool]:
    """Answers that couldn't be read, and whether anything keeps the interview out that no answer can mend."""
    unread: set[Cell] = set()
    for rule, row_id in keys:
        question = fields.get(rule)
        if question is not None and (question.table, question.column) in edits.changeable:
            unread.add((question.table, row_id, question.column))
        elif numbers.get(rule) not in edits.program.judges:
            return unread, True
    return unread, False


def _unanswered(broken: Collection[Place], edits: Edits) -> set[Cell]:
    """Questions that are asked, required and blank: they change in any case."""
    found: set[Cell] = set()
    for number, row_id in broken:
        edit = edits.all[number]
        question = edit.field if edit.kind == "rule" and edits.program.rules[number].kind == "required" else None
        if question is not None and (question.table, question.column) in edits.changeable:
            found.add((question.table, row_id, question.column))
    return found


def _missing(shop: Shop) -> dict[int, set[Cell]]:
    """Answers that the plan wants filled in, by interview: asked, and blank or one of the codes."""
    found: dict[int, set[Cell]] = {}
    base = shop.bench.base
    for table, column in shop.plan.named:
        question = shop.edits.changeable.get((table, column))
        frame = base.chunk.tables.get(table)
        if question is None or frame is None or column not in frame.columns:
            continue
        rules = shop.plan.of((table, column))
        values = frame[column]
        flags = values.cast(pl.String).is_in(sorted(rules.fills_codes)).fill_null(value=False)
        flags = (flags | values.is_null()) if rules.fills_blank else flags
        mask = base.relevant(question.path)
        flags = flags if mask is None else flags & pl.Series(mask)
        owners, ids = base.chunk.owners[table], frame[ROW_ID]
        for at in flags.arg_true().to_list():
            found.setdefault(int(owners[at]), set()).add((table, ids[at], column))
    return found
