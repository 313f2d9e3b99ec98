"""An intruder with every file of a release, and of two in a row, works out no withheld cell.

The intruder here shares nothing with the auditor but the equations' idea: it reads the CSV, the Parquet file, the pages
and the drawings of the site, knows the rules and the questionnaire, and solves its own programmes.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from lxml import html
from scipy.optimize import linprog

from reports.disclosure import protect
from reports.intruder import audit_release
from reports.published import read_published
from reports.quantities import meanings_of
from reports.release import publish
from reports.rules import DisclosureRules
from schemas.errors import ReleaseError
from schemas.estimates import Estimate, SafeTable
from schemas.workbook import Breakdown, Indicator, Specs

THRESHOLD = 10
CODES = {"sex": ("f", "m"), "country": ("ht", "pe", "ve", "co", "cu", "es"), "sector": ("1", "2", "3", "4", "5", "6")}
COUNTRIES = [0.55, 0.2, 0.12, 0.08, 0.035, 0.015]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()


def people(count: int, seed: int) -> pl.DataFrame:
    """Made-up people: a few sexes and sectors aren't known, status and insurance go with the country."""
    random = np.random.default_rng(seed)
    country = random.choice(CODES["country"], count, p=COUNTRIES)
    settled = np.isin(country, ["pe", "co", "es"])
    return pl.DataFrame(
        {
            "sex": random.choice(["f", "m", ""], count, p=[0.5, 0.48, 0.02]),
            "country": country,
            "sector": random.choice([*CODES["sector"], ""], count, p=[0.4, 0.3, 0.15, 0.08, 0.04, 0.02, 0.01]),
            "irregular": random.random(count) < np.where(settled, 0.04, 0.2),
            "insured": random.random(count) < 0.9,
        }
    )


def indicator(name: str, kind: str, **more: object) -> Indicator:
    texts: dict[str, object] = {"topic": "people", "table": "person", "label": sample.words(name, name, name)}
    common = {"unit": "percent", "breakdowns": tuple(CODES)}
    return Indicator(name=name, kind=kind, **(texts | common | more))  # type: ignore[arg-type]


INDICATORS = (
    indicator("people", "count", unit="persons"),
    indicator("irregular", "share", numerator="${irregular} = 1"),
    indicator("irregular_people", "count", numerator="${irregular} = 1", unit="persons"),
    indicator("insured", "share", numerator="${insured} = 1"),
    indicator("country_of_birth", "distribution", value="${country}", breakdowns=("sex", "sector")),
)


def domains(frame: pl.DataFrame, each: Indicator) -> list[tuple[str, pl.DataFrame]]:
    named = [(f"{by}={code}", frame.filter(pl.col(by) == code)) for by in each.breakdowns for code in CODES[by]]
    return [("total", frame), *named]


def estimates(frame: pl.DataFrame) -> list[Estimate]:
    found = []
    for each in INDICATORS:
        for domain, rows in domains(frame, each):
            counted = rows.filter("irregular") if each.name == "irregular_people" else rows
            n = counted.height
            if each.kind == "count":
                found.append(Estimate(each.name, domain, "", float(n), "persons", n, n))
                continue
            parts = {code: int((rows["country"] == code).sum()) for code in CODES["country"]}
            hits = parts if each.kind == "distribution" else {"": int(rows[each.name].sum())}
            for category, hit in hits.items():
                figure = 100 * hit / n if n else None
                found.append(Estimate(each.name, domain, category, figure, "percent", n, hit))
    return found


def build(frame: pl.DataFrame, earlier: Iterable[Path] = ()) -> tuple[SafeTable, object]:
    _, contents = sample.build()
    breakdowns = tuple(
        Breakdown(name, "person", {}, f"${{{name}}}", codes, {code: sample.words(code, code, code) for code in codes})
        for name, codes in CODES.items()
    )
    specs = Specs(contents.specs.topics, INDICATORS, breakdowns, design=contents.specs.design)
    out = [read_published(each) for each in earlier]
    table = protect(estimates(frame), DisclosureRules.of(THRESHOLD), meanings_of(specs), out)
    return table, replace(contents, specs=specs, rehearsal=False)


def release(folder: Path, frame: pl.DataFrame, earlier: Iterable[Path] = ()) -> Path:
    table, contents = build(frame, earlier)
    publish(folder, table, contents, [read_published(each) for each in earlier])  # type: ignore[arg-type]
    return folder


