"""`comunal trace`: the way from a published figure to the bytes that phones sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data

if TYPE_CHECKING:
    from flows.tracing import Trace


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("trace")(trace_figure)


def trace_figure(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="Name of the release's folder, or latest.")],
    indicator: Annotated[str, typer.Argument(metavar="INDICATOR", help="Name as tables/estimates.csv has it.")],
    domain: Annotated[
        str, typer.Argument(metavar="DOMAIN", help="total, or BREAKDOWN=CODE, with & between parts.")
    ] = "total",
    category: Annotated[str, typer.Option("--category", metavar="CODE", help="Of a distribution.")] = "",
    hashes: Annotated[bool, typer.Option("--hashes", help="List the SHA-256 of each interview behind it.")] = False,
    language: Annotated[
        Literal["es", "ht", "en"], typer.Option("--language", help="Of questions and sentences.")
    ] = "es",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Follow a published figure back: its definition and questions, weights, rows, and the digests of the interviews.

    The figure is computed anew from the interviews that the release rests on, and their stored bytes are read and
    compared with their digests. A withheld figure is neither computed nor counted. Prints no answer of anybody. Exit
    status 1 if something doesn't agree.
    """
    from flows.tracing import trace
    from store.releases import list_releases

    output = Output(json_lines)
    with open_data(data) as store:
        if release == "latest":
            with store.read() as connection:
                release = next((row.release_id for row in reversed(list_releases(connection))), release)
        found = trace(store, release, indicator, domain, category, language)
    if json_lines:
        output.record(_plain(found, hashes))
    else:
        for line in _lines(found, hashes):
            output.say(line)
    if not (found.intact and found.source_list_matches) or found.same is False:
        raise typer.Exit(1)


def _plain(found: Trace, hashes: bool) -> dict[str, object]:
    figure = found.figure
    counts = ("rows", "in_domain", "in_universe", "in_base", "behind", "weight")
    return {
        "release": found.release.release_id,
        "intact": found.intact,
        "published": found.published,
        "computed": None if figure is None else figure.estimate.estimate,
        "same": found.same,
        "definitions": found.definitions,
        "counts": None if figure is None else {name: getattr(figure, name) for name in counts},
        "weighting": () if figure is None else figure.steps,
        "sources": len(found.sources),
        "source_list_matches": found.source_list_matches,
        "replaced": found.replaced,
        "interviews_behind": len(found.behind),
        "verified": found.verified,
        "hashes": found.behind if hashes else None,
    }


def _lines(found: Trace, hashes: bool) -> list[str]:
    told = found.published
    release = found.release
    lines = [
        f"Release {release.release_id} of {release.form_id}, {release.state}, "
        f"made {release.created_at:%Y-%m-%d %H:%M} UTC",
        f"  {release.folder}: "
        + ("every file has the digest it was published with" if found.intact else "A FILE WAS CHANGED OR IS MISSING"),
        "",
        f"Figure {told['indicator']}, {told['domain']}" + (f", {told['category']}" if told["category"] else ""),
    ]
    if told["suppressed"]:
        lines.append(f"  withheld ({told['suppressed']}): too few people stand behind it, or it would give others away")
    else:
        lines.append(f"  published: {told['estimate']} {told['unit']}, n {told['n']}, {told['label']}")
    if found.figure is not None:
        other = "other interviews than then: see below" if found.same is None else "NOT THE SAME"
        agrees = "the same" if found.same else other
        lines.append(f"  computed anew: {found.figure.estimate.estimate} ({agrees})")
    lines += ["", "Definition (sheets indicators, breakdowns)"]
    for each in found.definitions:
        lines += [f"  {each.part}: {' '.join(each.expression.split())}", f"      {each.sentence}"]
        lines += [f"      {name}: {' '.join(text.split())}" for name, text in each.questions.items()]
    if found.figure is not None:
        lines += _row_lines(found)
    lines += [
        "",
        f"Interviews: the release rests on {len(found.sources)}; their list has "
        + ("the digest that it names" if found.source_list_matches else "ANOTHER DIGEST THAN IT NAMES")
        + f"; {found.replaced} were edited, withdrawn or set aside since",
    ]
    if found.figure is not None:
        lines.append(
            f"  {len(found.behind)} stand behind this figure; {found.verified} stored contents have their digest"
        )
    if hashes:
        lines += [f"  {digest}  {instance}" for instance, digest in found.behind.items()]
    return lines


def _row_lines(found: Trace) -> list[str]:
    figure = found.figure
    assert figure is not None  # noqa: S101 - the caller looked
    lines = [
        "",
        f"Rows of {figure.indicator.table}: {figure.rows}; in the domain {figure.in_domain}; in the universe "
        f"{figure.in_universe}; with a known answer {figure.in_base}; behind the figure {figure.behind}",
    ]
    if not figure.steps:
        return [*lines, "Weights: none; each interview counts once"]
    lines.append(f"Weights: {figure.weight:.6g} in all, made so:")
    return lines + [
        f"  {step.name}: {step.rows} interviews, sum {step.before:.6g} -> {step.after:.6g}, "
        f"{step.smallest:.6g} to {step.largest:.6g}, design effect {step.effect:.3f}"
        for step in figure.steps
    ]
