"""What calibration explains of a variable: the residuals that the variance of a calibrated estimate is made of.

The score of each row is replaced by what is left after a projection on the calibration variables, as R's `survey` does
in `svyrecvar`. The projection is kept as small matrices, so that any number of domains costs one product each.
Specified in docs/methods/estimation.md, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.samples import Codes, Floats, Stage

if TYPE_CHECKING:
    from estimation.linear import Scores

Sparse = Any
"""A `scipy.sparse.csr_array`; scipy is imported only where weights are calibrated."""


@dataclass(frozen=True, slots=True)
class Block:
    """One projection: the scores lose `basis` times `inverse` times what `tests` make of them.

    Attributes:
        basis: one row a row of the sample, one column a class or variable: calibrated weight times its value.
        tests: the same shape: what a score is multiplied by to be summed.
        inverse: square, one row and column a class or variable.
    """

    basis: Sparse
    tests: Sparse
    inverse: Floats


@dataclass(frozen=True)
class Residuals:
    """Projections applied one after the other.

    Attributes:
        blocks: the distinct projections.
        order: numbers of blocks in the order of application; raking repeats its margins.
    """

    blocks: tuple[Block, ...]
    order: tuple[int, ...]
    _units: dict[int, Sparse] = field(default_factory=dict, compare=False, repr=False)

    def then(self, later: Residuals) -> Residuals:
        """These projections, then those of a later calibration."""
        shift = len(self.blocks)
        return Residuals(self.blocks + later.blocks, self.order + tuple(number + shift for number in later.order))

    def coefficients(self, scores: Scores, count: int) -> Floats:
        """What each domain's scores lose: one row a domain, one column a column of all blocks side by side."""
        from scipy.sparse import csr_array, hstack

        tests, basis = hstack([b.tests for b in self.blocks], "csr"), hstack([b.basis for b in self.blocks], "csr")
        shape = (count, tests.shape[0])
        answers = (csr_array((scores.score, (scores.domain, scores.rows)), shape=shape) @ tests).toarray()
        crossed = (basis.T @ tests).toarray()
        ends = np.cumsum([block.basis.shape[1] for block in self.blocks])
        lost: Floats = np.zeros(answers.shape)
        for number in self.order:
            columns = slice(int(ends[number]) - self.blocks[number].basis.shape[1], int(ends[number]))
            step = answers[:, columns] @ self.blocks[number].inverse.T
            lost[:, columns] += step
            answers = answers - step @ crossed[columns]
        return lost

    def by_unit(self, stage: Stage) -> Sparse:
        """The bases summed over the rows of each unit: one row a column of all blocks, one column a unit."""
        from scipy.sparse import csr_array, hstack

        if id(stage) not in self._units:
            rows = np.arange(stage.unit_of_row.size)
            belongs = csr_array((np.ones(rows.size), (rows, stage.unit_of_row)), shape=(rows.size, stage.units))
            self._units[id(stage)] = (hstack([b.basis for b in self.blocks], "csr").T @ belongs).tocsr()
        return self._units[id(stage)]


def class_block(classes: Codes, before: Floats, after: Floats, count: int) -> Block:
    """The projection of post-stratification.

    Args:
        classes: number of each row's class.
        before, after: weights before and after.
    """
    gone = (before == 0) & (after == 0)
    safe = np.where(gone, 1.0, after)
    share = np.bincount(classes, before, count)
    inverse = np.diag(np.divide(1.0, share, out=np.zeros(count), where=share > 0))
    return Block(indicators(classes, safe, count), indicators(classes, before / safe, count), inverse)


def rake_residuals(margins: list[tuple[Codes, Floats, int]], passes: int = 10) -> Residuals:
    """The projections of raking: ten passes over the margins, each class's mean of score by weight taken out, as R.

    Args:
        margins: for each margin the class of each row, the weights when that margin was last reached, how many classes.
    """
    blocks = []
    for classes, weights, count in margins:
        kept = weights != 0
        inverse = 1.0 / np.maximum(np.bincount(classes[kept], minlength=count), 1)
        tests = np.divide(1.0, weights, out=np.zeros(weights.size), where=kept)
        blocks.append(Block(indicators(classes, weights, count), indicators(classes, tests, count), np.diag(inverse)))
    return Residuals(tuple(blocks), tuple(range(len(margins))) * passes)


def regression_block(variables: Sparse, before: Floats, after: Floats) -> Block:
    """The projection of regression (GREG) calibration.

    Args:
        variables: one row a row of the sample, one column a calibration variable.
        before, after: weights before and after.
    """
    from scipy.sparse import diags_array

    ratio = np.divide(before, after, out=np.zeros(before.size), where=after != 0)
    crossed = (variables.T @ diags_array(before) @ variables).toarray()
    return Block(
        (diags_array(after) @ variables).tocsr(), (diags_array(ratio) @ variables).tocsr(), np.linalg.pinv(crossed)
    )


def indicators(classes: Codes, values: Floats, count: int) -> Sparse:
    """One column a class: the row's value in its own class, zero elsewhere."""
    from scipy.sparse import csr_array

    rows = np.arange(classes.size)
    return csr_array((values, (rows, classes)), shape=(classes.size, count))
