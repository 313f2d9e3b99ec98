"""A stratum with one unit: nothing can be seen of how its units vary. docs/methods/estimation.md, section 3."""

from __future__ import annotations

from typing import Final

import numpy as np

from estimation.samples import Codes, Stage
from schemas.errors import EstimationError

NAMED: Final = 5
"""Groups that a message names."""


def refuse_singletons(stage: Stage, number: int, rows: Codes) -> None:
    """Stop at a group with a single unit in which one of these rows stands.

    Raises:
        EstimationError: EST-015.
    """
    alone = stage.alone
    if not alone.any():
        return
    met = np.unique(stage.group_of_unit[stage.unit_of_row[rows]])
    found = [int(group) for group in met if alone[group]]
    if found:
        named = ", ".join(f"«{stage.names[group]}»" for group in found[:NAMED] if len(stage.names) > group)
        more = f" and {len(found) - NAMED} more" if named and len(found) > NAMED else ""
        told = f"{len(found)} {'stratum has' if len(found) == 1 else 'strata have'}"
        if number:
            told = f"{len(found)} unit{'' if len(found) == 1 else 's'} of stage {number} with"
        elif named == "«»":
            told, named = "The sample has", ""
        raise EstimationError(
            "EST-015",
            f"{told} a single unit of stage {number + 1}, so the variance within can't be seen"
            f"{': ' if named else ''}{named}{more}.",
            "Join them with a neighbour, or choose: skip (they add nothing, as if taken with certainty) or center "
            "(their distance from the overall mean counts, the careful choice).",
        )