class Intruder:
    """Knows that rows are people, that groups of one breakdown don't overlap, and each figure that is printed."""

    def __init__(self, *folders: Path) -> None:
        self.unknowns: dict[tuple[object, ...], int] = {}
        self.equal: list[tuple[dict[int, float], float]] = []
        self.most: list[tuple[dict[int, float], float]] = []
        self.matrices: tuple[np.ndarray, ...] | None = None
        for number, folder in enumerate(folders):
            self.read(number, folder)
        if len(folders) == 2:
            self.compare()

    def at(self, *key: object) -> int:
        return self.unknowns.setdefault(key, len(self.unknowns))

    def read(self, number: int, folder: Path) -> None:
        with (folder / "tables" / "estimates.csv").open() as file:
            rows = list(csv.DictReader(file))
        parquet = pl.read_parquet(folder / "tables" / "estimates.parquet")
        assert [row["estimate"] or None for row in rows] == [
            None if value is None else str(value) for value in parquet["estimate"]
        ]
        open_ended = json.loads((folder / "datapackage.json").read_text())["comunal"]["disclosure"]["incomplete"]
        whole: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in rows:
            name, domain, category = row["indicator"], row["domain"], row["category"]
            base = self.at(number, "irregular" if name == "irregular_people" else "people", domain)
            mine = self.at(number, *self.counted(name, category), domain)
            self.most.append(({mine: 1.0, base: -1.0}, 0.0))
            if domain != "total":
                whole[name, domain.partition("=")[0]].append(domain)
            if row["n"]:
                self.equal.append(({base: 1.0}, float(row["n"])))
            if row["estimate"] and row["unit"] == "percent":
                self.equal.append(({mine: 1.0}, float(round(float(row["estimate"]) * float(row["n"]) / 100))))
        for (name, by), groups in whole.items():
            sums = {row["category"] for row in rows if row["indicator"] == name}
            for key in [*(self.counted(name, category) for category in sums), *self.based(name)]:
                parts = dict.fromkeys((self.at(number, *key, domain) for domain in groups), 1.0)
                full = parts | {self.at(number, *key, "total"): -1.0}
                (self.most if [name, by] in open_ended else self.equal).append((full, 0.0))
        for domain in {row["domain"] for row in rows if row["category"]}:
            parts = {self.at(number, "country", code, domain): 1.0 for code in CODES["country"]}
            self.equal.append((parts | {self.at(number, "people", domain): -1.0}, 0.0))
        for code in CODES["country"]:  # the distribution and the breakdown tell of the same people
            self.equal.append(
                (
                    {
                        self.at(number, "country", code, "total"): 1.0,
                        self.at(number, "people", f"country={code}"): -1.0,
                    },
                    0.0,
                )
            )

    def based(self, name: str) -> list[tuple[str, ...]]:
        return [] if name == "irregular_people" else [("people",)]

    def counted(self, name: str, category: str) -> tuple[str, ...]:
        if name == "country_of_birth":
            return "country", category
        return ("irregular",) if name.startswith("irregular") else ("people",) if name == "people" else (name,)

    def compare(self) -> None:
        """Takes it that nobody was taken out between the two, and that all who came count at most once each."""
        came = {self.at(1, "people", "total"): -1.0, self.at(0, "people", "total"): 1.0}
        for key, later in list(self.unknowns.items()):
            if key[0] == 1 and (0, *key[1:]) in self.unknowns:
                before = self.at(0, *key[1:])
                self.most.append(({before: 1.0, later: -1.0}, 0.0))
                self.most.append((came | {later: came.get(later, 0.0) + 1, before: came.get(before, 0.0) - 1}, 0.0))

    def interval(self, at: int) -> tuple[float, float]:
        ends = []
        if self.matrices is None:
            self.matrices = *self.matrix(self.equal), *self.matrix(self.most)
        a, b, c, d = self.matrices
        for sign in (1.0, -1.0):
            target = np.zeros(len(self.unknowns))
            target[at] = sign
            result = linprog(target, A_eq=a, b_eq=b, A_ub=c, b_ub=d, bounds=(0, 1e5))
            assert result.success, result.message
            ends.append(sign * float(result.fun))
        return ends[0], ends[1]

    def matrix(self, rows: list[tuple[dict[int, float], float]]) -> tuple[np.ndarray, np.ndarray]:
        found = np.zeros((len(rows), len(self.unknowns)))
        for row, (factors, _) in enumerate(rows):
            found[row, list(factors)] = list(factors.values())
        return found, np.array([right for _, right in rows])


