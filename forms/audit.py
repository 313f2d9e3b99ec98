"""Collect's `audit.csv` -> a table of events, without any personal answer, and how long each section took.

Format: ODK XForms, "Client Audit Logs". What stays out of the table and why: docs/methods/audit.md.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from schemas.fields import INSTANCE_ID, POSITION, PRESENT, Field, Form
from schemas.findings import Finding
from schemas.submissions import RawSubmission
from schemas.text import Text

AUDIT_FILE: Final = "audit.csv"
AUDIT_TABLE: Final = "_audit"
MALFORMED: Final = "attachment:audit"
REQUIRED: Final = ("event", "node", "start", "end")
COLUMNS: Final = (
    *(*REQUIRED, "latitude", "longitude", "accuracy"),
    *("old-value", "new-value", "user", "change-reason"),
)
"""Columns that Collect writes; others are left out."""

AUDIT_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    INSTANCE_ID: pl.String(),
    POSITION: pl.Int64(),  # of the event in its file, from 1
    "event": pl.String(),
    "node": pl.String(),  # as Collect wrote it, with positions of rows
    "question": pl.String(),  # name of the question, null where the node is none
    "section": pl.String(),  # outermost group or repeat of the node, "" at the top, null without a node
    "start": pl.Datetime("ms", "UTC"),
    "end": pl.Datetime("ms", "UTC"),
    "seconds": pl.Float64(),
    "moved_metres": pl.Float64(),  # distance from the first place that this file tells
    "accuracy_metres": pl.Float64(),
    "old_value": pl.String(),
    "new_value": pl.String(),
    "user": pl.String(),
    "change_reason": pl.String(),
}
PLACE_TYPES: Final = frozenset({"geopoint", "geotrace", "geoshape"})
EARTH_METRES: Final = 6_371_008.8
MAX_AUDIT_BYTES: Final = 32 * 1024 * 1024
_LATEST: Final = 253_402_300_799_000  # the last millisecond's second of the year 9999
_MESSAGE: Final[Text] = {
    "es": "El registro de eventos (audit.csv) de la encuesta no se puede leer, entero o en parte.",
    "ht": "Nou pa ka li jounal evènman yo (audit.csv) ankèt la, nèt oswa an pati.",
    "en": "The interview's log of events (audit.csv) can't be read, wholly or in part.",
}
_ADVICE: Final[Text] = {
    "es": "La encuesta misma no cambia; los tiempos por pregunta faltan o están incompletos.",
    "ht": "Ankèt la menm pa chanje; tan pou chak kesyon manke oswa pa konplè.",
    "en": "The interview itself is unchanged; its times by question are missing or incomplete.",
}


@dataclass(frozen=True, slots=True)
class AuditBatch:
    """The events of a batch (one row an event, `AUDIT_SCHEMA`), and which files could not be read."""

    table: pl.DataFrame
    findings: tuple[Finding, ...] = ()


def read_audits(form: Form, batch: Sequence[RawSubmission], files: Mapping[int, bytes]) -> AuditBatch:
    """Read the audit files of a batch of submissions of one form version.

    Args:
        form: the version's field tree; tells which questions are personal.
        batch: the submissions, in the order in which their events shall stand.
        files: submission id -> bytes of its `audit.csv`; those without one have no events.

    Returns:
        Values of personal questions, of places, of nodes that the form doesn't have, and every reason for a change
        are `PRESENT`; positions are distances. Cells that can't be read are null. Rule `attachment:audit` (warning),
        once a file.
    """
    cells: dict[str, list[str | None]] = {name: [] for name in COLUMNS}
    instances: list[str] = []
    positions: list[int] = []
    broken: list[int] = []
    for index, raw in enumerate(batch):
        if raw.submission_id not in files:
            continue
        events, is_whole = read_events(files[raw.submission_id])
        count = len(events["event"])
        for name in COLUMNS:
            cells[name] += events.get(name) or [None] * count
        instances += [raw.instance_id] * count
        positions += range(1, count + 1)
        if not is_whole:
            broken.append(index)
    texts = pl.DataFrame(
        {INSTANCE_ID: instances, POSITION: positions, **cells},
        schema={INSTANCE_ID: pl.String, POSITION: pl.Int64, **dict.fromkeys(COLUMNS, pl.String)},
    )
    table, unread = _typed(form, texts)
    wrong = dict.fromkeys([*(batch[index].instance_id for index in broken), *unread])
    return AuditBatch(table, tuple(_finding(form, raw) for raw in batch if raw.instance_id in wrong))


def read_events(content: bytes) -> tuple[dict[str, list[str | None]], bool]:
    r"""One audit file as text columns, and whether all of it could be read. Never raises.

    >>> read_events(b"event,node,start,end\nform start,,1000,\n")[0]["event"]
    ['form start']
    """
    nothing: dict[str, list[str | None]] = {"event": []}
    if len(content) > MAX_AUDIT_BYTES:
        return nothing, False
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return nothing, False
    head, _, rest = text.partition("\n")
    header = [name.strip() for name in head.split(",")]
    if "\0" in text or not set(REQUIRED) <= set(header) or len(set(header)) < len(header):
        return nothing, False
    rows, is_whole = split_rows(rest, len(header))
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in header]
    return {name: list(column) for name, column in zip(header, columns, strict=True) if name in COLUMNS}, is_whole


def split_rows(text: str, width: int) -> tuple[list[list[str]], bool]:
    r"""The rows of a table of that width, and whether every line belongs to one.

    Collect quotes a value only if it has a comma or a line end: a value that merely begins with a quotation mark
    stands bare, and a CSV reader would run on over the following lines. Then lines are read one by one.

    >>> split_rows('question,/a,"1 said,2\nend screen,,3,4\n', 4)
    ([['question', '/a', '"1 said', '2'], ['end screen', '', '3', '4']], True)
    """
    if '"' not in text:
        rows = [line.split(",") for line in text.split("\n") if line]
    else:
        rows = _csv_rows(text)
        if any(len(row) != width or any(_spans_rows(cell, width) for cell in row) for row in rows):
            return _split_lines(text, width)
    whole = [row for row in rows if len(row) == width]
    return whole, len(whole) == len(rows)


def _csv_rows(text: str) -> list[list[str]]:
    # A single cell may be as long as the file.
    csv.field_size_limit(MAX_AUDIT_BYTES)
    return [row for row in csv.reader(io.StringIO(text)) if row]


def _spans_rows(cell: str, width: int) -> bool:
    """Whether a cell with line ends looks like rows that were swallowed."""
    return "\n" in cell and any(line.count(",") >= width - 2 for line in cell.split("\n")[1:])


def _split_lines(text: str, width: int) -> tuple[list[list[str]], bool]:
    rows: list[list[str]] = []
    is_whole = True
    open_row = ""
    for line in text.split("\n"):
        if not open_row and line.count(",") == width - 1:
            rows.append([_unquoted(cell) for cell in line.split(",")])
            continue
        open_row = f"{open_row}\n{line}" if open_row else line
        found = _csv_rows(open_row) if open_row.count('"') % 2 == 0 else []
        if len(found) == 1 and len(found[0]) == width:
            rows.append(found[0])
            open_row = ""
        elif open_row.count("\n") > 200 or (open_row and open_row.count('"') == 0):
            is_whole, open_row = False, ""
    return rows, is_whole and not open_row.strip()


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _typed(form: Form, texts: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The typed table, and instances with a cell that isn't of its type."""
    plain = pl.col("node").str.replace_all(r"\[\d+\]", "")
    sections = [node.name for node in form.root.children if not isinstance(node, Field)]
    steps = plain.str.strip_prefix(form.root.path + "/").str.split("/")
    numbers = {"start": pl.Int64, "end": pl.Int64} | dict.fromkeys(("latitude", "longitude", "accuracy"), pl.Float64)
    frame = texts.with_columns(
        pl.when(pl.col(name).str.strip_chars() != "").then(pl.col(name)).alias(name) for name in COLUMNS
    )
    cast = frame.with_columns(
        *(pl.col(name).cast(kind, strict=False) for name, kind in numbers.items()),
        pl.when((steps.list.len() > 1) | steps.list.first().is_in(sections))
        .then(steps.list.first())
        .when(plain.is_not_null())
        .then(pl.lit(""))
        .alias("section"),
        plain.alias("__path"),
    ).with_columns(
        *(pl.when(pl.col(name).is_between(0, _LATEST)).then(pl.col(name)) for name in ("start", "end")),
        pl.when(pl.col("latitude").is_between(-90, 90)).then(pl.col("latitude")),
        pl.when(pl.col("longitude").is_between(-180, 180)).then(pl.col("longitude")),
        pl.when(pl.col("accuracy").is_finite()).then(pl.col("accuracy")),
    )
    lost = [frame[name].is_not_null() & cast[name].is_null() for name in numbers]
    unread = frame[INSTANCE_ID].filter(pl.select(pl.any_horizontal(lost)).to_series())
    table = cast.join(_questions(form), on="__path", how="left", maintain_order="left").with_columns(
        ((pl.col("end") - pl.col("start")) / 1000).alias("seconds"),
        *(pl.col(name).cast(pl.Datetime("ms")).dt.replace_time_zone("UTC") for name in ("start", "end")),
        _moved_metres().alias("moved_metres"),
        pl.col("accuracy").alias("accuracy_metres"),
        *(_shown(name).alias(name.replace("-", "_")) for name in ("old-value", "new-value")),
        pl.when(pl.col("change-reason").is_not_null()).then(pl.lit(PRESENT)).alias("change_reason"),
    )
    typed = table.select(pl.col(name).cast(kind) for name, kind in AUDIT_SCHEMA.items())
    return typed, unread.unique(maintain_order=True).to_list()


