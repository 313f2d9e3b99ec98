"""Published figures of several releases side by side: communes that each run a survey of their own, or several rounds.

Only what each release published is read, from its folder. Codes of indicators are the same everywhere; two that don't
count the same (another universe, unit, ...) stand in the panel and are told not to be comparable.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from reports.datapackage import checksums
from reports.durable import flush_folder, write_file
from reports.previews import commune_of
from schemas.communes import find_commune
from schemas.domains import join, parts
from schemas.errors import ReleaseError

_FILES: Final = ("datapackage.json", "tables/estimates.csv", "tables/indicators.csv")
_CHECKSUMS: Final = "CHECKSUMS.sha256"
_MEANING: Final = ("kind", "unit", "table", "universe", "denominator", "numerator", "value")
"""What two indicators of one code must have in common."""

_SHOWN: Final = (*("estimate", "unit", "n", "se", "ci_low", "ci_high", "cv", "df", "label", "suppressed", "note"),)
_ESTIMATES: Final = (
    *("release", "survey", "period", "commune", "commune_name", "region", "indicator", "domain", "category"),
    *(*_SHOWN, "comparable"),
)
_RELEASES: Final = ("release", "survey", "period", "communes", "made_at", "rehearsal", "checksums_sha256")

Rows = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class PanelReport:
    """What a panel holds.

    Attributes:
        compared: indicators that more than one commune has, and that count the same in all.
        differing: indicators that don't count the same everywhere -> in which columns of their definition.
        rows: figures, withheld ones included.
    """

    releases: int
    communes: int
    indicators: int
    compared: int
    rows: int
    differing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Release:
    name: str
    package: Mapping[str, Any]
    estimates: Rows
    indicators: Rows
    checksum: str

    @property
    def told(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.package.get("comunal", {})
        return found


def write_panel(folders: Sequence[Path], out: Path) -> PanelReport:
    """Write the panel of some releases into a folder.

    Args:
        folders: of the releases.
        out: must not exist.

    Raises:
        ReleaseError: REL-001, the folder exists; REL-053, one holds no release; REL-126, a release's files aren't those
            that were made; REL-127, a release names no commune; REL-128, a release is given twice.
    """
    if out.exists():
        raise ReleaseError("REL-001", f"«{out.name}» exists already.", "Choose a new folder.")
    releases = [_read(folder) for folder in folders]
    names = [one.name for one in releases]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ReleaseError("REL-128", f"{', '.join(twice)} is given twice.", "Give each release once.")
    differing = _find_differing(releases)
    estimates = [row for one in releases for row in _rows_of(one, differing)]
    owners: dict[str, set[str]] = defaultdict(set)
    for row in estimates:
        owners[row["indicator"]].add(row["commune"])
    communes = {row["commune"] for row in estimates if row["commune"]}
    files = {
        "estimates.csv": _csv(_ESTIMATES, estimates),
        "indicators.csv": _indicators(releases, differing, owners),
        "releases.csv": _csv(_RELEASES, [_release_row(one) for one in releases]),
    }
    files["datapackage.json"] = _package(out.name, files, releases)
    files[_CHECKSUMS] = checksums(files)
    partial = out.parent / f".{out.name}.partial"
    for path, data in files.items():
        write_file(partial / path, data)
    partial.rename(out)
    flush_folder(out.parent)
    compared = sum(1 for name, where in owners.items() if len(where - {""}) > 1 and name not in differing)
    return PanelReport(len(releases), len(communes), len(owners), compared, len(estimates), differing)


def _read(folder: Path) -> _Release:
    if any(not (folder / path).is_file() for path in _FILES):
        message = f"{folder} holds no release: {', '.join(_FILES)} are looked for."
        raise ReleaseError("REL-053", message, "Give the folder of a release.")
    data = {path: (folder / path).read_bytes() for path in _FILES}
    checksum = _check(folder, data)
    package = json.loads(data["datapackage.json"])
    return _Release(
        folder.resolve().name,
        package,
        _read_csv(data["tables/estimates.csv"]),
        _read_csv(data["tables/indicators.csv"]),
        checksum,
    )


def _check(folder: Path, data: Mapping[str, bytes]) -> str:
    """Digest of a release's list of checksums, once the files read are found to be those of the list."""
    sums = folder / _CHECKSUMS
    listed = dict(_pair(line) for line in sums.read_text("utf-8").splitlines()) if sums.is_file() else {}
    for path, content in data.items():
        if listed.get(path) != hashlib.sha256(content).hexdigest():
            raise ReleaseError(
                "REL-126",
                f"{folder.name}/{path} isn't the file that was published, or {_CHECKSUMS} doesn't tell of it.",
                "Get the release again from where it was published.",
            )
    return hashlib.sha256(sums.read_bytes()).hexdigest()


