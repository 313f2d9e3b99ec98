"""`comunal estimate` against R's package survey: every figure of `estimation_r_survey.csv` to the digits.

The figures are those of survey 4.1.1 (Debian 12: r-cran-survey 4.1-1-1), written by `estimation_oracle.R`. The samples
are the manual's own (California schools, scd, fpc, mu284, election, NHANES, hospitals), cut to the columns used, and
one drawn for these tests with strata of two stages, one of them with a single unit, missing values and codes that start
anew in each.
"""

from __future__ import annotations

import csv
import json
import shlex
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from flows import commands_estimate

APP = typer.Typer()
commands_estimate.register(APP)
HERE = Path(__file__).parent
REFERENCE = HERE.parents[1] / "shared" / "reference"

MARGINS = {
    "SEX": "sex,count\n1,420\n2,450\n",
    "CROSS": "sex\\employed,0,1\n1,180,240\n2,210,240\n",
    "RAKE": "variable,category,total\nsex,1,420\nsex,2,450\nstratum,A,210\nstratum,B,120\nstratum,C,430\nstratum,D,50\n"
    "stratum,E,60\n",
    "EMPLOYED": "variable,category,total\nsex,1,420\nsex,2,450\nemployed,0,390\nemployed,1,480\n",
    "GREG": "variable,category,total\n(Intercept),,870\nsex,2,450\nage,,41000\n",
    "TYPES": "stype,Freq\nE,4421\nH,755\nM,1018\n",
    "WIDE": "variable,category,total\nstype,E,4421\nstype,H,755\nstype,M,1018\nsch.wide,No,1072\nsch.wide,Yes,5122\n",
    "HALVES": "variable,category,total\n(Intercept),,6194\nsch.wide,Yes,5122\n",
    "API99": "variable,category,total\nstype,E,4421\nstype,H,755\nstype,M,1018\napi99,,3914069\n",
}
"""Known totals: the same that the R script has."""

Figure = dict[str, str]


def read_figures() -> dict[tuple[str, str], list[Figure]]:
    found: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    with (HERE / "estimation_r_survey.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found[row["file"], row["options"]].append(row)
    return found


FIGURES = read_figures()


def place(name: str) -> Path:
    path = HERE / name if (HERE / name).exists() else REFERENCE / name
    if not path.exists():
        pytest.skip(f"the reference sample {name} is not beside this checkout")
    return path


def run(folder: Path, name: str, options: str) -> list[dict[str, Any]]:
    words = shlex.split(options)
    for at, word in enumerate(words):
        if word in MARGINS:
            words[at] = str(folder / f"{word}.csv")
            Path(words[at]).write_text(MARGINS[word], encoding="utf-8")
    done = CliRunner().invoke(APP, [str(place(name)), *words, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [record for line in done.stdout.splitlines() if "note" not in (record := json.loads(line))]


def key(record: dict[str, Any]) -> str:
    parts = [*record["domain"].values(), record["category"]]
    return "|".join(part for part in parts if part)


@pytest.mark.parametrize(("name", "options"), list(FIGURES), ids=lambda value: value)
def test_figures_are_those_of_r_survey(name: str, options: str, tmp_path: Path) -> None:
    records = run(tmp_path, name, options)
    wanted = FIGURES[name, options]
    if "--test" in options:
        return check_test(records[0], wanted[0])
    by_key = {key(record): record for record in records}
    for figure in wanted:
        record = by_key[figure["key"]]
        for column, of in (
            ("estimate", "estimate"),
            ("se", "se"),
            ("ci_low", "low"),
            ("ci_high", "high"),
            ("deff", "deff"),
        ):
            if figure[of]:
                assert record[column] == pytest.approx(float(figure[of]), rel=2e-7, abs=1e-9), (figure["key"], column)


def check_test(record: dict[str, Any], figure: Figure) -> None:
    found = [record[name] for name in ("statistic", "p", "numerator_df", "denominator_df")]
    assert found == pytest.approx([float(figure[name]) for name in ("estimate", "se", "low", "high")], rel=1e-6)
