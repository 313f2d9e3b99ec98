"""Repairs of groups and repeats whose ends are missing, wrong or too many."""

from __future__ import annotations

import re

from forms.repair.draft import Draft

_BOUND = re.compile(r"(begin|end)_(group|repeat)", re.IGNORECASE)


def repair_sections(draft: Draft) -> None:
    """Ends without a begin are deleted, missing ends put in, ends of the wrong kind changed.

    An end that doesn't fit what is open closes everything within the section that it does fit, if there is one; else
    it is taken as the end of what is open.
    """
    rows = draft.rows.get("survey", [])
    stack: list[str] = []
    position = 0
    while position < len(rows):
        row = rows[position]
        found = _BOUND.fullmatch(row.get("type"))
        if found and found.group(1).lower() == "begin":
            stack.append(found.group(2).lower())
        elif found:
            section = found.group(2).lower()
            if not stack:
                draft.remove("FRM-511", "survey", row, "nothing is open that it could end.")
                continue
            if stack[-1] == section:
                stack.pop()
            elif section in stack:
                why = f"the {stack[-1]} before this end was never ended."
                draft.insert("FRM-510", "survey", position, {row.header("type"): f"end_{stack.pop()}"}, why)
            else:
                why = f"what is open is a {stack[-1]}."
                draft.change("FRM-511", "survey", row, row.header("type"), f"end_{stack.pop()}", why)
        position += 1
    while stack:
        why = "it was never ended; check where it should end."
        draft.insert("FRM-510", "survey", len(rows), {"type": f"end_{stack.pop()}"}, why)
