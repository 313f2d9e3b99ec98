"""The refused rows of a cleaning log: told on the screen, some of them, and listed in a file, all of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from flows.output import Output
from validation.cleaning.replay import RefusedRow

SHOWN = 20
"""Refused rows that the screen tells one by one."""


def tell_refused(output: Output, refused: Sequence[RefusedRow]) -> None:
    """The rows with their reasons: every one for a machine, the first for people."""
    for number, row in enumerate(refused):
        if output.json_lines:
            output.record(row, "")
        elif number < SHOWN:
            output.say(f"  refused, row {row.number} ({row.key} {row.question}): {row.sentence} [{row.reason}]")
    if len(refused) > SHOWN and not output.json_lines:
        output.say(f"  ... and {len(refused) - SHOWN} more; --report FILE lists all of them.")


def write_refused(path: Path, refused: Sequence[RefusedRow]) -> None:
    """All of them as CSV: row, uuid, question, change_type, reason, sentence."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row", "uuid", "question", "change_type", "reason", "sentence"])
        for row in refused:
            writer.writerow([row.number, row.key, row.question, row.change_type, row.reason, row.sentence])
