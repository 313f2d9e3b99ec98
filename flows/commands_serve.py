"""`comunal serve`, `comunal desk` and `comunal up`: the servers that people and phones talk to."""

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
    """Adds the three commands."""
    app.command("serve")(serve)
    app.command("desk")(desk)
    app.command("up")(up)


def serve(host: Host = "127.0.0.1", port: Port = 8390, json_lines: JsonOption = False, data: DataOption = None) -> None:
    """Receive submissions from ODK Collect (OpenRosa), until stopped with Ctrl-C or SIGTERM.

    201 is answered only when the bytes are durable. Put it behind HTTPS before phones reach it over a network.
    The desk, where people decide on findings and make releases, is at /desk.
    """
    from flows.desk import desk_routes
    from openrosa.serve import bind, run

    output = Output(json_lines)
    with open_data(data) as store:
        bind(host, port).close()  # a port in use is told before the address is
        output.record(
            {"url": f"http://{host}:{port}", "data": str(data_folder(data))},
            f"Collection server: http://{host}:{port}  (data in {data_folder(data)}; stop with Ctrl-C)",
        )
        run(store, host, port, more=desk_routes(store))


def desk(host: Host = "127.0.0.1", port: Port = 8391, json_lines: JsonOption = False, data: DataOption = None) -> None:
    """Open the desk alone: findings and decisions, field work, flows, releases, people; stop with Ctrl-C.

    People log in with a name and the password that `comunal people password` gave them. Put it behind HTTPS before
    it is reached over a network. `comunal serve` and `comunal up` have the same desk at /desk.
    """
    from flows.desk import serve_desk
    from openrosa.serve import bind

    output = Output(json_lines)
    with open_data(data) as store:
        bind(host, port).close()
        output.record(
            {"url": f"http://{host}:{port}/desk/", "data": str(data_folder(data))},
            f"Desk: http://{host}:{port}/desk/  (data in {data_folder(data)}; stop with Ctrl-C)",
        )
        serve_desk(store, host, port)


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
