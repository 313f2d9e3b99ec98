"""What `comunal estimate` is asked, read from its options; the file it is asked of; and the answers in lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from estimation.answers import Answer
from estimation.microdata import Microdata, missing_column
from estimation.samples import Flags
from estimation.surveys import Request
from expressions.columns import compile_columns
from flows.table_files import read_columns, read_header
from schemas.errors import CommandError, EstimationError, ExpressionError

if TYPE_CHECKING:
    import polars as pl

    from estimation.surveys import Kind

Asked = tuple["Kind", str, str, float]
"""Kind, variable, second variable or category, order."""

HEADER = ("estimate", "se", "ci_low", "ci_high", "cv", "deff", "n", "df", "label")


def split_names(values: Iterable[str] | None) -> tuple[str, ...]:
    """Names that were given one by one or with commas between."""
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


def read_asked(
    mean: Sequence[str], total: Sequence[str], ratio: Sequence[str], share: Sequence[str], quantile: Sequence[str]
) -> list[Asked]:
    """The figures asked for, in the order of the options.

    Raises:
        CommandError: CMD-172, CMD-173.
    """
    asked: list[Asked] = [("mean", name, "", 0.5) for name in split_names(mean)]
    asked += [("total", name, "", 0.5) for name in split_names(total)]
    for text in split_names(ratio):
        upper, slash, lower = (part.strip() for part in text.partition("/"))
        if not (upper and slash and lower):
            raise CommandError("CMD-172", f"«{text}» is no ratio.", "Write --ratio X/Y, two names of columns.")
        asked.append(("ratio", upper, lower, 0.5))
    for text in share:
        name, _, code = text.partition("=")
        asked.append(("share", name.strip(), code.strip(), 0.5))
    for text in split_names(quantile):
        name, colon, order = text.rpartition(":")
        if colon and not re.fullmatch(r"0?\.\d+", order):
            raise CommandError("CMD-173", f"«{text}» is no quantile.", "Write --quantile X:P with P between 0 and 1.")
        asked.append(("quantile", name if colon else text, "", float(order) if colon else 0.5))
    return asked


def read_bounds(text: str | None) -> tuple[float, float] | None:
    """Two numbers with a comma between.

    Raises:
        CommandError: CMD-174.
    """
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low, high = 1.0, 1.0
    if not low < 1 < high:
        raise CommandError(
            "CMD-174", f"«{text}» are no bounds.", "Write --bounds LOW,HIGH with LOW below 1 and HIGH above."
        )
    return low, high


def read_totals(paths: Iterable[Path | None]) -> tuple[pl.DataFrame, ...]:
    """Tables of known totals as text cells."""
    return tuple(read_columns(path) for path in paths if path is not None)


def load(
    path: Path, request: Request, asked: Sequence[Asked], where: str | None, test: Sequence[str] = ()
) -> Microdata:
    """Read the columns of a file that the figures need."""
    there = read_header(path)
    design, margins = request.design, request.margins
    if not there:
        raise EstimationError(
            "EST-018", f"«{path.name}» is empty.", "Look at the file: its first line names the columns."
        )
    wanted = {design.weights, design.strata, *design.clusters, *design.populations, *request.by, *test}
    wanted |= {name for kind, first, second, _ in asked for name in ((first, second) if kind == "ratio" else (first,))}
    _refuse_unknown(wanted, there)
    for table in (*margins.poststratify, *margins.rake, *margins.calibrate):
        wanted |= _named_in(table, there)
    if where is not None:
        wanted |= {name for name in there if name in where}
    if design.pattern is not None:
        wanted |= {name for name in there if re.search(design.pattern, name)}
    # A column at least, so that a misspelt name isn't taken for a table without rows.
    return Microdata(read_columns(path, {name for name in wanted if name} | set(there[:1])))


def _refuse_unknown(wanted: set[str | None], there: Sequence[str]) -> None:
    """Say of a misspelt name what the table has; before anything is read.

    Raises:
        EstimationError: EST-020.
    """
    for name in wanted:
        if name and name not in there:
            raise missing_column(name, there)


def _named_in(table: pl.DataFrame, there: Sequence[str]) -> set[str]:
    """Columns of the sample that a table of totals may speak of. A wide one names only its rows: then all."""
    texts = {*table.columns, *(part for name in table.columns for part in re.split(r"[\\/*]| x ", name))}
    for name in table.columns:
        if name.strip().lower() == "variable":
            texts |= {part.strip() for cell in table[name].drop_nulls().unique() for part in cell.split("*")}
    found = {name for name in there if name in {text.strip() for text in texts}}
    return found if len(found) > 1 or len(table.columns) < 3 or "variable" in table.columns else set(there)


def rows_where(data: Microdata, where: str) -> Flags:
    """The rows that meet an ODK XPath condition over the names of columns, written ${name} or name.

    Raises:
        ExpressionError: EXP-*, where it can't be read.
        EstimationError: EST-028, where it names no column.
    """
    named = [name for name in data.names if name in where]
    plain, written = data.select(named), where
    for at, name in enumerate(named):
        # A name that XPath couldn't read ("ingreso mensual") stands under another one for the while.
        if re.fullmatch(r"[^\W\d][\w.-]*", name) is None:
            plain, written = plain.rename(name, f"_column_{at}"), written.replace(f"${{{name}}}", f"${{_column_{at}}}")
    form, tables = plain.form()
    try:
        condition = compile_columns(written, form, "main")
    except ExpressionError as error:
        if error.code not in {"EXP-101", "EXP-102"}:
            raise
        raise EstimationError(
            "EST-028",
            f"«{where}» names something at {error.position} that is no column of the table.",
            "Write the names of columns as they stand in the header, ${name}; capitals and accents count.",
        ) from error
    return np.asarray(condition.boolean(tables).to_numpy(), np.bool_)


def table_of(answers: Sequence[Answer], by: Sequence[str]) -> list[str]:
    """Lines for people: a header and a line a figure."""
    category = any(answer.category for answer in answers)
    header = [*by, *(["category"] if category else []), *HEADER]
    lines = [header]
    for answer in answers:
        told = asdict(answer)
        cells = [*(answer.domain[name] for name in by), *([answer.category] if category else [])]
        lines.append(cells + [_number(told[name]) for name in HEADER])
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    left = len(header) - len(HEADER)
    title = f"{answers[0].statistic} {answers[0].variable}".strip()
    return [title] + ["  ".join(_padded(cell, widths[at], at < left) for at, cell in enumerate(line)) for line in lines]


def _padded(cell: str, width: int, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)


def _number(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def split_test(text: str | None) -> tuple[str, ...]:
    """The two columns of a test.

    Raises:
        CommandError: CMD-175.
    """
    if text is None:
        return ()
    names = tuple(part.strip() for part in text.split("*"))
    if len(names) != 2 or not all(names):
        raise CommandError("CMD-175", f"«{text}» are not two columns.", "Write --test A*B.")
    return names
