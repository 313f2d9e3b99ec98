"""Papers that travel with a release: frictionless data package, provenance, checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from reports.contents import ReleaseContents
from reports.tables import ReleaseTable
from schemas.communes import FOREIGN_SOURCE, POPULATION_SOURCE
from schemas.estimates import SafeTable
from schemas.text import pick

_TYPES: Final[Mapping[type[pl.DataType], str]] = {pl.Float64: "number", pl.Int64: "integer", pl.String: "string"}

_LICENCES: Final = {
    "CC-BY-4.0": {
        "name": "CC-BY-4.0",
        "title": "Creative Commons Attribution 4.0",
        "path": "https://creativecommons.org/licenses/by/4.0/",
    },
}


def datapackage(
    release_id: str, table: SafeTable, contents: ReleaseContents, tables: Mapping[str, ReleaseTable], files: Files
) -> bytes:
    """datapackage.json: title, licence, sources, and for each data file its columns, size and sha256.

    Args:
        release_id: name of the release.
        table: the safe table, for its statement.
        contents: the questionnaire and how collection went.
        tables: path -> the table that stands in that file.
        files: path -> bytes of every data file.
    """
    title = contents.specs.design.title
    described = {
        "name": release_id.lower(),
        "title": pick(title, "es") or contents.form.title,
        "description": pick(table.statement, "en"),
        "created": contents.made_at.isoformat(),
        "version": release_id,
        "licenses": [_LICENCES.get(contents.licence, {"name": contents.licence})],
        "contributors": [{"title": contents.publisher, "role": "publisher"}] if contents.publisher else [],
        "sources": [{"title": POPULATION_SOURCE}, {"title": FOREIGN_SOURCE}],
        "keywords": ["migration", contents.specs.design.survey],
        "comunal": {
            "rehearsal": contents.rehearsal,
            "probability_sample": contents.specs.design.probability,
            "disclosure": {
                "threshold": table.threshold,
                "primary": table.primary,
                "secondary": table.secondary,
                "protection": table.protection,
                "incomplete": [list(each) for each in table.incomplete],
            },
        },
        "resources": [_resource(path, files[path], tables.get(path)) for path in sorted(files)],
    }
    return _json(described)


def provenance(release_id: str, contents: ReleaseContents, table: SafeTable) -> bytes:
    """provenance.json: the bytes and choices that the figures follow from."""
    origin, form = contents.provenance, contents.form
    return _json(
        {
            "release": release_id,
            "previous": contents.previous or None,
            "made_at": contents.made_at.isoformat(),
            "rehearsal": contents.rehearsal,
            "form": {"id": form.form_id, "version": form.version, "xform_sha256": origin.xform_sha256},
            "workbook_sha256": origin.workbook_sha256,
            "submissions": {
                "received": contents.counts.received,
                "accepted": contents.counts.accepted,
                "set_aside": dict(contents.counts.set_aside),
                "sha256": origin.submissions_sha256,
                "sha256_of": "the sorted lower-case hex sha256 of each accepted submission, one a line",
            },
            "code_version": origin.code_version,
            "seed": origin.seed,
            "parameters": {"threshold": str(table.threshold), **origin.parameters},
            "left_out": [f"{problem.code} {problem.message}" for problem in contents.problems],
        }
    )


def checksums(files: Files) -> bytes:
    """CHECKSUMS.sha256 as `sha256sum --check` reads it, in order of path."""
    return "".join(f"{_digest(data)}  {path}\n" for path, data in sorted(files.items())).encode()


Files = Mapping[str, bytes]
"""Path within the release, with "/", -> bytes."""


def _resource(path: str, data: bytes, table: ReleaseTable | None) -> dict[str, Any]:
    name, _, extension = path.rpartition("/")[2].partition(".")
    resource: dict[str, Any] = {
        "name": f"{name}-{extension}".lower().replace("_", "-").replace(".", "-"),
        "path": path,
        "format": extension,
        "bytes": len(data),
        "hash": f"sha256:{_digest(data)}",
    }
    if table is None:
        return resource
    resource["title"] = pick(table.title, "en")
    resource["schema"] = {
        "fields": [
            {"name": column, "type": _TYPES[type(kind)], "description": table.meanings[column]}
            for column, kind in table.frame.schema.items()
        ],
        "missingValues": [""],
        **({"primaryKey": list(table.key)} if table.key else {}),
    }
    if extension == "csv":
        resource |= {"profile": "tabular-data-resource", "encoding": "utf-8", "mediatype": "text/csv"}
    return resource


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
