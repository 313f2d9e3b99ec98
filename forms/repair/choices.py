"""Repairs of `choices`: codes that are missing, stand twice, or have spaces; lists called by a near name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from forms.headers import read_header
from forms.outline import read_type
from forms.repair.draft import Draft, DraftRow
from forms.repair.names import legal_name
from forms.specs import YES


def repair_choices(draft: Draft) -> None:
    """Every repair of choices; nothing is deleted but a row that says again what another says."""
    _repair_missing(draft)
    _repair_spaces(draft)
    _repair_doubled(draft)
    _repair_lists(draft)


def _lists(draft: Draft) -> dict[str, list[DraftRow]]:
    lists: dict[str, list[DraftRow]] = {}
    for row in draft.rows.get("choices", ()):
        if name := row.get("list_name"):
            lists.setdefault(name, []).append(row)
    return lists


def _questions(draft: Draft) -> Iterator[tuple[DraftRow, str, str]]:
    """Rows that choose from a list: row, kind, list."""
    for row in draft.rows.get("survey", ()):
        kind = read_type(row.get("type"))
        if kind.is_select:
            yield row, kind.kind, kind.source


def _repair_missing(draft: Draft) -> None:
    for rows in _lists(draft).values():
        taken = {row.get("name") for row in rows}
        for row in rows:
            label = next(iter(row.texts("label").values()), "")
            if not row.get("name") and label:
                code = _free(legal_name(label.lower())[:32], taken)
                draft.change("FRM-506", "choices", row, row.header("name"), code, "the choice had no code.")
                taken.add(code)


def _free(code: str, taken: set[str]) -> str:
    number, free = 2, code
    while free in taken:
        free, number = f"{code}_{number}", number + 1
    return free


def _repair_spaces(draft: Draft) -> None:
    multiple = {source for _, kind, source in _questions(draft) if kind in {"select_multiple", "rank"}}
    for name, rows in _lists(draft).items():
        taken = {row.get("name") for row in rows}
        for row in rows if name in multiple else ():
            old = row.get("name")
            if len(old.split()) > 1:
                new = _free("_".join(old.split()), taken)
                taken.add(new)
                why = "answers of several choices are divided by spaces."
                draft.change("FRM-506", "choices", row, row.header("name"), new, why)
                _rename_literals(draft, old, new)


def _rename_literals(draft: Draft, old: str, new: str) -> None:
    literal = re.compile(rf"""(['"]){re.escape(old)}\1""")
    for row in draft.rows.get("survey", ()):
        for header, text in list(row.cells.items()):
            if read_header(header).base not in {"label", "hint"} and literal.search(text):
                changed = literal.sub(rf"\g<1>{new}\g<1>", text)
                draft.change("FRM-505", "survey", row, header, changed, "a code was changed.")


def _repair_doubled(draft: Draft) -> None:
    settings = draft.rows.get("settings", [])
    if settings and settings[0].get("allow_choice_duplicates").lower() in YES:
        return
    filtered = {source for row, _, source in _questions(draft) if row.get("choice_filter")}
    for name, rows in _lists(draft).items():
        first: dict[str, DraftRow] = {}
        taken = {row.get("name") for row in rows}
        for row in rows:
            code = row.get("name")
            if not code or code not in first:
                first[code] = row
            elif _says_the_same(first[code], row):
                _merge(draft, first[code], row)
            elif name in filtered and _differs_in_columns(first[code], row):
                _allow_doubled(draft, row)
                return
            else:
                new = _free(code, taken)
                taken.add(new)
                why = f"the code stood twice in the list '{name}' with different labels."
                draft.change("FRM-508", "choices", row, row.header("name"), new, why)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _says_the_same(first: DraftRow, second: DraftRow) -> bool:
    """Whether no cell of the one contradicts the other's, but for case and spaces; and a label is shared."""
    shared = [header for header in first.cells if header in second.cells]
    labels = [header for header in shared if read_header(header).base == "label"]
    return bool(labels) and all(_plain(first.cells[header]) == _plain(second.cells[header]) for header in shared)


def _merge(draft: Draft, first: DraftRow, second: DraftRow) -> None:
    for header, text in second.cells.items():
        if header not in first.cells:
            draft.change("FRM-509", "choices", first, header, text, f"taken from row {second.origin.number}.")
    draft.remove("FRM-509", "choices", second, f"row {first.origin.number} says the same.")


def _differs_in_columns(first: DraftRow, second: DraftRow) -> bool:
    further = {header for header in {*first.cells, *second.cells} if read_header(header).base not in {"label", "name"}}
    return any(first.cells.get(header) != second.cells.get(header) for header in further)


def _allow_doubled(draft: Draft, row: DraftRow) -> None:
    """A filtered list may hold a code several times, under different parents."""
    if not draft.rows.get("settings"):
        draft.headers["settings"], draft.rows["settings"] = ["allow_choice_duplicates"], []
        cells = {"allow_choice_duplicates": "yes"}
        why = f"codes stand twice in a filtered list (row {row.origin.number} of choices)."
        draft.insert("FRM-508", "settings", 0, cells, why)
        return
    why = f"codes stand twice in a filtered list (row {row.origin.number} of choices)."
    draft.change("FRM-508", "settings", draft.rows["settings"][0], "allow_choice_duplicates", "yes", why)


def _repair_lists(draft: Draft) -> None:
    lists = _lists(draft)
    for row, _, source in list(_questions(draft)):
        if source in lists or "." in source or source.startswith("${"):
            continue
        same = [name for name in lists if name.lower() == source.lower()]
        close = same or difflib.get_close_matches(source, lists, 2, 0.85)
        if len(close) == 1:
            new = row.get("type").replace(source, close[0])
            draft.change("FRM-515", "survey", row, row.header("type"), new, "the list is called so.")
