"""Whether a choice is among an answer's words, for many choices of one question: the answers are looked at once.

Most answers are one word, which a comparison settles. Only where some hold a space are the different answers looked
up, of which there are few however many rows there are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Coded:
    """Answers as numbers: the number of each row's answer, and the different answers, blank ones as ""."""

    codes: NDArray[np.integer]
    answers: tuple[str, ...]


class Answers:
    """The texts of one column, looked into for one choice after the other."""

    def __init__(self, texts: pl.Series) -> None:
        self._texts = texts
        self._has_spaces = bool(texts.str.contains(" ", literal=True).any())
        self._coded: _Coded | None = None

    def contain(self, choice: str) -> pl.Series:
        """Whether each answer has the choice among its words; a blank answer has the blank choice."""
        wanted = choice.strip()
        if not self._has_spaces and wanted and " " not in wanted:
            return (self._texts == wanted).fill_null(False)
        padded = f" {wanted} "
        coded = self._code()
        flags = np.fromiter((padded in f" {text} " for text in coded.answers), np.bool_)
        return pl.Series(flags[coded.codes])

    def count(self) -> pl.Series:
        """The number of each answer's words."""
        coded = self._code()
        counts = np.fromiter((len(_WORD.findall(text)) for text in coded.answers), np.float64)
        return pl.Series(counts[coded.codes])

    def _code(self) -> _Coded:
        if self._coded is None:
            filled = self._texts.fill_null("")
            different = filled.unique()
            numbered = filled.cast(pl.Enum(different)).to_physical()
            self._coded = _Coded(numbered.to_numpy(), tuple(different.to_list()))
        return self._coded
