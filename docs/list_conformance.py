"""Write docs/conformance.md: how many of the engines' own test cases come out as the engines say, and why not the rest.

    python docs/list_conformance.py ../shared [--check]

The folder holds `xpath_cases.jsonl` (an expression a case) and `form_cases.jsonl` (a whole form a case). Reasons are
found by rules over all cases; no case is known by name.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from expressions.cases import evaluate_case  # noqa: E402 - the path comes first

PAGE = Path(__file__).with_name("conformance.md")
RECORDED = datetime(2026, 11, 23, 20, tzinfo=UTC)
"""When the engines' results were recorded; some of them hold that day."""

ENGINES = {"javarosa": "JavaRosa (ODK Collect)", "webforms": "ODK Web Forms", "enketo": "Enketo"}
REASONS = {
    "test-function": "The test defines this function itself, in Java; no form can.",
    "no-node": "The case's document lacks the context node: another document was recorded with it.",
    "other-document": "The case's document lacks what the path names: another document was recorded with it.",
    "no-list": "The list or the choices stand in the test's form, which the case doesn't carry.",
    "language": "The language in which the test asks stands only in its name.",
    "namespace": "The namespace axis: no form has a use for it.",
    "arguments": "A wrong number of arguments is an error here; there it stops the form, and the case keeps its blank.",
    "bind": "The type of a node stands in the test's form, which the case doesn't carry.",
    "open": "Not explained by a rule.",
}
_NUMBER = ("number", "number-rounded")


