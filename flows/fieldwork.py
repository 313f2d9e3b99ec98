"""How field work stands: progress, enumerators, response, and what the last check found, read from the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from console.acts.edited import edit_survey
from flows.registering import load_form
from schemas.findings import Finding
from store import findings as finding_rows
from store.open import Store
from store.tables import read_tables
from validation.fieldwork import enumerators, progress, responses

FIELD_KINDS = frozenset({"field"})


@dataclass(frozen=True, slots=True)
class FieldworkReport:
    """How field work stands.

    Attributes:
        progress, enumerators: see `validation.fieldwork`; `enumerators` has a column `findings` (open ones about
            them; those about single interviews are not among these).
        responses: AAPOR's rates, null where no question tells dispositions.
        exceptions: open findings about enumerators, sampling units, days and the whole survey.
        interviews: rule -> open findings about single interviews.
    """

    form_id: str
    progress: pl.DataFrame
    enumerators: pl.DataFrame
    responses: pl.DataFrame | None
    exceptions: tuple[Finding, ...]
    interviews: dict[str, int]


def read_fieldwork(store: Store, form_id: str, now: datetime | None = None) -> FieldworkReport:
    """How field work stands now, of the interviews as decisions left them; findings are those of the last check.

    Raises:
        StoreError: STO-011, when the form is not registered.
    """
    compiled = load_form(store, form_id)
    form, specs = compiled.form, compiled.specs
    tables = edit_survey(store, form, read_tables(store, form_id, form), reader="comunal fieldwork").tables
    with store.read() as connection:
        open_ones = finding_rows.list_findings(connection, form_id, kinds=FIELD_KINDS)
    exceptions = tuple(finding for finding in open_ones if not finding.instance_id)
    about = Counter(finding.row_id.partition("/")[0].removeprefix("enumerator:") for finding in exceptions)
    table = enumerators(form, tables, specs.design.settings, specs.monitoring)
    found = pl.Series("findings", [about[name] for name in table["enumerator"]], dtype=pl.Int64)
    single = Counter(finding.rule_id for finding in open_ones if finding.instance_id)
    return FieldworkReport(
        form_id,
        progress(form, tables, specs.design.settings, specs.monitoring, now or datetime.now(UTC)),
        table.with_columns(found),
        responses(form, tables, specs.design.settings, specs.monitoring),
        exceptions,
        dict(sorted(single.items())),
    )
