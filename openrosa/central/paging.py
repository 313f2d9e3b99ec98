"""Pages of a table: `$top`, `$skip`, `$skiptoken`, a preferred page size, and the link to what comes after."""

from __future__ import annotations

import base64
import binascii
import json
from urllib.parse import quote, urlencode

import polars as pl

from openrosa.central.answers import UNEXPECTED, Refused
from openrosa.central.calls import Call


def number(call: Call, name: str) -> int | None:
    """A parameter that is a whole number from 0, null if absent.

    Raises:
        Refused: 400.8, it is none.
    """
    text = call.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise Refused(UNEXPECTED, f"{name}: expected a whole number from 0.")
    return int(text)


def page_size(call: Call) -> int | None:
    """The page size that a client prefers, null if none."""
    for part in call.headers.get("prefer", "").replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() in {"odata.maxpagesize", "maxpagesize"} and value.isdecimal() and int(value) > 0:
            return int(value)
    return None


def applied(call: Call) -> dict[str, str]:
    """The header that tells a client that its page size holds."""
    size = page_size(call)
    return {} if size is None else {"Preference-Applied": f"odata.maxpagesize={size}"}


def write_token(row_id: str) -> str:
    """A token for the page after a row.

    >>> read_token(write_token("uuid:1/person[2]"))
    'uuid:1/person[2]'
    """
    return base64.urlsafe_b64encode(json.dumps({"after": row_id}).encode()).decode()


def read_token(text: str) -> str:
    """The row that a token names.

    Raises:
        Refused: 400.8, it is no token of ours.
    """
    try:
        value = json.loads(base64.urlsafe_b64decode(text.encode()))
        return str(value["after"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise Refused(UNEXPECTED, "$skiptoken: this is no token of ours.") from None


def cut(call: Call, rows: pl.DataFrame, key: str) -> tuple[pl.DataFrame, bool]:
    """The page that a request asks for, and whether other rows come after it.

    Args:
        call: with its `$top`, `$skip`, `$skiptoken` and preferred page size.
        rows: all that fit, in order.
        key: column with the id of each.
    """
    start = number(call, "$skip") or 0
    if "$skiptoken" in call.query:
        at = rows.get_column(key).index_of(read_token(call.query["$skiptoken"]))
        if at is None:
            raise Refused(UNEXPECTED, "$skiptoken: the row after which the page begins is no longer there.")
        start = at + 1
    sizes = [size for size in (number(call, "$top"), page_size(call)) if size is not None]
    page = rows.slice(start, min(sizes) if sizes else None)
    return page, bool(page.height) and start + page.height < rows.height


def next_link(call: Call, service: str, last: str) -> str:
    """The address of the page after the row `last`."""
    kept = {name: value for name, value in call.query.items() if name not in {"$skip", "$skiptoken"}}
    kept["$skiptoken"] = write_token(last)
    return f"{service}/{quote(call.path['table'], safe='.()')}?{urlencode(kept, safe='$*', quote_via=quote)}"
