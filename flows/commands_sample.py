"""`comunal sample`: how many interviews are needed, and drawing units and households from lists."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.output import JsonOption, Output

if TYPE_CHECKING:
    from flows.sampling import Drawn

ListingArgument = Annotated[
    Path, typer.Argument(metavar="LISTING", exists=True, dir_okay=False, help="CSV or Parquet, a row a unit.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Whole number from which every random number is made.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="FILE", help="CSV of the drawn rows.")]
RecordOption = Annotated[
    Path | None, typer.Option("--record", metavar="FILE", help="Record of the draw (default: beside --out, .json).")
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(no_args_is_help=True, help="Size a sample; draw units and households from lists.")
    group.command("size")(size)
    group.command("units")(units)
    group.command("households")(households)
    group.command("check")(check)
    app.add_typer(group, name="sample")


def size(
    share: Annotated[float | None, typer.Option(metavar="P", help="Expected share, 0 to 1.")] = None,
    mean: Annotated[float | None, typer.Option(metavar="M", help="Expected mean.")] = None,
    sd: Annotated[float | None, typer.Option(metavar="S", help="Standard deviation of the number.")] = None,
    margin: Annotated[float | None, typer.Option(metavar="E", help="Half the interval, on the figure's scale.")] = None,
    cv: Annotated[float | None, typer.Option(metavar="C", help="Coefficient of variation, a fraction.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the interval.")] = 0.95,
    deff: Annotated[float | None, typer.Option(help="Design effect; else 1 + (take - 1) rho.")] = None,
    rho: Annotated[float, typer.Option(help="Correlation of interviews within a unit.")] = 0.0,
    take: Annotated[float, typer.Option(help="Interviews in a unit.")] = 1.0,
    response: Annotated[float, typer.Option(help="Share of those drawn who answer.")] = 1.0,
    population: Annotated[float | None, typer.Option(metavar="N", help="How many there are.")] = None,
    domains: Annotated[int, typer.Option(help="Domains that need this precision each.")] = 1,
    eligible: Annotated[float, typer.Option(help="Share of people whom the figure is about.")] = 1.0,
    household_size: Annotated[float | None, typer.Option(help="People in a household, where these are drawn.")] = None,
    json_lines: JsonOption = False,
) -> None:
    """Compute how many interviews a figure needs, and how many units must be drawn for them.

    Example: comunal sample size --share 0.5 --margin 0.05 --rho 0.05 --take 10 --response 0.8
    """
    from estimation.sample_size import Wanted, size_sample

    found = size_sample(
        Wanted(
            share, mean, sd, margin, cv, confidence, deff, rho, take, response, population, domains, eligible,
            household_size,
        )
    )  # fmt: skip
    output = Output(json_lines)
    output.record(
        asdict(found),
        f"{found.interviews:,} interviews in each of {domains} domain{'' if domains == 1 else 's'}: "
        f"{found.simple:,.1f} under simple random sampling, design effect {found.effect:.3g}"
        + ("." if population is None else f", of a population of {population:,.0f}."),
    )
    output.say(
        f"Draw {found.drawn:,} {'households' if household_size else 'units'} a domain, {found.total:,} in all"
        + (f", in {found.psus:,} PSUs." if found.psus else ".")
    )
    output.say(f"They give ± {found.margin:.4g}" + ("." if found.cv is None else f", cv {found.cv:.2%}."))


def units(
    listing: ListingArgument,
    count: Annotated[int, typer.Option("--n", min=1, help="How many units.")],
    seed: SeedOption,
    out: OutOption,
    id_column: Annotated[str, typer.Option("--id", metavar="COLUMN", help="Each unit's code.")],
    method: Annotated[
        Literal["pps", "systematic", "srs"],
        typer.Option(help="Systematic by size, systematic with equal chances, simple random."),
    ] = "pps",
    size_column: Annotated[str, typer.Option("--size", metavar="COLUMN", help="Measure of size: dwellings.")] = "",
    strata: Annotated[str, typer.Option(metavar="COLUMN", help="Strata.")] = "",
    allocation: Annotated[
        Literal["proportional", "equal", "neyman", "power"], typer.Option(help="Of units to strata.")
    ] = "proportional",
    sd: Annotated[str, typer.Option(metavar="COLUMN", help="Standard deviation in the stratum, for neyman.")] = "",
    power: Annotated[float, typer.Option(min=0, max=1, help="Exponent of power allocation.")] = 0.5,
    least: Annotated[int, typer.Option(min=0, help="Units that each stratum gets at least.")] = 2,
    order: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Put the list in order first; may be repeated.")
    ] = None,
    record: RecordOption = None,
    json_lines: JsonOption = False,
) -> None:
    """Draw primary units (PSUs) from a list.

    Each drawn row gets stratum_units (setting fpc), psu_probability and psu_weight. The record holds the seed, the
    method and the SHA-256 of the list: `comunal sample check` draws again from it.
    """
    from flows.sampling import UnitRequest, draw_units

    drawn = draw_units(
        UnitRequest(
            str(listing), id_column, count, seed, method, size_column, strata, allocation, sd, tuple(order or ()),
            power, least,
        )
    )  # fmt: skip
    _write(Output(json_lines), drawn, out, record, "strata")


def households(
    listing: ListingArgument,
    take: Annotated[int, typer.Option(min=1, help="Households of each unit.")],
    seed: SeedOption,
    out: OutOption,
    psu: Annotated[str, typer.Option(metavar="COLUMN", help="The household's unit.")] = "",
    units_file: Annotated[
        Path | None, typer.Option("--units", metavar="FILE", exists=True, help="What `comunal sample units` wrote.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id", metavar="COLUMN", help="The unit's code there.")] = "",
    method: Annotated[
        Literal["systematic", "srs"], typer.Option(help="Along the list, or simple random.")
    ] = "systematic",
    replacements: Annotated[int, typer.Option(min=0, help="More households a unit that stand in for others.")] = 0,
    record: RecordOption = None,
    json_lines: JsonOption = False,
) -> None:
    """Draw households in the drawn units, with replacements in the order in which they are to be used.

    Each row gets role, household_probability, probability over all stages (setting selection_probability) and
    base_weight (setting weight).
    """
    from flows.sampling import HouseholdRequest, draw_households

    request = HouseholdRequest(
        str(listing), take, seed, method, psu, str(units_file) if units_file else "", id_column or psu, replacements
    )
    _write(Output(json_lines), draw_households(request), out, record, "units")


def check(
    record: Annotated[Path, typer.Argument(metavar="RECORD", exists=True, dir_okay=False, help="JSON of a draw.")],
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", exists=True, help="Where the list is, if it was moved.")
    ] = None,
    json_lines: JsonOption = False,
) -> None:
    """Draw again from a record, and tell whether the list and the sample are the same."""
    from flows.sampling import draw_again

    again = draw_again(record, folder)
    Output(json_lines).record(
        {"same": True, "rows": again.table.height, "result_sha256": again.record["result_sha256"]},
        f"The same {again.table.height} rows are drawn again.",
    )


def _write(output: Output, drawn: Drawn, out: Path, record: Path | None, parts: str) -> None:
    from flows.sampling import write_drawn

    beside = record or out.with_suffix(".json")
    write_drawn(drawn, out, beside)
    output.record(dict(drawn.record), f"{drawn.table.height} rows in {out}, the record in {beside}.")
    for name, told in drawn.record[parts].items():
        output.say(f"  {name or 'all'}: {told['drawn']:,} of {told['units']:,}")
