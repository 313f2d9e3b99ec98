"""`comunal eval`: one expression on one submission, or a file of conformance cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from schemas.errors import CommandError, ComunalError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("eval")(evaluate)


def evaluate(
    expression: Annotated[
        str | None, typer.Argument(metavar="EXPR", help="An ODK XPath expression; ${name} finds a question by name.")
    ] = None,
    submission: Annotated[
        Path | None, typer.Option("--submission", exists=True, dir_okay=False, help="The submission's XML.")
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(
            "--cases", exists=True, dir_okay=False, help="JSON lines with expr, context_xml, context_node, engine."
        ),
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Evaluate ODK XPath as the engine inside ODK Collect does (or, in cases, as the case's `engine`).

    Prints `value` and `type`, or `error`, one JSON object a line.
    """
    from expressions.cases import evaluate_case, evaluate_on_submission

    output = Output(json_lines=True)
    if cases is not None:
        with cases.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    output.record(evaluate_case(json.loads(line)))
        return
    if expression is None or submission is None:
        raise CommandError(
            "CMD-030",
            "comunal eval needs an expression and --submission FILE, or --cases FILE.",
            "For instance: comunal eval 'count(${person})' --submission interview.xml",
        )
    result = evaluate_on_submission(expression, submission.read_bytes())
    output.record(result)
    if "error" in result:
        raise typer.Exit(ComunalError.exit_status)