def _pair(line: str) -> tuple[str, str]:
    digest, _, path = line.partition("  ")
    return path.strip(), digest.strip()


def _find_differing(releases: Sequence[_Release]) -> dict[str, str]:
    """Indicators whose definition isn't the same in all releases that have them -> columns that differ."""
    meanings: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for one in releases:
        for row in one.indicators:
            meanings[row["indicator"]].append(row)
    found = {}
    for name, rows in meanings.items():
        columns = [column for column in _MEANING if len({_tidy(row.get(column)) for row in rows}) > 1]
        if columns:
            found[name] = ", ".join(columns)
    return found


def _tidy(text: str | None) -> str:
    return " ".join((text or "").split())


def _rows_of(release: _Release, differing: Mapping[str, str]) -> Rows:
    """A release's figures with their commune beside them; those of a whole of many communes have none."""
    told = release.told
    one, breakdown = str(told.get("commune") or ""), str(told.get("communes") or "")
    if not one and not breakdown:
        raise ReleaseError(
            "REL-127",
            f"{release.name} doesn't say of which commune it is.",
            "Only releases whose workbook names a commune, or communes, can stand in a panel.",
        )
    rows = []
    for row in release.estimates:
        cut, domain = one, row["domain"]
        if breakdown:
            cut = commune_of(domain, breakdown)
            domain = join(parts(domain)[1:]) if cut else domain
        commune = find_commune(cut)
        rows.append(
            {
                "release": release.name,
                "survey": _survey(release),
                "period": str(told.get("period") or ""),
                "commune": cut,
                "commune_name": "" if commune is None else commune.name,
                "region": "" if commune is None else commune.region,
                "indicator": row["indicator"],
                "domain": domain,
                "category": row.get("category", ""),
                **{name: row.get(name, "") for name in _SHOWN},
                "comparable": "no" if row["indicator"] in differing else "yes",
            }
        )
    return rows


def _survey(release: _Release) -> str:
    words = release.package.get("keywords") or [""]
    return str(words[-1])


def _release_row(release: _Release) -> dict[str, str]:
    told = release.told
    breakdown = str(told.get("communes") or "")
    cuts = {commune_of(row["domain"], breakdown) for row in release.estimates} if breakdown else {told.get("commune")}
    return {
        "release": release.name,
        "survey": _survey(release),
        "period": str(told.get("period") or ""),
        "communes": " ".join(sorted(str(cut) for cut in cuts if cut)),
        "made_at": str(release.package.get("created") or ""),
        "rehearsal": "yes" if told.get("rehearsal") else "no",
        "checksums_sha256": release.checksum,
    }


def _indicators(releases: Sequence[_Release], differing: Mapping[str, str], owners: Mapping[str, set[str]]) -> bytes:
    """Each indicator once, as the first release that has it defines it."""
    columns: dict[str, None] = {}
    first: dict[str, dict[str, str]] = {}
    for one in releases:
        for row in one.indicators:
            columns |= dict.fromkeys(row)
            first.setdefault(row["indicator"], row)
    rows = [
        row
        | {
            "communes": str(len(owners.get(name, set()) - {""})),
            "comparable": "no" if name in differing else "yes",
            "differs_in": differing.get(name, ""),
        }
        for name, row in first.items()
    ]
    return _csv((*columns, "communes", "comparable", "differs_in"), rows)


def _package(name: str, files: Mapping[str, bytes], releases: Sequence[_Release]) -> bytes:
    described = {
        "profile": "tabular-data-package",
        "name": name.lower(),
        "title": "Panel",
        "sources": [{"title": one.name, "path": one.name} for one in releases],
        "comunal": {"rehearsal": any(one.told.get("rehearsal") for one in releases)},
        "resources": [
            {
                "name": path.removesuffix(".csv"),
                "path": path,
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": len(data),
                "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
                "profile": "tabular-data-resource",
                "schema": {"fields": [{"name": column, "type": "string"} for column in _head(data)]},
            }
            for path, data in files.items()
        ],
    }
    return (json.dumps(described, ensure_ascii=False, indent=2) + "\n").encode()


def _head(data: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(data.decode())))


def _read_csv(data: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
