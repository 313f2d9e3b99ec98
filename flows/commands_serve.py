"""`comunal serve` and `comunal up`: the servers that people and phones talk to."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import data_folder, open_data

Host = Annotated[
    str,
    typer.Option("--host", envvar="COMUNAL_HOST", help="Address to listen on; 127.0.0.1 keeps it on this machine."),
]
Port = Annotated[int, typer.Option("--port", envvar="COMUNAL_PORT", min=1, max=65535, help="Port to listen on.")]


def register(app: typer.Typer) -> None:
    """Adds the two commands."""
    app.command("serve")(serve)
    app.command("up")(up)


def serve(host: Host = "127.0.0.1", port: Port = 8390, json_lines: JsonOption = False, data: DataOption = None) -> None:
    """Receive submissions from ODK Collect (OpenRosa), until stopped with Ctrl-C or SIGTERM.

    201 is answered only when the bytes are durable. Put it behind HTTPS before phones reach it over a network.
    """
    from openrosa.serve import bind, run

    output = Output(json_lines)
    with open_data(data) as store:
        bind(host, port).close()  # a port in use is told before the address is
        output.record(
            {"url": f"http://{host}:{port}", "data": str(data_folder(data))},
            f"Collection server: http://{host}:{port}  (data in {data_folder(data)}; stop with Ctrl-C)",
        )
        run(store, host, port)


def up(
    host: Host = "127.0.0.1",
    port: Port = 8390,
    prefect_port: Annotated[int, typer.Option("--prefect-port", help="Port of the Prefect page.")] = 4200,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Start the collection server, a local Prefect server and the flows, and print their addresses.

    Open the Prefect page, choose Deployments, and run ingest, check or release with their parameters.
    Ctrl-C or SIGTERM stops all of it cleanly.
    """
    from flows.up import run_everything

    run_everything(data_folder(data), host, port, prefect_port, Output(json_lines))
