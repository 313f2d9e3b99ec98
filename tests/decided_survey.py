"""A small survey with all that decisions touch: repeats, calculations, relevance, choices, names, checks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from flows.checking import check
from flows.ingesting import ingest
from flows.registering import add_form
from forms.sheets import write_xlsx
from forms.sheets.markdown import workbook_from_markdown
from store.arrivals import NewSubmission, add_submissions
from store.open import Store
from store.people import Person, add_person, get_person

FORM = "hogar"
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
SENTINEL = "Zentinela Pérez"

SHEETS = """
| survey | | | | | | | |
| | type | name | label | relevant | constraint | calculation | personal |
| | text | head | Head | | | | name |
| | integer | rooms | Rooms | | . > 0 and . < 30 | | |
| | decimal | rent | Rent | | | | |
| | date | moved | Moved | | | | |
| | select_multiple heat | heating | Heating | | | | |
| | begin_repeat | person | Person | | | | |
| | integer | age | Age | | . >= 0 and . < 120 | | |
| | calculate | adult | | | | if(${age} >= 18, 1, 0) | |
| | select_one yes_no | works | Works | ${age} >= 15 | | | |
| | integer | hours | Hours | ${works} = 'yes' | . < 100 | | |
| | end_repeat | | | | | | |
| | calculate | adults | | | | sum(${adult}) | |
| | integer | told | Adults? | | | | |
| choices | | | |
| | list_name | name | label |
| | yes_no | yes | Yes |
| | yes_no | no | No |
| | heat | gas | Gas |
| | heat | wood | Wood |
| checks | | | | | | |
| | name | table | expression | severity | message::English (en) | variables |
| | adults_told | main | ${told} = ${adults} | error | Adults don't match. | told |
| | rent_high | main | ${rent} < 5000 | warning | Rent is high. | rent |
| topics | | |
| | name | label::English (en) |
| | home | Home |
| indicators | | | | | | | |
| | name | topic | kind | table | label::English (en) | unit | value |
| | mean_rooms | home | mean | main | Rooms | rooms | ${rooms} |
| settings | | |
| | form_id | version |
| | hogar | 1 |
"""


def person_xml(age: object, adult: object, works: str = "", hours: object = "") -> str:
    return f"<person><age>{age}</age><adult>{adult}</adult><works>{works}</works><hours>{hours}</hours></person>"


def interview_xml(
    instance_id: str,
    people: str,
    *,
    rooms: object = 3,
    rent: object = 250.5,
    adults: object = 1,
    told: object = 1,
    heating: str = "gas wood",
    deprecated: str = "",
) -> bytes:
    edit = f"<deprecatedID>{deprecated}</deprecatedID>" if deprecated else ""
    return (
        f'<data id="{FORM}" version="1"><head>{SENTINEL}</head><rooms>{rooms}</rooms><rent>{rent}</rent>'
        f"<moved>2020-01-05</moved><heating>{heating}</heating>{people}<adults>{adults}</adults><told>{told}</told>"
        f"<meta><instanceID>{instance_id}</instanceID>{edit}</meta></data>"
    ).encode()


def send(store: Store, *documents: tuple[str, bytes], deprecated: str | None = None) -> None:
    items = [NewSubmission(FORM, "1", name, xml, AT, deprecated) for name, xml in documents]
    with store.begin() as connection:
        add_submissions(connection, store.blobs, items)
    ingest(store, FORM)


def make_survey(store: Store, folder: Path) -> None:
    """The form, with three interviews: a sound one, one with a wrong age, one whose rooms are no number."""
    file = folder / f"{FORM}.xlsx"
    file.write_bytes(write_xlsx(workbook_from_markdown(SHEETS, FORM)))
    added = add_form(store, file)
    assert added.version == "1", added.problems
    send(
        store,
        ("uuid:sound", interview_xml("uuid:sound", person_xml(40, 1, "yes", 45) + person_xml(9, 0))),
        ("uuid:child", interview_xml("uuid:child", person_xml(40, 1, "no") + person_xml(71, 1, "yes", 40), adults=2)),
        ("uuid:rooms", interview_xml("uuid:rooms", person_xml(30, 1, "no"), rooms="many")),
    )
    check(store, FORM, expectations=False)


def add_people(store: Store) -> dict[str, Person]:
    """Ana and Luis, statisticians; Rosa, reviewer; Saul, supervisor; Eva, enumerator."""
    people = {
        "ana": "statistician",
        "luis": "statistician",
        "rosa": "reviewer",
        "saul": "supervisor",
        "eva": "enumerator",
    }
    with store.begin() as connection:
        return {
            name: get_person(connection, add_person(connection, name.title(), role).id) for name, role in people.items()
        }