def holds(case: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Whether a result is the expected one, by the case's type."""
    kind, expected = str(case["type"]), case["expected"]
    if kind == "error" or "error" in result:
        return kind == "error" and "error" in result
    value = result["value"]
    name, _, detail = kind.partition(":")
    if name in _NUMBER:
        found, wanted = (float(str(one).replace("Infinity", "inf")) for one in (value, expected))
        if found != found or wanted != wanted:
            return found != found and wanted != wanted
        within = 1e-12 if name == "number" else 0.5000001 / float(detail) + 1e-12
        return found == wanted or abs(found - wanted) <= within
    if name == "string-matches":
        pattern = expected[1 : expected.rindex("/")] if expected.startswith("/") else expected
        return re.search(pattern, value) is not None
    if name == "string-length" or (name == "string-stored" and "uuid()" in case["expr"]):
        return len(value) == (expected if isinstance(expected, int) else len(expected))
    if name == "nodeset-unordered":
        return sorted(value) == sorted(expected)
    return bool(value == (str(expected) if name.startswith("string") else expected))


def reason(case: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Why a case doesn't come out as expected: a key of `REASONS`."""
    error, expr, document = str(result.get("error", "")), str(case["expr"]), str(case.get("context_xml") or "")
    if case.get("needs_custom_handler"):
        return "test-function"
    if error.startswith("EXP-042"):
        return "no-node"
    if case.get("secondary_instances") or "choice-name(" in expr:
        return "no-list"
    if "itext(" in expr:
        return "language"
    if "namespace::" in expr:
        return "namespace"
    if error.startswith("EXP-021"):
        return "arguments"
    if str(case["type"]).startswith("string-stored"):
        return "bind"
    named = re.findall(r"(?<![\w./\]])/([A-Za-z]\w*)(?:/([A-Za-z]\w*))?", expr)
    if any(f"<{name}" not in document for pair in named for name in pair if name):
        return "other-document"
    if any(f'id="{name}"' not in document for name in re.findall(r"id\('([^']+)'\)", expr)):
        return "other-document"
    return "open"


def _read(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield json.loads(line)


def write_page(shared: Path) -> str:
    """The page's text."""
    forms = {case["test"]: case["form_xml"] for case in _read(shared / "form_cases.jsonl") if case.get("form_xml")}
    total: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    helped: Counter[str] = Counter()
    failing: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for case in _read(shared / "xpath_cases.jsonl"):
        engine = str(case["engine"])
        total[engine] += 1
        result = evaluate_case(case, RECORDED)
        if holds(case, result):
            passed[engine] += 1
            continue
        why = reason(case, result)
        form = forms.get(case["test"]) if engine == "javarosa" else None
        if form and holds(case, evaluate_case(case | {"form_xml": form}, RECORDED)):
            helped[engine] += 1
            why = "no-list"
        shown = re.sub(r"\s+", " ", str(case["expr"]))
        failing[engine, why].append(shown if len(shown) <= 90 else f"{shown[:87]}...")
    return "\n".join([*_head(total, passed, helped), *_forms(shared), *_rest(failing)]) + "\n"


def _head(total: Counter[str], passed: Counter[str], helped: Counter[str]) -> Iterator[str]:
    yield "# Conformance of expressions"
    yield ""
    yield "Made by `docs/list_conformance.py` from the cases of the engines' own test suites; not to be edited."
    yield ""
    yield "Each case is judged with the meaning of the engine that it comes from. `comunal eval --cases FILE` runs such"
    yield "a file. No case is known to the code by its name or text."
    yield ""
    yield "| engine | cases | as expected | as expected with the test's own form | not |"
    yield "|---|--:|--:|--:|--:|"
    for engine, name in ENGINES.items():
        rest = total[engine] - passed[engine] - helped[engine]
        yield f"| {name} | {total[engine]:,} | {passed[engine]:,} | {helped[engine]} | {rest} |"
    yield ""


def _forms(shared: Path) -> Iterator[str]:
    """Whole forms: each calculation again, over the instance that the engine produced."""
    agreeing = computed = broken = without = 0
    differing: list[str] = []
    for case in _read(shared / "form_cases.jsonl"):
        result = evaluate_case(case, RECORDED)
        if "error" in result:
            broken += str(result["error"]).startswith("EXP-040")
            without += str(result["error"]).startswith("EXP-043")
            continue
        agreeing += not result["value"]
        computed += result["computed"]
        differing += [f"{path}: {case['test']}" for path in result["value"]]
    yield "## Whole forms"
    yield ""
    forms = agreeing + len({line.partition(": ")[2] for line in differing})
    yield f"{forms} forms with the instance that their engine produced: {computed} calculations computed again,"
    yield f"{computed - len(differing)} give what was stored. {without} cases carry no instance, and in {broken} the"
    yield "form isn't well-formed XML. What differs:"
    yield ""
    yield from (f"- `{line.partition(': ')[0]}` in {line.partition(': ')[2]}" for line in differing)
    yield ""
    yield "These are a function that the test defines, the last saved answers (which the case lacks), a date kept in"
    yield "a question of type string (a date while the form is open, a text once it is stored), and"
    yield "`count(/data/repeat)` as the whole calculation of a question within that repeat, which JavaRosa computes"
    yield "once for all rows; as a part of any longer expression it counts the own row only, in JavaRosa as here."
    yield ""


def _rest(failing: Mapping[tuple[str, str], list[str]]) -> Iterator[str]:
    yield "## What does not come out, and why"
    for engine, name in ENGINES.items():
        yield ""
        yield f"### {name}"
        yield ""
        yield "| reason | cases | expressions |"
        yield "|---|--:|---|"
        for why, sentence in REASONS.items():
            texts = failing.get((engine, why), [])
            if texts:
                counted = Counter(texts)
                cells = " ".join(_cell(one, times) for one, times in counted.items())
                yield f"| {sentence} | {len(texts)} | {cells} |"


def _cell(expr: str, times: int) -> str:
    escaped = expr.replace("|", "\\|")
    return f"`{escaped}`" + (f" x{times}" if times > 1 else "")


if __name__ == "__main__":
    text = write_page(Path(sys.argv[1]))
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == text else "docs/conformance.md is stale: run this script.")
    PAGE.write_text(text, encoding="utf-8")
