"""An intruder with crossings, communes, every format, three releases in a row, and rounding instead of suppression.

Quantities are people with a property in a domain. A crossing of domains, the categories of a distribution and a
breakdown by the same question tell of the same people, so that all tables hang together. The intruder works on the CSV;
that no other file shows more is looked at file by file.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_array

from reports.contents import ReleaseContents
from reports.disclosure import protect
from reports.published import read_published
from reports.quantities import meanings_of
from reports.release import publish, release_files
from reports.rules import DisclosureRules
from schemas.domains import join, parts
from schemas.estimates import Estimate, SafeCell, SafeTable
from schemas.workbook import Breakdown, Indicator, Specs

THRESHOLD = 10
CODES = {"commune": ("13125", "13101", "13119"), "sex": ("f", "m"), "country": ("ht", "pe", "ve", "co", "cu")}
GROUPINGS: tuple[tuple[str, ...], ...] = (
    (),
    ("sex",),
    ("country",),
    ("sex", "country"),
    ("commune",),
    ("commune", "sex"),
    ("commune", "country"),
)
Domain = frozenset[tuple[str, str]]
Quantity = tuple[int, str, Domain]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_sample", Path(__file__).with_name("release_sample.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sample = _load()


def people(count: int, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    country = random.choice(CODES["country"], count, p=[0.5, 0.25, 0.15, 0.07, 0.03])
    return pl.DataFrame(
        {
            "commune": random.choice(CODES["commune"], count, p=[0.6, 0.3, 0.1]),
            "sex": random.choice(["f", "m", ""], count, p=[0.5, 0.48, 0.02]),
            "country": country,
            "irregular": random.random(count) < np.where(np.isin(country, ["pe", "co"]), 0.05, 0.25),
        }
    )


def indicator(name: str, kind: str, **more: object) -> Indicator:
    common: dict[str, object] = {"topic": "people", "table": "person", "label": sample.words(name, name, name)}
    by = ("sex", "country", "sex*country")
    return Indicator(name=name, kind=kind, **(common | {"unit": "percent", "breakdowns": by} | more))  # type: ignore[arg-type]


INDICATORS = (
    indicator("people", "count", unit="persons"),
    indicator("irregular", "share", numerator="${irregular} = 1"),
    indicator("irregular_people", "count", numerator="${irregular} = 1", unit="persons"),
    indicator("country_of_birth", "distribution", value="${country}", breakdowns=("sex",)),
)


def estimates(frame: pl.DataFrame) -> list[Estimate]:
    found = []
    for each in INDICATORS:
        for by in GROUPINGS:
            if each.kind == "distribution" and "country" in by:
                continue
            for domain, rows in _split(frame, by):
                counted = rows.filter("irregular") if each.name == "irregular_people" else rows
                n = counted.height
                if each.kind == "count":
                    found.append(Estimate(each.name, domain, "", float(n), "persons", n, n))
                    continue
                shares = {code: int((rows["country"] == code).sum()) for code in CODES["country"]}
                hits = shares if each.kind == "distribution" else {"": int(rows["irregular"].sum())}
                for category, hit in hits.items():
                    figure = 100 * hit / n if n else None
                    found.append(Estimate(each.name, domain, category, figure, "percent", n, hit))
    return found


def _split(frame: pl.DataFrame, by: Sequence[str]) -> list[tuple[str, pl.DataFrame]]:
    found: list[tuple[tuple[tuple[str, str], ...], pl.DataFrame]] = [((), frame)]
    for name in by:
        found = [
            ((*key, (name, code)), rows.filter(pl.col(name) == code)) for key, rows in found for code in CODES[name]
        ]
    return [(join(key), rows) for key, rows in found]


def specs_and_contents() -> tuple[Specs, ReleaseContents]:
    _, contents = sample.build()
    breakdowns = tuple(
        Breakdown(name, "person", {}, f"${{{name}}}", codes, {code: sample.words(code, code, code) for code in codes})
        for name, codes in CODES.items()
    )
    design = replace(contents.specs.design, communes="commune", commune="")
    specs = Specs(contents.specs.topics, INDICATORS, breakdowns, design=design)
    return specs, replace(contents, specs=specs, rehearsal=False)


def build(
    frame: pl.DataFrame, earlier: Iterable[Path] = (), rules: DisclosureRules | None = None
) -> tuple[SafeTable, ReleaseContents]:
    specs, contents = specs_and_contents()
    out = [read_published(each) for each in earlier]
    return protect(estimates(frame), rules or DisclosureRules.of(THRESHOLD), meanings_of(specs), out), contents


def release(folder: Path, frame: pl.DataFrame, earlier: Sequence[Path] = ()) -> Path:
    table, contents = build(frame, earlier)
    publish(folder, table, contents, [read_published(each) for each in earlier])
    return folder


def write(folder: Path, table: SafeTable, contents: ReleaseContents) -> Path:
    """The files of a table as it is, without the auditor."""
    for path, data in release_files(folder.name, table, contents).items():
        if not path.startswith("site/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    return folder


class Intruder:
    """Knows what is printed, that people are whole, and which groups make which sums.

    Args:
        folders: releases in order of time.
        base: what counts were rounded to, 1 for exact ones.
    """

    def __init__(self, folders: Sequence[Path], base: int = 1) -> None:
        self.at: dict[Quantity, int] = {}
        self.rows: list[tuple[dict[int, float], float, float]] = []
        self.bounds: dict[int, tuple[float, float]] = {}
        self.slack = float(base - 1)
        for number, folder in enumerate(folders):
            self.read(number, folder)
        for earlier, later in pairwise(range(len(folders))):
            self.compare(earlier, later)

    def of(self, number: int, what: str, domain: Domain) -> int:
        return self.at.setdefault((number, what, domain), len(self.at))

    def know(self, at: int, value: float) -> None:
        low, high = self.bounds.get(at, (0.0, np.inf))
        self.bounds[at] = max(low, value - self.slack), min(high, value + self.slack)

    def read(self, number: int, folder: Path) -> None:
        with (folder / "tables" / "estimates.csv").open() as file:
            cells = list(csv.DictReader(file))
        for row in cells:
            domain = frozenset(parts(row["domain"]))
            base, mine = self.quantities(number, row["indicator"], domain, row["category"])
            if row["n"]:
                self.know(base, float(row["n"]))
            if row["unit"] == "percent" and row["estimate"]:
                self.know(mine, float(round(float(row["estimate"]) * float(row["n"]) / 100)))
        told = json.loads((folder / "datapackage.json").read_text())["comunal"]["disclosure"]["incomplete"]
        leaves_out = {by for _, by in told}
        for (release_number, what, domain), whole in list(self.at.items()):
            if release_number != number:
                continue
            if what != "people":
                self.rows.append(({whole: 1.0, self.of(number, "people", domain): -1.0}, -np.inf, 0.0))
            for by, codes in CODES.items():
                members = [(number, what, domain | {(by, code)}) for code in codes]
                if by not in {name for name, _ in domain} and all(member in self.at for member in members):
                    factors = {self.at[member]: 1.0 for member in members} | {whole: -1.0}
                    self.rows.append((factors, -np.inf if by in leaves_out or by == "sex" else 0.0, 0.0))

    def quantities(self, number: int, name: str, domain: Domain, category: str) -> tuple[int, int]:
        """Base and rows of a cell."""
        if name == "irregular_people":
            return (self.of(number, "irregular", domain),) * 2
        base = self.of(number, "people", domain)
        if name == "country_of_birth":
            return base, self.of(number, "people", domain | {("country", category)})
        return base, base if name == "people" else self.of(number, "irregular", domain)

    def compare(self, earlier: int, later: int) -> None:
        """Nobody was taken out, and whoever came is counted at most once in each figure."""
        everybody = {self.of(later, "people", frozenset()): -1.0, self.of(earlier, "people", frozenset()): 1.0}
        for (number, what, domain), then in list(self.at.items()):
            if number == earlier and (later, what, domain) in self.at:
                now = self.at[later, what, domain]
                self.rows.append(({then: 1.0, now: -1.0}, -np.inf, 0.0))
                factors = defaultdict(float, everybody)
                factors[now] += 1.0
                factors[then] -= 1.0
                self.rows.append((dict(factors), -np.inf, 0.0))

    def interval(self, at: int) -> tuple[float, float]:
        limits = [self.bounds.get(index, (0.0, np.inf)) for index in range(len(self.at))]
        exact, loose = self.matrix(equal=True), self.matrix(equal=False)
        ends = []
        for sign in (1.0, -1.0):
            target = np.zeros(len(self.at))
            target[at] = sign
            result = linprog(
                target,
                A_eq=exact if exact.shape[0] else None,
                b_eq=np.zeros(exact.shape[0]) if exact.shape[0] else None,
                A_ub=loose,
                b_ub=np.zeros(loose.shape[0]),
                bounds=[(low, min(high, 1e5)) for low, high in limits],
            )
            assert result.success, result.message
            ends.append(sign * float(result.fun))
        return ends[0], ends[1]

    def matrix(self, *, equal: bool) -> csr_array:
        picked = [factors for factors, low, _ in self.rows if np.isfinite(low) is np.bool_(equal)]
        rows = np.repeat(np.arange(len(picked)), [len(factors) for factors in picked])
        columns = np.array([at for factors in picked for at in factors], np.intp)
        values = np.array([factor for factors in picked for factor in factors.values()])
        return csr_array((values, (rows, columns)), shape=(len(picked), len(self.at)))


def attack(intruder: Intruder, number: int, frame: pl.DataFrame, table: SafeTable, most: int) -> list[str]:
    """The small withheld cells that are told, of at most so many."""
    told, tried = [], 0
    hidden = [
        (true, cell)
        for true, cell in zip(estimates(frame), table.cells, strict=True)
        if cell.suppressed and 0 < true.cell_n < THRESHOLD
    ]
    step = max(1, len(hidden) // most)
    for true, cell in hidden[::step]:
        domain = frozenset(parts(cell.domain))
        _, mine = intruder.quantities(number, cell.indicator, domain, cell.category)
        low, high = intruder.interval(mine)
        assert low - 1e-6 <= true.cell_n <= high + 1e-6, "the intruder's equations are wrong"
        tried += 1
        if high - low < 1 - 1e-6:
            told.append(f"{cell.indicator} {cell.domain} {cell.category}")
    assert tried >= min(most, 10)
    return told


def test_crossings_and_communes_give_nothing_away(tmp_path: Path) -> None:
    frame = people(900, 1)
    folder = release(tmp_path / "first", frame)
    assert attack(Intruder([folder]), 0, frame, build(frame)[0], 40) == []


def test_nor_do_three_releases_in_a_row(tmp_path: Path) -> None:
    frames = [people(900, 2)]
    frames += [pl.concat([frames[0], people(60, 20)])]
    frames += [pl.concat([frames[1], people(50, 21)])]
    folders: list[Path] = []
    for number, frame in enumerate(frames):
        folders.append(release(tmp_path / f"r{number}", frame, folders))
    table, _ = build(frames[2], folders[:2])
    assert attack(Intruder(folders), 2, frames[2], table, 25) == []


def test_the_intruder_finds_what_isnt_protected(tmp_path: Path) -> None:
    """Small cells alone are withheld, and nothing beside them: most of them follow."""
    frame = people(900, 1)
    table, contents = build(frame)
    bare = {(each.indicator, each.domain, each.category): each for each in estimates(frame)}

    def show(cell: SafeCell) -> SafeCell:
        true = bare[cell.indicator, cell.domain, cell.category]
        return replace(cell, suppressed="", estimate=true.estimate, n=true.n)

    careless = tuple(show(cell) if cell.suppressed == "secondary" else cell for cell in table.cells)
    folder = write(tmp_path / "careless", replace(table, cells=careless), contents)
    told = attack(Intruder([folder]), 0, frame, replace(table, cells=careless), 40)
    assert len(told) >= 5


def test_rounded_counts_keep_small_ones_in_doubt(tmp_path: Path) -> None:
    frame = people(900, 3)
    rules = replace(DisclosureRules.of(THRESHOLD), method="rounding", base=3)
    table, contents = build(frame, rules=rules)
    folder = write(tmp_path / "rounded", table, contents)
    intruder = Intruder([folder], base=3)
    small = [each for each in estimates(frame) if 0 < each.cell_n < THRESHOLD]
    for each in small[:: max(1, len(small) // 20)]:
        _, mine = intruder.quantities(0, each.indicator, frozenset(parts(each.domain)), each.category)
        low, high = intruder.interval(mine)
        assert low - 1e-6 <= each.cell_n <= high + 1e-6
        assert high - low >= 1 - 1e-6, each


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("two")
    frame = people(900, 4)
    first = release(folder / "first", frame)
    return first, release(folder / "second", pl.concat([frame, people(60, 40)]), [first])


def _shown(folder: Path) -> Counter[float]:
    with (folder / "tables" / "estimates.csv").open() as file:
        return Counter(round(float(row["estimate"]), 6) for row in csv.DictReader(file) if row["estimate"])


def test_every_format_shows_the_figures_of_the_table_and_no_other(two: tuple[Path, Path]) -> None:
    folder = two[0]
    shown = _shown(folder)
    for name, value, cases in (("sdmx.csv", "OBS_VALUE", "CASES"), ("hxl.csv", "value", "cases")):
        with (folder / "formats" / name).open() as file:
            rows = [row for row in csv.DictReader(file) if not row[value].startswith("#")]
        told = Counter(round(float(row[value]), 6) for row in rows if row[value])
        assert told == shown, name
        assert not [row for row in rows if not row[value] and row[cases]]
    paths = sorted((folder / "site" / "datos").glob("*.csv"))
    site = [row for path in paths for row in csv.DictReader(io.StringIO(path.read_text()))]
    assert Counter(round(float(row["estimate"]), 6) for row in site if row["estimate"]) == shown


def test_withheld_figures_stand_in_no_file(two: tuple[Path, Path]) -> None:
    """To six digits, in text, drawings, workbooks and Parquet."""
    folder = two[0]
    shown = {f"{figure:.4f}" for figure in _shown(folder)}
    secret = {
        f"{each.estimate:.4f}"
        for each in estimates(people(900, 4))
        if each.estimate and each.estimate % 1 and 0 < each.cell_n < THRESHOLD
    } - shown
    assert len(secret) > 10
    texts = []
    for path in folder.rglob("*"):
        if path.suffix in {".xlsx", ".zip"}:
            with zipfile.ZipFile(path) as book:
                texts += [book.read(name).decode(errors="ignore") for name in book.namelist()]
        elif path.suffix == ".parquet":
            texts.append(pl.read_parquet(path).write_csv())
        elif path.is_file():
            texts.append(path.read_text(errors="ignore"))
    printed = {f"{float(figure):.4f}" for text in texts for figure in re.findall(r"(?<![\d.])\d{1,3}\.\d{4,}", text)}
    assert printed & shown and not printed & secret


def test_differences_are_told_only_of_figures_shown_in_both(two: tuple[Path, Path]) -> None:
    tables = []
    for folder in two:
        with (folder / "tables" / "estimates.csv").open() as file:
            tables.append({(row["indicator"], row["domain"], row["category"]): row for row in csv.DictReader(file)})
    with (two[1] / "tables" / "differences.csv").open() as file:
        for row in csv.DictReader(file):
            key = row["indicator"], row["domain"], row["category"]
            before, after = (table.get(key, {"estimate": "", "n": ""}) for table in tables)
            assert not row["before"] or before["estimate"]
            assert not row["after"] or after["estimate"]
            assert not row["change"] or (before["estimate"] and after["estimate"])
            assert not row["n_before"] or before["n"]
            assert not row["n_after"] or after["n"]
