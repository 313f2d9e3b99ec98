"""Functions about the form and its files: version, property, pulldata."""

from __future__ import annotations

from expressions.nearest import did_you_mean
from expressions.registry import JAVA, Function, over_values
from expressions.scope import Frame
from expressions.values import Value, to_string
from schemas.errors import ExpressionError


def _pulldata(frame: Frame, values: list[Value]) -> str:
    """`pulldata('file', 'column wanted', 'key column', key)`: "" where no row has that key."""
    file, wanted, column, key = (to_string(value, frame.profile) for value in values)
    rows = frame.scope.files.get(file)
    if rows is None:
        rows = frame.scope.files.get(f"{file}.csv")
    if rows is None:
        advice = did_you_mean(file, frame.scope.files, otherwise="Add it to the form's media.")
        raise ExpressionError("EXP-026", f"pulldata(): there is no file '{file}'.", advice)
    for row in rows:
        if row.get(column) == key:
            return row.get(wanted, "")
    return ""


def _property(frame: Frame, values: list[Value]) -> str:
    return frame.scope.properties.get(to_string(values[0], frame.profile), "")


FUNCTIONS: dict[str, Function] = {
    "version": over_values("string", 0, 0, lambda frame, values: frame.scope.version, JAVA),
    "property": over_values("string", 1, 1, _property, JAVA),
    "pulldata": over_values("string", 4, 4, _pulldata),
}
