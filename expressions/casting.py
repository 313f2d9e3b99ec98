"""Texts of a column -> typed values, all at once; and which of them are no value of the type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import polars as pl

DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIME: Final = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9](?::(?:[0-5][0-9]|60)(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?$"
DATETIME: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?$"
)
BOOLEAN: Final = r"^(?:true|false|1|0)$"

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?"
_LATITUDE = r"-?(?:90(?:\.0+)?|[0-8]?[0-9](?:\.[0-9]+)?)(?:E-[0-9]+)?"
_LONGITUDE = r"-?(?:180(?:\.0+)?|(?:1[0-7][0-9]|[0-9]?[0-9])(?:\.[0-9]+)?)(?:E-[0-9]+)?"
_POINT = rf"{_LATITUDE}[ ,]+{_LONGITUDE}(?: +{_NUMBER}){{0,2}}"
GEOPOINT: Final = rf"^{_POINT}$"
GEOTRACE: Final = rf"^{_POINT}(?:\s*;\s*{_POINT})*\s*;?$"

INT_MIN: Final = -(2**31)
INT_MAX: Final = 2**31 - 1

DTYPES: Final[Mapping[str, pl.DataType]] = {
    "int": pl.Int64(),
    "decimal": pl.Float64(),
    "date": pl.Date(),
    "dateTime": pl.Datetime("ms", "UTC"),
}
"""Bind type -> type of its column; every other one is String."""

PATTERNS: Final[Mapping[str, str]] = {
    "time": TIME,
    "boolean": BOOLEAN,
    "geopoint": GEOPOINT,
    "geotrace": GEOTRACE,
    "geoshape": GEOTRACE,
}


def column_dtype(bind_type: str) -> pl.DataType:
    """Type of the column of a bind type."""
    return DTYPES.get(bind_type, pl.String())


def cast_texts(texts: pl.Series, bind_type: str) -> tuple[pl.Series, pl.Series | None]:
    """Cast the answers of one question.

    Args:
        texts: one text a row, null where the node is empty; white space alone is blank too.
        bind_type: the question's bind type.

    Returns:
        The typed column, null where blank or unreadable; and a boolean column, true where the text was not blank and
        is no value of the type, or null if there is no such row. A dateTime without an offset is taken as UTC.
        Outer white space is dropped. A whole number beyond 32 bits, which the standard doesn't allow and Collect
        can't hold, keeps its value and counts as no value of the type.
    """
    typed = _cast(texts, bind_type)
    if typed.null_count() == texts.null_count() and bind_type in _CASTS:
        return typed, _too_large(typed, bind_type)
    stripped = texts.str.strip_chars()
    is_blank = stripped == ""
    if is_blank.any():
        stripped = _where(~is_blank, stripped)
    typed = _cast(stripped, bind_type)
    large = _too_large(typed, bind_type)
    if typed.null_count() == stripped.null_count():
        return typed, large
    bad = stripped.is_not_null() & typed.is_null()
    return typed, bad if large is None else bad | large


def cast_columns(texts: pl.DataFrame, bind_types: Sequence[str]) -> list[tuple[pl.Series, pl.Series | None]]:
    """Cast the answers of many questions: what `cast_texts` gives for each, in three passes over all.

    Nearly all columns hold nothing but values of their type, without white space around them. What one pass shows to be
    otherwise is cast by itself.

    Args:
        texts: a column a question.
        bind_types: their types, in that order.
    """
    kinds = dict(zip(texts.columns, bind_types, strict=True))
    quick = {name: _QUICK[kind] for name, kind in kinds.items() if kind in _QUICK}
    plain = [name for name, kind in kinds.items() if kind not in _QUICK and kind not in PATTERNS]
    typed = texts.select(
        *(cast(pl.col(name)) for name, (cast, _, _) in quick.items()),
        *(pl.col(name).str.strip_chars() for name in plain),
    )
    fits = texts.select(fit(pl.col(name)).all() for name, (_, fit, _) in quick.items() if fit is not None)
    sound = typed.select(
        *(check(pl.col(name)).all() for name, (_, _, check) in quick.items() if check is not None),
        *((pl.col(name) != "").all() for name in plain),
    )
    flags = [dict(zip(frame.columns, frame.row(0), strict=True)) for frame in (fits, sound) if frame.width]
    found: list[tuple[pl.Series, pl.Series | None]] = []
    for name, kind in kinds.items():
        series = texts.get_column(name)
        done = typed.get_column(name) if name in typed.columns else None
        if (
            done is not None
            and done.null_count() == series.null_count()
            and all(told.get(name, True) for told in flags)
        ):
            found.append((done, None))
        else:
            found.append(cast_texts(series, kind))
    return found


def _too_large(typed: pl.Series, bind_type: str) -> pl.Series | None:
    """Where whole numbers are beyond 32 bits; null if none is."""
    if bind_type != "int" or typed.null_count() == len(typed):
        return None
    if typed.min() >= INT_MIN and typed.max() <= INT_MAX:  # type: ignore[operator]
        return None
    return ~typed.is_between(INT_MIN, INT_MAX).fill_null(value=True)


def _cast(texts: pl.Series, bind_type: str) -> pl.Series:
    """Cast without looking at white space; null where the text doesn't fit."""
    if bind_type in _CASTS:
        return _CASTS[bind_type](texts)
    if bind_type in PATTERNS:
        fits = texts.str.contains(PATTERNS[bind_type])
        return texts if fits.all() else _where(fits, texts)
    return texts


