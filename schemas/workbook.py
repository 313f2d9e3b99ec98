"""A questionnaire workbook as text cells, and what Comunal's own sheets mean once read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.text import Text

OWN_SHEETS = (
    *("topics", "indicators", "breakdowns", "checks", "expectations"),
    *("monitoring", "design", "imputation", "rehearsal"),
)
"""Sheets that are Comunal's; pyxform ignores them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet.

    Attributes:
        number: row of the compiled spreadsheet from 1 (the header is row 1).
        cells: header -> text, without empty cells. Numbers are written as in XLSForm ("15", not "15.0").
        file: the text sheet it stands in, "" if the workbook is one file.
        line: row within that file from 1, equal to `number` if the workbook is one file.
    """

    number: int
    cells: Mapping[str, str]
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its headers in order (kept for a round trip without loss) and its rows.

    Attributes:
        files: text sheet -> its own headers, where the sheet is a folder of them; else empty.
    """

    name: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook: name of the file or folder it was read from, sheets in order, and media beside it.

    Attributes:
        name: stem of the file or folder, the fallback for a missing form_id.
        media: file name -> bytes, of the `media/` folder or the files lying beside the workbook.
    """

    name: str
    sheets: Mapping[str, Sheet]
    media: Mapping[str, bytes] = field(default_factory=dict)

    def rows(self, sheet: str) -> tuple[Row, ...]:
        """The rows of a sheet, none if it is absent."""
        return self.sheets[sheet].rows if sheet in self.sheets else ()


@dataclass(frozen=True, slots=True)
class Indicator:
    """One row of `indicators`: a figure to publish. Expressions are ODK XPath over `${name}`.

    Attributes:
        name: stable code, the same in every round.
        topic: code of the topic under which the site tells it.
        kind: "count" (rows of the universe where the numerator holds), "share" (per cent of the denominator),
            "ratio" (sum of numerator over sum of denominator, times `scale`), "mean" (of `value`), "quantile" (of
            `value`, of the order `quantile`), or "distribution" (per cent of the denominator in each category of
            `value`).
        table: typed table whose rows are counted.
        universe: whom the figure is about; null means every row.
        denominator: of the universe, those whose answer is known; null means all of it. The share of the universe
            outside is published as the don't-know and refusal rate.
        numerator: boolean (count, share) or number (ratio); null otherwise.
        value: number (mean) or code (distribution); null otherwise.
        categories: codes published by a distribution, in order; anything else is "other". Empty: every code met.
        category_labels: code -> language -> text.
        breakdowns: names of `breakdowns` rows, or crossings of them (`sex*age_group`).
        source: where the definition comes from.
        row: row of the sheet.
        quantile: order of a quantile, 0..1: 0.5 is the median.
    """

    name: str
    topic: str
    kind: str
    table: str
    label: Text
    unit: str
    universe: str | None = None
    denominator: str | None = None
    numerator: str | None = None
    value: str | None = None
    scale: float = 1.0
    categories: tuple[str, ...] = ()
    category_labels: Mapping[str, Text] = field(default_factory=dict)
    breakdowns: tuple[str, ...] = ()
    description: Text = field(default_factory=dict)
    source: str = ""
    row: int | None = None
    quantile: float = 0.5


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One row of `breakdowns`: a grouping by which indicators of a table are told apart.

    Attributes:
        name: stable code (`sex`, `age_group`, `country`, `arrival`, `sector`).
        table: typed table whose rows it groups ("main" also serves the tables of repeats).
        value: expression that gives the category's code; blank leaves the row out of the breakdown.
        categories, category_labels: as in `Indicator`.
    """

    name: str
    table: str
    label: Text
    value: str
    categories: tuple[str, ...] = ()
    category_labels: Mapping[str, Text] = field(default_factory=dict)
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One row of `checks`: an expression that must hold for every row of `table`.

    Attributes:
        severity: "error" keeps the interview out of a release until decided; "warning" and "info" don't.
        variables: names of the questions to look at.
    """

    name: str
    table: str
    expression: str
    severity: str
    message: Text
    advice: Text = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    row: int | None = None


@dataclass(frozen=True, slots=True)
class RehearsalRow:
    """One row of `rehearsal`: how often a rehearsed answer is given.

    Attributes:
        question: name of the question.
        value: the answer; for numbers and dates "from..to" is a uniform range; "" is no answer.
        weight: relative frequency among the rows of this question (with the same `when`). Realised by quota, so
            that N interviews hold the exact largest-remainder apportionment.
        when: expression at the question's place that must hold for the row to apply, null: always.
    """

    question: str
    value: str
    weight: float
    when: str | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """The `design` sheet: one row a setting, columns `setting`, `value`, `note`.

    Attributes:
        survey: short name of the survey, the same in every room.
        commune: CUT code (five digits), "" if none.
        probability: whether the sample was drawn with known probabilities. If not, no standard error is printed.
        period: when and where it was asked, for readers.
        weight, strata, psu: expressions over the main table, null if none.
        threshold: cells with fewer (unweighted) rows are suppressed; 0 never suppresses.
        settings: every row as written, for the method page.
        communes: breakdown whose codes are communes (CUT), for a survey of many; "" for a survey of one or none.
    """

    survey: str
    commune: str = ""
    probability: bool = False
    title: Text = field(default_factory=dict)
    period: str = ""
    weight: str | None = None
    strata: str | None = None
    psu: str | None = None
    threshold: int = 10
    settings: Mapping[str, str] = field(default_factory=dict)
    communes: str = ""

    @property
    def is_weighted(self) -> bool:
        """Whether cases count by weights: of their own, from probabilities or a frame, or to reach known totals."""
        made = self.settings.get("selection_probability") or any(
            name.startswith(("frame:", "margin:")) for name in self.settings
        )
        return bool(self.weight or made)

    @property
    def is_replicated(self) -> bool:
        """Whether standard errors come from replicates of the weights."""
        return bool(self.settings.get("replicate_weights")) or self.settings.get("variance", "") not in {"", "taylor"}


@dataclass(frozen=True, slots=True)
class MonitoringRow:
    """One row of `monitoring`: a parameter of a check of field work, its severity, or that it is off.

    Attributes:
        name: of the check, or "general" for what several share.
        parameter, value: "" where the row only sets severity or switch.
        severity: "error", "warning", "info" or "" for the check's own.
        on: "no" switches the check off.
    """

    name: str
    parameter: str = ""
    value: str = ""
    severity: str = ""
    on: str = ""
    row: int | None = None


@dataclass(frozen=True, slots=True)
class ImputationRow:
    """One row of `imputation`: how the answers to one question are changed or filled in, once `design` turns it on.

    Attributes:
        variable: name of the question.
        table: its typed table, "" where the name tells.
        classes: questions whose answers a donor must share.
        order: questions by which donors of a class are sorted; the nearest one gives.
        donors: how often one interview may give, null for the default.
        missing: codes that stand for no answer and are filled in too; `blank` for a question left blank.
        reliability: how much it takes to change the answer, against 1.
    """

    variable: str
    table: str = ""
    classes: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    donors: int | None = None
    missing: tuple[str, ...] = ()
    reliability: float = 1.0
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of `topics`: a chapter of the published results, in the order of the sheet.

    Attributes:
        intro: a sentence or two that open the chapter.
    """

    name: str
    label: Text
    intro: Text = field(default_factory=dict)
    row: int | None = None


@dataclass(frozen=True, slots=True)
class OwnExpectation:
    """One row of `expectations`: an expectation of Great Expectations that an analyst adds for one of the tables.

    Attributes:
        name: stable code.
        table: typed table it is about.
        expectation: its name there, e.g. expect_column_mean_to_be_between.
        arguments: name -> value; `column` is the question's name.
        label: what it means, for people.
        problem: why its arguments can't be read, "" if they can.
    """

    name: str
    table: str
    expectation: str
    arguments: Mapping[str, object]
    severity: str = "warning"
    label: Text = field(default_factory=dict)
    problem: str = ""
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Specs:
    """What Comunal's own sheets of one workbook say."""

    topics: tuple[Topic, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    checks: tuple[Check, ...] = ()
    rehearsal: tuple[RehearsalRow, ...] = ()
    design: Design = field(default_factory=lambda: Design(survey=""))
    monitoring: tuple[MonitoringRow, ...] = ()
    expectations: tuple[OwnExpectation, ...] = ()
    imputation: tuple[ImputationRow, ...] = ()
