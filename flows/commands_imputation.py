"""`comunal cleaning impute`: what imputation does to a survey, told in counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data

if TYPE_CHECKING:
    from console.acts.imputed import Counted

_OUTCOMES = {
    "imputed": "solved: every rule holds now, and the interview counts",
    "not_localised": "no change of answers satisfies every rule",
    "too_large": "more combinations than are looked at",
    "no_donor": "no interview that counts gave a fitting answer",
    "other_finding": "kept out by something that no answer mends: a duplicate, a rule on personal answers ...",
    "still_failing": "breaks a rule once judged as a whole",
}


def register(app: typer.Typer) -> None:
    """Adds the command to the group."""
    app.command("impute")(impute)


def impute(
    form_id: Annotated[str, typer.Argument(metavar="FORM_ID", help="The form, as `comunal forms list` shows it.")],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also if the design sheet doesn't say imputation = yes.")
    ] = False,
    flags: Annotated[
        Path | None,
        typer.Option("--flags", metavar="FILE", help="Where to list the answers that would be imputed, as CSV."),
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Say what imputation does: interviews solved and left, answers by question. Nothing is written, no answer shown.

    A release does the same, from the same seed. The list of `--flags` has interview, question, what the answer was
    (missing, failed, opened), how it was imputed, and a digest of who gave; no answers.
    """
    from console.acts.edited import edit_survey
    from console.acts.imputed import count_interviews, flags_of
    from flows.registering import load_form
    from store.tables import read_tables

    output = Output(json_lines)
    with open_data(data) as store:
        compiled = load_form(store, form_id)
        received = read_tables(store, form_id, compiled.form)
        survey = edit_survey(store, compiled.form, received, reader="comunal cleaning impute")
        counted = count_interviews(store, compiled, survey, anyway=anyway)
        if flags is not None and counted.plan is not None:
            flags.write_bytes(flags_of(store, [row for row in counted.changes if row.kind != "derived"]))
    if counted.plan is None:
        told = (
            f"The design sheet of {form_id} doesn't turn imputation on (imputation = yes); --anyway shows what it does."
        )
        output.record({"form": form_id, "on": False}, told)
        return
    _tell(output, form_id, counted)


def _tell(output: Output, form_id: str, counted: Counted) -> None:
    outcomes = Counter(counted.outcomes.values())
    seed = counted.plan.seed if counted.plan else ""
    answers = sum(rate.imputed for rate in counted.rates if rate.domain == "total")
    output.record(
        {"form": form_id, "on": True, "seed": seed, "answers": answers, "outcomes": dict(sorted(outcomes.items()))},
        f"{sum(outcomes.values())} interviews looked at, {outcomes['imputed']} solved; {answers} answers imputed "
        f"(seed {seed}).",
    )
    for outcome, meaning in _OUTCOMES.items():
        if outcomes[outcome]:
            output.say(f"  {outcomes[outcome]:>7}  {outcome}: {meaning}")
    if counted.rates:
        output.say(f"\n  {'question':<28} {'of':>8} {'missing':>8} {'failed':>8} {'opened':>8} {'imputed':>8}")
    for rate in counted.rates:
        told = {
            "question": rate.question,
            "table": rate.table,
            "domain": rate.domain,
            "of": rate.of,
            "missing": rate.missing,
            "failed": rate.failed,
            "opened": rate.opened,
            "methods": dict(rate.methods),
            "donors": rate.donors,
        }
        name = rate.question if rate.domain == "total" else f"  {rate.domain}"
        line = f"  {name:<28} {rate.of:>8} {rate.missing:>8} {rate.failed:>8} {rate.opened:>8} {rate.share:>8.1%}"
        output.record(told, line)
