"""The command `comunal`: parses, calls one function, prints, exits. `main` is its entry point."""

from __future__ import annotations

import sys

import typer

from flows import (
    commands_backup,
    commands_checks,
    commands_cleaning,
    commands_data,
    commands_decide,
    commands_demo,
    commands_disclosure,
    commands_entities,
    commands_estimate,
    commands_eval,
    commands_explain_interview,
    commands_fieldwork,
    commands_forms,
    commands_keys,
    commands_links,
    commands_people,
    commands_quality,
    commands_release,
    commands_release_preview,
    commands_release_profile,
    commands_run,
    commands_sample,
    commands_serve,
    commands_trace,
    commands_weights,
)
from flows.output import report_error
from schemas.errors import CommandError, ComunalError

app = typer.Typer(
    name="comunal",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,  # they would print the values of local variables: answers among them
    help="""
One pipeline from one questionnaire workbook to published commune-level results.

The way of a survey: `comunal forms check` and `comunal forms add` register the workbook; `comunal people add` gives an
enumerator a key; `comunal serve` (or `comunal up`, with flows and their page) receives what ODK Collect sends;
`comunal run ingest`, `check` and `release` take the submissions to published tables.
`comunal rehearse` fills the form without a phone, to try all of it before field work. `comunal backup` and `restore`
keep it all safe.

Exit status: 0 success; 1 problems found or an unexpected fault; 2 wrong use or setting; 3 form; 4 submission;
5 access; 6 database or disk; 7 estimation; 8 release; 9 decision.
""",
)
commands_forms.register(app)
commands_keys.register(app)
commands_links.register(app)
commands_entities.register(app)
commands_people.register(app)
commands_serve.register(app)
commands_data.register(app)
commands_backup.register(app)
commands_cleaning.register(app)
commands_decide.register(app)
commands_run.register(app)
commands_checks.register(app)
commands_fieldwork.register(app)
commands_eval.register(app)
commands_explain_interview.register(app)
commands_trace.register(app)
commands_estimate.register(app)
commands_sample.register(app)
commands_weights.register(app)
commands_disclosure.register(app)
commands_quality.register(app)
commands_release.register(app)
commands_release_preview.register(app)
commands_release_profile.register(app)
commands_demo.register(app)


def main() -> None:
    """Runs the command line; a `ComunalError` becomes one message and its exit status."""
    json_lines = "--json" in sys.argv
    try:
        app()
    except ComunalError as error:
        report_error(error, json_lines)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough: no fault of ours or theirs.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        report_error(
            CommandError(
                "CMD-050",
                f"The system refused {error.filename or 'a file'}: {error.strerror or type(error).__name__}.",
                "Correct the path, its permissions or the space, and run the command again; what was stored is kept.",
            ),
            json_lines,
        )
        sys.exit(CommandError.exit_status)


if __name__ == "__main__":
    main()
