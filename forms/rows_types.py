"""Texts of a column -> typed values, all at once; and which of them are no value of the type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

INT: Final = r"^[-+]?[0-9]{1,19}$"
DECIMAL: Final = r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?$"
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

DTYPES: Final[Mapping[str, pl.DataType]] = {
    "int": pl.Int64(),
    "decimal": pl.Float64(),
    "date": pl.Date(),
    "dateTime": pl.Datetime("ms", "UTC"),
}
"""Bind type -> type of its column; every other one is String."""

PATTERNS: Final[Mapping[str, str]] = {
    "int": INT,
    "decimal": DECIMAL,
    "date": DATE,
    "dateTime": DATETIME,
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
        texts: one text a row, null where blank.
        bind_type: the question's bind type.

    Returns:
        The typed column, null where blank or unreadable; and a boolean column, true where the text was not blank and
        is no value of the type, or null if there is no such row. A dateTime without an offset is taken as UTC.
    """
    pattern = PATTERNS.get(bind_type)
    if pattern is None:
        return texts, None
    stripped = texts.str.strip_chars()
    fits = stripped.str.contains(pattern)
    kept = stripped if fits.all() else pl.select(pl.when(fits).then(stripped)).to_series().alias(texts.name)
    typed = _CASTS[bind_type](kept) if bind_type in _CASTS else kept
    if typed.null_count() == texts.null_count():
        return typed, None
    return typed, texts.is_not_null() & typed.is_null()


def _to_datetime(texts: pl.Series) -> pl.Series:
    """Offsets as JavaRosa, Web Forms and Enketo write them: Z, -03:00, -0300, -03, or none."""
    plain = (
        texts.str.replace(r"Z$", "+00:00")
        .str.replace(r"(T.*[+-]\d{2})$", "${1}:00")
        .str.replace(r"(T.*[+-]\d{2})(\d{2})$", "${1}:${2}")
        .str.replace(r"(T[\d:.]+)$", "${1}+00:00")
    )
    return plain.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="ms", strict=False)


_CASTS: Final[Mapping[str, Callable[[pl.Series], pl.Series]]] = {
    "int": lambda texts: texts.cast(pl.Int64, strict=False),
    "decimal": lambda texts: texts.cast(pl.Float64, strict=False),
    "date": lambda texts: texts.str.to_date("%Y-%m-%d", strict=False),
    "dateTime": _to_datetime,
}
