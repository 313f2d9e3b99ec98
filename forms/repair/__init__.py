"""Repair a workbook: opt-in, and every change is reported.

What is mended is common damage whose mending loses no answer: other names of columns and types, typographic quotes,
names that XML refuses, references that miss by little, unmatched ends, codes that are missing or stand twice, labels
that are missing. What only the author can know is left to `forms.lint`.
"""

from __future__ import annotations

from forms.repair.cells import repair_headers, repair_labels, repair_quotes, repair_types
from forms.repair.choices import repair_choices
from forms.repair.draft import open_draft
from forms.repair.names import repair_names
from forms.repair.sections import repair_sections
from schemas.errors import Problem
from schemas.workbook import Workbook


def repair_workbook(workbook: Workbook) -> tuple[Workbook, list[Problem]]:
    """Repair a workbook.

    Returns:
        The repaired workbook, and what was changed: one information (FRM-5xx) per change, with the row as numbered
        before the repair, the old and the new text. A workbook without such damage comes back equal, with no report.
    """
    draft = open_draft(workbook)
    repair_headers(draft)
    repair_types(draft)
    repair_sections(draft)
    repair_quotes(draft)
    repair_names(draft)
    repair_choices(draft)
    repair_labels(draft)
    return draft.finish(), draft.log
