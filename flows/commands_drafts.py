"""`comunal forms try`: a draft on a phone, before anything is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import open_data


def try_form(
    file: Annotated[
        Path,
        typer.Argument(metavar="FORM", exists=True, help="An XLSForm, or a folder of text sheets."),
    ],
    person: Annotated[
        int, typer.Option("--person", metavar="ID", help="Whose draft it is, as `comunal people list` shows it.")
    ],
    url: Annotated[
        str,
        typer.Option("--url", envvar="COMUNAL_PUBLIC_URL", help="Address at which phones reach the collection server."),
    ] = "http://127.0.0.1:8080",
    qr: Annotated[
        Path | None,
        typer.Option("--qr", metavar="FILE", help="Write the code that ODK Collect scans, as .svg or .png."),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the test address that phones have, and make no new one.")
    ] = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Offer a workbook as a draft under a test address: to try it on phones, and never to be counted.

    The draft replaces the form's earlier one. What phones send to the test address is kept apart from the survey.
    Registering a version is `comunal forms add`, as ever.
    """
    from flows.drafting import put_workbook
    from flows.phone_codes import check_code_file, write_code
    from openrosa.settings_qr import phone_settings
    from store.people import get_person
    from store.trials import open_trial

    output = Output(json_lines)
    if qr is not None:
        check_code_file(qr)
    with open_data(data) as store:
        with store.read() as connection:
            get_person(connection, person)
        draft = put_workbook(store, file, person)
        record: dict[str, object] = {"form_id": draft.form_id, "version": draft.version}
        lines = f"{draft.title} ({draft.form_id}, {draft.version}) is the draft now.\n"
        if not keep:
            with store.begin() as connection:
                token = open_trial(connection, draft.form_id)
            record["server_url"] = server_url = f"{url.rstrip('/')}/test/{token}"
            lines += f"  server_url  {server_url}\n"
            if qr is not None:
                write_code(qr, phone_settings(server_url))
                record["qr"] = str(qr)
                lines += f"  qr          {qr}\n"
            lines += "An earlier test address of the form no longer works; --keep would have kept it."
    output.record(record, lines.rstrip())
