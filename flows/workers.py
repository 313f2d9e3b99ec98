"""What a worker process does first; it imports nothing, so that it comes before all else."""

from __future__ import annotations

import os


def share_cores() -> None:
    """One thread a process: the cores are shared out by process. Polars reads this when it is imported."""
    os.environ["POLARS_MAX_THREADS"] = "1"
