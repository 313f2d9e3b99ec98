"""`comunal estimate`: figures with their precision from any table and its design."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.output import JsonOption, Output
from schemas.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estimation.answers import Answer
    from estimation.samples import Flags
    from estimation.surveys import Request, Survey

Names = list[str] | None
Singletons = Literal["error", "skip", "center"]
Methods = Literal["taylor", "jackknife", "bootstrap", "brr"]
RepTypes = Literal["BRR", "Fay", "JK1", "JKn", "JK2", "bootstrap", "ACS", "successive-difference", "other"]

SINGLETON_HELP = "A stratum with one PSU: stop, add nothing to the variance, or count about the overall mean."
SHARE_HELP = "Share of every category, or of one; of a column of 0 and 1, of the ones."


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("estimate")(estimate)


def estimate(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="CSV or Parquet.")],
    weights: Annotated[str | None, typer.Option(help="Column of weights; without it, from --fpc, else 1.")] = None,
    strata: Annotated[str | None, typer.Option(help="Column of strata.")] = None,
    clusters: Annotated[Names, typer.Option(metavar="C[,C2]", help="Columns of units, one a stage.")] = None,
    fpc: Annotated[Names, typer.Option(metavar="F[,F2]", help="Units in the population, or fractions drawn.")] = None,
    singleton: Annotated[Singletons, typer.Option(help=SINGLETON_HELP)] = "error",
    mean: Annotated[Names, typer.Option(metavar="X", help="Mean of a number.")] = None,
    total: Annotated[Names, typer.Option(metavar="X", help="Total of a number.")] = None,
    ratio: Annotated[Names, typer.Option(metavar="X/Y", help="Total of X over total of Y.")] = None,
    share: Annotated[Names, typer.Option(metavar="X[=CODE]", help=SHARE_HELP)] = None,
    quantile: Annotated[Names, typer.Option(metavar="X:P", help="Quantile of order P (0.5: the median).")] = None,
    count: Annotated[bool, typer.Option("--count", help="Size of the population.")] = False,
    test: Annotated[
        str | None, typer.Option(metavar="A*B", help="Rao-Scott test that A and B are independent.")
    ] = None,
    by: Annotated[Names, typer.Option(metavar="G[,H]", help="Columns whose combinations are told apart.")] = None,
    where: Annotated[
        str | None, typer.Option(metavar="EXPR", help="ODK XPath over column names: ${age} >= 15.")
    ] = None,
    poststratify: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Totals of classes.")] = None,
    rake: Annotated[list[Path] | None, typer.Option(exists=True, dir_okay=False, help="Margins to rake to.")] = None,
    calibrate: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="Totals for regression (GREG) calibration.")
    ] = None,
    distance: Annotated[
        Literal["linear", "raking", "logit"], typer.Option(help="Kept small by --calibrate.")
    ] = "linear",
    bounds: Annotated[str | None, typer.Option(metavar="LOW,HIGH", help="Of new to old weight in --calibrate.")] = None,
    method: Annotated[Methods, typer.Option(help="How variances are made.")] = "taylor",
    draws: Annotated[int, typer.Option(min=2, help="Replicates of the bootstrap.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 20_260_101,
    replicates: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Regular expression of the file's replicate weights.")
    ] = None,
    rep_type: Annotated[RepTypes, typer.Option(help="How they were made.")] = "BRR",
    rep_factors: Annotated[bool, typer.Option("--rep-factors", help="They don't include the weight.")] = False,
    rho: Annotated[float, typer.Option(help="Fay's coefficient.")] = 0.0,
    interval: Annotated[Literal["logit", "t", "beta", "asin"], typer.Option(help="Of a --share.")] = "logit",
    deff: Annotated[Literal["wor", "replace"], typer.Option(help="Against which simple random sample.")] = "wor",
    standard: Annotated[
        Literal["ine", "cepal", "cepal_2023"], typer.Option(help="By which figures are judged.")
    ] = "ine",
    verify: Annotated[bool, typer.Option("--verify", help="Compute again by the library svy, and compare.")] = False,
    json_lines: JsonOption = False,
) -> None:
    """Estimate from any table and its design, as R's survey does, with INE's label of reliability.

    Prints estimate, standard error, 95 % interval, coefficient of variation, design effect, n, degrees of freedom and
    label, a line a figure. Shares are fractions. Lists of columns may be repeated or have commas between. The rules and
    the formats of margins are in docs/methods/estimation.md.
    """
    from estimation.answers import answer
    from estimation.surveys import DesignRequest, MarginRequest, Request, open_survey
    from flows.estimating import (
        load,
        read_asked,
        read_bounds,
        read_totals,
        rows_where,
        split_names,
        split_test,
        table_of,
    )

    output = Output(json_lines)
    asked = read_asked(mean or (), total or (), ratio or (), share or (), quantile or ())
    asked += [("count", "", "", 0.5)] if count else []
    tested = split_test(test)
    if not asked and not tested:
        raise CommandError(
            "CMD-171",
            "Nothing is asked of the table.",
            "Give --mean X, --total X, --ratio X/Y, --share X, --quantile X:0.5, --count or --test A*B.",
        )
    names, sizes, groups = split_names(clusters), split_names(fpc), split_names(by)
    margins = MarginRequest(
        read_totals([poststratify]),
        read_totals(rake or ()),
        read_totals(calibrate or ()),
        distance,
        read_bounds(bounds),
    )
    request = Request(
        "count",
        "",
        by=groups,
        design=DesignRequest(weights, strata, names, sizes, singleton, replicates, rep_type, not rep_factors, rho),
        margins=margins,
        method=method,
        replicates=draws,
        seed=seed,
        interval=interval,
        replaced=deff == "replace",
        standard=standard,
    )
    survey = open_survey(load(file, request, asked, where, tested), request)
    kept = None if where is None else rows_where(survey.data, where)
    said: dict[str, None] = {}
    for kind, variable, second, order in asked:
        one_request = replace(request, kind=kind, variable=variable, second=second, order=order)
        found = answer(survey, one_request, kept)
        for one in found.figures:
            output.record({**asdict(one)})
        for line in table_of(found.figures, groups):
            output.say(line)
        said |= dict.fromkeys(found.notes)
        if verify:
            said |= {_verify(survey, one_request, kept, found.figures): None}
    if tested:
        _test(output, survey, tested, kept)
    for note in said:
        output.record({"note": note}, f"Note: {note}")


def _verify(survey: Survey, request: Request, kept: Flags | None, figures: Sequence[Answer]) -> str:
    from estimation.second_opinion import compare

    apart = compare(survey, request, kept, figures)
    what = f"{request.kind} {request.variable}".strip()
    if apart is None:
        return f"{what}: svy has no figures of this kind to compare with."
    return f"{what}: estimates and standard errors by svy differ by at most {apart:.1e} of their size."


def _test(output: Output, survey: Survey, names: tuple[str, ...], kept: Flags | None) -> None:
    import numpy as np

    from estimation.differences import independence
    from estimation.samples import encode

    codes = [encode(survey.data.codes(name)) for name in names]
    if kept is not None:
        codes = [np.where(kept, code, -1) for code in codes]
    found = independence(survey.sample, codes[0], codes[1])
    output.record(
        {"test": "*".join(names), **asdict(found)},
        f"{' and '.join(names)}: F = {found.statistic:.6g}, df = {found.numerator_df:.6g} and "
        f"{found.denominator_df:.6g}, p = {found.p:.4g} (Rao-Scott, second order)",
    )
