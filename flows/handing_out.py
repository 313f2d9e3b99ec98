"""Keys handed out: people added from a list, keys made anew, and the sheet of cards that takes them to phones.

A key is seen once. So the sheet is written first and the keys that it holds are put in force afterwards: a sheet that
can't be written leaves every phone as it is.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flows.key_sheet import Card, write_sheet
from flows.phone_codes import check_code_file, person_settings
from flows.printing import find_browser, print_pdf
from schemas.errors import CommandError, ComunalError
from store.assignments import list_offered_to
from store.folders import make_private
from store.open import Store
from store.people import NewPerson, add_person, list_people, new_key, renew_key

SHEETS = (".html", ".pdf")
_COLUMNS = ("name", "role", "communes")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """One row of a list of people."""

    name: str
    role: str
    communes: tuple[str, ...]


def check_sheet_file(path: Path) -> None:
    """Refuse a sheet that can't be written, before a key is made for it.

    Raises:
        CommandError: CMD-070, as of `check_code_file`; CMD-071, a PDF, and no browser to print it.
    """
    check_code_file(path, SHEETS)
    if path.suffix.lower() == ".pdf":
        find_browser()


def read_newcomers(path: Path) -> list[Newcomer]:
    """The people of a CSV file with the columns name, role (blank: enumerator) and communes (CUT, spaces between).

    Raises:
        CommandError: CMD-073, it can't be read, lacks the column name, has another column, or has nobody in it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise _unreadable(path, "it can't be read as UTF-8") from None
    # Spreadsheets in Spanish write semicolons.
    head = text.partition("\n")[0]
    rows = csv.DictReader(text.splitlines(), delimiter=";" if ";" in head else ",")
    names = [name.strip().lower() for name in rows.fieldnames or ()]
    strange = sorted(set(names) - set(_COLUMNS))
    if "name" not in names or strange:
        raise _unreadable(path, f"its columns are {', '.join(names) or 'none'}")
    rows.fieldnames = names
    found = [
        Newcomer(
            (row.get("name") or "").strip(),
            (row.get("role") or "").strip().lower() or "enumerator",
            tuple((row.get("communes") or "").replace(",", " ").split()),
        )
        for row in rows
        if any((cell or "").strip() for cell in row.values() if isinstance(cell, str))
    ]
    if not found:
        raise _unreadable(path, "it has no rows")
    return found


def _unreadable(path: Path, what: str) -> CommandError:
    advice = "Write a CSV file with the columns name, role and communes; role and communes may be left blank."
    return CommandError("CMD-073", f"{path.name} is no list of people: {what}.", advice)


def add_newcomers(store: Store, newcomers: Sequence[Newcomer], *, login: bool = False) -> list[NewPerson]:
    """Add all of them, or nobody.

    Raises:
        AccessError: ACC-002, ACC-005, with the number of the row.
    """
    made = []
    with store.begin() as connection:
        for number, row in enumerate(newcomers, start=1):
            try:
                made.append(add_person(connection, row.name, row.role, login=login, communes=row.communes))
            except ComunalError as error:
                where = f"Person {number} of the list: " if len(newcomers) > 1 else ""
                raise type(error)(error.code, where + error.message, error.advice) from None
    return made


def survey_of(store: Store, person: NewPerson) -> str:
    """Title of what the person's phone will offer: of the forms, the first two."""
    with store.read() as connection:
        titles = [row.title or row.form_id for row in list_offered_to(connection, person.id, person.communes)]
    return " · ".join(titles[:2]) + (" …" if len(titles) > 2 else "")


def sheet_page(store: Store, people: Sequence[NewPerson], url: str, *, login: bool = False) -> str:
    """The sheet of these people's cards as a page; it holds their keys."""
    cards = []
    for person in people:
        survey = survey_of(store, person)
        settings = person_settings(url, person, survey, login=login)
        cards.append(Card(person.name, person.role, tuple(sorted(person.communes)), survey, settings))
    return write_sheet(cards)


def make_sheet(store: Store, people: Sequence[NewPerson], url: str, out: Path, *, login: bool = False) -> None:
    """Write the sheet of these people's cards, for its owner only.

    Raises:
        CommandError: CMD-071, CMD-072, a PDF that can't be printed.
    """
    page = sheet_page(store, people, url, login=login)
    content = print_pdf(page) if out.suffix.lower() == ".pdf" else page.encode("utf-8")
    make_private(out)
    out.write_bytes(content)


def renew_keys(
    store: Store, ids: Sequence[int], role: str, url: str, out: Path, *, login: bool = False
) -> list[NewPerson]:
    """New keys for people on a new sheet; the old keys go out of force once the sheet is written.

    Args:
        store: open.
        ids: of people; none means everybody in force with the role.
        role: of those that are meant.
        url: public address of the server.
        out: the sheet, checked before with `check_sheet_file`.
        login: whether phones log in by name and password.

    Raises:
        AccessError: ACC-003, ACC-009, somebody unknown or revoked.
        CommandError: CMD-071, CMD-072, as of `make_sheet`; CMD-074, there is nobody with that role.
    """
    with store.read() as connection:
        known = {person.id: person for person in list_people(connection)}
    wanted = list(ids) or [row.id for row in known.values() if row.role == role and row.revoked_at is None]
    if not wanted:
        raise CommandError("CMD-074", f"There is no {role} in force.", "Add people first.")
    blank = NewPerson(0, "", "", "")
    made = [
        replace(blank, id=row.id, name=row.name, role=row.role, key=new_key(), communes=row.communes)
        for row in (known[number] for number in wanted if number in known)
    ]
    make_sheet(store, made, url, out, login=login)
    try:
        with store.begin() as connection:
            keys = {person.id: person.key for person in made}
            return [renew_key(connection, number, key=keys.get(number), login=login) for number in wanted]
    except BaseException:
        out.unlink(missing_ok=True)
        raise
