"""The same household twice, though nothing agrees to the letter."""

from __future__ import annotations

import random

import polars as pl
import pytest

from schemas.fields import Form, Group, Repeat, Table
from tests.fieldwork_survey import START, asked, meta
from validation.evaluation import Evaluation
from validation.fieldwork import evaluate_fieldwork
from validation.fieldwork.sounds import sound_keys

FIRST = ("jean", "marie", "luis", "rosa", "pierre", "carlos", "wilna", "daniela", "stanley", "julia", "frantz", "ana")
LAST = ("baptiste", "gonzalez", "joseph", "perez", "charles", "quispe", "pierre-louis", "rojas", "etienne", "munoz")


def make_form() -> Form:
    main = (
        meta("start", "timestamp/start", "dateTime"),
        asked("phone", personal="phone"),
        asked("street", personal="address"),
    )
    person = (
        asked("p_name", "person", "/data/person", personal="name"),
        asked("sex", "person", "/data/person"),
        asked("age", "person", "/data/person", type="int"),
    )
    tables = (Table("main", "/data", None, main), Table("person", "/data/person", "main", person))
    return Form(
        "f", "1", "F", Group("data", "/data", (*main, Repeat("person", "/data/person", "person", person))), tables
    )


FORM = make_form()
People = list[tuple[str, str, int]]


class Households:
    def __init__(self, count: int = 400) -> None:
        self.main: list[dict[str, object]] = []
        self.people: list[dict[str, object]] = []
        self.personal: list[tuple[str, str, str, str]] = []
        chance = random.Random(3)  # noqa: S311
        for at in range(count):
            people = [
                (f"{chance.choice(FIRST)} {chance.choice(LAST)}", chance.choice("12"), chance.randrange(80))
                for _ in range(chance.randrange(1, 5))
            ]
            phone = str(chance.randrange(10**8, 10**9))
            self.add(f"h{at:04}", people, phone, f"pasaje {chance.choice(LAST)} {chance.randrange(1, 2000)}")

    def add(self, instance_id: str, people: People, phone: str = "", street: str = "") -> None:
        self.main.append({"_instance_id": instance_id, "_row_id": "", "start": START})
        for at, (name, sex, age) in enumerate(people, 1):
            row_id = f"person[{at}]"
            keys = {"_instance_id": instance_id, "_row_id": row_id, "_parent_row_id": "", "_position": at}
            self.people.append({**keys, "sex": sex, "age": age})
            self.personal.append((instance_id, row_id, "p_name", name))
        given = {"phone": phone, "street": street}
        self.personal += [(instance_id, "", question, value) for question, value in given.items() if value]

    def judge(self) -> Evaluation:
        names = ("instance_id", "row_id", "question", "value")
        personal = pl.DataFrame(self.personal, schema=dict.fromkeys(names, pl.String), orient="row")
        tables = {"main": pl.DataFrame(self.main), "person": pl.DataFrame(self.people)}
        return evaluate_fieldwork(FORM, tables, {}, personal=personal)


def probable(evaluation: Evaluation) -> dict[str, str]:
    found = [each for each in evaluation.findings if each.rule_id == "field:probable_household"]
    return {each.instance_id: each.message["en"].partition("What agrees: ")[2] for each in found}


def test_strangers_are_not_called_one_household() -> None:
    assert probable(Households().judge()) == {}


@pytest.mark.parametrize(
    ("people", "phone", "street", "agreeing"),
    [
        (
            [("Yan Batist", "1", 41), ("Mari Yosef", "2", 39)],
            "912345678",
            "Psje Los Aromos 12",
            "names, people, phone, address.",
        ),
        ([("Jean Baptiste", "1", 41), ("Marie Joseph", "2", 39)], "912345687", "", "names, people."),
        ([("Jan Batiste", "1", 42), ("Marie Josef", "2", 38)], "912345679", "Pasaje Los Aromos 12", "phone, address."),
    ],
)
def test_household_entered_again_with_misspelt_names_is_found(
    people: People, phone: str, street: str, agreeing: str
) -> None:
    households = Households()
    households.add("x0", [("Jean Baptiste", "1", 41), ("Marie Joseph", "2", 39)], "912345678", "Pasaje Los Aromos 12")
    households.add("x1", people, phone, street)
    evaluation = households.judge()
    told = probable(evaluation)
    assert set(told) == {"x1"}
    assert set(agreeing.strip(".").split(", ")) <= set(told["x1"].strip(".").split(", "))
    assert not any(value in repr(list(evaluation.findings)) for value in ("Aromos", "9123456", "batist", "Batist"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jean baptiste", "jan batiste"),
        ("wilson gonzalez", "vilson gonsales"),
        ("yanet perez", "janeth peres"),
        ("phanor", "fanor"),
        ("michelle quispe", "michel kispe"),
        ("joseph", "josef"),
        ("hernandez", "ernandes"),
    ],
)
def test_names_that_sound_alike_have_one_key(one: str, other: str) -> None:
    keys = sound_keys(pl.Series([one, other, None]))
    assert (keys[0], keys[2]) == (keys[1], None)


def test_other_names_have_other_keys() -> None:
    names = [*FIRST, *(last for last in LAST if "-" not in last)]
    assert sound_keys(pl.Series(names)).n_unique() >= len(names) - 2
