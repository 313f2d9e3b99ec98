"""Ingest of 100,000 interviews of about 4 kB: stored raw submissions -> typed tables; speed and peak memory.

    .venv/bin/python benchmarks/bench_ingest.py [INTERVIEWS]

The form has 80 questions and a repeat of five rows with six; the store is SQLite on the local disk. Ingest runs in a
process of its own, whose peak memory the system accounts. Rival: ODK Central v2026.2.2 on two cores, which re-reads
every XML at each export: 18,020 submissions with 54,060 repeat rows in 10.6 s (csv.zip), that is 1,700 a second.
Targets: 8,000 submissions per core second for reading rows (bench_rows.py), peak under 1 GiB for 100,000.
"""

from __future__ import annotations

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


def form_text() -> str:
    questions = "\n".join(
        f"| | {('integer', 'text', 'date', 'decimal')[n % 4]} | question_{n:02} | Q{n} |" for n in range(80)
    )
    inner = "\n".join(f"| | {('integer', 'text')[n % 2]} | person_{n} | P{n} |" for n in range(6))
    return (
        f"| survey |\n| | type | name | label |\n{questions}\n| | begin repeat | person | Person |\n{inner}\n"
        "| | end repeat | | |\n| settings |\n| | form_id | version |\n| | bench | 1 |\n"
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


def measure(data: Path) -> None:
    """The measured process: ingest, then what it cost."""
    from flows.ingesting import ingest
    from store.open import open_store

    started, cpu = time.perf_counter(), time.process_time()
    with open_store(data) as store:
        report = ingest(store, "bench")
    assert report.read, f"{report.failed} submissions were unreadable"
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{report.read:,} read: {seconds:.1f} s, {cpu:.1f} CPU s, peak memory {peak:,.0f} MiB")
    print(f"  {report.read / seconds:,.0f} a second, {report.read / cpu:,.0f} a core second")
    print(
        f"  {report.read / seconds / CENTRAL_PER_SECOND:.1f} times ODK Central's export ({CENTRAL_PER_SECOND:,.0f}/s)"
    )


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
        return
    interviews = int(sys.argv[1]) if sys.argv[1:] else 100_000
    print(f"{platform.platform()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        size = fill(Path(folder), interviews)
        print(f"{interviews:,} submissions of {size:,} bytes stored")
        subprocess.run([sys.executable, __file__, "--measure", folder], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
