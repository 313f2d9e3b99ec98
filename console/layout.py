"""From what a page knows to HTML: templates with everything escaped, and what each page has around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from console.surveys import list_surveys
from console.wording import LANGUAGE_NAMES
from schemas.rights import is_spread

if TYPE_CHECKING:
    from console.visiting import Visit

STATIC = {
    "desk.css": "text/css; charset=utf-8",
    "desk.js": "text/javascript; charset=utf-8",
    "vendor/htmx.min.js": "text/javascript; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu."""

    key: str
    address: str


SECTIONS = (
    ("fieldwork", "see_progress"),
    ("findings", "see_findings"),
    ("returns", "see_interviews"),
    ("flows", "run_flow"),
    ("reports", "read_reports"),
    ("preview", "confirm_figures"),
    ("releases", "approve_release"),
)
"""Pages of a survey and the right that opens each."""


def render(template: str, visit: Visit, values: Mapping[str, Any]) -> str:
    """The page as text."""
    from console.visiting import csrf_of

    known: dict[str, Any] = {
        "visit": visit,
        "words": visit.words,
        "t": visit.words.text,
        "url": visit.url,
        "menu": _menu(visit),
        "languages": LANGUAGE_NAMES,
        "csrf": csrf_of(visit.token) if visit.token else "",
        "static": lambda name: visit.url("static", _version(name), *name.split("/")),
        "has_htmx": _read("vendor/htmx.min.js") is not None,
        "here": visit.request.url.path + (f"?{visit.request.url.query}" if visit.request.url.query else ""),
        "section": "",
        "notice": "",
        "errors": (),
    }
    text: str = _environment().get_template(template).render(known | dict(values))
    return text


def _menu(visit: Visit) -> list[Entry]:
    if visit.person is None:
        return []
    if not visit.may("log_in"):
        return [Entry("mine", visit.url("mine"))]
    entries = [Entry("home", visit.url())]
    if visit.survey is None:
        # Where there is one survey, one is always in it.
        surveys = list_surveys(visit.store, visit.person, "see_progress")
        visit = replace(visit, survey=surveys[0]) if len(surveys) == 1 else visit
    if visit.survey is not None:
        entries += [
            Entry(key, visit.in_survey(key)) for key, act in SECTIONS if visit.may(act) and _is_there(visit, key)
        ]
    entries += [Entry("people", visit.url("people"))] if visit.may("manage_people") else []
    entries += [Entry("audit", visit.url("audit"))] if visit.may("see_audit_log") else []
    return entries


def _is_there(visit: Visit, key: str) -> bool:
    if key == "preview":
        return is_spread(visit.about.commune)
    return key != "flows" or visit.desk.runner is not None


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _read(name: str) -> bytes | None:
    file = files("console").joinpath("static", *name.split("/"))
    return file.read_bytes() if file.is_file() else None


@cache
def _version(name: str) -> str:
    return sha256(_read(name) or b"").hexdigest()[:12]


def read_static(name: str) -> tuple[bytes, str] | None:
    """Bytes and media type of a file of the pages, null if there is none."""
    content = _read(name) if name in STATIC else None
    return None if content is None else (content, STATIC[name])
