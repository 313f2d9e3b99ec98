"""`comunal weights`: how the weights of a survey's interviews are made, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("weights")(weights)


def weights(
    form: Annotated[str, typer.Argument(metavar="FORM_ID", help="The form's id.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with each interview's weight after each step.")
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Make the weights of the accepted interviews as the sheet design says, and tell what each step did.

    A step is told with the sum of weights before and after, the smallest and largest, Kish's effect (1 + cv squared)
    and, for calibration, each class with its known total and its sums before and after. See docs/methods/weights.md.
    """
    from flows.weighing import weigh

    output = Output(json_lines)
    with open_data(data) as store:
        table, steps, problems = weigh(store, form)
    if not steps:
        output.say("Every interview counts one: the sheet design has no weight, selection_probability or frame rows.")
    for step in steps:
        output.record(
            step,
            f"{step.name}: {step.before:,.6g} -> {step.after:,.6g}, {step.rows} interviews, "
            f"weights {step.smallest:,.4g} to {step.largest:,.4g}, effect {step.effect:.3f}",
        )
        for name, total, before, after in step.margins:
            output.say(f"  {name}: total {total:,.6g}, before {before:,.6g}, after {after:,.6g}")
    for problem in problems:
        output.record(problem, f"{problem.code} {problem.message} {problem.advice}")
    if out is not None:
        table.write_csv(out)
        output.say(f"{table.height} interviews in {out}.")
