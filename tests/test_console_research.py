"""Records for research: who may have them, of which communes, and that each file is written down."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from three_communes import FORM, QUILICURA, add_people, survey_folder
from typer.testing import CliRunner

from console.acts.researching import write_research
from flows.cli import app
from reports.research import ResearchRules
from schemas.errors import AccessError, CommandError
from store.audit import list_log
from store.open import Store, open_store
from store.people import Person

RULES = ResearchRules(("commune", "tenure"), 5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(survey_folder() / "data", tmp_path / "data")
    with open_store(tmp_path / "data") as store:
        yield store


@pytest.fixture
def people(store: Store) -> dict[str, Person]:
    return add_people(store)


def acts(store: Store) -> list[tuple[str, str]]:
    with store.read() as connection:
        return [
            (row.act, row.outcome) for row in list_log(connection) if row.act in {"write_research_file", "export_data"}
        ]


def test_a_file_has_the_interviews_of_the_communes_of_whoever_asks(store: Store, people: dict[str, Person]) -> None:
    everything = write_research(store, FORM, RULES, person=people["all"])
    mine = write_research(store, FORM, RULES, person=people["quilicura"])
    assert set(mine.frame["commune"].drop_nulls()) <= {QUILICURA}
    assert len(set(everything.frame["commune"].drop_nulls())) == 3
    assert 5 <= mine.frame.height < everything.frame.height
    assert acts(store).count(("write_research_file", "done")) == 2


def test_whoever_may_not_export_tables_gets_none_and_it_is_written_down(
    store: Store, people: dict[str, Person]
) -> None:
    for name in ("supervisor", "enumerator"):
        with pytest.raises(AccessError, match="ACC-123"):
            write_research(store, FORM, RULES, person=people[name])
    assert ("export_data", "refused") in acts(store)
    assert ("write_research_file", "done") not in acts(store)


def test_texts_moments_and_personal_answers_never_stand_in_it(store: Store) -> None:
    columns = write_research(store, FORM, RULES).frame.columns
    assert {"commune", "safe", "rooms"} <= set(columns)
    assert not {"comment", "start", "end", "instance_id"} & set(columns)
    with pytest.raises(CommandError, match="CMD-158"):
        write_research(store, FORM, ResearchRules(("comment", "commune"), 5))
    with pytest.raises(CommandError, match="CMD-144"):
        write_research(store, FORM, RULES, table="nowhere")


def test_the_command_writes_file_and_statement(tmp_path: Path, store: Store) -> None:
    out = tmp_path / "research.csv"
    asked = ["disclosure", "research-file", FORM, "--keys", "commune,resp_sex", "--out", str(out), "--k", "4"]
    asked += ["--sensitive", "safe", "--enforce-l", "--columns", "safe", "--data", str(tmp_path / "data")]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    frame = pl.read_csv(out)
    assert frame.columns == ["commune", "resp_sex", "safe"] or set(frame.columns) == {"commune", "resp_sex", "safe"}
    text = out.with_suffix(".statement.txt").read_text()
    assert "Cada combinación de commune, resp_sex" in text and "Chak konbinezon" in text
    result = CliRunner().invoke(app, ["disclosure", "research-file", FORM, "--out", str(out), *asked[-2:]])
    assert "CMD-157" in f"{result.output}{result.exception}"
