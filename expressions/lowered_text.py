"""Numbers and texts of whole columns, converted as JavaRosa does."""

from __future__ import annotations

import polars as pl

from expressions.values import TOLERANCE, java_number

_NUMBER = r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$"
_SPACES = "".join(chr(code) for code in range(33))
_INT = 2_147_483_647


def text_to_number(text: pl.Expr) -> pl.Expr:
    """Float64 of texts; null where a text is no number. A comma may be the decimal mark."""
    cleaned = text.str.replace_all(",", ".", literal=True).str.strip_chars(_SPACES)
    return pl.when(cleaned.str.contains(_NUMBER)).then(cleaned).otherwise(None).cast(pl.Float64, strict=False)


def number_to_text(number: pl.Expr) -> pl.Expr:
    """Texts of Float64: whole numbers plain, the rest as Java writes them; null stays null."""
    return number.map_batches(write_numbers, return_dtype=pl.String, is_elementwise=True)


def write_numbers(numbers: pl.Series) -> pl.Series:
    """The texts of a series of numbers."""
    # As Java casts: what lies just below a whole number is not that number.
    whole = numbers.truncate()
    plain = ((numbers - whole).abs() < TOLERANCE) & (whole.abs() <= _INT)
    texts = whole.set(~plain.fill_null(False), None).cast(pl.Int64, strict=False).cast(pl.String)
    rest = numbers.filter(~plain.fill_null(True))
    if rest.is_empty():
        return texts
    written = {value: java_number(value) for value in rest.unique().to_list()}
    listed = texts.to_list()
    for index, value in enumerate(numbers.to_list()):
        if listed[index] is None and value is not None:
            listed[index] = written[value]
    return pl.Series(numbers.name, listed, dtype=pl.String)
