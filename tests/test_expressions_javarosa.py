"""JavaRosa, the engine of ODK Collect, as oracle: thousands of random expressions must mean the same here and there."""

from __future__ import annotations

import math
import random
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pyxform

from expressions.instance import Element
from expressions.records import NodeSet, Scope, Value, compile_record
from expressions.values import java_double
from schemas.errors import ExpressionError

JAR = Path(pyxform.__file__).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"
ORACLE = Path(__file__).parent / "JavaRosaOracle.java"
ZONE = ZoneInfo("America/Santiago")
COUNT = 4000
DATA = """<a>x</a><n>5</n><d>2024-01-31</d><dt>2024-01-31T10:30:00.000Z</dt><b>1</b><m>a b</m><blank/><inner>
<person><age>3</age><name>A</name><child><c>1</c></child><child><c>2</c></child></person>
<person><age>9</age><name>B</name><child><c>7</c></child></person><person><age/><name/></person></inner>
<irr><x>1</x></irr>"""
TYPES = {"n": "int", "d": "date", "dt": "dateTime", "b": "boolean", "inner/person/age": "int"}
TYPES["inner/person/child/c"] = "int"
BINDS = "".join(f'<bind nodeset="/data/{path}" type="{kind}"/>' for path, kind in TYPES.items())
FORM = f"""<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml">
<h:head><h:title>t</h:title><model><instance><data id="t">{DATA}</data></instance>{BINDS}
<bind nodeset="/data/irr" relevant="false()"/></model></h:head>
<h:body><group ref="/data/inner/person"><repeat nodeset="/data/inner/person"><input ref="/data/inner/person/age"/>
<group ref="/data/inner/person/child"><repeat nodeset="/data/inner/person/child">
<input ref="/data/inner/person/child/c"/></repeat></group></repeat></group></h:body></h:html>"""

CONTEXTS = [
    "/data/a",
    "/data/n",
    "/data/inner/person[1]/name",
    "/data/inner/person[2]/name",
    "/data/inner/person[3]/age",
    "/data/inner/person[1]/child[2]/c",
]
NUMBERS = (
    "/data/n|/data/blank|/data/inner/person/age|../age|3|0|2.5|1.005|100|number('1,5')|position(..)|/data/missing|."
)
NUMBERS += "|count(/data/inner/person)|sum(/data/inner/person/age)|-1|/data/irr/x"
STRINGS = "/data/a|/data/m|'x'|''|'b'|/data/blank|'a b c'|'12'|' pad '|'2024-01-31'|.|'true'|/data/irr/x"
DATES = "/data/d|/data/dt|date('2024-02-29')|date('1999-12-31')|date(/data/n)|date(10.7)"
SETS = "/data/inner/person|/data/inner/person/age|/data/inner/person/child|/data/inner/person[age > 3]/age|../child"
SETS += "|/data/inner/person[name = 'B']|/data/inner/person[position() = 2]/child/c|/data/inner/person/child[c > 1]/c"
SETS += "|/data/inner/person[child/c = 7]/name|/data/inner/person[count(child) > 0]/age|/data/missing|/data/irr"


