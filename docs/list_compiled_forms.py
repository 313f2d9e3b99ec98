"""Write docs/compiled_forms.md: every expression of real forms, and how it is evaluated; what isn't, and why.

python docs/list_compiled_forms.py ../shared/forms
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from expressions.columns import compile_columns  # noqa: E402 - the path comes first
from forms.compile import compile_workbook  # noqa: E402 - the path comes first
from forms.sheets import read_workbook  # noqa: E402 - the path comes first
from schemas.errors import ComunalError, ExpressionError  # noqa: E402 - the path comes first
from schemas.fields import MAIN_TABLE, Field, Form, Group, Node, Repeat  # noqa: E402 - the path comes first

PAGE = Path(__file__).with_name("compiled_forms.md")
EXPLAINED = {
    "EXP-021": "the form itself is at fault: ODK Collect stops at a call with a wrong number of arguments",
    "EXP-110": "chance can't be computed again: the stored value is trusted, and its type checked",
    "EXP-112": "the form doesn't record when an interview is held, so that its today() isn't known afterwards",
}
"""Refusals that are no defect of the compiler."""
_HEAD = """# Real forms, compiled

Made by `docs/list_compiled_forms.py`; not to be edited. Each relevant, constraint, required, calculation and read-only
expression of a form, evaluated over columns, else row by row, else not at all, with the reason.

| form | over columns | row by row | not checked |
|---|--:|--:|--:|
"""


def expressions_of(form: Form) -> Iterator[tuple[str, Field | None, str]]:
    """(table, where it stands in it, text) of every expression that is worth compiling."""
    for table in form.tables:
        for field in table.fields:
            for kind in ("relevant", "constraint", "required", "calculation", "readonly"):
                text = getattr(field, kind)
                if text and text not in {"true()", "false()"}:
                    yield table.name, field, text
    yield from _of_groups(form.root, MAIN_TABLE)


def _of_groups(node: Node, table: str) -> Iterator[tuple[str, Field | None, str]]:
    if not isinstance(node, Group | Repeat):
        return
    own = node.table if isinstance(node, Repeat) else table
    if node.relevant:
        # A group stands where a question of its path would.
        yield own, None if isinstance(node, Repeat) else Field("", node.path, "string", table=own), node.relevant
    for child in node.children:
        yield from _of_groups(child, own)


def compile_all(form: Form) -> tuple[Counter[str], list[tuple[str, ExpressionError]]]:
    """How many expressions are evaluated in which way, and those that aren't."""
    ways: Counter[str] = Counter()
    refused: list[tuple[str, ExpressionError]] = []
    for table, at, text in expressions_of(form):
        try:
            ways["columns" if compile_columns(text, form, table, at, allow_rowwise=True).is_columnar else "rows"] += 1
        except ExpressionError as error:
            ways["refused"] += 1
            refused.append((text, error))
    return ways, refused


def write_page(folder: Path) -> str:
    """The page's text, and with it the proof that nothing is refused without being explained."""
    rows, reasons, unread = [], [], []
    for path in sorted(folder.iterdir()):
        try:
            form = compile_workbook(read_workbook(path)).form
        except ComunalError as error:
            unread.append(
                f"- `{path.name}`: {error.code}, {error.message.splitlines()[0].partition('. ')[0].rstrip('.')}."
            )
            continue
        ways, refused = compile_all(form)
        rows.append(f"| `{path.name}` | {ways['columns']} | {ways['rows']} | {ways['refused']} |")
        for text, error in refused:
            why = EXPLAINED.get(error.code, f"NOT EXPLAINED: {error}")
            reasons.append(f"- `{path.name}`: `{' '.join(text.split())}` ({error.code}): {why}.")
    parts = ["\n## Not checked, and why\n", *dict.fromkeys(reasons), "\n## No forms, or refused by pyxform\n", *unread]
    return _HEAD + "\n".join([*rows, *parts]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(write_page(Path(sys.argv[1])), encoding="utf-8")
