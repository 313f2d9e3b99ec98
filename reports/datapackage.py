"""Papers that travel with a release: frictionless data package, provenance, checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from reports.contents import ReleaseContents
from reports.tables import ReleaseTable
from reports.wording import Wording
from schemas.communes import FOREIGN_SOURCE, POPULATION_SOURCE
from schemas.estimates import SafeTable
from schemas.text import LANGUAGES, Text, pick

_TYPES: Final[Mapping[type[pl.DataType], str]] = {pl.Float64: "number", pl.Int64: "integer", pl.String: "string"}

_LICENCES: Final = {
    "CC-BY-4.0": {
        "name": "CC-BY-4.0",
        "title": "Creative Commons Attribution 4.0",
        "path": "https://creativecommons.org/licenses/by/4.0/",
    },
}

_MEDIA_TYPES: Final = {
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
}

_TITLES: Final = {
    "questionnaire": "file.questionnaire",
    "disclosure": "disclosure.link",
    "profile": "downloads.profile",
}
"""Folder of a release -> text that tells its files, where they have none of their own."""

Files = Mapping[str, bytes]
"""Path within the release, with "/", -> bytes."""


def datapackage(
    release_id: str, table: SafeTable, contents: ReleaseContents, tables: Mapping[str, ReleaseTable], files: Files
) -> bytes:
    """datapackage.json: titles, licence, sources, and for each file its columns, size and sha256.

    Args:
        release_id: name of the release.
        table: the safe table, for its statement.
        contents: the questionnaire and how collection went.
        tables: path -> the table that stands in that file.
        files: path -> bytes of every file that is described.
    """
    design = contents.specs.design
    named = _texts(design.title) or {"es": contents.form.title}
    made = {"title": f"Comunal {contents.provenance.code_version}", "role": "wrangler"}
    publisher = [{"title": contents.publisher, "role": "publisher"}] if contents.publisher else []
    described = {
        "profile": "data-package",
        "name": release_id.lower(),
        "title": pick(design.title, "es") or contents.form.title,
        "titles": named,
        "description": pick(table.statement, "en"),
        "descriptions": _texts(table.statement),
        "languages": list(contents.languages),
        "created": contents.made_at.isoformat(),
        "version": release_id,
        "licenses": [_LICENCES.get(contents.licence, {"name": contents.licence})],
        "contributors": [*publisher, made],
        "sources": [{"title": _own_source(contents)}, {"title": POPULATION_SOURCE}, {"title": FOREIGN_SOURCE}],
        "keywords": ["migration", design.survey],
        "comunal": {
            "rehearsal": contents.rehearsal,
            "previous": contents.previous or None,
            "round": contents.round,
            "period": design.period,
            "commune": design.commune or None,
            "communes": design.communes or None,
            "regions": design.settings.get("regions") or None,
            "probability_sample": design.probability,
            "disclosure": {
                "threshold": table.threshold,
                "primary": table.primary,
                "secondary": table.secondary,
                "protection": table.protection,
                "incomplete": [list(each) for each in table.incomplete],
            },
        },
        "resources": [_resource(path, files[path], tables.get(path), contents) for path in sorted(files)],
    }
    return _json(described)


def describe_provenance(release_id: str, contents: ReleaseContents, table: SafeTable) -> dict[str, Any]:
    """What provenance.json says: the bytes and choices that the figures follow from."""
    origin, form = contents.provenance, contents.form
    return {
        "release": release_id,
        "previous": contents.previous or None,
        "made_at": contents.made_at.isoformat(),
        "rehearsal": contents.rehearsal,
        "survey": contents.specs.design.survey,
        "round": contents.round,
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
        "code_sha256": origin.code_sha256 or None,
        "libraries": dict(origin.libraries),
        "seed": origin.seed,
        "parameters": {"threshold": str(table.threshold), **origin.parameters},
        "left_out": [f"{problem.code} {problem.message}" for problem in contents.problems],
    }


def provenance_files(told: Mapping[str, Any], contents: ReleaseContents) -> dict[str, bytes]:
    """provenance.json, and the same for people: provenance.txt, one chapter a language."""
    chapters = [_chapter(told, Wording(language)) for language in contents.languages]
    return {"provenance.json": _json(told), "provenance.txt": ("\n\n".join(chapters) + "\n").encode()}


def checksums(files: Files) -> bytes:
    """CHECKSUMS.sha256 as `sha256sum --check` reads it, in order of path."""
    return "".join(f"{digest(data)}  {path}\n" for path, data in sorted(files.items())).encode()


def digest(data: bytes) -> str:
    """Lower-case hex sha256."""
    return hashlib.sha256(data).hexdigest()


def _chapter(told: Mapping[str, Any], wording: Wording) -> str:
    form, sent = told["form"], told["submissions"]
    rows = {
        "release": told["release"],
        "previous": told["previous"] or wording.text("provenance.none"),
        "made_at": told["made_at"],
        "round": told["round"],
        "form": f"{form['id']}, {form['version']}",
        "xform": form["xform_sha256"],
        "workbook": told["workbook_sha256"],
        "interviews": wording.text(
            "provenance.counted", received=wording.number(sent["received"]), accepted=wording.number(sent["accepted"])
        ),
        "submissions": sent["sha256"],
        "decisions": told["parameters"].get("decisions_sha256", ""),
        "program": " ".join(part for part in ("Comunal", told["code_version"], told["code_sha256"]) if part),
        "libraries": ", ".join(f"{name} {version}" for name, version in told["libraries"].items()),
        "seed": "" if told["seed"] is None else str(told["seed"]),
        "parameters": ", ".join(f"{name}={value}" for name, value in told["parameters"].items()),
    }
    head = wording.text("provenance.title")
    lines = [f"{wording.text(f'provenance.{name}')}: {value}" for name, value in rows.items() if value]
    warning = [f"{wording.text('rehearsal.title')}. {wording.text('rehearsal.text')}"] if told["rehearsal"] else []
    return "\n".join([head, "=" * len(head), *warning, wording.text("provenance.lead"), "", *lines])


def _resource(path: str, data: bytes, table: ReleaseTable | None, contents: ReleaseContents) -> dict[str, Any]:
    _, _, extension = path.rpartition("/")[2].rpartition(".")
    resource: dict[str, Any] = {
        "name": path.lower().replace("_", "-").replace(".", "-").replace("/", "-"),
        "path": path,
        "format": extension,
        "bytes": len(data),
        "hash": f"sha256:{digest(data)}",
    }
    if extension in _MEDIA_TYPES:
        resource["mediatype"] = _MEDIA_TYPES[extension]
    if table is None:
        name = path.rpartition("/")[2]
        found = {code: Wording(code).maybe(f"file.{name}", "") for code in contents.languages}
        titles = {code: text for code, text in found.items() if text}
        otherwise = "file.readme" if extension == "txt" else _TITLES.get(path.rpartition("/")[0])
        if otherwise and not titles:
            titles = {code: Wording(code).text(otherwise) for code in contents.languages}
        resource["type"] = "file"  # a workbook's first sheet isn't a table of data
        return resource | ({"title": pick(titles, "es"), "titles": titles} if titles else {})
    resource |= {"title": pick(table.title, "es"), "titles": _texts(table.title)}
    resource["schema"] = {
        "fields": [
            {"name": column, "type": _TYPES[type(kind)], "description": table.meanings[column]}
            for column, kind in table.frame.schema.items()
        ],
        "missingValues": [""],
        **({"primaryKey": list(table.key)} if table.key else {}),
    }
    if extension != "csv":
        resource["type"] = "file"  # the schema is that of the CSV; readers of tables take a null of an integer for NaN
    else:
        resource |= {"profile": "tabular-data-resource", "encoding": "utf-8"}
        if table.refers:
            resource["schema"]["foreignKeys"] = [
                {
                    "fields": list(columns),
                    "reference": {"resource": f"tables-{other.replace('_', '-')}-csv", "fields": list(others)},
                }
                for columns, (other, others) in table.refers.items()
            ]
    return resource


def _own_source(contents: ReleaseContents) -> str:
    design = contents.specs.design
    title = pick(design.title, "es") or contents.form.title
    return f"{title}, {design.period}" if design.period else title


def _texts(text: Text) -> dict[str, str]:
    return {code: text[code] for code in LANGUAGES if text.get(code)}


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