def _shown(name: str) -> pl.Expr:
    """A value where its question is known and tells nothing of a person; else only that there was one."""
    may_show = pl.col("__open").fill_null(value=False)
    return pl.when(may_show).then(pl.col(name)).when(pl.col(name).is_not_null()).then(pl.lit(PRESENT))


def _questions(form: Form) -> pl.DataFrame:
    fields = list(form.fields())
    return pl.DataFrame(
        {
            "__path": [field.path for field in fields],
            "question": [field.name for field in fields],
            "__open": [_is_open(field) for field in fields],
        },
        schema={"__path": pl.String, "question": pl.String, "__open": pl.Boolean},
    ).unique("__path", keep="first", maintain_order=True)


def _is_open(field: Field) -> bool:
    return not field.personal and field.type not in PLACE_TYPES


def _moved_metres() -> pl.Expr:
    """Great-circle distance from the first place of the same file (haversine)."""
    here = [pl.col(name).radians() for name in ("latitude", "longitude")]
    first = [place.drop_nulls().first().over(INSTANCE_ID) for place in here]
    chord = ((here[0] - first[0]) / 2).sin().pow(2) + here[0].cos() * first[0].cos() * (
        ((here[1] - first[1]) / 2).sin().pow(2)
    )
    return (2 * EARTH_METRES * chord.clip(0, 1).sqrt().arcsin()).round(0)


