"""Answering in a browser: the page of a link, its files, and what a link gives a right to."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from forms.xml_bytes import new_parser
from openrosa.answers import Refusal, language_of
from openrosa.entities import attached
from openrosa.routes import door
from openrosa.web_files import KINDS, web_files
from openrosa.web_links import STATES
from openrosa.web_page import FormPage, closed_page, form_page
from openrosa.web_texts import CLOSED
from schemas.errors import ComunalError
from schemas.text import LANGUAGES, Text, language_code
from store.forms import FormVersionRow, get_form_version, read_workbook
from store.links import WebLink, get_link
from store.open import Store

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}

# The library writes style elements and keeps icons as data; its engine is WebAssembly; it shrinks photos in a worker.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
CLOSED_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

_MOST_KNOWN = 64
_known: dict[tuple[str, ...], _Facts] = {}  # digest of an XForm and names of its files -> what the page needs to know


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a page needs to know of a form version: its titles, its languages' own names, whether a browser can."""

    title: Text
    languages: dict[str, str]
    has_lacks: bool


async def web_page(request: Request) -> Response:
    """GET a link: the form, or why there is none."""
    store = door(request).store
    asked = request.query_params.get("lang", "")
    language = asked if asked in LANGUAGES else ""
    link, row = await asyncio.to_thread(_find, store, request.path_params["link"])
    language = language or (link.language if link else language_of(request.headers.get("accept-language", "")))
    code = _closed(link, row)
    files = web_files()
    if code is None and files is None:
        code = "CMD-081"
    if code is not None or link is None or row is None or files is None:
        return _refuse(code or "ACC-103", language)
    facts = await asyncio.to_thread(_facts, store, row)
    lists = await asyncio.to_thread(attached, store, row)
    if facts.has_lacks or lists:
        return _refuse("FRM-611", language)
    nonce = secrets.token_urlsafe(16)
    page = FormPage(
        title=facts.title,
        form=row.id,
        language=language,
        languages={one: facts.languages.get(one, "") for one in _offered(facts.languages)},
        is_single=link.is_single,
        files=f"./static/{files.version}",
        nonce=nonce,
    )
    headers = {**HEADERS, "Content-Security-Policy": POLICY.format(nonce=nonce)}
    return HTMLResponse(form_page(page), headers=headers)


def _offered(names: dict[str, str]) -> tuple[str, ...]:
    """The languages to choose from: those that form and page have; all of the page's for a form without languages."""
    return tuple(code for code in LANGUAGES if code in names) or LANGUAGES


def _refuse(code: str, language: str) -> Response:
    status = CLOSED[code][0]
    headers = {**HEADERS, "Content-Security-Policy": CLOSED_POLICY}
    return HTMLResponse(closed_page(code, language), status, headers=headers)


def _find(store: Store, token: str) -> tuple[WebLink | None, FormVersionRow | None]:
    with store.read() as connection:
        link = get_link(connection, token)
        if link is None:
            return None, None
        try:
            return link, get_form_version(connection, link.form_id)
        except ComunalError:
            return link, None


def _closed(link: WebLink | None, row: FormVersionRow | None) -> str | None:
    if link is None:
        return "ACC-103"
    if code := STATES.get(link.state(datetime.now(UTC))):
        return code
    return None if row is not None and row.state == "open" else "SUB-112"


def _facts(store: Store, row: FormVersionRow) -> _Facts:
    media = sorted(file.name for file in row.media)
    key = (row.xform_sha256, *media)
    if key not in _known:
        from openrosa.web_support import find_lacks  # a server for phones alone stays small

        with store.read() as connection:
            xform = store.blobs.read(connection, row.xform_sha256)
            workbook = read_workbook(connection, store.blobs, row)
        names = form_languages(xform)
        title = {"default": row.title, **_titles(row.form_id, workbook)}
        facts = _Facts(title, names, bool(find_lacks(xform, media)))
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = facts
    return _known[key]


def form_languages(xform: bytes) -> dict[str, str]:
    """The languages of a form: code -> the name under which the form has it."""
    root = etree.fromstring(xform, new_parser())
    names = [str(found.get("lang", "")) for found in root.iter("{http://www.w3.org/2002/xforms}translation")]
    return {language_code(name): name for name in names if name and name != "default"}


def _titles(form_id: str, workbook: bytes | None) -> Text:
    """The survey's titles from the workbook's sheet `design`; none if it has no such sheet."""
    if workbook is None:
        return {}
    from forms.sheets import read_workbook_bytes
    from forms.specs import read_specs

    try:
        return read_specs(read_workbook_bytes(f"{form_id}.xlsx", workbook)).design.title
    except ComunalError:
        return {}


async def web_file(request: Request) -> Response:
    """GET one of the page's files, compressed where the browser takes it so.

    Raises:
        Refusal: SUB-113, there is none of that name.
    """
    files = web_files()
    path = None if files is None else files.paths.get(request.path_params["name"])
    if path is None:
        raise Refusal("SUB-113")
    packed = path.with_name(path.name + ".gz")
    headers = {**FOR_EVER, "Vary": "Accept-Encoding"}
    if packed.is_file() and "gzip" in request.headers.get("accept-encoding", ""):
        path, headers = packed, {**headers, "Content-Encoding": "gzip"}
    kind = KINDS[request.path_params["name"][request.path_params["name"].rindex(".") :]]
    return Response(await asyncio.to_thread(path.read_bytes), headers=headers, media_type=kind)
