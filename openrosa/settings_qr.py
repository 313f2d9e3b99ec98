"""The settings of a phone as the QR code that ODK Collect scans: JSON, zlib, base64."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Mapping
from typing import Literal

import segno

MOST_CHARACTERS = 4000
"""What Collect itself writes into one code at most."""

Setting = str | bool
Picture = Literal["svg", "png"]

FIELD_WORK: Mapping[str, Setting] = {"form_update_mode": "match_exactly", "autosend": "wifi_and_cellular"}
"""What every phone of a survey wants: the forms of the server, no others; interviews sent as soon as there is a net."""

LOCKS: Mapping[str, bool] = {
    "change_server": False,
    "change_project_display": False,
    "form_update_mode": False,
    "periodic_form_updates_check": False,
    "automatic_update": False,
    "hide_old_form_versions": False,
    "get_blank": False,
    "change_autosend": False,
    "delete_after_send": False,
    "delete_saved": False,
    "change_constraint_behavior": False,
    "change_form_metadata": False,
    "instance_form_sync": False,
}
"""What an enumerator can't change by mistake: where interviews go and when, which forms there are, who sends them, and
that what isn't sent yet can't be deleted. Language, font, theme and moving about in a form stay free."""


def phone_settings(
    server_url: str,
    *,
    username: str = "",
    password: str = "",
    general: Mapping[str, Setting] = FIELD_WORK,
    admin: Mapping[str, bool] | None = None,
    project: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Setting]]:
    """The settings document of Collect; what isn't in it gets Collect's default.

    Args:
        server_url: with the key in it, or without and then with name and password.
        username: for digest authentication, "" if the address has the key.
        password: likewise.
        general: other settings, by Collect's names.
        admin: what the enumerator may see and change, by Collect's names.
        project: name, icon, color.

    >>> phone_settings("https://encuesta.cl/key/k", general={})
    {'general': {'server_url': 'https://encuesta.cl/key/k'}, 'admin': {}, 'project': {}}
    """
    login = {"username": username, "password": password} if username else {}
    return {
        "general": {"server_url": server_url, **login, **general},
        "admin": dict(admin or {}),
        "project": dict(project or {}),
    }


def encode_settings(settings: Mapping[str, Mapping[str, Setting]]) -> str:
    """The text of the code.

    Raises:
        ValueError: it is longer than Collect reads (`MOST_CHARACTERS`).
    """
    document = json.dumps(settings, ensure_ascii=False, separators=(",", ":"))
    text = base64.b64encode(zlib.compress(document.encode("utf-8"), 9)).decode("ascii")
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"the settings take {len(text)} characters of a code that holds {MOST_CHARACTERS}")
    return text


def inline_code(text: str) -> str:
    """The code as an `<svg>` to stand in a page, as large as its surroundings make it."""
    code = segno.make_qr(text, error="L", boost_error=False)
    return str(code.svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None))


def draw_code(text: str, picture: Picture) -> bytes:
    """The code as a picture, in the least dense form (level L), with the quiet margin that scanners need."""
    found = io.BytesIO()
    segno.make_qr(text, error="L", boost_error=False).save(found, kind=picture, scale=6, border=4)
    return found.getvalue()
