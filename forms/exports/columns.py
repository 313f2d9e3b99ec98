"""Which column of an export is which question: names, paths and split selects as exporters write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.fields import Field, Form, Table

SEPARATORS = ("/", "-", ".", ":", "_")
"""Between the parts of a path, and between a select and its code."""

KNOWN = frozenset(
    (
        *("_id", "_uuid", "_submission_time", "_validation_status", "_notes", "_status", "_submitted_by", "_tags"),
        *("__version__", "_index", "_parent_index", "_parent_table_name", "_attachments", "_bamboo_dataset_id"),
        *("_xform_id_string", "_geolocation", "formhub/uuid", "meta/rootUuid", "_edited"),
        *("KEY", "PARENT_KEY", "SubmissionDate", "SubmitterID", "SubmitterName", "AttachmentsPresent"),
        *("AttachmentsExpected", "Status", "ReviewState", "DeviceID", "Edits", "FormVersion", "instanceID"),
        *("instanceName", "meta-instanceID", "meta-instanceName", "meta/instanceID", "meta/instanceName"),
        *("meta.instanceID", "meta.instanceName"),
    )
)
_KNOWN_PREFIX = re.compile(r"_submission__|SET-OF-|_parent_")
_PLACE_PARTS = ("latitude", "longitude", "altitude", "precision", "accuracy")


@dataclass(slots=True)
class Columns:
    """The columns of one sheet.

    Attributes:
        answers: header -> field.
        choices: header -> (field, code): one column a choice, with 0 and 1.
        places: header -> (field, 0 latitude to 3 accuracy).
        unknown: headers that are nothing of the form and nothing that exporters add.
    """

    answers: dict[str, Field] = field(default_factory=dict)
    choices: dict[str, tuple[Field, str]] = field(default_factory=dict)
    places: dict[str, tuple[Field, int]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def match_columns(form: Form, table: Table, headers: Iterable[str]) -> Columns:
    """What each header of a sheet with that table's rows means."""
    names = _names(form, table)
    columns = Columns()
    for header in headers:
        key = _plain(header)
        if key in names:
            columns.answers[header] = names[key]
        elif split := _split_choice(key, names):
            columns.choices[header] = split
        elif place := _place_part(key, names):
            columns.places[header] = place
        elif header not in KNOWN and not _KNOWN_PREFIX.match(header):
            columns.unknown.append(header)
    return columns


def _plain(header: str) -> str:
    """A header with one kind of separator; repeats' positions (`person[1]/age`) are dropped."""
    return re.sub(r"\[\d+\]", "", header).strip().replace(":", "/")


def _names(form: Form, table: Table) -> dict[str, Field]:
    """Every way of writing a field of the table -> the field; the whole path wins over a shorter name."""
    names: dict[str, Field] = {}
    doubtful: set[str] = set()
    for depth in (0, 1, 2):  # the whole path, the path within the repeat, the name alone
        found: dict[str, Field] = {}
        for each in table.fields:
            steps = each.path.removeprefix(form.root.path).strip("/").split("/")
            within = each.path.removeprefix(table.path).strip("/").split("/")
            parts = (steps, within, [each.name])[depth]
            for separator in SEPARATORS[:3]:
                key = separator.join(parts)
                if key in found and found[key] is not each:
                    doubtful.add(key)
                found[key] = each
        names = {**{key: each for key, each in found.items() if key not in doubtful}, **names}
    return names


def _split_choice(header: str, names: dict[str, Field]) -> tuple[Field, str] | None:
    """The select and code of a header such as `services/health` or `group.services_3`."""
    for position in range(len(header) - 1, 0, -1):
        if header[position] not in SEPARATORS:
            continue
        found = names.get(header[:position])
        if found is None or not found.is_multiple:
            continue
        code = header[position + 1 :]
        codes = {choice.value for choice in found.choices}
        if code in codes or (not codes and code):
            return found, code
    return None


def _place_part(header: str, names: dict[str, Field]) -> tuple[Field, int] | None:
    """The position and part of `_gps_latitude` (KoboToolbox) or `gps-Latitude` (Central)."""
    for separator in ("_", "-", ".", "/"):
        name, _, part = header.rpartition(separator)
        if part.lower() in _PLACE_PARTS:
            found = names.get(name) or names.get(name.removeprefix("_"))
            if found is not None and found.type == "geopoint":
                return found, min(_PLACE_PARTS.index(part.lower()), 3)
    return None
