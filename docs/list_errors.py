"""Writes docs/errors.md: every stable code, the sentence it comes with, and where it is raised.

.venv/bin/python docs/list_errors.py          # write
.venv/bin/python docs/list_errors.py --check  # exit 1 if the page is not what the code says
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "errors.md"
ROOMS = (
    "schemas",
    "expressions",
    "forms",
    "store",
    "openrosa",
    "validation",
    "estimation",
    "reports",
    "console",
    "flows",
)
CODE = re.compile(r"^(FRM|EXP|SUB|ACC|STO|EST|REL|DEC|CMD)-\d{3}$")
FAMILIES = {
    "FRM": "Workbooks and forms (exit 3)",
    "EXP": "Expressions (exit 3)",
    "SUB": "Submissions (exit 4)",
    "ACC": "Access (exit 5)",
    "STO": "Database and disk (exit 6)",
    "EST": "Estimation (exit 7)",
    "REL": "Releases (exit 8)",
    "DEC": "Decisions about records (exit 9)",
    "CMD": "Commands and settings (exit 2)",
}


def sentence(node: ast.expr) -> str | None:
    """The text of a literal, its computed parts shown as an ellipsis."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    return None


def raised(path: Path) -> Iterator[tuple[str, str]]:
    """Code and sentence of every call of the file that names a code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = sorted(
        (node.lineno, target.id, text)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and (text := sentence(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    )
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        for at, argument in enumerate(node.args):
            if isinstance(argument, ast.Constant) and CODE.match(str(argument.value)):
                above = {name: text for line, name, text in texts if line <= node.lineno}
                yield str(argument.value), _told(node.args[at + 1 :], above)


def _told(arguments: list[ast.expr], texts: dict[str, str]) -> str:
    """The first sentence among the arguments after a code."""
    for argument in arguments:
        text = sentence(argument) or (texts.get(argument.id) if isinstance(argument, ast.Name) else None)
        if text and " " in text:
            return " ".join(text.split())
    return ""


def page() -> str:
    """The page as the code says it."""
    rows: dict[str, dict[str, set[str]]] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for code, text in raised(path):
                places = rows.setdefault(code, {})
                places.setdefault(text, set()).add(str(path.relative_to(ROOT)))
    lines = ["# Error codes", "", "Codes are stable and never used again for another meaning. “…” is what varies."]
    for family, title in FAMILIES.items():
        lines += ["", f"## {title}", "", "| code | what is told | where |", "|---|---|---|"]
        for code in sorted(known for known in rows if known.startswith(family)):
            told = " / ".join(sorted(text for text in rows[code] if text)) or "(see the source)"
            where = ", ".join(sorted({f"`{place}`" for places in rows[code].values() for place in places}))
            lines.append(f"| {code} | {told.replace('|', chr(92) + '|')} | {where} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page() else 1)
    PAGE.write_text(page(), encoding="utf-8")
