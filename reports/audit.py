"""The auditor: which withheld cells do all equations of a table, taken together, determine?

DC-02 looks at one sum at a time. Two sums can still give a cell away that neither does alone: where withheld cells of
rows and columns form two closed blocks joined by one cell, that cell is the difference of the blocks' margins. The
auditor writes each group as a linear equation over what isn't shown and asks which unknown has one value only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reports.groups import Group

_TOLERANCE = 1e-9


def find_solvable(groups: Sequence[Group], withheld: Collection[int]) -> Iterator[Group]:
    """The groups that hold a withheld cell with a single solution (DC-03).

    Args:
        groups: the equations.
        withheld: positions of the cells that aren't shown.
    """
    for block in _connected(groups, withheld):
        solved = solve_unknowns([groups[index] for index in block], withheld)
        for index in block:
            if solved.intersection(groups[index].members):
                yield groups[index]


def solve_unknowns(groups: Sequence[Group], withheld: Collection[int]) -> set[int]:
    """Positions of the withheld cells whose value follows from the equations and the cells shown."""
    unknowns = sorted({cell for group in groups for cell in _cells(group) if cell in withheld})
    column = {cell: index for index, cell in enumerate(unknowns)}
    rests = [index for index, group in enumerate(groups) if group.rest_n > 0]
    matrix = np.zeros((len(groups), len(unknowns) + len(rests)))
    for row, group in enumerate(groups):
        for member in group.members:
            if member in column:
                matrix[row, column[member]] = 1
        if group.whole in column:
            matrix[row, column[group.whole]] = -1
    for index, row in enumerate(rests):
        matrix[row, len(unknowns) + index] = 1
    free = _null_space(matrix)
    return {cell for cell, index in column.items() if not np.any(np.abs(free[:, index]) > _TOLERANCE)}


def _null_space(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows that span every change of the unknowns which no equation notices."""
    if not matrix.size:
        return np.zeros((0, matrix.shape[1]))
    _, values, vectors = np.linalg.svd(matrix)
    rank = int(np.sum(values > _TOLERANCE))
    found: NDArray[np.float64] = vectors[rank:]
    return found


def _cells(group: Group) -> tuple[int, ...]:
    return group.members if group.whole is None else (*group.members, group.whole)


def _connected(groups: Sequence[Group], withheld: Collection[int]) -> list[list[int]]:
    """Groups by the withheld cells they share: unknowns of one block say nothing about those of another."""
    block_of: dict[int, int] = {}
    blocks: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        met = {block_of[cell] for cell in _cells(group) if cell in withheld and cell in block_of}
        if not met and not any(cell in withheld for cell in _cells(group)):
            continue
        target = min(met, default=index)
        for other in met - {target}:
            blocks[target] += blocks.pop(other)
        blocks[target].append(index)
        for member in blocks[target]:
            block_of |= {cell: target for cell in _cells(groups[member]) if cell in withheld}
    return list(blocks.values())
