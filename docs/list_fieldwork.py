"""Write docs/fieldwork_checks.md from the checks themselves; `--check` tells whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from validation.fieldwork.catalogue import CHECKS
from validation.fieldwork.parameters import GENERAL_DEFAULTS, Defaults

PAGE = Path(__file__).parent / "fieldwork_checks.md"
HEAD = """# Checks of field work

Made by `docs/list_fieldwork.py`. What they mean and how they count: [methods/fieldwork.md](methods/fieldwork.md).
Parameters are rows of the sheet `monitoring`; those of `general` serve several checks. Files that don't arrive with
their interview are told by `attachment:missing` when it is read.

`general`: {general}

| check | about | severity | sentence | parameters |
|---|---|---|---|---|
"""


def list_defaults(defaults: Defaults) -> str:
    """Parameters with their defaults."""
    told = (
        f"`{name}` {value:g}" if isinstance(value, float) else f"`{name}` {value}" for name, value in defaults.items()
    )
    return ", ".join(text.rstrip() for text in told)


def make_page() -> str:
    """The whole page."""
    rows = (
        f"| `{check.name}` | {check.unit} | {check.severity} "
        f"| {check.message['en']} | {list_defaults(check.defaults)} |"
        for check in CHECKS
    )
    return HEAD.format(general=list_defaults(GENERAL_DEFAULTS)) + "\n".join(rows) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != make_page())
    PAGE.write_text(make_page(), encoding="utf-8")
