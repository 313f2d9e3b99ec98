"""Every check of field work, in the order in which they are reported."""

from __future__ import annotations

from validation.fieldwork import (
    answers,
    backchecks,
    clocks,
    interviews,
    lines,
    linkage,
    outliers,
    places,
    progressing,
    rates,
    response,
    values,
)
from validation.fieldwork.task import FieldCheck

CHECKS: tuple[FieldCheck, ...] = (
    *interviews.CHECKS,
    *linkage.CHECKS,
    *answers.CHECKS,
    *clocks.CHECKS,
    *places.CHECKS,
    *rates.CHECKS,
    *outliers.CHECKS,
    *lines.CHECKS,
    *values.CHECKS,
    *backchecks.CHECKS,
    *response.CHECKS,
    *progressing.CHECKS,
)
