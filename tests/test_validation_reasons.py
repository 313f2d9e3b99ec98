"""Why a rule wasn't checked is told in Spanish and Kreyòl too, whatever the reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from validation.fieldwork.answers import _NOT_NAMED
from validation.fieldwork_rules import read_settings
from validation.reasons import say_reason

ROOM = Path(__file__).resolve().parents[1] / "validation"


def literals() -> Iterator[str]:
    """Every text that `NotChecked` is made with, its computed parts filled in."""
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NotChecked":
                text = literal(node.args[0])
                if text:
                    yield text


def literal(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "thing" for part in node.values)
    return ""


REASONS = [
    *literals(),
    *(_NOT_NAMED.format(name) for name in ("duplicate_id.questions", "no_consent.question")),
    *(f"the form does not record when interviews {what}" for what in ("start", "end", "start and end")),
    "the form has no table “person”",
    "the relevance of /data/a can't be told: EXP-103 several values",
    "EXP-103 at 1: several values",
    "EXP-110 random",
    "it fails over these answers (ComputeError)",
    "sheet monitoring, row 4: there is no check “x”",
    "sheet monitoring, row 4: severity “x” is none of error, warning, info",
    "sheet monitoring, row 4: the check “x” has no parameter “y”",
    "sheet monitoring, row 4: the value of “x” is no number",
    *read_settings({"timezone": "Nowhere/Here", "fieldwork_start": "x"}).problems.values(),
    "it is switched off in the monitoring sheet; the form has no choices",
]


@pytest.mark.parametrize("reason", sorted(set(REASONS)))
def test_every_reason_has_its_words_in_spanish_and_kreyol(reason: str) -> None:
    for language in ("es", "ht"):
        told = say_reason(reason, language)
        assert told != reason
        assert not re.search(r"\b(the|form|sheet has|isn't)\b", told), told
    assert say_reason(reason, "en") == reason
    assert say_reason(reason, "es") != say_reason(reason, "ht")
