"""How fast a form is rehearsed: `python benchmarks/bench_rehearsal.py [WORKBOOK] [INTERVIEWS]`.

For comparison: JavaRosa, driven headless over a form of 79 questions with one repeat, fills about 290 interviews a
second on one warm core.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from forms.compile import compile_workbook
from forms.rehearsal import rehearse, rehearse_parallel
from forms.sheets import read_workbook

START = datetime(2026, 3, 2, tzinfo=UTC)
JAVAROSA_PER_SECOND = 290
JAVAROSA_QUESTIONS = 79


def main() -> None:
    default = Path(__file__).resolve().parents[1] / "forms/quilicura"
    survey = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1021
    compiled = compile_workbook(read_workbook(survey))
    questions = sum(1 for field in compiled.form.fields() if field.control)
    print(f"{compiled.form.form_id}: {questions} questions, {count} interviews")
    processes = len(os.sched_getaffinity(0))
    for name, interviews in (
        ("one process", rehearse(compiled, count, 1, START)),
        (f"{processes} processes", rehearse_parallel(compiled, count, 1, START, processes)),
    ):
        wall, cpu = time.perf_counter(), time.process_time()
        answers = size = noted = 0
        for interview in interviews:
            size += len(interview.xml)
            answers += interview.xml.count(b"</") - 1
            noted += bool(interview.notes)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            f"  {name}: {wall:.1f} s wall, {cpu:.1f} s CPU here; {count / wall:.0f} interviews/s, "
            f"{answers / wall:,.0f} elements/s, {size / count / 1000:.1f} kB each, {noted} with notes"
        )
    print(f"  JavaRosa headless: about {JAVAROSA_PER_SECOND} interviews/s at {JAVAROSA_QUESTIONS} questions")


if __name__ == "__main__":
    main()
