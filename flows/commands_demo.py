"""`comunal demo`: the main job, from the shipped workbook to a published release."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import data_folder


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo")(demo)


def demo(
    survey: Annotated[
        str, typer.Option("--survey", help="A shipped survey (quilicura, independencia), or a folder of text sheets.")
    ] = "quilicura",
    interviews: Annotated[int, typer.Option("--interviews", min=1, help="Interviews with clean content.")] = 1021,
    spoil: Annotated[float, typer.Option("--spoil", min=0.0, max=1.0, help="Share of spoiled acts.")] = 0.05,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same interviews.")] = 2015,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Run the whole way on rehearsed interviews: build, serve, rehearse over HTTP, ingest, check, release.

    Ends by naming the page to open. A second run sends the same interviews again, which changes nothing.
    """
    from flows.demo import run_demo

    run_demo(data_folder(data), survey, interviews, spoil, seed, Output(json_lines))
