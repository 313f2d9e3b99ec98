"""Short turns of the crash test and the fuzzer; the long ones are benchmarks/crash_server.py and fuzz_receiver.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
KILLS = os.environ.get("COMUNAL_KILLS", "5")
FUZZ_SECONDS = os.environ.get("COMUNAL_FUZZ_SECONDS", "3")
pytestmark = pytest.mark.slow


def run(script: str, *arguments: str) -> str:
    """What a benchmark prints; skips where this machine can't do it."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    for reason in ("PostgreSQL isn't installed", "A disk of its own can't be mounted"):
        if reason in done.stderr:
            pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("way", "database", "times"),
    [
        ("kill", "sqlite", KILLS),
        ("copy", "sqlite", "1"),
        ("power", "sqlite", "1"),
        ("database", "postgresql", "1"),
    ],
)
def test_nothing_acknowledged_is_lost_by_a_crash(way: str, database: str, times: str) -> None:
    told = run("crash_server.py", "--way", way, "--database", database, "--times", times, "--seed", "3")
    assert f"{times} times" in told
    assert " 0 lost," in told


def test_nothing_that_comes_over_the_network_breaks_the_server() -> None:
    told = run("fuzz_receiver.py", "--seconds", FUZZ_SECONDS, "--seed", "1")
    assert "good interviews" in told
