"""The one-page statement of disclosure control that goes with each release: its rules with their figures."""

from __future__ import annotations

from typing import Any, Final

from reports.contents import ReleaseContents
from reports.page_writer import page_environment
from reports.wording import Wording
from schemas.estimates import Measure, SafeTable

FOLDER: Final = "disclosure"
_FEW: Final = 3
"""Fewer figures than this that one rule took away aren't counted out: which they are could be guessed."""


def statement_pages(release_id: str, table: SafeTable, contents: ReleaseContents) -> dict[str, str]:
    """Language -> the page, whole in itself.

    Args:
        release_id: name of the release.
        table: for its counts and rules; no figure of it is told.
        contents: for the title of the survey.
    """
    template = page_environment().get_template("disclosure.html")
    return {
        language: template.render(**_page(release_id, table, contents, language)) for language in contents.languages
    }


def statement_path(language: str, suffix: str = "html") -> str:
    """Where the statement stands in a release."""
    return f"{FOLDER}/statement-{language}.{suffix}"


def _page(release_id: str, table: SafeTable, contents: ReleaseContents, language: str) -> dict[str, Any]:
    wording = Wording(language)
    withheld = sum(bool(cell.suppressed) for cell in table.cells)
    counts = {"all": len(table.cells), "withheld": withheld, "shown": len(table.cells) - withheld}
    return {
        "t": wording,
        "language": language,
        "title": wording.pick(contents.specs.design.title) or contents.form.title,
        "release_id": release_id,
        "released": wording.date(contents.made_at),
        "rehearsal": contents.rehearsal,
        "threshold": table.threshold,
        "sum": wording.text("disclosure.sum", **{name: wording.number(count) for name, count in counts.items()}),
        "rows": [_row(measure, wording) for measure in table.measures],
    }


def _row(measure: Measure, wording: Wording) -> tuple[str, str, str]:
    """A rule in words, its parameter, and how many figures it took away."""
    named, setting = _settings(measure, wording)
    few = 0 < measure.withheld < _FEW
    count = wording.text("disclosure.few") if few else wording.number(measure.withheld)
    told = wording.text(f"disclosure.{measure.name}", **named) if named else wording.text(f"disclosure.{measure.name}")
    return told, setting, "" if measure.name == "rounding" else count


def _settings(measure: Measure, wording: Wording) -> tuple[dict[str, str], str]:
    off = wording.text("disclosure.off")
    if measure.name == "dominance":
        many, _, share = (measure.setting if measure.setting != "no" else "2 0.90").partition(" ")
        part = wording.percent(100 * float(share), 0)
        return {"many": many, "share": part}, off if measure.setting == "no" else f"{many}; {part}"
    if measure.name == "p_percent":
        part = wording.percent(100 * float(measure.setting if measure.setting != "no" else "0.10"), 0)
        return {"share": part}, off if measure.setting == "no" else part
    return {}, off if measure.setting == "no" else measure.setting
