"""Every address of the API, most particular first, and its description."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from openrosa.answers import Refusal
from openrosa.central import drafts, entities, entity_tables, exports, files, forms, odata, people, reviews, submissions
from openrosa.central.answers import HEADERS, NO_METHOD, UNKNOWN, Refused, as_answer, as_json
from openrosa.central.calls import Endpoint, answered, show_accesses
from openrosa.central.description import write_openapi, write_page
from openrosa.routes import door, origin, say

_CHAPTERS = (people, odata, exports, drafts, forms, files, reviews, submissions, entity_tables, entities)
ENDPOINTS: tuple[Endpoint, ...] = tuple(point for chapter in _CHAPTERS for point in chapter.ENDPOINTS)
_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


async def _missing(request: Request) -> Response:
    if request.path_params["rest"].startswith("key/"):
        return say(request, Refusal("SUB-113").answer)
    return as_answer(Refused(UNKNOWN, "Could not find the resource you were looking for."))


async def _wrong_method(request: Request) -> Response:
    return as_answer(Refused(NO_METHOD, "This address doesn't take that method."))


async def _page(request: Request) -> Response:
    return HTMLResponse(write_page(ENDPOINTS), headers=HEADERS | _POLICY)


async def _openapi(request: Request) -> Response:
    base = request.scope["path"].removesuffix("/docs/openapi.json")
    return as_json(write_openapi(ENDPOINTS, origin(request, door(request).settings) + base))


def central_routes(base_path: str = "") -> list[Route]:
    """The routes, to be mounted after those of phones."""
    show_accesses()
    root = f"{base_path}/v1"
    found = [
        Route(f"{base_path}/docs", _page, methods=["GET"]),
        Route(f"{base_path}/docs/openapi.json", _openapi, methods=["GET"]),
    ]
    found += [Route(root + point.path, answered(point), methods=[point.method]) for point in ENDPOINTS]
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    paths = dict.fromkeys(point.path for point in ENDPOINTS)
    found += [Route(root + path, _wrong_method, methods=every) for path in paths]
    return [*found, Route(f"{root}/{{rest:path}}", _missing, methods=every)]
