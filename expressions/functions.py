"""Every function by its name."""

from __future__ import annotations

from expressions import (
    functions_dates,
    functions_geo,
    functions_logic,
    functions_meta,
    functions_nodes,
    functions_number,
    functions_repeat,
    functions_select,
    functions_text,
)
from expressions.registry import Function

FUNCTIONS: dict[str, Function] = {
    **functions_dates.FUNCTIONS,
    **functions_geo.FUNCTIONS,
    **functions_logic.FUNCTIONS,
    **functions_meta.FUNCTIONS,
    **functions_nodes.FUNCTIONS,
    **functions_number.FUNCTIONS,
    **functions_repeat.FUNCTIONS,
    **functions_select.FUNCTIONS,
    **functions_text.FUNCTIONS,
}
"""ODK XPath's functions, with the engines that have each."""
