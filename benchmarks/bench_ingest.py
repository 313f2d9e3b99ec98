"""100,000 interviews of about 4 kB: stored raw submissions -> typed tables -> findings; speed and peak memory.

    .venv/bin/python benchmarks/bench_ingest.py [INTERVIEWS] [PROCESSES]

The form has 80 questions with constraints, conditions and a repeat of five rows with six; the store is SQLite on the
local disk. Ingest and check (blobs read and compared with their digests, XML, tables, every rule, findings written)
run in a process of their own, whose peak memory the system accounts, with that of the processes it starts.
Rival: ODK Central v2026.2.2 on two cores, which re-reads every XML at each export: 18,020 submissions with 54,060
repeat rows in 10.6 s (csv.zip), that is 1,700 a second. Targets: 8,000 submissions per core second for reading rows
(bench_rows.py), 10,000 submissions a second from raw XML to findings on two cores, peak under 3 GiB.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

CENTRAL_PER_SECOND = 18_020 / 10.6
ROOT = Path(__file__).resolve().parents[1]


CONSTRAINTS = (". < 120", "string-length(.) > 1", ". <= date('2030-01-01')", ". >= 0 and . < 999")


def form_text() -> str:
    questions = "\n".join(
        f"| | {('integer', 'text', 'date', 'decimal')[n % 4]} | question_{n:02} | Q{n} | {CONSTRAINTS[n % 4]} "
        f"| {f'${{question_{n - n % 4:02}}} >= 0' if n % 4 else ''} | {'yes' if n % 8 == 0 else ''} |"
        for n in range(80)
    )
    inner = "\n".join(
        f"| | {('integer', 'text')[n % 2]} | person_{n} | P{n} | {CONSTRAINTS[n % 2]} | | |" for n in range(6)
    )
    return (
        "| survey |\n| | type | name | label | constraint | relevant | required |\n"
        f"{questions}\n| | begin repeat | person | Person | | | |\n{inner}\n"
        "| | end repeat | | | | | |\n| settings |\n| | form_id | version |\n| | bench | 1 |\n"
    )


def submission(number: int) -> bytes:
    values = (str(number % 97), f"text {number}", "2026-11-24", f"{number % 1000}.25")
    answers = "".join(f"<question_{n:02}>{values[n % 4]}</question_{n:02}>" for n in range(80))
    inner = "".join(f"<person_{n}>{values[n % 2]}</person_{n}>" for n in range(6))
    return (
        f'<data id="bench" version="1">{answers}{f"<person>{inner}</person>" * 5}'
        f"<meta><instanceID>uuid:{number:036}</instanceID></meta></data>"
    ).encode()


def fill(data: Path, interviews: int) -> int:
    from flows.registering import add_form
    from store.arrivals import NewSubmission, add_submissions
    from store.open import open_store

    form = data / "bench.md"
    form.write_text(form_text(), encoding="utf-8")
    with open_store(data) as store:
        assert add_form(store, form).version == "1"
        for start in range(0, interviews, 256):
            now = datetime.now(UTC)
            rows = [
                NewSubmission(
                    form_id="bench", version="1", instance_id=f"uuid:{n:036}", xml=submission(n), received_at=now
                )
                for n in range(start, min(start + 256, interviews))
            ]
            with store.begin() as connection:
                add_submissions(connection, store.blobs, rows)
    return len(submission(1))


def measure(data: Path, processes: int | None) -> None:
    """The measured process: ingest and check, then what they cost."""
    from flows.checking import check
    from flows.ingesting import ingest
    from store.open import open_store

    print(f"load {os.getloadavg()[0]:.1f}")
    with open_store(data) as store:
        started, spent = time.perf_counter(), cpu_seconds()
        report = ingest(store, "bench", processes=processes)
        ingested, spent_there = time.perf_counter() - started, cpu_seconds() - spent
        assert report.read, f"{report.failed} submissions were unreadable"
        print(f"{report.read:,} read: {ingested:.1f} s, {spent_there:.1f} CPU s; load {os.getloadavg()[0]:.1f}")
        print(f"  {report.read / ingested:,.0f} a second, {report.read / spent_there:,.0f} a core second")
        ratio = report.read / ingested / CENTRAL_PER_SECOND
        print(f"  {ratio:.1f} times ODK Central's export ({CENTRAL_PER_SECOND:,.0f}/s)")
        found = check(store, "bench", expectations=False)
        seconds, spent = time.perf_counter() - started, cpu_seconds() - spent
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    rules = sum(not row.rule.not_checked for row in found.summaries)
    print(f"{rules} rules judged, {found.opened:,} findings written: {seconds - ingested:.1f} s more")
    print(f"from raw XML to findings: {report.read / seconds:,.0f} a second, {report.read / spent:,.0f} a core second")
    print(f"peak memory {peak:,.0f} MiB (of this process and of the largest it started)")


def cpu_seconds() -> float:
    """CPU seconds of this process and of those that it started and that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]), int(sys.argv[3]) or None)
        return
    interviews = int(sys.argv[1]) if sys.argv[1:] else 100_000
    print(f"{platform.platform()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        size = fill(Path(folder), interviews)
        print(f"{interviews:,} submissions of {size:,} bytes stored")
        processes = sys.argv[2] if sys.argv[2:] else "0"
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, __file__, "--measure", folder, processes]
        subprocess.run(command, check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    main()