class Generator:
    """Random expressions that mix types as authors do, and worse."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - not for secrets

    def pick(self, choices: str) -> str:
        return self.chance.choice(choices.split("|"))

    def any(self, depth: int) -> str:
        makers: list[Callable[[int], str]] = [self.number] * 3 + [self.string] * 3 + [self.truth] * 2
        return self.chance.choice([*makers, lambda _: f"({self.pick(DATES)} - {self.pick(DATES)})"])(depth)

    def number(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(NUMBERS)
        inner = depth - 1
        match self.chance.randrange(12):
            case 0 | 1 | 2:
                return f"({self.number(inner)} {self.pick('+|-|*|div|mod')} {self.number(inner)})"
            case 3:
                return f"round({self.number(inner)}, {self.pick('0|1|2|-1')})"
            case 4:
                return f"{self.pick('int|number|string-length|abs')}({self.any(inner)})"
            case 5:
                return f"count-selected({self.string(0)})"
            case 6 | 7:
                return f"{self.pick('count|count-non-empty|sum|max|min')}({self.pick(SETS)})"
            case 8:
                return f"if({self.truth(inner)}, {self.number(inner)}, {self.any(inner)})"
            case 9:
                return f"{self.pick('max|min')}({self.number(inner)}, {self.any(inner)})"
            case 10:
                return f"-{self.number(inner)}"
            case _:
                return f"coalesce({self.any(inner)}, {self.number(inner)})"

    def string(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(STRINGS)
        inner = depth - 1
        match self.chance.randrange(9):
            case 0:
                return f"concat({self.any(inner)}, {self.any(inner)})"
            case 1:
                return f"substr({self.string(inner)}, {self.number(0)}, {self.number(0)})"
            case 2:
                return f"string({self.any(inner)})"
            case 3:
                return f"selected-at({self.string(inner)}, {self.number(0)})"
            case 4:
                return f"{self.pick('substring-before|substring-after')}({self.string(inner)}, {self.string(inner)})"
            case 5:
                return f"translate({self.string(inner)}, {self.string(inner)}, {self.string(inner)})"
            case 6:
                return f"join('-', {self.pick(SETS)})"
            case 7:
                return f"format-date({self.pick(DATES)}, '%Y-%m-%d %b %e %n %y')"
            case _:
                return f"normalize-space({self.string(inner)})"

    def truth(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("true()|false()|/data/b")
        inner = depth - 1
        match self.chance.randrange(9):
            case 0 | 1 | 2:
                return f"{self.any(inner)} {self.pick('=|!=|<|<=|>|>=')} {self.any(inner)}"
            case 3 | 4:
                return f"({self.truth(inner)} {self.pick('and|or')} {self.truth(inner)})"
            case 5:
                return f"{self.pick('not|boolean|boolean-from-string')}({self.any(inner)})"
            case 6:
                return f"selected({self.string(0)}, {self.string(0)})"
            case 7:
                return f"{self.pick('contains|starts-with|ends-with')}({self.string(inner)}, {self.string(0)})"
            case _:
                return f"regex({self.string(inner)}, '[a-z0-9 ]*')"


def _show(value: Value) -> str:
    match value:
        case NodeSet():
            shown = [_show(value.read(node)) for node in value.nodes]
            return shown[0] if len(shown) == 1 else "|".join([f"nodes:{len(shown)}", *shown]) if shown else "str:"
        case bool():
            return f"bool:{str(value).lower()}"
        case float():
            if not math.isfinite(value):
                return f"num:{value}".replace("nan", "NaN").replace("inf", "Infinity")
            return f"num:{java_double(value)}"
        case datetime():
            return f"date:{round(value.timestamp() * 1000)}"
        case date():
            return _show(datetime(value.year, value.month, value.day, tzinfo=ZONE))
        case _:
            return f"str:{value}"


def _find(root: Element, path: str) -> Element:
    node = root
    for part in path.split("/")[2:]:
        name, _, place = part.rstrip("]").partition("[")
        node = node.by_name[name][int(place or 1) - 1]
    return node


def _evaluate(context: str, text: str, scope: Scope) -> str:
    try:
        return _show(compile_record(text).evaluate(_find(scope.root, context), scope))
    except ExpressionError as error:
        return f"error:{error.code}"


@pytest.mark.slow
def test_random_expressions_mean_what_javarosa_says(tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or not JAR.exists():
        pytest.skip("Java or ODK Validate isn't installed, so there is no JavaRosa to ask")
    generator = Generator(20260401)
    asked = [(generator.chance.choice(CONTEXTS), generator.any(generator.chance.randrange(1, 4))) for _ in range(COUNT)]
    form = tmp_path / "form.xml"
    form.write_text(FORM, encoding="utf-8")
    ran = subprocess.run(
        [java, f"-Duser.timezone={ZONE.key}", "-cp", str(JAR), str(ORACLE), str(form)],
        input="\n".join("\t".join(one) for one in asked),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    # No node at all and blank are one thing in every scalar place.
    answers = ["str:" if line == "nodes:0" else line for line in ran.stdout.splitlines()]
    assert len(answers) == COUNT
    root = Element.from_xml(f"<data>{DATA}</data>".encode())
    root.by_name["irr"][0].relevant = False
    scope = Scope(root, datetime.now(ZONE), types={f"/data/{path}": kind for path, kind in TYPES.items()})
    differing = []
    for (context, text), answer in zip(asked, answers, strict=True):
        found = _evaluate(context, text, scope)
        if found != answer and not (found.startswith("error:") and answer.startswith("error:")):
            differing.append(f"{context}: {text}\n  JavaRosa {answer}\n  here     {found}")
    assert not differing, f"{len(differing)} of {COUNT} differ, such as\n" + "\n".join(differing[:5])
