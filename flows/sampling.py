"""Draws a sample from a listing file, and keeps the record by which anybody can draw it again."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from estimation.allocation import Allocation, allocate
from estimation.microdata import Microdata
from estimation.samples import Floats
from estimation.selection import Draw, Method, draw, draw_replacements, generator, read_sizes
from estimation.surveys import natural
from flows.table_files import read_columns
from schemas.errors import CommandError, EstimationError

SAMPLE: Final = "sample"
REPLACEMENT: Final = "replacement"


@dataclass(frozen=True, slots=True)
class UnitRequest:
    """A draw of primary units.

    Attributes:
        listing: file with one row a unit.
        id: column with each unit's code.
        size: column with its measure of size, "" for none.
        strata: column of strata, "" for none.
        sd: column with the standard deviation of the unit's stratum, for Neyman's allocation.
        order: columns by which the list is put in order before a systematic draw (implicit stratification).
        power, least: see `estimation.allocation.allocate`.
    """

    listing: str
    id: str
    count: int
    seed: int
    method: Method = "pps"
    size: str = ""
    strata: str = ""
    allocation: Allocation = "proportional"
    sd: str = ""
    order: tuple[str, ...] = ()
    power: float = 0.5
    least: int = 2


@dataclass(frozen=True, slots=True)
class HouseholdRequest:
    """A draw of households, or of other last units, in drawn primary units.

    Attributes:
        listing: file with one row a household.
        psu: column with its unit's code; "" where the whole list is one unit.
        take: households of each unit.
        units: file that a draw of units wrote, "" where all of them are in the sample.
        id: column with the unit's code there.
        replacements: how many more of each unit stand ready.
    """

    listing: str
    take: int
    seed: int
    method: Method = "systematic"
    psu: str = ""
    units: str = ""
    id: str = ""
    replacements: int = 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn: the rows with their probabilities and weights, and the record of the draw."""

    table: pl.DataFrame
    record: Mapping[str, Any]


def draw_units(request: UnitRequest) -> Drawn:
    """Draw primary units.

    The rows come in the order of the list, with `stratum_units` (units of the stratum: the setting `fpc`),
    `psu_probability`, `psu_weight` and `psu_certain`.

    Raises:
        EstimationError: EST-020, EST-090 to EST-095.
        CommandError: CMD-170, CMD-263.
    """
    table = _read(request.listing)
    data = Microdata(table)
    _refuse_repeated(data, request.id)
    if request.method == "pps" and not request.size:
        raise CommandError("CMD-263", "A draw by size needs a measure of size.", "Name its column with --size.")
    sizes = read_sizes(data.numbers(request.size), request.size) if request.size else np.ones(table.height)
    rows = _in_order(data, request.order)
    strata = _codes(data, request.strata)
    named = sorted(strata.unique().to_list(), key=natural)
    members = [rows[(strata[rows] == name).to_numpy()] for name in named]
    counts = allocate(
        request.count,
        [each.size for each in members],
        np.array([sizes[each].sum() for each in members], np.float64),
        request.allocation,
        _spreads(data, request.sd, members),
        request.power,
        request.least if request.strata else 0,
    )
    chosen: list[pl.DataFrame] = []
    told: dict[str, dict[str, float]] = {}
    for number, (name, each, count) in enumerate(zip(named, members, counts, strict=True)):
        found = draw(request.method, int(count), sizes[each], generator(request.seed, number))
        chosen.append(_chosen_units(table, each, found))
        told[name] = {"units": each.size, "drawn": int(count), "size": float(sizes[each].sum())}
    drawn = pl.concat(chosen).sort("_row").drop("_row")
    return Drawn(drawn, _record("units", asdict(request), [request.listing], drawn, told))


def draw_households(request: HouseholdRequest) -> Drawn:
    """Draw households in each drawn unit, and those that stand in for them.

    The rows come unit by unit, those of the sample first, with `role` (sample or replacement), `replacement` (the order
    of use), `household_units`, `household_probability`, `probability` over all stages and `base_weight`.

    Raises:
        EstimationError: EST-020, EST-096 (a drawn unit without a household, or households whose unit isn't drawn).
        CommandError: CMD-170.
    """
    table = _read(request.listing)
    data = Microdata(table)
    codes = _codes(data, request.psu)
    probability = _unit_probabilities(request, codes)
    chosen: list[pl.DataFrame] = []
    told: dict[str, dict[str, float]] = {}
    for name in sorted(probability, key=natural):
        each = np.flatnonzero((codes == name).to_numpy())
        take = min(request.take, each.size)
        # The place of a unit among all: its code, so that a unit's households don't hang on the other units drawn.
        random = generator(request.seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]))
        found = draw(request.method, take, np.ones(each.size), random)
        spare = draw_replacements(found.rows, each.size, request.replacements, random)
        chosen.append(_chosen_households(table, each, found, spare, probability[name]))
        told[name] = {"units": int(each.size), "drawn": take, "replacements": int(spare.size)}
    drawn = pl.concat(chosen)
    files = [request.listing] + ([request.units] if request.units else [])
    return Drawn(drawn, _record("households", asdict(request), files, drawn, told))