def check(intruder: Intruder, number: int, frame: pl.DataFrame, table: SafeTable) -> int:
    """How many withheld cells were attacked; none must be told to within less than is owed to it."""
    attacked = 0
    for cell, true in zip(table.cells, estimates(frame), strict=True):
        if not cell.suppressed or not 0 < true.cell_n < THRESHOLD:
            continue
        key = intruder.counted(cell.indicator, cell.category)
        low, high = intruder.interval(intruder.at(number, *key, cell.domain))
        assert low - 1e-6 <= true.cell_n <= high + 1e-6, "the intruder's equations are wrong"
        assert high - low > 1 - 1e-6, (cell.indicator, cell.domain, cell.category, low, high)
        attacked += 1
    return attacked


@pytest.mark.parametrize("seed", [1, 2])
def test_no_small_cell_is_worked_out_from_a_release(tmp_path: Path, seed: int) -> None:
    frame = people(600, seed)
    folder = release(tmp_path / "first", frame)
    assert check(Intruder(folder), 0, frame, build(frame)[0]) >= 10


@pytest.mark.parametrize("seed", [4])
def test_nor_from_two_releases_in_a_row(tmp_path: Path, seed: int) -> None:
    frame = people(600, seed)
    later = pl.concat([frame, people(45, seed + 100)])
    first = release(tmp_path / "first", frame)
    table, _ = build(later, [first])
    second = release(tmp_path / "second", later, [first])
    assert check(Intruder(first, second), 1, later, table) >= 10
    audited = audit_release(read_published(second), [read_published(first)])
    assert not [cell for cell in audited if cell.is_narrow]


def test_a_release_for_a_handful_of_newcomers_is_refused(tmp_path: Path) -> None:
    frame = people(600, 6)
    first = release(tmp_path / "first", frame)
    with pytest.raises(ReleaseError, match="REL-011"):
        release(tmp_path / "second", pl.concat([frame, people(4, 7)]), [first])


def test_a_release_that_ignores_what_is_out_is_seen_by_the_auditor(tmp_path: Path) -> None:
    frame = people(600, 8)
    first = release(tmp_path / "first", frame)
    second = release(tmp_path / "second", pl.concat([frame, people(4, 9)]))
    narrow = [cell for cell in audit_release(read_published(second), [read_published(first)]) if cell.is_narrow]
    assert any(cell.what == "change" and cell.against == "first" for cell in narrow)


def test_a_cell_put_back_by_hand_is_seen_by_the_auditor(tmp_path: Path) -> None:
    frame = people(600, 1)
    folder = release(tmp_path / "first", frame)
    path = folder / "tables" / "estimates.csv"
    true = {(each.indicator, each.domain, each.category): each for each in estimates(frame)}
    table, _ = build(frame)
    pair = next(cell for cell in table.cells if cell.suppressed == "secondary" and cell.indicator == "people")
    shown = true[pair.indicator, pair.domain, pair.category]
    lines = path.read_text().splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith(f"people,{pair.domain},"))
    lines[at] = f"people,{pair.domain},,{shown.estimate},persons,{shown.n},,,,,,no_sampling_error,,"
    path.chmod(0o644)
    path.write_text("\n".join(lines) + "\n")
    assert [cell for cell in audit_release(read_published(folder)) if cell.is_narrow and cell.indicator == "people"]


def test_pages_and_drawings_tell_no_more_than_the_table(tmp_path: Path) -> None:
    """Each row of a page's table has as many hidden cells as the CSV; a chart has no bar for a hidden figure."""
    frame = people(600, 2)
    folder = release(tmp_path / "first", frame)
    table, _ = build(frame)
    hidden = sum(bool(cell.suppressed) for cell in table.cells)
    for language, word in (("", "oculto"), ("en/", "withheld"), ("ht/", "kache")):
        pages = [html.fromstring(path.read_text()) for path in (folder / "site" / language).glob("*.html")]
        marked = [cell for page in pages for cell in page.xpath("//td[contains(@class,'hidden')]")]
        assert len(marked) == hidden
        assert all(re.sub(r"\W", "", cell.text_content()).casefold() == word.casefold() for cell in marked)
    shown = {f"{cell.estimate:.6f}" for cell in table.cells if cell.estimate is not None}
    secret = [
        f"{true.estimate:.6f}"
        for true, cell in zip(estimates(frame), table.cells, strict=True)
        if cell.suppressed and true.estimate and f"{true.estimate:.6f}" not in shown and true.estimate % 1
    ]
    everything = "".join(
        path.read_text(errors="ignore")
        for path in folder.rglob("*")
        if path.suffix in {".html", ".csv", ".json", ".txt"}
    )
    printed = set(re.findall(r"(?<![\d.])\d+\.\d{3,}", everything))
    assert secret and not [figure for figure in secret if figure.rstrip("0") in printed]
