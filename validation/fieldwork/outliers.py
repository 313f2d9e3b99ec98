"""Numbers that lie far from the others."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from schemas.fields import INSTANCE_ID, MAIN_TABLE, ROW_ID, Field
from validation.fieldwork.parameters import Defaults
from validation.fieldwork.task import QUESTION, FieldCheck, Outcome, Task
from validation.fieldwork.values import numbers, numeric

DISTANCE, GIVEN, DIFFERENT = "_distance", "_given", "_different"
_VALUE, _GROUP = "_value", "_group"
VARIED = 10
"""Different answers that a number needs for quartiles to say something of the others."""
OUTLIER: Defaults = {"factor": 3.0, "min_answers": 30.0, "by": ""}


def measure_distances(task: Task) -> Iterator[tuple[Field, pl.DataFrame]]:
    """How far each number lies from the others of its group (all are one where the sheet names no question `by`).

    Where the upper half is wider than the lower one (incomes), logarithms are compared. Quartiles that lie close
    together count as a quarter of the median apart.

    Returns:
        By question: _instance_id, _row_id, _distance (quartile distances beyond the quartiles, below 0 between them;
        null where all are the same), and of its group _given (answers) and _different (different ones).
    """
    by = task.question((*task.parameters.names("outlier", "by", OUTLIER), "")[0])
    for table in task.form.tables:
        frame = task.tables.get(table.name)
        if frame is None or not frame.height:
            continue
        if by is not None and table.name != MAIN_TABLE:
            grouped = task.main.select(INSTANCE_ID, pl.col(by.column).alias(_GROUP))
            frame = frame.join(grouped, on=INSTANCE_ID, how="left", maintain_order="left")
        else:
            frame = frame.with_columns((pl.col(by.column) if by is not None else pl.lit("")).alias(_GROUP))
        for field in numbers(task, table.name):
            given = frame.select(INSTANCE_ID, ROW_ID, _GROUP, numeric(task, field).alias(_VALUE))
            yield field, _distances(given.filter(pl.col(_VALUE).is_not_null()), by is not None)


def _check_outliers(task: Task) -> Outcome:
    """Numbers far outside the quartiles of their group; those of few different values (children) aren't judged."""
    factor = task.parameters.number("outlier", "factor", OUTLIER)
    least = task.parameters.number("outlier", "min_answers", OUTLIER)
    far = (pl.col(GIVEN) >= least) & (pl.col(DIFFERENT) >= VARIED) & (pl.col(DISTANCE) > factor)
    found, checked = [], 0
    for field, distances in measure_distances(task):
        checked += distances.height
        found.append(distances.filter(far).select(INSTANCE_ID, ROW_ID, pl.lit(field.name).alias(QUESTION)))
    schema = {INSTANCE_ID: pl.String, ROW_ID: pl.String, QUESTION: pl.String}
    rows = pl.concat(found) if found else pl.DataFrame(schema=schema)
    rows = rows.group_by(INSTANCE_ID, ROW_ID, maintain_order=True).agg(QUESTION)
    return Outcome(checked, rows.with_columns(pl.col(QUESTION).list.join(", ").alias("named")))


def _distances(given: pl.DataFrame, grouped: bool) -> pl.DataFrame:
    def over(figure: pl.Expr) -> pl.Expr:
        return figure.over(_GROUP) if grouped else figure

    def quartiles(column: str) -> list[pl.Expr]:
        return [over(pl.col(column).quantile(at, "linear")) for at in (0.25, 0.5, 0.75)]

    low, middle, high = quartiles(_VALUE)
    skewed = (over(pl.col(_VALUE).min()) >= 0) & (high - middle > 1.25 * (middle - low))
    scaled = given.with_columns(skewed.alias("_skewed")).with_columns(
        pl.when("_skewed").then((pl.col(_VALUE) + 1).log()).otherwise(_VALUE).alias("_scaled")
    )
    low, middle, high = quartiles("_scaled")
    spread = pl.max_horizontal(high - low, 0.25 * pl.when("_skewed").then(1.0).otherwise(middle.abs()))
    beyond = pl.max_horizontal(low - pl.col("_scaled"), pl.col("_scaled") - high)
    return scaled.select(
        INSTANCE_ID,
        ROW_ID,
        pl.when(spread > 0).then(beyond / spread).alias(DISTANCE),
        over(pl.len()).alias(GIVEN),
        over(pl.col(_VALUE).n_unique()).alias(DIFFERENT),
    )


CHECKS = (
    FieldCheck(
        "outlier",
        "warning",
        "interview",
        {
            "es": "Un número está muy lejos de los demás.",
            "ht": "Yon chif lwen anpil ak lòt yo.",
            "en": "A number is very far from the others.",
        },
        {
            "es": "Vea si sobra o falta un cero, o si la unidad es otra.",
            "ht": "Gade si gen yon zewo anplis oswa ki manke, oswa si se yon lòt inite.",
            "en": "See whether a zero is missing or too many, or the unit is another.",
        },
        _check_outliers,
        detail={"es": " Preguntas: {named}.", "ht": " Kesyon: {named}.", "en": " Questions: {named}."},
        defaults=OUTLIER,
    ),
)
