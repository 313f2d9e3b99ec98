"""One run of a flow that the desk asked for, in a process of its own: the server that receives interviews stays quick.

What becomes of it stands in a small file, DATA/runs/ID.json: counts and codes, never an answer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from flows.places import open_data
from flows.summaries import counts_of
from schemas.errors import ComunalError
from store.audit import Actor, acting
from store.open import Store

Progress = Callable[[int, int | None], None]
STEP_SECONDS = 0.5
"""How often progress is written down at most."""


def write_run(file: Path, told: Mapping[str, object]) -> None:
    """Put what is known of a run in place of what was known, so that a reader finds one or the other."""
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(dict(told), ensure_ascii=False), encoding="utf-8")
    fresh.replace(file)


def run_flow(store: Store, flow: str, form_id: str, parameters: Mapping[str, object], tell: Progress) -> dict[str, int]:
    """Run one flow; the counts that a page shows of it."""
    if flow == "ingest":
        from flows.followed_up import ingest_survey

        return counts_of(ingest_survey(store, form_id, tell))
    if flow == "check":
        from flows.checking import check

        return counts_of(check(store, form_id, expectations=bool(parameters.get("expectations", True)), progress=tell))
    if flow == "report":
        from flows.quality import make_quality_report

        return counts_of(make_quality_report(store, form_id, store.data / "quality"))
    from flows.releasing import release

    return counts_of(release(store, form_id, store.data / "releases"))


def main(file: Path) -> int:
    """Run what the file asks for; 1 if it failed."""
    told = json.loads(file.read_text(encoding="utf-8"))
    last = 0.0

    def tell(done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= STEP_SECONDS:
            last = time.monotonic()
            write_run(file, told | {"done": done, "total": total})

    told |= {"state": "running", "pid": os.getpid()}
    write_run(file, told)
    try:
        # Whoever asked for it did it, also for the log: a release isn't approved by whoever made it.
        with open_data(None) as store, acting(Actor(told.get("by") or "comunal", "desk")):
            result = run_flow(store, told["flow"], told["form_id"], told["parameters"], tell)
        told |= {"state": "done", "result": result}
    except ComunalError as error:
        told |= {"state": "failed", "message": str(error)}
    except Exception as error:
        # Its text may hold an answer: the kind alone is told.
        told |= {"state": "failed", "message": type(error).__name__}
    write_run(file, told | {"ended_at": datetime.now(UTC).isoformat()})
    return int(told["state"] == "failed")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