def _where(mask: pl.Series, series: pl.Series) -> pl.Series:
    """The series, null where the mask isn't true."""
    return pl.select(pl.when(mask).then(series)).to_series().alias(series.name)


def _to_int(texts: pl.Series) -> pl.Series:
    return texts.cast(pl.Int64, strict=False)


def _to_decimal(texts: pl.Series) -> pl.Series:
    """Finite numbers only: Polars also reads "NaN" and "inf", and turns 1e999 into an infinity."""
    numbers = texts.cast(pl.Float64, strict=False)
    return numbers if numbers.is_finite().all() else _where(numbers.is_finite(), numbers)


def _to_date(texts: pl.Series) -> pl.Series:
    """YYYY-MM-DD; Polars alone would also read 2026-1-5 and 26-01-01."""
    fits = texts.str.contains(DATE)
    return (texts if fits.all() else _where(fits, texts)).str.to_date("%Y-%m-%d", strict=False)


def _to_datetime(texts: pl.Series) -> pl.Series:
    """Offsets as JavaRosa, Web Forms and Enketo write them: Z, -03:00, -0300, -03, or none."""
    fits = texts.str.contains(DATETIME)
    kept = texts if fits.all() else _where(fits, texts)
    typed = kept.str.to_datetime(_DATETIME_FORMAT, time_unit="ms", strict=False)
    if typed.null_count() == kept.null_count():
        return typed
    plain = (
        kept.str.replace(r"Z$", "+00:00")
        .str.replace(r"(T.*[+-]\d{2})$", "${1}:00")
        .str.replace(r"(T.*[+-]\d{2})(\d{2})$", "${1}:${2}")
        .str.replace(r"(T[\d:.]+)$", "${1}+00:00")
    )
    return plain.str.to_datetime(_DATETIME_FORMAT, time_unit="ms", strict=False)


_DATETIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.f%z"
_CASTS: Final[Mapping[str, Callable[[pl.Series], pl.Series]]] = {
    "int": _to_int,
    "decimal": _to_decimal,
    "date": _to_date,
    "dateTime": _to_datetime,
}

_Expr = Callable[[pl.Expr], pl.Expr]
_QUICK: Final[Mapping[str, tuple[_Expr, _Expr | None, _Expr | None]]] = {
    "int": (
        lambda texts: texts.cast(pl.Int64, strict=False),
        None,
        lambda numbers: numbers.is_between(INT_MIN, INT_MAX),
    ),
    "decimal": (lambda texts: texts.cast(pl.Float64, strict=False), None, lambda numbers: numbers.is_finite()),
    "date": (
        lambda texts: texts.str.to_date("%Y-%m-%d", strict=False),
        lambda texts: texts.str.contains(DATE),
        None,
    ),
    "dateTime": (
        lambda texts: texts.str.to_datetime(_DATETIME_FORMAT, time_unit="ms", strict=False),
        lambda texts: texts.str.contains(DATETIME),
        None,
    ),
}
"""Bind type -> how to cast, what all texts must be for that, and what all values must be."""
