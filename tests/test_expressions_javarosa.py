"""JavaRosa, the engine of ODK Collect, as oracle: thousands of random expressions must mean the same here and there."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pyxform
from expressions_generator import JAVA_LEAVES, JAVA_SHAPES, Generator, differential_size

from expressions.instance import Element
from expressions.records import NodeSet, Scope, Value, compile_record
from expressions.values import java_double
from schemas.errors import ExpressionError

JAR = Path(pyxform.__file__).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"
ORACLE = Path(__file__).parent / "JavaRosaOracle.java"
ZONE = ZoneInfo("America/Santiago")
COUNT = 20_000
DATA = """<a>x</a><n>5</n><x>1.5</x><d>2024-01-31</d><dt>2024-01-31T10:30:00.000Z</dt><b>1</b><m>a b</m><blank/><inner>
<person><age>3</age><name>A</name><child><c>1</c></child><child><c>2</c></child></person>
<person><age>9</age><name>B</name><child><c>7</c></child></person><person><age/><name/></person></inner>
<irr><x>1</x></irr><sel>a</sel><shape>0 0 0 0; 0 1 0 0; 1 1 0 0; 0 0 0 0</shape>"""
TYPES = {
    "n": "int",
    "x": "decimal",
    "shape": "geoshape",
    "d": "date",
    "dt": "dateTime",
    "b": "boolean",
    "inner/person/age": "int",
}
TYPES["inner/person/child/c"] = "int"
BINDS = "".join(f'<bind nodeset="/data/{path}" type="{kind}"/>' for path, kind in TYPES.items())
ITEMS = (("a", "1", "0"), ("b", "2", "5"), ("c", "1", "17"), ("x", "", ""), ("12", "1", "3"), ("w", "12", "18"))
LETTERS = "".join(
    f"<item><name>{name}</name><kind>{kind}</kind><low>{low}</low></item>" for name, kind, low in ITEMS
).join(('<instance id="letters"><root>', "</root></instance>"))
LABELS = {name: kind for name, kind, _ in ITEMS}
FORM = f"""<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml">
<h:head><h:title>t</h:title><model><instance><data id="t">{DATA}</data></instance>{LETTERS}{BINDS}
<bind nodeset="/data/irr" relevant="false()"/></model></h:head>
<h:body><select1 ref="/data/sel"><itemset nodeset="instance('letters')/root/item"><value ref="name"/>
<label ref="kind"/></itemset></select1>
<group ref="/data/inner/person"><repeat nodeset="/data/inner/person"><input ref="/data/inner/person/age"/>
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


def _scope() -> Scope:
    root = Element.from_xml(f"<data>{DATA}</data>".encode())
    root.by_name["irr"][0].relevant = False
    letters = Element.from_xml(LETTERS.encode()).children[0]
    types = {f"/data/{path}": kind for path, kind in TYPES.items()}
    return Scope(
        root,
        datetime.now(ZONE),
        types=types,
        instances={"letters": letters},
        labels=lambda path, value: LABELS.get(value, ""),
    )


def _same(found: str, answer: str) -> bool:
    """Equal, or both errors, or both numbers that differ in the last digit only (powers, logarithms, angles)."""
    if found == answer or (found.startswith("error:") and answer.startswith("error:")):
        return True
    return _NUMBER.sub(_rounded, found) == _NUMBER.sub(_rounded, answer)


_NUMBER = re.compile(r"-?\d+\.\d+(?:E-?\d+)?")


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found.group()):.11g}"


CRASHES = {f"error:{name}Exception" for name in ("NullPointer", "IndexOutOfBounds", "IllegalState", "ClassCast")}
"""What JavaRosa says where it breaks down itself, as in count-non-empty() of a list: no meaning to compare with."""


def _is_beyond(answer: str) -> bool:
    """Whether it is a day after 9999, or before the calendar's reform, which Java counts as the Romans did."""
    return answer.startswith("date:") and not -12_219_292_800_000 <= int(answer[5:]) < 253_402_300_800_000


_ROUNDED = re.compile(r"\b(?:exp10|exp|log10|log|sin|cos|tan|asin|acos|atan2|atan|pow|sqrt)\(")
_FAR_YEAR = re.compile(r"date.*(?:concat|join|translate|substr)")


def _cannot_tell(text: str, found: str) -> bool:
    """Whether the two may differ without meaning it: in last digits within a text, or a year beyond either calendar."""
    return (_ROUNDED.search(text) is not None and not found.startswith("num:")) or _FAR_YEAR.search(text) is not None


_ABOVE_A_LIST = re.compile(r"item\[.*\.\./\.\.")


def _draw(seed: int, count: int) -> list[tuple[str, str]]:
    """Contexts and expressions; above the root there is nothing, so that such paths are for questions in repeats."""
    outside = {kind: re.sub(r"(?m)^.*\.\./\.\..*$\n?", "", text) for kind, text in JAVA_LEAVES.items()}
    plain = {kind: text.replace("«..|../..|", "«..|") for kind, text in JAVA_SHAPES.items()}
    inside, outer = Generator(seed, JAVA_LEAVES, JAVA_SHAPES), Generator(seed + 1, outside, plain)
    contexts = [inside.chance.choice(CONTEXTS) for _ in range(count)]
    asked = [(where, (inside if "person" in where else outer).draw()) for where in contexts]
    # Above the root of a list JavaRosa finds what isn't there.
    return [(where, text if not _ABOVE_A_LIST.search(text) else outer.draw()) for where, text in asked]


def ask_javarosa(asked: list[tuple[str, str]], folder: Path) -> list[str]:
    """What JavaRosa answers to (context, expression) pairs; skips the test where it isn't installed."""
    java = shutil.which("java")
    if java is None or not JAR.exists():
        pytest.skip("Java or ODK Validate isn't installed, so there is no JavaRosa to ask")
    form = folder / "form.xml"
    form.write_text(FORM, encoding="utf-8")
    ran = subprocess.run(
        [java, "-XX:+UseSerialGC", f"-Duser.timezone={ZONE.key}", "-cp", str(JAR), str(ORACLE), str(form)],
        input="\n".join("\t".join(one) for one in asked),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=560,
        check=True,
    )
    # No node at all and blank are one thing in every scalar place.
    return ["str:" if line == "nodes:0" else line for line in ran.stdout.split("\n")[:-1]]


@pytest.mark.slow
def test_random_expressions_mean_what_javarosa_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count, seed = differential_size(COUNT)
    with capsys.disabled():
        print(f"\nJavaRosa against records: {count} expressions, seed {seed}")
    asked = _draw(seed, count)
    scope = _scope()
    with ThreadPoolExecutor(1) as pool:  # JavaRosa answers while we do
        asking = pool.submit(ask_javarosa, asked, tmp_path)
        ours = [_evaluate(context, text, scope) for context, text in asked]
    answers = asking.result()
    assert len(answers) == count
    differing, crashes = [], 0
    for (context, text), answer, found in zip(asked, answers, ours, strict=True):
        if answer in CRASHES or _is_beyond(answer) or _cannot_tell(text, found):
            crashes += 1
        elif not _same(found, answer):
            differing.append(f"{context}: {text}\n  JavaRosa {answer}\n  here     {found}")
    assert crashes < count / 10
    report = f"{len(differing)} of {count} differ (seed {seed}), such as\n" + "\n".join(differing[:15])
    assert not differing, report
