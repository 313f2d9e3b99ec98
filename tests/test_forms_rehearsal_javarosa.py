"""Rehearsed interviews in the eyes of JavaRosa, the engine inside ODK Collect: it finds nothing to complain about."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pyxform

from forms.compile import CompiledForm, compile_workbook
from forms.rehearsal import rehearse
from forms.rehearsal.times import PER_DAY
from forms.repair import repair_workbook
from forms.sheets import read_workbook

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(__file__).resolve().parents[2] / "shared"
JAR = Path(pyxform.__file__).parent / "validators/odk_validate/bin/ODK_Validate.jar"
ENUMERATOR = SHARED / "tools/Enumerator.java"
# JavaRosa loses a millisecond of some moments, and writes positions in its own way.
TOLERATED = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.+Z-]+|-?\d+\.\d+( -?[\d.]+){1,3}")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="java is not installed"),
    pytest.mark.skipif(not ENUMERATOR.exists(), reason="../shared/tools/Enumerator.java is not there"),
]


def complaints(compiled: CompiledForm, interviews: int, folder: Path) -> Iterator[dict[str, str]]:
    """What JavaRosa says of rehearsed interviews, as found on loading, validating and writing them again."""
    (folder / "form.xml").write_bytes(compiled.xform)
    for name, content in compiled.media.items():
        (folder / name).write_bytes(content)
    (folder / "filled").mkdir()
    # Of today, since a form may ask for an answer of today and JavaRosa has no other clock.
    today = datetime.now(UTC)
    for number, interview in enumerate(rehearse(compiled, interviews, 11, today)):
        (folder / "filled" / f"{number:03d}.xml").write_bytes(interview.xml)
        blocked = [note for note in interview.notes if note.kind in {"unanswered", "no_choices", "unstable"}]
        assert not blocked
    done = subprocess.run(
        [
            shutil.which("java") or "java",
            "-Duser.timezone=UTC",
            "-cp",
            str(JAR),
            str(ENUMERATOR),
            "form.xml",
            "--validate",
            "filled",
            "--roundtrip",
        ],
        cwd=folder,
        env={**os.environ, "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert f"{interviews} submissions" in done.stderr
    yield from map(json.loads, done.stdout.splitlines())


def is_tolerated(complaint: dict[str, str]) -> bool:
    return complaint["error"] == "changed" and bool(TOLERATED.fullmatch(complaint.get("value", "")))


@pytest.mark.parametrize(
    "name",
    [
        "xlsform_org_cascading.xlsx",
        "pyxform_widgets.xls",
        "unhcr_rms_capi_v3.xlsx",
        "who_va_2022.xlsx",
        "unhcr_xlsformutil_demo.xlsx",
    ],
)
def test_javarosa_accepts_every_rehearsed_interview_of_a_real_form(name: str, tmp_path: Path) -> None:
    path = SHARED / "forms" / name
    if not path.exists():
        pytest.skip(f"../shared/forms/{name} is not there")
    found = list(complaints(compile_workbook(repair_workbook(read_workbook(path))[0]), PER_DAY, tmp_path))
    assert [each for each in found if not is_tolerated(each)] == []


def test_javarosa_accepts_every_rehearsed_interview_of_quilicura(tmp_path: Path) -> None:
    survey = REPOSITORY / "forms/quilicura"
    found = list(complaints(compile_workbook(read_workbook(survey)), PER_DAY, tmp_path))
    assert [each for each in found if not is_tolerated(each)] == []
