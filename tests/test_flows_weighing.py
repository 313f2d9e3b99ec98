"""`comunal weights` over a small survey, from its workbook to each interview's weight."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from flows.cli import app
from forms.compile import compile_workbook
from forms.rehearsal import rehearse
from forms.sheets import read_workbook

FORMS = Path(__file__).resolve().parents[1] / "forms"
DESIGN = """weight,20,
strata,${quarter},
trim,0.2 5,
margin:sex:1,480,
margin:sex:2,520,
"""


def test_weights_are_told_step_by_step_and_written_for_each_interview(tmp_path: Path) -> None:
    folder = tmp_path / "barrios"
    shutil.copytree(FORMS / "independencia", folder)
    with (folder / "design.csv").open("a", encoding="utf-8") as sheet:
        sheet.write(DESIGN)
    xml = tmp_path / "xml"
    xml.mkdir()
    compiled = compile_workbook(read_workbook(folder))
    for number, done in enumerate(rehearse(compiled, 30, 5, datetime(2026, 3, 2, 12, tzinfo=UTC))):
        (xml / f"{number}.xml").write_bytes(done.xml)
    form_id = compiled.form.form_id

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, [*words, "--data", str(tmp_path / "data")], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    run("forms", "add", str(folder))
    run("import", form_id, str(xml))
    run("run", "ingest", "--plain")
    out = tmp_path / "weights.csv"
    steps = [json.loads(line) for line in run("weights", form_id, "--out", str(out), "--json").splitlines()]
    assert [step["name"] for step in steps] == ["base", "trim", "calibration"]
    assert [[name, total] for name, total, _, _ in steps[-1]["margins"]] == [["sex=1", 480.0], ["sex=2", 520.0]]
    with out.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 30 and {row["base"] for row in rows} == {"20.0"}
    assert abs(sum(float(row["calibration"]) for row in rows) - 1000) < 1e-6
    assert "calibration: 600 -> 1,000, 30 interviews" in run("weights", form_id)