def draw_again(record_path: Path, folder: Path | None = None) -> Drawn:
    """Repeat the draw of a record.

    Args:
        folder: where the listing is; null for where the record says, or beside the record.

    Raises:
        CommandError: CMD-264 (no record), CMD-265 (another listing), CMD-266 (another result).
    """
    try:
        record = json.loads(record_path.read_text(encoding="utf-8"))
        asked: dict[str, Any] = dict(record["request"])
        kind, digests = record["draw"], record["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError("CMD-264", f"{record_path.name} is no record of a draw.", "Give the JSON file.") from error
    if folder is None and not all(Path(name).is_file() for name in digests):
        folder = record_path.parent
    places = {name: str(folder / Path(name).name) if folder else name for name in digests}
    for name, digest in digests.items():
        found = _digest(Path(places[name]))
        if found != digest:
            raise CommandError(
                "CMD-265",
                f"{Path(name).name} isn't the file of the draw: its SHA-256 is {found[:12]}…, the record has "
                f"{digest[:12]}….",
                "Find the listing as it was, byte for byte.",
            )
    asked["listing"] = places[asked["listing"]]
    if kind == "units":
        again = draw_units(UnitRequest(**asked | {"order": tuple(asked["order"])}))
    else:
        asked["units"] = places.get(asked["units"], "")
        again = draw_households(HouseholdRequest(**asked))
    if again.record["result_sha256"] != record["result_sha256"]:
        raise CommandError(
            "CMD-266",
            f"The draw repeated gives another sample than {record_path.name} tells.",
            f"It was drawn by version {record.get('version')}; this is {version('comunal')}.",
        )
    return again


def write_drawn(drawn: Drawn, out: Path, record: Path) -> None:
    """Write the rows as CSV and the record as JSON beside them."""
    out.write_bytes(_csv(drawn.table))
    record.write_text(json.dumps(drawn.record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _read(path: str) -> pl.DataFrame:
    table = read_columns(Path(path))
    if table.is_empty():
        raise EstimationError("EST-018", f"«{Path(path).name}» has no row.", "Give a list with one row a unit.")
    return table


def _codes(data: Microdata, name: str) -> pl.Series:
    if not name:
        return pl.repeat("", data.height, eager=True)
    codes = data.codes(name)
    if codes.null_count():
        raise EstimationError(
            "EST-095", f"{codes.null_count()} rows of the list have no «{name}».", "Complete them before drawing."
        )
    return codes


def _refuse_repeated(data: Microdata, name: str) -> None:
    codes = _codes(data, name)
    twice = codes.filter(codes.is_duplicated())
    if twice.len():
        raise EstimationError(
            "EST-095",
            f"«{name}» doesn't name units: «{twice[0]}» stands {int((codes == twice[0]).sum())} times.",
            "Give the column in which each row of the list has a code of its own.",
        )


def _in_order(data: Microdata, order: tuple[str, ...]) -> np.typing.NDArray[np.int64]:
    keys = [[natural(code or "") for code in data.codes(name).to_list()] for name in order]
    return np.array(sorted(range(data.height), key=lambda row: [key[row] for key in keys]), np.int64)


def _spreads(data: Microdata, name: str, members: list[np.typing.NDArray[np.int64]]) -> Floats | None:
    if not name:
        return None
    values = data.numbers(name).fill_null(np.nan).to_numpy()
    return np.array([values[each].mean() for each in members], np.float64)


def _chosen_units(table: pl.DataFrame, members: np.typing.NDArray[np.int64], found: Draw) -> pl.DataFrame:
    rows, probability = members[found.rows], found.probability[found.rows]
    picked: pl.DataFrame = table[rows]
    return picked.with_columns(
        pl.Series("stratum_units", np.full(rows.size, members.size)),
        pl.Series("psu_probability", probability),
        pl.Series("psu_weight", 1 / probability),
        pl.Series("psu_certain", probability >= 1),
        pl.Series("_row", rows),
    )


def _unit_probabilities(request: HouseholdRequest, codes: pl.Series) -> dict[str, float]:
    met = set(codes.to_list())
    if not request.units:
        return dict.fromkeys(met, 1.0)
    units = Microdata(_read(request.units))
    drawn = dict(zip(units.codes(request.id), units.numbers("psu_probability"), strict=True))
    empty = sorted(drawn.keys() - met, key=natural)
    if empty:
        raise EstimationError(
            "EST-096",
            f"{len(empty)} drawn units have no household on the list: {', '.join(f'«{one}»' for one in empty[:5])}.",
            "List them, or take such a unit out of the file of units and say so in the report.",
        )
    return drawn


def _chosen_households(
    table: pl.DataFrame,
    members: np.typing.NDArray[np.int64],
    found: Draw,
    spare: np.typing.NDArray[np.int64],
    probability: float,
) -> pl.DataFrame:
    rows = np.concatenate([found.rows, spare])
    within = np.concatenate([found.probability[found.rows], found.probability[spare]])
    order = [None] * found.rows.size + [at + 1 for at in range(spare.size)]
    picked: pl.DataFrame = table[members[rows]]
    return picked.with_columns(
        pl.Series("role", [SAMPLE] * found.rows.size + [REPLACEMENT] * spare.size, pl.String),
        pl.Series("replacement", order, pl.Int64),
        pl.Series("household_units", np.full(rows.size, members.size)),
        pl.Series("household_probability", within),
        pl.Series("probability", within * probability),
        pl.Series("base_weight", 1 / (within * probability)),
    )


def _record(
    kind: str, request: dict[str, Any], files: list[str], drawn: pl.DataFrame, told: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "draw": kind,
        "version": version("comunal"),
        "request": request,
        "files": {name: _digest(Path(name)) for name in files},
        "strata" if kind == "units" else "units": told,
        "rows": drawn.height,
        "result_sha256": hashlib.sha256(_csv(drawn)).hexdigest(),
    }


def _csv(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_csv(buffer)
    return buffer.getvalue()


def _digest(path: Path) -> str:
    if not path.is_file():
        raise CommandError("CMD-265", f"{path} isn't there.", "Say with --folder where the listing is.")
    return hashlib.sha256(path.read_bytes()).hexdigest()
