"""Whether a choice is among an answer's words, for many choices of one question: the answers are looked at once.

Most answers are one word, which a comparison settles. Only where some hold a space are the different answers looked
into, of which there are few however many rows there are.
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


SAMPLE = 4_096
"""Rows in which nearly all different answers occur, so that the others needn't be hashed."""


class Answers:
    """The texts of one column, looked into for one choice after the other."""

    def __init__(self, texts: pl.Series) -> None:
        self._texts = texts
        self._different = _different(texts.head(SAMPLE))
        self._has_spaces = _any_space(self._different)
        if not self._has_spaces and len(texts) > SAMPLE:
            self._different = _different(texts)
            self._has_spaces = _any_space(self._different)
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
            answers = self._different
            numbered = self._texts.cast(pl.Enum(answers), strict=False)
            if numbered.null_count() > self._texts.null_count():
                answers = _different(self._texts)
                numbered = self._texts.cast(pl.Enum(answers))
            # The blank text comes first, so that its number stands for no answer too.
            codes = numbered.to_physical().fill_null(0)
            self._coded = _Coded(codes.to_numpy(), tuple(answers.to_list()))
        return self._coded


def _different(texts: pl.Series) -> pl.Series:
    """The blank text, then the different ones that aren't."""
    known = texts.unique().drop_nulls()
    return pl.concat([pl.Series([""], dtype=pl.String), known.filter(known != "").alias("")])


def _any_space(answers: pl.Series) -> bool:
    return bool(answers.str.contains(" ", literal=True).any())
