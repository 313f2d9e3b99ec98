"""The main job on an installed project: `comunal demo` from the workbook to the release, as a whole process.

    .venv/bin/python benchmarks/bench_demo.py [RUNS]

1,021 clean interviews and 51 spoiled acts over HTTP, three Prefect flows on a local server, SQLite. Target: under 90 s
on two cores. No rival does the whole way; each line gives the seconds against that target.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET_SECONDS = 90.0
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    runs = int(sys.argv[1]) if sys.argv[1:] else 3
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    for number in range(1, runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            load = os.getloadavg()[0]
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "flows.cli", "demo", "--json", "--data", folder],
                cwd=ROOT,
                check=True,
                capture_output=True,
                text=True,
            )
            seconds = time.perf_counter() - started
        accepted = next(json.loads(line) for line in done.stdout.splitlines() if "release_id" in line)["interviews"]
        print(
            f"run {number}: {seconds:.1f} s, {seconds / TARGET_SECONDS:.2f} of the target; "
            f"{accepted} interviews accepted; load before {load:.1f}"
        )


if __name__ == "__main__":
    main()
