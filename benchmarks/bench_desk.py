"""How fast the desk's queue answers with many findings stored: first page, filters, the page after, one interview.

    .venv/bin/python benchmarks/bench_desk.py [FINDINGS]

The pages are asked for in process, through the whole app. Target: 200 ms a page with a million findings.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("tests", "benchmarks")]

from bench_findings import NOW, make  # noqa: E402
from decided_survey import FORM, add_people, make_survey  # noqa: E402
from desk_visitors import serve, visit  # noqa: E402

from store.findings import put_findings  # noqa: E402
from store.open import open_store  # noqa: E402

TIMES = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("findings", nargs="?", type=int, default=1_000_000)
    wanted = parser.parse_args().findings
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "data") as store:
        make_survey(store, Path(folder))
        person = add_people(store)["ana"]
        rules = {f"constraint:/data/group/question_{rule:02}" for rule in range(60)}
        started = time.perf_counter()
        with store.begin() as connection:
            put_findings(connection, FORM, (replace(row, form_id=FORM) for row in make(wanted)), rules, NOW)
        print(f"{wanted} findings stored in {time.perf_counter() - started:.1f} s")
        visitor = visit(serve(store), store, person)
        queue = f"/s/{FORM}/findings"
        page = visitor.get(f"{queue}?severity=all")[1]
        following = re.search(r'rel="next" href="/desk([^"]+)"', page)
        assert following is not None
        for what, path in {
            "gravest first": queue,
            "all": f"{queue}?severity=all",
            "next page": following[1],
            "one rule": f"{queue}?rule=constraint:/data/group/question_07",
            "closed": f"{queue}?state=closed",
            "home": "/",
            "one interview": f"/s/{FORM}/interviews/uuid:child",
        }.items():
            walls = []
            for _ in range(TIMES):
                started = time.perf_counter()
                status, _ = visitor.get(path)
                walls.append(1000 * (time.perf_counter() - started))
                assert status == 200, path
            print(f"{what:14} {statistics.median(walls):6.0f} ms median, {min(walls):6.0f} ms best")


if __name__ == "__main__":
    main()
