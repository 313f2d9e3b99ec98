"""What the public's address leads to while drafts are made, one is approved, and one is withdrawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from decided_survey import AT, FORM, add_people, make_survey

from console.acts.deciding import decide
from console.acts.releasing import set_state
from console.acts.wishes import Change, Wish
from flows.printing import BROWSER_VARIABLE
from flows.releasing import release
from reports.latest import LATEST, latest_name
from store.open import open_store
from store.people import list_people


def test_the_address_follows_drafts_until_somebody_approves_and_then_only_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROWSER_VARIABLE, "no-browser-for-this-test")  # PDFs say nothing about the address
    with open_store(tmp_path / "data") as store:
        make_survey(store, tmp_path)
        add_people(store)
        with store.read() as connection:
            people = {person.name.lower(): person for person in list_people(connection)}
        folder = store.data / "releases"
        first = release(store, FORM, folder, AT)
        assert latest_name(folder) == first.release_id
        assert Path(first.site).parts[-3] == LATEST
        assert set_state(store, people["rosa"], first.release_id, "approved").state == "approved"

        changes = (Change("age", "7", "person[2]"),)
        decide(store, people["ana"], FORM, Wish("correct", "uuid:child", "asked again by phone", changes=changes))
        second = release(store, FORM, folder, AT)
        assert second.release_id != first.release_id
        assert latest_name(folder) == first.release_id
        assert Path(second.site).is_file() and Path(second.site).parts[-3] == second.release_id
        assert set_state(store, people["rosa"], second.release_id, "approved").state == "approved"
        assert latest_name(folder) == second.release_id

        set_state(store, people["rosa"], second.release_id, "withdrawn", reason="Un peso equivocado.")
        before = latest_name(folder)
        again = release(store, FORM, folder, AT)
        assert (again.release_id, again.new) == (second.release_id, False)
        assert latest_name(folder) == before != second.release_id
