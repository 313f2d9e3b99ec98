"""When rehearsed interviews take place: field days, hours of the day, lengths; and Collect's audit file of one."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

PER_DAY = 40
"""Interviews of one field day, by all enumerators together."""

ENUMERATORS = 8
FIRST_HOUR, LAST_HOUR = 9.0, 20.0
"""Interviews begin and end within these hours, local time of `start`."""

MEDIAN_MINUTES, SPREAD = 35.0, 0.35
SHORTEST_MINUTES, LONGEST_MINUTES = 12.0, 120.0


@dataclass(frozen=True, slots=True)
class Visit:
    """When and by whom one interview is made.

    Attributes:
        enumerator: from 1.
    """

    start: datetime
    end: datetime
    enumerator: int


def plan_visit(index: int, start: datetime, chance: random.Random) -> Visit:
    """The visit of the interview with that index (from 0).

    Each enumerator's interviews of a day follow each other without overlap, since each has its own part of the day.
    """
    day, place = divmod(index, PER_DAY)
    turn, enumerator = divmod(place, ENUMERATORS)
    turns = math.ceil(PER_DAY / ENUMERATORS)
    slot = (LAST_HOUR - FIRST_HOUR) / turns * 60
    minutes = MEDIAN_MINUTES * math.exp(SPREAD * chance.gauss(0, 1))
    minutes = min(max(minutes, SHORTEST_MINUTES), LONGEST_MINUTES, slot - 2)
    offset = FIRST_HOUR * 60 + turn * slot + chance.random() * (slot - 1 - minutes)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=day)
    begins = midnight + timedelta(milliseconds=int(offset * 60_000))
    return Visit(begins, begins + timedelta(milliseconds=int(minutes * 60_000)), enumerator + 1)


def audit_csv(visit: Visit, asked: Sequence[tuple[str, datetime]]) -> bytes:
    """Collect's audit.csv: one row a question, with start and end in milliseconds since 1970.

    Args:
        asked: node (`/data/person[1]/age`) and the moment it was shown, in order.
    """
    lines = ["event,node,start,end", f"form start,,{_milliseconds(visit.start)},"]
    ends = [moment for _, moment in asked[1:]] + [visit.end]
    lines += [
        f"question,{node},{_milliseconds(moment)},{_milliseconds(max(moment, until))}"
        for (node, moment), until in zip(asked, ends, strict=True)
    ]
    closing = _milliseconds(visit.end)
    lines += [f"end screen,,{closing},{closing}", f"form save,,{closing},", f"form exit,,{closing},"]
    lines.append(f"form finalize,,{closing},")
    return ("\n".join(lines) + "\n").encode()


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
