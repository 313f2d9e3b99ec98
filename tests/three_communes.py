"""A survey of three communes with its interviews ingested and checked, for tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from flows.checking import check
from flows.ingesting import ingest
from flows.registering import add_form
from forms.compile import compile_workbook
from forms.rehearsal import rehearse
from forms.sheets import read_workbook
from store.arrivals import NewSubmission, add_submissions
from store.open import Store, open_store
from store.people import Person, add_person, get_person

FORM = "tres_comunas"
SOURCE = Path(__file__).resolve().parents[1] / "forms" / FORM
SANTIAGO, INDEPENDENCIA, QUILICURA = "13101", "13108", "13125"
COMMUNES = (SANTIAGO, INDEPENDENCIA, QUILICURA)
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


@cache
def survey_folder() -> Path:
    """A folder `data` with the survey, made once for all modules and to be copied, and its workbook in `book`."""
    folder = Path(tempfile.mkdtemp(prefix="comunal-three-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with open_store(folder / "data") as store:
        make_survey(store, folder, approval=True)
    return folder


def make_survey(store: Store, folder: Path, interviews: int = 200, *, approval: bool = False) -> None:
    """Register the survey, and take interviews to findings."""
    book = folder / "book"
    shutil.copytree(SOURCE, book)
    if approval:
        design = book / "design.csv"
        text = design.read_text(encoding="utf-8")
        design.write_text(text.replace("require_commune_approval,no", "require_commune_approval,yes"), encoding="utf-8")
    added = add_form(store, book)
    assert added.version is not None, added.problems
    add_interviews(store, book, interviews)


def add_interviews(store: Store, book: Path, interviews: int, seed: int = 5) -> None:
    """Take some interviews in, and check all."""
    compiled = compile_workbook(read_workbook(book))
    version = compiled.form.version
    made = [
        NewSubmission(FORM, version, one.instance_id, one.xml, AT) for one in rehearse(compiled, interviews, seed, AT)
    ]
    for start in range(0, len(made), 200):
        with store.begin() as connection:
            add_submissions(connection, store.blobs, made[start : start + 200])
    ingest(store, FORM)
    check(store, FORM, expectations=False)


def add_people(store: Store) -> dict[str, Person]:
    """A statistician of each commune, one of none, a reviewer and a supervisor of one, and an enumerator of one."""
    wanted = {
        "all": ("statistician", ()),
        "santiago": ("statistician", (SANTIAGO,)),
        "independencia": ("statistician", (INDEPENDENCIA,)),
        "quilicura": ("statistician", (QUILICURA,)),
        "reviewer": ("reviewer", (QUILICURA,)),
        "supervisor": ("supervisor", (QUILICURA,)),
        "enumerator": ("enumerator", (QUILICURA,)),
        "iquique": ("statistician", ("01101",)),
    }
    with store.begin() as connection:
        made = {name: add_person(connection, name, role, communes=cuts) for name, (role, cuts) in wanted.items()}
        return {name: get_person(connection, one.id) for name, one in made.items()}
