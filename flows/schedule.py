"""The deployments, in Python: what `comunal up` serves to the Prefect page. `python -m flows.schedule` serves them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from flows.places import open_data
from flows.prefect_server import configure_prefect
from flows.registering import list_registered


def serve_flows() -> None:
    """Serves the flows until the process is told to stop; each run is a process of its own."""
    configure_prefect(Path(os.environ["COMUNAL_DATA"]), os.environ.get("PREFECT_API_URL"), log_level="WARNING")
    from prefect import serve
    from prefect.types.entrypoint import EntrypointType

    from flows.prefect_flows import check_flow, ingest_flow, release_flow, report_flow

    deployments = [
        flow.to_deployment(
            name="comunal",
            tags=["comunal"],
            entrypoint_type=EntrypointType.MODULE_PATH,
            parameters=_only_form(),
        )
        for flow in (ingest_flow, check_flow, report_flow, release_flow)
    ]
    serve(*deployments, print_starting_message=False, pause_on_shutdown=False)  # type: ignore[arg-type]


def _only_form() -> dict[str, str]:
    """The form filled in beforehand where there is just one; a statistician then only presses the button."""
    with open_data(None) as store:
        forms = sorted({row.form_id for row in list_registered(store)})
    return {"form": forms[0]} if len(forms) == 1 else {}


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    serve_flows()
