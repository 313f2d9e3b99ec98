"""Controlled rounding: every count becomes a multiple of a base, near to the true one, and all sums still hold.

Source: docs/methods/disclosure.md, section 7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack, identity, vstack

from reports.ties import Floats, Tables
from schemas.errors import ReleaseError

_WIDER = 3
_NODES = 500


def round_counts(tables: Tables, base: int) -> NDArray[np.int64]:
    """The quantities of tables as multiples of `base`, as near as all ties allow.

    A count goes to one of its two neighbours, and stays where it is a multiple; where the ties don't allow this for
    all, counts may go one or two steps further.

    Raises:
        ReleaseError: REL-057, no such rounding is found.
    """
    values, size = tables.values, len(tables.values)
    rows = np.repeat(np.arange(len(tables.ties)), [len(tie.quantities) for tie in tables.ties])
    columns = np.array([quantity for tie in tables.ties for quantity in tie.quantities], np.int64)
    factors = np.array([factor for tie in tables.ties for factor in tie.factors], np.float64)
    matrix = csr_array((factors, (rows, columns)), shape=(len(tables.ties), size))
    least = np.array([-np.inf if tie.is_bound else 0.0 for tie in tables.ties])
    for wider in range(_WIDER):
        found = _solve(values / base, matrix, least, wider)
        if found is not None:
            return found * base
    raise ReleaseError(
        "REL-057",
        "No rounding keeps all sums of the tables.",
        "Choose disclosure_method suppression in the design sheet.",
    )


def _solve(wanted: Floats, matrix: csr_array, least: Floats, wider: int) -> NDArray[np.int64] | None:
    """Whole numbers near to those wanted under the ties; after them, in the programme, how far each is off."""
    size = len(wanted)
    off = identity(size, format="csr")
    constraints = [
        LinearConstraint(
            vstack([hstack([off, -off]), hstack([-off, -off])]), -np.inf, np.concatenate([wanted, -wanted])
        )
    ]
    if matrix.shape[0]:
        nothing = csr_array((matrix.shape[0], size))
        constraints.append(LinearConstraint(hstack([matrix, nothing]), least, np.zeros(matrix.shape[0])))
    low, high = np.maximum(np.floor(wanted) - wider, 0), np.ceil(wanted) + wider
    result = milp(
        np.concatenate([np.zeros(size), np.ones(size) + 1e-6 * np.arange(size) / size]),
        constraints=constraints,
        bounds=Bounds(np.concatenate([low, np.zeros(size)]), np.concatenate([high, np.full(size, np.inf)])),
        integrality=np.concatenate([np.ones(size), np.zeros(size)]),
        options={"node_limit": _NODES, "mip_rel_gap": 0.05},
    )
    return None if result.x is None else np.round(result.x[:size]).astype(np.int64)
