"""ODK XPath's functions. Importing this registers them all (`expressions.registry`)."""

from __future__ import annotations

from expressions.functions import dates, geo, logic, meta, nodes, number, repeat, select, text
from expressions.registry import register

for _module in (dates, geo, logic, meta, nodes, number, repeat, select, text):
    register(_module.FUNCTIONS)
