"""Every function by its name."""

from __future__ import annotations

from expressions.functions import dates, geo, logic, meta, nodes, number, repeat, select, text
from expressions.registry import Function

FUNCTIONS: dict[str, Function] = {
    **dates.FUNCTIONS,
    **geo.FUNCTIONS,
    **logic.FUNCTIONS,
    **meta.FUNCTIONS,
    **nodes.FUNCTIONS,
    **number.FUNCTIONS,
    **repeat.FUNCTIONS,
    **select.FUNCTIONS,
    **text.FUNCTIONS,
}
"""ODK XPath's functions, with the engines that have each."""
