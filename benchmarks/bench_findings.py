"""How fast findings are kept and paged through: opened, found again, changed, closed; then pages and counts.

    .venv/bin/python benchmarks/bench_findings.py [FINDINGS] [--url postgresql://...]

Sixty rules over as many interviews as it takes. Rival: one statement a finding, which is what a keyed upsert through
the ORM does; measured on a hundredth of them. Targets: 100,000 opened in 2 s, a million in 25 s; a page of a million
and its count in 0.2 s.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from schemas.findings import Finding
from schemas.tables import findings as finding_rows
from store.findings import count, list_findings, page, put_findings
from store.open import Store, open_store

FORM = "bench"
RULES = 60
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MESSAGES = [
    {"es": f"Si hay trabajo, falta la pregunta {n}. " * 3, "ht": "x" * 90, "en": "y" * 90} for n in range(RULES)
]


def make(number: int, broken: int = 6) -> Iterator[Finding]:
    """Findings in the order of their interviews, `broken` an interview."""
    for at in range(number):
        interview, place = divmod(at, broken)
        rule = (interview * 7 + place * 10) % RULES
        severity = ("error", "warning", "info")[rule % 3]
        yield Finding(
            form_id=FORM,
            form_version="2026112401",
            instance_id=f"uuid:{(interview * 2654435761) % 2**32:08x}-0000-4000-8000-{interview:012x}",
            row_id="person[1]" if place % 2 else "",
            rule_id=f"constraint:/data/group/question_{rule:02}",
            kind="constraint",
            severity=severity,  # type: ignore[arg-type]
            path=f"/data/group/question_{rule:02}",
            message=MESSAGES[rule],
            advice={},
            variables=(f"question_{rule:02}",),
            engines=("javarosa",) if rule % 10 == 0 else ("javarosa", "webforms", "enketo"),
        )


def measure(what: str, run: Callable[[], object]) -> float:
    wall, cpu = time.perf_counter(), time.process_time()
    found = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:52} {wall:8.3f} s wall {cpu:8.3f} s CPU   {found}")
    return wall


def bench(store: Store, number: int) -> None:
    rules = {f"constraint:/data/group/question_{rule:02}" for rule in range(RULES)}

    def put(found: Iterator[Finding], hours: int = 0) -> object:
        with store.begin() as connection:
            return put_findings(connection, FORM, found, rules, NOW + timedelta(hours=hours))

    opened = measure(f"{number:,} opened", lambda: put(make(number)))
    measure("the same again", lambda: put(make(number), 1))
    measure("a tenth is gone", lambda: put(make(number - number // 10), 2))
    measure("and back", lambda: put(make(number), 3))
    rule = "constraint:/data/group/question_00"
    filters: list[dict[str, object]] = [
        {},
        {"severity": "error"},
        {"rule_id": rule},
        {"rule_id": rule, "severity": "info"},
        {"engine_dependent": True},
        {"state": "closed"},
        {"state": "all"},
    ]
    with store.read() as connection:
        for given in filters:
            measure(f"page {given}", lambda given=given: len(page(connection, FORM, **given).rows))
            measure(f"count {given}", lambda given=given: count(connection, FORM, **given))
        middle = page(connection, FORM, limit=number // 2).after
        measure("page in the middle", lambda: len(page(connection, FORM, after=middle).rows))
        measure("all listed", lambda: len(list_findings(connection, FORM)))
    few = max(100, number // 100)
    rival = measure(f"rival: one statement a finding, {few:,} of them", lambda: one_by_one(store, few))
    print(f"opening is {rival / few / (opened / number):,.1f} times as fast as one by one")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def one_by_one(store: Store, number: int) -> int:
    with store.begin() as connection:
        for at in range(number):
            row = {"form_id": "rival", "origin": "rules", "opened_at": NOW, "text_id": 1, "kind": "constraint"}
            row |= {"instance_id": str(at), "row_id": "", "rule_id": "x", "severity": "error", "form_version": "1"}
            connection.execute(insert(finding_rows).values(**row))
    return number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("findings", nargs="?", type=int, default=100_000)
    parser.add_argument("--url")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder), given.url) as store:
        print(f"{store.engine.dialect.name}, {given.findings:,} findings")
        bench(store, given.findings)


if __name__ == "__main__":
    main()
