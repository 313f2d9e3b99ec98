"""The outline of a workbook that its checks share: rows in their groups, lists, names, paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pyxform.aliases import _type_alias_map
from pyxform.aliases import select as select_aliases
from pyxform.question_type_dictionary import QUESTION_TYPE_DICT

from forms.fields.rows import SurveyRow, survey_rows
from forms.headers import cell, read_header
from forms.media_lists import read_items
from schemas.workbook import Row, Workbook

ROOT_NAME: Final = "data"
"""What pyxform calls the root unless the settings name it."""

SELECT_KINDS: Final = ("select_one", "select_multiple", "rank")
SIMPLE_TYPES: Final = frozenset({*QUESTION_TYPE_DICT, *_type_alias_map, "audit", "csv-external", "xml-external"})
LOADED_TYPES: Final = frozenset({"csv-external", "xml-external"})
"""Types of rows that ask nothing and leave no node."""

_SELECT = re.compile(
    "(" + "|".join(sorted((re.escape(name) for name in select_aliases), key=len, reverse=True)) + r")\s+(\S.*)",
    re.IGNORECASE,
)
_OTHER = re.compile(r"\s+or[_ ](?:specify[_ ])?other\s*$", re.IGNORECASE)
_NUMERIC: Final = {"integer": "int", "int": "int", "decimal": "decimal", "range": "decimal"}
_DATED: Final = {"date": "date", "datetime": "dateTime", "today": "date", "start": "dateTime", "end": "dateTime"}


@dataclass(frozen=True, slots=True)
class QuestionType:
    """What a `type` cell means.

    Attributes:
        kind: "select_one", "select_multiple", "rank", or the simple type in lower case; "" if unknown.
        source: name of the list, or of the file, or `${repeat}`, for selects.
        has_other: whether "other" is added to the list.
        value: int, decimal, date, dateTime, or "" where answers are text or not known.
    """

    kind: str
    source: str = ""
    has_other: bool = False
    value: str = ""

    @property
    def is_select(self) -> bool:
        """Whether answers are codes."""
        return self.kind in SELECT_KINDS


def read_type(text: str) -> QuestionType:
    """Read a `type` cell.

    >>> read_type("select_one yn or_other").source, read_type("integer").value, read_type("intger").kind
    ('yn', 'int', '')
    """
    plain = " ".join(text.split())
    if found := _SELECT.fullmatch(plain):
        alias, source = found.group(1).lower(), found.group(2)
        kind = "select_multiple" if "multiple" in alias or "all that" in alias else "select_one"
        bare = _OTHER.sub("", source)
        return QuestionType("rank" if alias == "rank" else kind, bare, bare != source)
    lower = plain.lower()
    for name in (plain, lower, lower.replace(" ", "_"), lower.replace("_", " ")):
        if name in SIMPLE_TYPES:
            key = name.lower()
            return QuestionType(key, value=_NUMERIC.get(key) or _DATED.get(key, ""))
    return QuestionType("")


@dataclass(frozen=True)
class Outline:
    """A workbook and what its checks look up.

    Attributes:
        rows: rows of `survey` with type or name, in order.
        lists: list name -> code -> first row with it.
    """

    workbook: Workbook
    rows: tuple[SurveyRow, ...]
    lists: Mapping[str, Mapping[str, Row]]

    @cached_property
    def root(self) -> str:
        """Name of the instance's root."""
        settings = self.workbook.rows("settings")
        return (settings[0].cells.get("name", "").strip() if settings else "") or ROOT_NAME

    @cached_property
    def by_name(self) -> Mapping[str, tuple[SurveyRow, ...]]:
        """Name -> rows that define it."""
        found: dict[str, tuple[SurveyRow, ...]] = {}
        for row in self.rows:
            if row.kind != "end" and row.name and read_type(row.type).kind not in LOADED_TYPES:
                found[row.name] = (*found.get(row.name, ()), row)
        return found

    @cached_property
    def by_path(self) -> Mapping[str, SurveyRow]:
        """Absolute path -> row."""
        rows = (row for group in self.by_name.values() for row in group)
        return {f"/{self.root}/{row.path}": row for row in rows}

    @cached_property
    def generated_paths(self) -> frozenset[str]:
        """Paths of nodes that pyxform adds."""
        meta = ("instanceID", "instanceName", "audit", "deprecatedID", "entity")
        own = {f"/{self.root}", f"/{self.root}/meta", *(f"/{self.root}/meta/{name}" for name in meta)}
        return frozenset(own | {f"{path}{suffix}" for path in self.by_path for suffix in ("_count", "_other")})

    @cached_property
    def generated_names(self) -> frozenset[str]:
        """Names of nodes that pyxform adds and that references may use."""
        others = {f"{row.name}_other" for row in self.rows if _OTHER.search(row.type)}
        counts = {f"{row.name}_count" for row in self.rows if row.kind == "begin" and row.section == "repeat"}
        return frozenset(others | counts | {"instanceID", "instanceName"})

    @cached_property
    def tables(self) -> frozenset[str]:
        """Names that Comunal's own sheets may give as `table`."""
        return frozenset({"main", *(row.name for row in self.rows if row.kind == "begin" and row.section == "repeat")})

    @cached_property
    def choice_columns(self) -> frozenset[str]:
        """Headers of `choices`, as choice filters may name them."""
        sheet = self.workbook.sheets.get("choices")
        headers = sheet.headers if sheet else ()
        return frozenset({"name", "label", *headers, *(read_header(header).base for header in headers)})

    @cached_property
    def instances(self) -> frozenset[str]:
        """Ids by which expressions reach lists: choices, external files, datasets."""
        found = {"__last-saved", *self.lists}
        for row in self.rows:
            kind = read_type(row.type)
            if kind.is_select and "." in kind.source:
                found.add(kind.source.rpartition(".")[0])
            if row.type.strip().lower() in LOADED_TYPES:
                found.add(row.name)
        return frozenset(found)

    def file_columns(self, name: str) -> frozenset[str] | None:
        """Columns of an external list, null if the file isn't there or can't be read."""
        data = self.workbook.media.get(name)
        items = read_items(name, data) if data is not None else ()
        return frozenset(items[0]) if items else None

    def type_of(self, name: str) -> QuestionType:
        """Type of the question of that name, an unknown one if there is none or several."""
        rows = self.by_name.get(name, ())
        return read_type(rows[0].type) if len(rows) == 1 else QuestionType("")


def read_outline(workbook: Workbook) -> Outline:
    """The outline of a workbook."""
    lists: dict[str, dict[str, Row]] = {}
    for row in workbook.rows("choices"):
        name = cell(row, "list_name")
        if name:
            codes = lists.setdefault(name, {})
            if code := cell(row, "name"):
                codes.setdefault(code, row)
    return Outline(workbook, tuple(survey_rows(workbook)), lists)
