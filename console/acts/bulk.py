"""One decision about all findings of a rule: each is decided, or left with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from console.acts.changing import RefusedChange, Wanted, find_cell
from console.acts.deciding import check_wish
from console.acts.grounds import Ground, grounds_of, reader
from console.acts.many import OPENS_ERROR, write_many
from console.acts.rights import require
from console.acts.wishes import BulkOutcome, Change, Wish
from schemas.decisions import CHANGING, Decision, in_force
from schemas.errors import DecisionError
from schemas.fields import INSTANCE_ID, MAIN_TABLE
from schemas.findings import Finding
from store.audit import acting, person_actor
from store.decisions import add_decisions, list_decisions
from store.findings import list_findings
from store.open import Store
from store.people import Person
from validation.cleaning.cells import Questions


def bulk(
    store: Store,
    person: Person,
    form_id: str,
    wish: Wish,
    *,
    rule_id: str,
    instances: Collection[str] | None = None,
    force: bool = False,
    dry_run: bool = False,
    at: datetime | None = None,
) -> BulkOutcome:
    """Decide every open finding of a rule in the same way.

    Args:
        store: where.
        person: who decides.
        form_id: of the survey.
        wish: what is decided; its instance id is left out. A change of a repeat's question is made in the row of the
            finding.
        rule_id: whose findings.
        instances: only of these interviews; null for all.
        force: take corrections that open an error too.
        dry_run: only tell what would come of it.
        at: when, null for now.

    Returns:
        How many findings were decided; why others were left: opens_error, or as of a single decision.

    Raises:
        AccessError: ACC-123, no right. DecisionError: DEC-001, DEC-002, DEC-004, DEC-015, as `decide`.
    """
    check_wish(store, person, form_id, wish)
    if wish.action in CHANGING and not wish.changes:
        raise DecisionError("DEC-015", "The correction names no question.", "Name a question and its new value.")
    within = require(store, person, "see_findings", form_id)
    with store.read() as connection:
        listed = list_findings(connection, form_id, communes=within)
        found = [row for row in listed if row.rule_id == rule_id and row.instance_id]
        now = in_force(list_decisions(connection, form_id))
    wanted = None if instances is None else frozenset(instances)
    mine = [row for row in found if wanted is None or row.instance_id in wanted]
    with acting(person_actor(person.id)):
        if wish.action in CHANGING:
            return _change(store, person, form_id, wish, mine, force, dry_run, at)
        done = now.accepted if wish.action == "accept" else frozenset()
        left = [row for row in mine if (row.rule_id, row.instance_id, row.row_id) not in done]
        rows = [
            Decision(
                form_id,
                row.instance_id,
                wish.action,
                wish.reason,
                person.name,
                row_id=row.row_id if wish.action == "accept" else "",
                rule_id=rule_id,
                person_id=person.id,
                source="bulk",
            )
            for row in left
        ]
        if wish.action != "accept":
            rows = list({row.instance_id: row for row in rows}.values())
        if dry_run:
            return BulkOutcome(len(rows), {})
        with store.begin() as connection:
            return BulkOutcome(len(rows), {}, tuple(add_decisions(connection, rows, at)))


def _change(
    store: Store,
    person: Person,
    form_id: str,
    wish: Wish,
    found: list[Finding],
    force: bool,
    dry_run: bool,
    at: datetime | None,
) -> BulkOutcome:
    refused: Counter[str] = Counter()
    ids: list[int] = []
    decided, closes, opens = 0, 0, 0
    for ground in grounds_of(store, form_id, {row.instance_id for row in found}, reader(person)):
        here = set(ground.raw[MAIN_TABLE][INSTANCE_ID].to_list())
        wanted: dict[str, list[Wanted]] = {}
        counts: Counter[str] = Counter()
        for row in found:
            if row.instance_id not in here:
                continue
            try:
                changes = [_cell(store, person, form_id, ground, row, wish, change) for change in wish.changes]
            except RefusedChange as refusal:
                refused[refusal.reason] += 1
                continue
            wanted.setdefault(row.instance_id, []).extend(changes)
            counts[row.instance_id] += 1
        if not wanted:
            continue
        written = write_many(store, person, form_id, ground, wanted, force=force, dry_run=dry_run, at=at)
        ids += written.ids
        lost = sum(counts[name] for name in written.refused)
        refused[OPENS_ERROR] += lost
        decided += counts.total() - lost
        closes += written.closes
        opens += written.opens
    return BulkOutcome(decided, dict(+refused), tuple(ids), closes, opens)


def _cell(
    store: Store, person: Person, form_id: str, ground: Ground, row: Finding, wish: Wish, change: Change
) -> Wanted:
    field = Questions(ground.compiled.form).find(change.question)
    if field is None:
        raise RefusedChange("unknown_question")
    if field.personal:
        require(store, person, "see_personal", form_id)
    row_id = change.row_id or ("" if field.table == MAIN_TABLE else row.row_id)
    value = None if wish.action == "blank" else change.value
    _, cell = find_cell(ground, row.instance_id, replace(change, row_id=row_id, value=value))
    return Wanted(cell, wish.reason, row.rule_id, "bulk")
