"""Lists of entities as phones get them: in the manifest of each form that chooses from one, and as CSV."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Sequence
from urllib.parse import quote

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from forms.entities import attached_lists
from openrosa.answers import Refusal
from openrosa.documents import ListedFile
from openrosa.routes import XML, Visitor, answered, door, visit
from store.entities import entity_list_csv, entity_list_md5, find_deleted, list_names
from store.forms import FormVersionRow, get_form_version_by_id
from store.open import Store
from store.trials import as_version

CSV = "text/csv; charset=utf-8"
KIND = "entityList"
MOST_ASKED = 5_000
"""Ids in one question of a phone: far more than fit into an address."""

_MOST_KNOWN = 512
_known: dict[str, tuple[str, ...]] = {}  # digest of an XForm, whose bytes never change -> files it chooses from


def attached(store: Store, row: FormVersionRow) -> list[str]:
    """Names of the lists that a form version chooses from; a file of that name among its media takes precedence."""
    files = {file.name for file in row.media}
    with store.read() as connection:
        lists = set(list_names(connection))
        if lists and row.xform_sha256 not in _known:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
            _known[row.xform_sha256] = attached_lists(store.blobs.read(connection, row.xform_sha256))
    chosen = _known[row.xform_sha256] if lists else ()
    return [name for name in chosen if name in lists and f"{name}.csv" not in files]


def having_lists(store: Store, rows: Sequence[FormVersionRow]) -> frozenset[int]:
    """Numbers of the form versions that choose from a list: they have a manifest though they may have no media."""
    return frozenset(row.id for row in rows if attached(store, row))


def list_files(store: Store, row: FormVersionRow, base: str, communes: Collection[str] = ()) -> list[ListedFile]:
    """The lists of a form version for its manifest.

    Args:
        store: of the lists.
        row: the form version.
        base: address of the form version, without a slash at the end.
        communes: of whoever asks, none for all.
    """
    found = []
    for name in attached(store, row):
        address = f"{base}/lists/{quote(name, safe='')}"
        with store.read() as connection:
            md5 = entity_list_md5(entity_list_csv(connection, name, communes))
        found.append(ListedFile(f"{name}.csv", md5, f"{address}.csv", KIND, f"{address}/integrity"))
    return found


def write_integrity(deleted: Iterable[tuple[str, bool]]) -> bytes:
    """The answer to a phone that asks which of its entities are gone: id, and whether it was deleted."""
    root = etree.Element("data")
    entities = etree.SubElement(root, "entities")
    for entity_id, is_deleted in deleted:
        entity = etree.SubElement(entities, "entity", id=entity_id)
        etree.SubElement(entity, "deleted").text = "true" if is_deleted else "false"
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


async def list_csv(request: Request) -> Response:
    """GET a list, as it is now."""
    from openrosa.offering import packed

    visitor = await visit(request)
    body = await asyncio.to_thread(_read_csv, door(request).store, visitor, request)
    return await packed(request, body, CSV, tag=f'W/"{hashlib.sha256(body).hexdigest()[:32]}"')


def _read_csv(store: Store, visitor: Visitor, request: Request) -> bytes:
    name = _asked(store, visitor, request)
    with store.read() as connection:
        return entity_list_csv(connection, name, communes_of(visitor))


def communes_of(visitor: Visitor) -> Collection[str]:
    """The communes to which whoever asks is bound, none for all."""
    return visitor.person.communes if visitor.person is not None else ()


async def integrity(request: Request) -> Response:
    """GET which of the entities in the query's `id` (separated by commas) are deleted."""
    from openrosa.offering import packed

    visitor = await visit(request)
    ids = [text.strip() for text in request.query_params.get("id", "").split(",") if text.strip()][:MOST_ASKED]
    found = await asyncio.to_thread(_read_deleted, door(request).store, visitor, request, ids)
    return await packed(request, write_integrity((text, found[text]) for text in ids if text in found), XML)


def _read_deleted(store: Store, visitor: Visitor, request: Request, ids: Sequence[str]) -> dict[str, bool]:
    name = _asked(store, visitor, request)
    with store.read() as connection:
        return find_deleted(connection, name, ids)


def _asked(store: Store, visitor: Visitor, request: Request) -> str:
    """The list in the path, if the form version in the path chooses from it.

    Raises:
        Refusal: SUB-113, there is none, or who asks has a link only: a list may hold everybody's household.
    """
    number, name = request.path_params["number"], request.path_params["name"]
    if visitor.link is not None:
        raise Refusal("SUB-113")
    with store.read() as connection:
        if visitor.trial is None:
            row = get_form_version_by_id(connection, number)
        else:
            draft = as_version(connection, store.blobs, visitor.trial)
            row = draft if draft.id == number else None
    if row is None or name not in attached(store, row):
        raise Refusal("SUB-113")
    return str(name)


def entity_routes(root: str) -> list[Route]:
    """The addresses of lists, below a prefix."""
    base = f"{root}/forms/{{number:int}}/lists/{{name}}"
    return [
        Route(f"{base}.csv", answered(list_csv), methods=["GET"]),
        Route(f"{base}/integrity", answered(integrity), methods=["GET"]),
    ]
