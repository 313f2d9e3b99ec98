"""What the `monitoring` sheet says: parameters, severity and switch of every check of field work.

A row with a check's name and a parameter sets that parameter; `severity` and `on` of any of its rows hold for the whole
check. Rows under the name `general` set what several checks share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.findings import FindingSeverity
from schemas.workbook import MonitoringRow

PREFIX = "field:"
GENERAL = "general"
_SEVERITIES: Mapping[str, FindingSeverity] = {"error": "error", "warning": "warning", "info": "info"}
_OFF = frozenset({"no", "off", "false", "0", "non"})

Defaults = Mapping[str, float | str]
"""Parameters of a check with their values where the sheet says nothing. A number stays one; a text is a list of names
or codes, separated by spaces."""

GENERAL_DEFAULTS: Defaults = {
    "enumerator": "",
    "psu": "",
    "disposition": "",
    "complete": "",
    "target": 0.0,
    "psu_target": 0.0,
    "min_answers": 20.0,
    "min_interviews": 15.0,
    "false_discovery_rate": 0.01,
    "dont_know": "-99 -98 -97 -88 98 99 dk dont_know ns no_sabe nr rf refused",
    "other": "other otro otra lot -96 96",
}
"""Shared parameters: question that tells the enumerator (else the form's metadata), the sampling unit and the outcome;
codes of a complete interview ("" takes interviews with `min_answers` answers); interviews planned in all and a
sampling unit; interviews that an enumerator needs to be compared with others; share of false ones that is allowed
among what tests of many enumerators and questions say; codes that stand for “don't know” and “other”."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of all checks, as far as they differ from the defaults.

    Attributes:
        values: (check, parameter) -> value.
        severities: check -> severity, where the sheet sets one.
        off: checks that are switched off.
        problems: check -> why a value of it can't be used.
    """

    values: Mapping[tuple[str, str], float | str] = field(default_factory=dict)
    severities: Mapping[str, FindingSeverity] = field(default_factory=dict)
    off: frozenset[str] = frozenset()
    problems: Mapping[str, str] = field(default_factory=dict)

    def number(self, check: str, name: str, defaults: Defaults) -> float:
        """A parameter that is a number."""
        return float(self.values.get((check, name), defaults[name]))

    def names(self, check: str, name: str, defaults: Defaults) -> tuple[str, ...]:
        """A parameter that is a list of names or codes."""
        return tuple(str(self.values.get((check, name), defaults[name])).split())


def read_parameters(rows: Iterable[MonitoringRow], known: Mapping[str, Defaults]) -> Parameters:
    """Read the rows of a `monitoring` sheet.

    Args:
        known: check (without `field:`) -> its parameters with their defaults; `general` is one of them.

    Returns:
        Unknown checks and parameters, and values that are no number where one is expected, are among `problems`; the
        default isn't taken in their place, since a check with a limit nobody meant says wrong things.
    """
    values: dict[tuple[str, str], float | str] = {}
    severities: dict[str, FindingSeverity] = {}
    off: set[str] = set()
    problems: dict[str, str] = {}
    for row in rows:
        name, where = row.name.removeprefix(PREFIX), f"sheet monitoring, row {row.row}"
        if name not in known:
            problems[name] = f"{where}: there is no check “{row.name}”"
            continue
        if row.severity:
            if row.severity in _SEVERITIES:
                severities[name] = _SEVERITIES[row.severity]
            else:
                problems[name] = f"{where}: severity “{row.severity}” is none of error, warning, info"
        if row.on.strip().lower() in _OFF:
            off.add(name)
        if not row.parameter:
            continue
        if row.parameter not in known[name]:
            problems[name] = f"{where}: the check “{name}” has no parameter “{row.parameter}”"
            continue
        value = _value(row.value, known[name][row.parameter])
        if value is None:
            problems[name] = f"{where}: the value of “{row.parameter}” is no number"
        else:
            values[name, row.parameter] = value
    return Parameters(values, severities, frozenset(off), problems)


def _value(text: str, default: float | str) -> float | str | None:
    if isinstance(default, str):
        return text.replace(",", " ").replace("${", "").replace("}", "").strip()
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number else None
