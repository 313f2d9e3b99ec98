"""JavaRosa, the engine inside ODK Collect, as a phone without a screen: it fills forms, and judges what was filled."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pyxform
from lxml import etree

from forms.compile import CompiledForm
from schemas.fields import Repeat, walk

ENUMERATOR = Path(__file__).resolve().parents[2] / "shared/tools/Enumerator.java"
JAR = Path(pyxform.__file__).parent / "validators/odk_validate/bin/ODK_Validate.jar"

NEEDS_JAVAROSA = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="java is not installed"),
    pytest.mark.skipif(not ENUMERATOR.exists(), reason="../shared/tools/Enumerator.java is not there"),
]


@dataclass(frozen=True, slots=True)
class Filled:
    """An interview as JavaRosa submits it."""

    instance_id: str
    xml: bytes
    attachments: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What JavaRosa says of an interview: of the node at a path in a row.

    Attributes:
        error: required, constraint, changed, dropped, added, load.
        before, after: the node's text as it came, and as JavaRosa would write it; null where it isn't there.
    """

    error: str
    path: str
    row_id: str
    before: str | None = None
    after: str | None = None


def fill(
    compiled: CompiledForm, folder: Path, wanted: int, seed: int, *, zone: str, media: Mapping[str, bytes] | None = None
) -> list[Filled]:
    """So many interviews, filled at random as the form allows."""
    _write_form(compiled, folder, media or {})
    # Some draws end where no answer can be found in forty tries, so more are made than wanted.
    _run(folder, zone, "--random", str(wanted + wanted // 2 + 8), "--outdir", "made", "--seed", str(seed))
    made = sorted((folder / "made").iterdir(), key=lambda each: int(each.name[1:]))
    found = [_read(each) for each in made if (each / "submission.xml").exists()][:wanted]
    assert len(found) == wanted
    return found


def look_at(
    compiled: CompiledForm,
    folder: Path,
    interviews: Mapping[str, bytes],
    *,
    zone: str,
    media: Mapping[str, bytes] | None = None,
) -> dict[str, list[Complaint]]:
    """What JavaRosa finds on loading, validating and writing each interview again; by the keys of `interviews`."""
    _write_form(compiled, folder, media or {})
    looked = folder / "looked_at"
    looked.mkdir()
    names = list(interviews)
    for number, name in enumerate(names):
        (looked / f"{number}.xml").write_bytes(interviews[name])
    out = _run(folder, zone, "--validate", "looked_at", "--roundtrip")
    repeats = {node.path for node in walk(compiled.form.root) if isinstance(node, Repeat)}
    found: dict[str, list[Complaint]] = {name: [] for name in names}
    for line in map(json.loads, out.splitlines()):
        path, row_id = _place(line.get("ref", ""), repeats)
        complaint = Complaint(line["error"], path, row_id, line.get("value"), line.get("now"))
        found[names[int(Path(line["file"]).stem)]].append(complaint)
    return found


def _write_form(compiled: CompiledForm, folder: Path, media: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "form.xml").write_bytes(compiled.xform)
    for name, content in {**compiled.media, **media}.items():
        (folder / name).write_bytes(content)


def _run(folder: Path, zone: str, *arguments: str) -> str:
    java = [shutil.which("java") or "java", "-XX:TieredStopAtLevel=1", f"-Duser.timezone={zone}", "-cp", str(JAR)]
    command = [*java, str(ENUMERATOR), "form.xml", *arguments]
    environment = {**os.environ, "TZ": zone, "JAVA_TOOL_OPTIONS": "-Dfile.encoding=UTF-8"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=580, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def _read(folder: Path) -> Filled:
    xml = (folder / "submission.xml").read_bytes()
    instance_id = etree.fromstring(xml).findtext(".//{*}instanceID") or ""
    files = {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.name != "submission.xml"}
    return Filled(instance_id, xml, files)


def _place(reference: str, repeats: set[str]) -> tuple[str, str]:
    """Path and row id of `/data/person[2]/age[1]`."""
    path, rows = "", []
    for name, number in re.findall(r"/([^/\[]+)(?:\[(\d+)\])?", reference):
        path += f"/{name}"
        if path in repeats:
            rows.append(f"{name}[{number or 1}]")
    return path, "/".join(rows)


def explained_by(compiled: CompiledForm) -> Mapping[str, frozenset[str]]:
    """For each path, itself and all paths on which it rests: by what it calculates, asks, demands and offers."""
    nodes = {node.path: node for node in walk(compiled.form.root)}
    by_name: dict[str, list[str]] = {}
    for path, node in nodes.items():
        by_name.setdefault(node.name, []).append(path)

    def texts(path: str) -> Iterator[str]:
        node = nodes[path]
        for name in ("relevant", "constraint", "required", "calculation", "itemset", "count"):
            yield getattr(node, name, None) or ""

    direct: dict[str, set[str]] = {}
    for path in nodes:
        names = {word for text in texts(path) for word in re.findall(r"[A-Za-z_][\w.\-]*", text)}
        above = {path.rsplit("/", depth)[0] for depth in range(1, path.count("/"))} & nodes.keys()
        direct[path] = above.union(*(by_name.get(name, ()) for name in names))
    found: dict[str, frozenset[str]] = {}
    for path in nodes:
        waiting, done = [path], {path}
        while waiting:
            more = direct[waiting.pop()] - done
            done |= more
            waiting += more
        found[path] = frozenset(done)
    return found