def section_times(events: pl.DataFrame) -> pl.DataFrame:
    """How long each interview stayed in each section: one row an interview and section, in the order of first visit.

    Args:
        events: of `AUDIT_SCHEMA`.

    Returns:
        `_instance_id`, `section`, `events`, `visits` (times it was entered), `seconds`. Events that overlap (questions
        shown on one screen) count once.
    """
    shown = events.filter(pl.col("section").is_not_null() & pl.col("seconds").is_not_null())
    shown = shown.sort(INSTANCE_ID, "start", "end", maintain_order=True)
    until = pl.col("end").cum_max().shift(1).over(INSTANCE_ID)
    own = (pl.col("end") - pl.max_horizontal("start", until)).dt.total_milliseconds().clip(0) / 1000
    entered = (pl.col("section") != pl.col("section").shift(1).over(INSTANCE_ID)).fill_null(value=True)
    return (
        shown.with_columns(own.alias("__own"), entered.alias("__entered"))
        .group_by(INSTANCE_ID, "section", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("events"),
            pl.col("__entered").sum().cast(pl.Int64).alias("visits"),
            pl.col("__own").sum().alias("seconds"),
        )
    )


def _finding(form: Form, raw: RawSubmission) -> Finding:
    return Finding(
        form_id=form.form_id,
        form_version=raw.version,
        instance_id=raw.instance_id,
        row_id="",
        rule_id=MALFORMED,
        kind="attachment",
        severity="warning",
        path=f"{form.root.path}/meta/audit",
        message=_MESSAGE,
        advice=_ADVICE,
        variables=("audit",),
    )
