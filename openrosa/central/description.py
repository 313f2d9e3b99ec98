"""The API described: OpenAPI for programs, and a page for people that loads nothing from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from openrosa.central.calls import Endpoint
from schemas.rights import RIGHTS, ROLES

TITLE = "Comunal: Central API"
INTRODUCTION = (
    "What pyODK, Power BI, Excel and scripts written for ODK Central ask of a server. There is one project, with the "
    "number 1. Log in with a name and a password or key (POST /v1/sessions), or send both with each request (HTTP "
    "Basic, over https). Personal questions are absent from every table and marked in XML."
)


def _who(right: str) -> str:
    """Whom an address is for.

    >>> _who("manage_people"), _who("open")
    ('statisticians and administrators', 'everybody')
    """
    roles = [f"{role}s" for role in ROLES if (role, right) in RIGHTS]
    return " and ".join(filter(None, (", ".join(roles[:-1]), *roles[-1:]))) or "everybody"


_ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "number", "description": "Its whole part is the HTTP status."},
        "message": {"type": "string"},
        "details": {"type": "object"},
    },
}


def plain_path(point: Endpoint) -> str:
    """The address as OpenAPI writes it.

    >>> from openrosa.central.odata import ENDPOINTS
    >>> plain_path(ENDPOINTS[-1])
    '/v1/projects/{project}/forms/{form}.svc/{table}'
    """
    return "/v1" + point.path.replace(":path}", "}")


def _names(path: str) -> Iterator[str]:
    for piece in path.split("{")[1:]:
        yield piece.partition("}")[0]


def _operation(point: Endpoint) -> dict[str, object]:
    path = plain_path(point)
    parameters: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _names(path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "description": says, "schema": {"type": "string"}}
        for name, says in point.query.items()
    ]
    error = {"description": "Refused.", "content": {"application/json": {"schema": _ERROR}}}
    operation: dict[str, object] = {
        "summary": point.says,
        "description": f"For {_who(point.right)}.",
        "tags": [point.tag],
        "parameters": parameters,
        "responses": {"200": {"description": "Done.", "content": {point.gives: {}}}, "default": error},
    }
    if point.takes:
        operation["requestBody"] = {"content": {point.takes: {}}}
    if point.right == "open":
        operation["security"] = []
    return operation


def write_openapi(points: Sequence[Endpoint], server: str) -> dict[str, object]:
    """The OpenAPI 3.1 document of these addresses.

    Args:
        points: those to describe.
        server: scheme, host and base path under which they are.
    """
    paths: dict[str, dict[str, object]] = {}
    for point in points:
        paths.setdefault(plain_path(point), {})[point.method.lower()] = _operation(point)
    schemes = {"session": {"type": "http", "scheme": "bearer"}, "key": {"type": "http", "scheme": "basic"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1", "description": INTRODUCTION},
        "servers": [{"url": server}],
        "security": [{"session": []}, {"key": []}],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "table{border-collapse:collapse;width:100%}td{border-top:1px solid #ccc;padding:.4rem .6rem;vertical-align:top}"
    "code{font-size:.9em;overflow-wrap:anywhere}.m{font-weight:700;width:5rem}dl{margin:.2rem 0}dd{margin:0 0 0 1rem}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#9cf}td{border-color:#444}}"
)


def _row(point: Endpoint) -> str:
    query = "".join(
        f"<dt><code>{html.escape(name)}</code></dt><dd>{html.escape(says)}</dd>" for name, says in point.query.items()
    )
    body = f"<p>Body: <code>{html.escape(point.takes)}</code></p>" if point.takes else ""
    return (
        f'<tr><td class="m">{point.method}</td><td><code>{html.escape(plain_path(point))}</code>{body}'
        f"{f'<dl>{query}</dl>' if query else ''}</td>"
        f"<td>{html.escape(point.says)}<br><small>For {_who(point.right)}.</small></td></tr>"
    )


def write_page(points: Sequence[Endpoint]) -> str:
    """The description as a page of its own: no script, no font, no foreign host."""
    chapters: dict[str, list[Endpoint]] = {}
    for point in points:
        chapters.setdefault(point.tag, []).append(point)
    body = "".join(
        f"<h2>{html.escape(tag)}</h2><table><tbody>{''.join(map(_row, found))}</tbody></table>"
        for tag, found in chapters.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head><body>'
        f'<h1>{TITLE}</h1><p>{INTRODUCTION}</p><p><a href="docs/openapi.json">OpenAPI 3.1 (JSON)</a></p>'
        f"{body}</body></html>"
    )
