"""A cleaning log from a spreadsheet taken into a survey: each row applies once, or is refused with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from console.acts.changing import Wanted
from console.acts.grounds import Ground, grounds_of, reader
from console.acts.many import OPENS_ERROR, write_many
from console.acts.rights import require
from schemas.decisions import CellChange, Decision, InForce
from schemas.errors import DecisionError
from schemas.fields import INSTANCE_ID, MAIN_TABLE, ROW_ID, Field
from schemas.rights import may
from store.audit import acting, person_actor
from store.communes import list_within
from store.decisions import add_decisions
from store.open import Store
from store.people import Person
from validation.cleaning.cells import Key, Questions, normal_text, refuse_answer, to_texts
from validation.cleaning.log import ChangeType, CleaningRow
from validation.cleaning.replay import RefusedRow
from validation.cleaning.texts import is_same_cell

IMPORTED = "cleaning log"
_SENTENCES: Mapping[str, str] = {
    "unknown_change_type": "The change type is none of change_response, blank_response, remove_survey, no_action.",
    "no_key": "The row names no interview.",
    "unknown_key": "The survey has no interview with this id that counts.",
    "no_question": "The row names no question.",
    "unknown_question": "The form has no question of that name, or several.",
    "unknown_row": "The interview has no such row of the repeat, or several and the log doesn't say which.",
    "stale_old_value": "The question no longer holds the old value that the row names.",
    "contradicts": "An earlier row is about this answer, and this row names no old value, or puts there what that row "
    "changes.",
    "wrong_type": "The new value is none of the question's type.",
    "unlisted_choice": "The new value isn't a code of the question's list.",
    "twice": "An earlier row says the same.",
    OPENS_ERROR: "With its changes the interview would break a rule of severity error.",
    "no_right": "The question is personal, and whoever imports may not see personal answers.",
}


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row of the log with the further columns that ours has.

    Attributes:
        table, row_id: of the answer, "" where the log doesn't tell.
        reason: why, "" likewise; finding: the rule that found it.
    """

    row: CleaningRow
    table: str = ""
    row_id: str | None = None
    reason: str = ""
    finding: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a log.

    Attributes:
        applied, already: rows that changed something, and that found it so already, a change type.
        refused: in order of the log.
        derived: rows that follow from those applied.
        pending: exclusions that wait for a second person.
    """

    applied: Mapping[ChangeType, int]
    already: Mapping[ChangeType, int]
    refused: tuple[RefusedRow, ...]
    derived: int
    pending: tuple[int, ...]


class _Refusal(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Import:
    """The state of an import over one ground."""

    ground: Ground
    may_see_personal: bool
    names: set[str]
    rows: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    held: dict[tuple[str, str], dict[Key, str | None]] = field(default_factory=dict)
    changed: set[tuple[str, str, str, str]] = field(default_factory=set)
    stale: dict[tuple[str, str, str, str], list[str | None]] = field(default_factory=dict)
    wanted: dict[str, list[Wanted]] = field(default_factory=dict)
    numbers: dict[str, list[LogRow]] = field(default_factory=dict)
    questions: Questions = field(init=False)

    def __post_init__(self) -> None:
        self.questions = Questions(self.ground.compiled.form)

    def find(self, log: LogRow) -> Field:
        """The question of a row; KoboToolbox writes its groups before it."""
        name = log.row.question
        if not name:
            raise _Refusal("no_question")
        found = self.questions.find(name, log.table) or self.questions.find(name.rpartition("/")[2], log.table)
        if found is None:
            raise _Refusal("unknown_question")
        return found

    def row_id(self, log: LogRow, instance_id: str, question: Field) -> str:
        """The row of the table that a row of the log means."""
        rows = self._rows_of(question.table, instance_id)
        wanted = log.row_id or ""
        if question.table != MAIN_TABLE and not wanted and len(rows) == 1:
            return rows[0]
        if wanted not in rows:
            raise _Refusal("unknown_row")
        return wanted

    def _rows_of(self, table: str, instance_id: str) -> list[str]:
        if table not in self.rows:
            by_instance: dict[str, list[str]] = {}
            for instance, row in self.ground.edited.tables[table].select(INSTANCE_ID, ROW_ID).iter_rows():
                by_instance.setdefault(instance, []).append(row)
            self.rows[table] = by_instance
        return self.rows[table].get(instance_id, [])

    def now(self, question: Field) -> dict[Key, str | None]:
        """What a question holds in every row, with the rows of the log so far."""
        place = (question.table, question.column)
        if place not in self.held:
            frame = self.ground.edited.tables[question.table]
            keys = frame.select(INSTANCE_ID, ROW_ID).rows()
            if question.personal:
                personal = self.ground.interviews.personal
                mine = personal.filter(personal["question"] == question.name)
                values = {(one, two): value for one, two, value in mine.select("instance_id", "row_id", "value").rows()}
                self.held[place] = {key: values.get(key) for key in keys}
            else:
                self.held[place] = dict(zip(keys, to_texts(frame[question.column]), strict=True))
        return self.held[place]


def import_log(
    store: Store,
    person: Person,
    form_id: str,
    log: Sequence[LogRow],
    *,
    second: Person | None = None,
    force: bool = False,
    at: datetime | None = None,
) -> Imported:
    """Take a cleaning log into a survey.

    Rows apply in their order, each onto what those before it left. The changes of an interview are judged together: if
    they would open an error, none of them is taken, unless forced. Exclusions wait for a second person.

    Args:
        store: where.
        person: who imports.
        form_id: of the survey.
        log: in order.
        second: another person who confirms the exclusions at once.
        force: take changes that open an error too.
        at: when, null for now.

    Raises:
        AccessError: ACC-123, no right. DecisionError: DEC-014, both are the same person.
    """
    within = require(store, person, "decide_finding", form_id)
    if any(one.row.change_type is ChangeType.REMOVE for one in log):
        require(store, person, "decide_exclusion", form_id)
    if second is not None:
        theirs = require(store, second, "decide_exclusion", form_id)
        within = theirs if within is None else within if theirs is None else within & theirs
        if second.id == person.id:
            raise DecisionError("DEC-014", "Whoever asks for an exclusion doesn't confirm it.", "Name another person.")
    with acting(person_actor(person.id)):
        return _run(store, person, form_id, log, second, force, at, within)


def _run(
    store: Store,
    person: Person,
    form_id: str,
    log: Sequence[LogRow],
    second: Person | None,
    force: bool,
    at: datetime | None,
    within: frozenset[str] | None,
) -> Imported:
    mine = None
    if within is not None:
        with store.read() as connection:
            mine = list_within(connection, form_id, within)
    grounds = grounds_of(store, form_id, mine, reader(person))
    latest = grounds[0].latest if grounds else {}
    may_see = may(person, "see_personal")
    imports = [_Import(ground, may_see, set(ground.raw[MAIN_TABLE][INSTANCE_ID].to_list())) for ground in grounds]
    seen: dict[tuple[object, ...], int] = {}
    applied: Counter[ChangeType] = Counter()
    already: Counter[ChangeType] = Counter()
    refused: dict[int, RefusedRow] = {}
    plain: list[Decision] = []
    for one in log:
        try:
            changed = _apply(imports, latest, one, seen, plain, person, form_id, second)
        except _Refusal as refusal:
            refused[one.row.number] = _refused(one, refusal.reason)
            continue
        assert one.row.change_type is not None  # noqa: S101 - refused before
        (applied if changed else already)[one.row.change_type] += 1
    derived = 0
    for part in imports:
        if not part.wanted:
            continue
        written = write_many(store, person, form_id, part.ground, part.wanted, force=force, at=at)
        derived += written.derived
        for instance_id in sorted(written.refused):
            for one in part.numbers[instance_id]:
                refused[one.row.number] = _refused(one, OPENS_ERROR)
                assert one.row.change_type is not None  # noqa: S101 - refused before
                applied[one.row.change_type] -= 1
    with store.begin() as connection:
        numbers = add_decisions(connection, plain, at)
    pending = [n for n, row in zip(numbers, plain, strict=True) if row.action == "exclude" and not row.seconded_by]
    return Imported(+applied, already, tuple(refused[number] for number in sorted(refused)), derived, tuple(pending))


def _refused(one: LogRow, reason: str) -> RefusedRow:
    row = one.row
    kind = row.written_type or (row.change_type.value if row.change_type else "")
    return RefusedRow(row.number, row.key, row.question, kind, reason, _SENTENCES[reason])


def _apply(
    imports: Sequence[_Import],
    latest: Mapping[str, str],
    one: LogRow,
    seen: dict[tuple[object, ...], int],
    plain: list[Decision],
    person: Person,
    form_id: str,
    second: Person | None,
) -> bool:
    row = one.row
    if row.change_type is None:
        raise _Refusal("unknown_change_type")
    if not row.key:
        raise _Refusal("no_key")
    candidates = [latest.get(name, name) for name in (row.key, f"uuid:{row.key}")]
    place = next(((part, name) for name in candidates for part in imports if name in part.names), None)
    if place is None:
        raise _Refusal("unknown_key")
    part, instance_id = place
    is_removal = row.change_type is ChangeType.REMOVE
    said = (
        instance_id,
        row.change_type,
        *(() if is_removal else (one.table, one.row_id, row.question, row.old, row.new)),
    )
    if seen.setdefault((*said, "" if is_removal else one.finding), row.number) != row.number:
        raise _Refusal("twice")
    if row.change_type in {ChangeType.REMOVE, ChangeType.NONE}:
        return _decide(part.ground.edited.log, one, instance_id, plain, person, form_id, second)
    return _change(part, one, instance_id)


def _decide(
    now: InForce,
    one: LogRow,
    instance_id: str,
    plain: list[Decision],
    person: Person,
    form_id: str,
    second: Person | None,
) -> bool:
    """A row that changes no answer: an exclusion, or a finding that stands."""
    decision = Decision(
        form_id,
        instance_id,
        "accept",
        one.reason or IMPORTED,
        person.name,
        row_id=one.row_id or "",
        rule_id=one.finding,
        person_id=person.id,
        source="import",
    )
    if one.row.change_type is ChangeType.NONE:
        if (one.finding, instance_id, one.row_id or "") in now.accepted:
            return False
        plain.append(decision)
        return True
    if instance_id in now.excluded or (second is None and any(row.instance_id == instance_id for row in now.pending)):
        return False
    reason = one.reason or IMPORTED
    confirmed = None if second is None else second.name
    plain.append(
        Decision(
            form_id,
            instance_id,
            "exclude",
            reason,
            person.name,
            person_id=person.id,
            source="import",
            seconded_by=confirmed,
        )
    )
    return True


def _change(part: _Import, one: LogRow, instance_id: str) -> bool:
    row = one.row
    question = part.find(one)
    row_id = part.row_id(one, instance_id, question)
    if question.personal and not part.may_see_personal:
        raise _Refusal("no_right")
    held = part.now(question)
    key = (instance_id, row_id)
    now = held.get(key)
    new = None if row.change_type is ChangeType.BLANK else normal_text(question, row.new)
    cell = (instance_id, question.table, row_id, question.column)
    if _is_same(now, new) and not (row.old is not None and _is_same(row.old, new)):
        # As if it had changed it: rows that it contradicts are refused when the same log comes again.
        part.changed.add(cell)
        return False
    if row.old is None and (cell in part.changed or cell in part.stale):
        raise _Refusal("contradicts")
    old = normal_text(question, row.old)
    if row.old is not None and not _is_same(old, now):
        part.stale.setdefault(cell, []).append(old)
        raise _Refusal("stale_old_value")
    if reason := refuse_answer(question, new, part.ground.compiled.form):
        raise _Refusal(reason)
    if _is_same(now, new):
        return False
    if any(_is_same(one, new) for one in part.stale.get(cell, ())):
        # A refused row would change what this one puts there when the same log comes again.
        raise _Refusal("contradicts")
    change = CellChange(*cell, old=now, new=new, is_personal=bool(question.personal))
    part.wanted.setdefault(instance_id, []).append(Wanted(change, one.reason or IMPORTED, one.finding, "import"))
    part.numbers.setdefault(instance_id, []).append(one)
    part.changed.add(cell)
    held[key] = new
    return True


def _is_same(one: str | None, other: str | None) -> bool:
    return is_same_cell(one or "", other or "")
