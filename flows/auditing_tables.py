"""Reading tables of others for `comunal disclosure audit --table`, and what an intruder finds out about their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.flat_tables import FlatTable, read_flat
from reports.equations import Contradiction, Interval, feasible_intervals
from reports.plain_tables import TOTALS, PlainRows, PlainTable, read_plain
from reports.plain_values import HIDDEN, HIDDEN_STATUS, SHOWN_STATUS, decimal_of
from schemas.errors import CommandError, ReleaseError

MOST_EXACT = 3000
"""Hidden cells whose intervals are found to the end; of more it is asked only whether they are wide enough."""

_STATUS = frozenset({"status", "sdcstatus", "sdc_status", "statusvar", "statut", "is_secret"})


@dataclass(frozen=True, slots=True)
class TableCell:
    """A hidden cell of a table, and where it must be.

    Attributes:
        table: name of its file.
        codes: dimension -> code.
        low, high: least and greatest value.
        required: width that is owed to it.
        is_exact: false where the interval is at least as wide as told.
        is_narrow: whether it is too narrow.
    """

    table: str
    codes: dict[str, str]
    low: float
    high: float
    required: float
    is_exact: bool
    is_narrow: bool


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """What `--table` and its companions ask; lists have one entry a table, or one for all.

    Attributes:
        files: of the tables.
        dims: names of the dimensions, "a,b".
        values, status: names of columns; of no status column, empty.
        totals, hidden: codes of sums instead of the usual ones, marks beside the usual ones.
        trees: "DIM=FILE".
        columns: names of the columns of files without a header, "" for files with one.
        decimal: "." or ","; "" to find out.
        absent_is_hidden, base, width: see the command.
    """

    files: Sequence[Path]
    dims: Sequence[str]
    values: Sequence[str] = ("n",)
    status: Sequence[str] = ()
    totals: Sequence[str] = ()
    hidden: Sequence[str] = ()
    trees: Sequence[str] = ()
    columns: str = ""
    decimal: str = ""
    absent_is_hidden: bool = False
    base: float = 0.0
    width: float = 1.0


def audit_tables(question: TableQuestion) -> list[TableCell]:
    """Each hidden cell of the tables, in their order.

    Raises:
        CommandError: CMD-141, a column isn't there; CMD-142, a tree can't be read; CMD-159, other lists of columns
            than tables, or a decimal mark that is none.
        ReleaseError: REL-050 to REL-052; REL-054, sums contradict each other.
    """
    if question.decimal not in ("", ".", ","):
        raise CommandError("CMD-159", f"--decimal is {question.decimal!r}.", "Write a point or a comma.")
    tables = [_read(question, at) for at in range(len(question.files))]
    plain = read_plain(
        tables,
        totals=frozenset(code.lower() for code in question.totals) or TOTALS,
        hidden=HIDDEN | {mark.lower() for mark in question.hidden},
        parents=_read_trees(question.trees),
        absent_is_hidden=question.absent_is_hidden,
        base=question.base,
    )
    found = _intervals(plain, question.width)
    cells = []
    for row in plain.hidden:
        interval, table = found[plain.cells[row]], tables[plain.tables[row]]
        cells.append(
            TableCell(
                table.name,
                dict(zip(table.dimensions, plain.codes[row], strict=True)),
                interval.low,
                interval.high,
                question.width,
                interval.is_exact,
                interval.width < question.width - 1e-6,
            )
        )
    return cells


def _intervals(plain: PlainTable, width: float) -> dict[int, Interval]:
    targets = list(dict.fromkeys(plain.cells[row] for row in plain.hidden))
    enough = None if len(targets) <= MOST_EXACT else [width] * len(targets)
    try:
        return feasible_intervals(plain.system, targets, enough)
    except Contradiction as broken:
        members = {cell for each in broken.equations for cell in plain.system.equations[each].cells}
        told = dict(zip(reversed(plain.cells), reversed(plain.codes), strict=True))
        cells = [" / ".join(told[cell]) for cell in sorted(members) if cell in told]
        raise ReleaseError(
            "REL-054",
            f"{len(broken.equations)} sums of the table contradict each other, around {'; '.join(cells[:5])}.",
            "Is a total missing from --total, were numbers rounded (--base), or is a cell without a row hidden?",
        ) from broken


def _read(question: TableQuestion, at: int) -> PlainRows:
    path = question.files[at]
    flat = read_flat(path)
    names = [name.strip() for name in (question.columns.split(",") if question.columns else flat.names)]
    lines = [flat.names, *flat.rows()] if question.columns else flat.rows()
    dims = tuple(name.strip() for name in _of(question.dims, at, len(question.files)).split(",") if name.strip())
    value = _of(question.values, at, len(question.files))
    status = (
        _of(question.status, at, len(question.files)) if question.status else _find_status(flat, names, dims, value)
    )
    wanted = [*dims, value, *([status] if status else [])]
    if missing := [name for name in wanted if name not in names] or not dims:
        raise CommandError(
            "CMD-141",
            f"{path.name} has no column {missing if dims else 'named in --dims'}.",
            f"It has {', '.join(names[:20])}.",
        )
    place = [names.index(name) for name in wanted]
    texts = [line[place[len(dims)]] for line in lines]
    return PlainRows(
        dims,
        [(tuple(line[index] for index in place[: len(dims)]), text) for line, text in zip(lines, texts, strict=True)],
        [line[place[-1]] for line in lines] if status else None,
        ","
        if question.decimal == ","
        else "."
        if question.decimal
        else decimal_of(texts, european=flat.separator == ";"),
        path.name,
    )


def _of(given: Sequence[str], at: int, tables: int) -> str:
    if len(given) not in (1, tables):
        raise CommandError(
            "CMD-159",
            f"There are {tables} tables, and {len(given)} lists of columns.",
            "Give --dims, --value and --status once for all tables, or once for each in their order.",
        )
    return given[at] if len(given) == tables else given[0]


def _find_status(flat: FlatTable, names: Sequence[str], dims: Sequence[str], value: str) -> str:
    """The column that tau-argus or sdcTable would have written, if all its codes are known."""
    for at, name in enumerate(names):
        if name.lower() in _STATUS and name not in (*dims, value):
            codes = {row[at].strip().lower() for row in flat.rows()}
            if codes <= HIDDEN_STATUS | SHOWN_STATUS:
                return name
    return ""


def _read_trees(trees: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for each in trees:
        name, _, file = each.partition("=")
        path = Path(file)
        tree = _read_tree(path) if file and path.is_file() else None
        if tree is None:
            raise CommandError(
                "CMD-142",
                f"--tree {each} names no table with columns code and parent, and no list of codes led by @.",
                "Write --tree DIM=FILE.csv, or --tree DIM=FILE.hrc as tau-argus reads it.",
            )
        found[name] = tree
    return found


def _read_tree(path: Path) -> dict[str, str] | None:
    lines = [line.strip().strip('"') for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    if any(line.startswith("@") for line in lines):
        return _by_level(lines)
    flat = read_flat(path)
    if not {"code", "parent"} <= set(flat.names):
        return None
    code, parent = flat.names.index("code"), flat.names.index("parent")
    return {row[code].strip(): row[parent].strip() for row in flat.rows()}


def _by_level(lines: Sequence[str]) -> dict[str, str]:
    """Codes led by as many @ as they are deep: tau-argus' list, or sdcTable's two columns."""
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in lines:
        code = line.lstrip("@")
        depth = len(line) - len(code)
        code = code.lstrip(';,"\t ').strip('" ')
        while above and above[-1][0] >= depth:
            above.pop()
        found[code] = above[-1][1] if above else ""
        above.append((depth, code))
    return found
