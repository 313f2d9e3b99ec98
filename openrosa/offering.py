"""What phones get: the list of forms, each form, its manifest and its media."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from openrosa.answers import Refusal
from openrosa.documents import ListedFile, ListedForm, write_form_list, write_manifest
from openrosa.entities import communes_of, having_lists, list_files
from openrosa.routes import HEADERS, XML, Visitor, door, server_url, visit
from store.assignments import list_offered_to
from store.forms import FormVersionRow, get_form_version_by_id, list_offered
from store.open import Store
from store.trials import as_version

ANY_BYTES = "application/octet-stream"
WORTH_PACKING = 1000
"""Bytes from which a text goes compressed to whoever takes it so: a form shrinks to a tenth."""

_TEXTS = (".csv", ".geojson", ".json", ".svg", ".txt", ".xml")


async def form_list(request: Request) -> Response:
    """GET formList: the latest open version of each form that the person is to fill, or the draft of a test address."""
    visitor = await visit(request)
    store = door(request).store
    wanted = request.query_params.get("formID")
    base = server_url(request, "/formList")
    offered = await asyncio.to_thread(_offered, store, visitor)
    with_lists = await asyncio.to_thread(having_lists, store, offered)
    listed = [
        ListedForm(
            row.form_id,
            row.version,
            row.title,
            row.xform_md5,
            f"{base}/forms/{row.id}/form.xml",
            f"{base}/forms/{row.id}/manifest" if row.media or row.id in with_lists else None,
        )
        for row in offered
        if not wanted or row.form_id == wanted
    ]
    return await packed(request, write_form_list(listed), XML)


def _offered(store: Store, visitor: Visitor) -> list[FormVersionRow]:
    with store.read() as connection:
        if visitor.trial is not None:
            return [as_version(connection, store.blobs, visitor.trial)]
        if visitor.person is not None:
            return list_offered_to(connection, visitor.person.id, visitor.person.communes)
        wanted = {visitor.link.form_id} if visitor.link is not None else set()
        return [row for row in list_offered(connection) if row.form_id in wanted]


async def form_xml(request: Request) -> Response:
    """GET a form: exactly the bytes whose MD5 the list told."""
    return await _serve(request, lambda row: row.xform_sha256, XML)


async def media(request: Request) -> Response:
    """GET one media file of a form."""
    name = request.path_params["name"]
    is_text = name.lower().endswith(_TEXTS)
    return await _serve(
        request, lambda row: {file.name: file.sha256 for file in row.media}.get(name), ANY_BYTES, is_text=is_text
    )


async def manifest(request: Request) -> Response:
    """GET the list of a form's media files."""
    visitor = await visit(request)
    number = request.path_params["number"]
    base = f"{server_url(request, f'/forms/{number}/manifest')}/forms/{number}"
    store = door(request).store

    def read() -> list[ListedFile]:
        row = find_version(store, visitor, number)
        files = [ListedFile(file.name, file.md5, f"{base}/media/{quote(file.name, safe='')}") for file in row.media]
        return files if visitor.link is not None else files + list_files(store, row, base, communes_of(visitor))

    return await packed(request, write_manifest(await asyncio.to_thread(read)), XML)


async def _serve(
    request: Request, choose: Callable[[FormVersionRow], str | None], media_type: str, *, is_text: bool = True
) -> Response:
    """The content that `choose` names of the form version in the path, by digest.

    Raises:
        Refusal: SUB-113, there is no such version or content.
    """
    visitor = await visit(request)
    store = door(request).store
    tags = _tags(request)

    def read() -> tuple[str, bytes | None]:
        digest = choose(find_version(store, visitor, request.path_params["number"]))
        if digest is None:
            raise Refusal("SUB-113")
        tag = _tag(digest)
        if tag in tags:
            return tag, None
        with store.read() as connection:
            return tag, store.blobs.read(connection, digest)

    tag, body = await asyncio.to_thread(read)
    if body is None:
        return _not_modified(tag)
    return await packed(request, body, media_type, tag=tag, is_text=is_text)


def find_version(store: Store, visitor: Visitor, number: int) -> FormVersionRow:
    """The form version that an address names, as this visitor may see it.

    Raises:
        Refusal: SUB-113, there is none.
    """
    with store.read() as connection:
        if visitor.trial is None:
            row = get_form_version_by_id(connection, number)
        else:
            # A draft's number comes from its bytes: an address of the list never gives a later draft's.
            draft = as_version(connection, store.blobs, visitor.trial)
            row = draft if draft.id == number else None
    if row is None or (visitor.link is not None and row.form_id != visitor.link.form_id):
        raise Refusal("SUB-113")
    return row


# ---------------------------------------------------------------------------------------------------- on the wire


def _tag(digest: str) -> str:
    # Weak, because the same content may go out compressed or not.
    return f'W/"{digest[:32]}"'


def _tags(request: Request) -> set[str]:
    """What the client says that it has, each as a weak tag."""
    asked = (tag.strip() for tag in request.headers.get("if-none-match", "").split(","))
    return {tag if tag.startswith("W/") else f"W/{tag}" for tag in asked if tag}


def _not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={**HEADERS, "ETag": tag, "Vary": "Accept-Encoding"})


async def packed(
    request: Request, body: bytes, media_type: str, *, tag: str | None = None, is_text: bool = True
) -> Response:
    """The document: 304 if the client has it, compressed if that is worth it and the client can read it.

    Args:
        request: whose answer it is.
        body: exactly what the client gets, once unpacked.
        media_type: of `body`.
        tag: its entity tag; null makes one.
        is_text: whether it shrinks.
    """
    tag = tag or _tag(hashlib.sha256(body).hexdigest())
    if tag in _tags(request):
        return _not_modified(tag)
    headers = {**HEADERS, "ETag": tag, "Vary": "Accept-Encoding"}
    if is_text and len(body) >= WORTH_PACKING and _takes_gzip(request):
        body = await asyncio.to_thread(gzip.compress, body, 6, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type=media_type)


def _takes_gzip(request: Request) -> bool:
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
