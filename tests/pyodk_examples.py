"""Every public call of pyODK, as its documentation shows them; run by `test_openrosa_central_pyodk.py`.

    python tests/pyodk_examples.py URL NAME KEY FOLDER [RECORD.json]

FOLDER holds form.xlsx, newer.xlsx, other.xlsx, list.csv and photo.jpg. Prints what the calls gave as JSON. With
RECORD.json it also writes what pyODK sent, from which the suite replays it where pyODK isn't installed.
"""

# ruff: noqa: ANN401  pyODK comes without types

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from pyodk.client import Client  # type: ignore[import-not-found,unused-ignore]
from pyodk.errors import PyODKError  # type: ignore[import-not-found,unused-ignore]

SENT = """<data id="visita" version="1"><hogar><dormitorios>2</dormitorios><vivienda>1</vivienda></hogar>
<jefe>Rosa Secreta</jefe><plaza>-33.36 -70.73 480 5</plaza><foto>photo.jpg</foto>
<persona><edad>36</edad><nombre>Rosa Secreta</nombre></persona>
<persona><edad>7</edad><nombre>Luz Secreta</nombre></persona>
<meta><instanceID>uuid:85cb9aff-005e-4edd-9739-dc9c1a829c44</instanceID></meta></data>"""
FIRST = "uuid:85cb9aff-005e-4edd-9739-dc9c1a829c44"
TREE = "7f3b1a52-6d1c-4a58-9b9e-0c7d4f6e2a11"
EDITED = "uuid:315c2f74-c8fc-4606-ae3f-22f8983e441e"


def record(client: Any, folder: Path, sent: list[dict[str, Any]]) -> None:
    """Keep every request that the client sends, its login apart; files of the folder by name."""
    send = client.session.send

    def keep(request: Any, **options: Any) -> Any:
        body = request.body
        if body is not None and not isinstance(body, bytes | str):
            pieces = list(body)
            body = b"".join(pieces)
            request.body = iter(pieces)
        raw = body.encode() if isinstance(body, str) else body or b""
        named = [path.name for path in sorted(folder.iterdir()) if path.read_bytes() == raw]
        kept = {"Content-Type", "Transfer-Encoding", "X-XlsForm-FormId-Fallback"}
        headers = {name: value for name, value in request.headers.items() if name in kept}
        if not request.path_url.endswith("/sessions"):
            content = {"file": named[0]} if named else {"text": raw.decode()}
            sent.append({"method": request.method, "path": request.path_url, "headers": headers, **content})
        return send(request, **options)

    client.session.send = keep


def run(client: Any, folder: Path, recorded: bool) -> dict[str, Any]:
    """The calls, in an order in which each finds what it needs."""
    got: dict[str, Any] = {}

    def keep(name: str, value: Any) -> Any:
        got[name] = json.loads(json.dumps(value, default=lambda item: getattr(item, "__dict__", None) or str(item)))
        return value

    keep("projects.list", client.projects.list())
    keep("projects.get", client.projects.get(1))
    keep("forms.create", client.forms.create(folder / "form.xlsx", attachments=[folder / "list.csv"]))
    keep("forms.list", client.forms.list())
    keep("forms.get", client.forms.get("visita"))
    keep("forms.get_xml", client.forms.get_xml("visita"))
    keep("create_app_users", client.projects.create_app_users(["Equipo 1", "Equipo 2"], forms=["visita"]))
    keep("submissions.list.empty", client.submissions.list(form_id="visita"))
    made = client.submissions.create(
        xml=SENT, form_id="visita", device_id="laptop", attachments=[str(folder / "photo.jpg")]
    )
    keep("submissions.create", made)
    keep("submissions.list", client.submissions.list(form_id="visita"))
    keep("submissions.get", client.submissions.get(FIRST, form_id="visita"))
    keep("get_table", client.submissions.get_table(form_id="visita"))
    keep(
        "get_table.query",
        client.submissions.get_table(
            form_id="visita",
            skip=0,
            top=1,
            count=True,
            wkt=True,
            filter="year(__system/submissionDate) ge 2020",
            expand="*",
            select="hogar,plaza,persona,__id",
        ),
    )
    keep("get_table.repeat", client.submissions.get_table(form_id="visita", table_name="Submissions.persona"))
    xml = client.get(f"projects/1/forms/visita/submissions/{FIRST}.xml").text
    keep("submission.xml", xml)
    edit = xml.replace(FIRST, EDITED).replace("<meta>", f"<meta><deprecatedID>{FIRST}</deprecatedID>")
    edit = edit.replace("<dormitorios>2", "<dormitorios>3")
    client.submissions.edit(FIRST, form_id="visita", xml=edit, comment="Falta un dormitorio.")
    keep("submissions.get.edited", client.submissions.get(FIRST, form_id="visita"))
    client.submissions.review(FIRST, form_id="visita", review_state="approved", comment="Bien.")
    keep("submissions.get.reviewed", client.submissions.get(FIRST, form_id="visita"))
    keep("add_comment", client.submissions.add_comment(FIRST, form_id="visita", comment="Otra vez."))
    keep("list_comments", client.submissions.list_comments(FIRST, form_id="visita"))
    client.forms.update("visita", definition=folder / "newer.xlsx")
    client.forms.update("visita", attachments=[folder / "list.csv"])
    client.forms.update("visita", attachments=[folder / "list.csv"], version_updater=lambda version: version + "_1")
    keep("forms.get.updated", client.forms.get("visita"))
    keep("forms.create.bytes", client.forms.create((folder / "other.xlsx").read_bytes()))
    _entities(client, keep, recorded)
    try:
        client.submissions.get("uuid:nobody", form_id="visita")
    except PyODKError as error:
        keep("unknown", error.args[1].json())
    return got


def _entities(client: Any, keep: Any, recorded: bool) -> None:
    keep("entity_lists.create", client.entity_lists.create(entity_list_name="arboles"))
    keep("entity_lists.add_property", client.entity_lists.add_property("especie", entity_list_name="arboles"))
    keep("entity_lists.list", client.entity_lists.list())
    keep("entity_lists.get", client.entity_lists.get(entity_list_name="arboles"))
    one = client.entities.create(label="Quillay 1", data={"especie": "quillay"}, uuid=TREE, entity_list_name="arboles")
    keep("entities.create", one)
    rows = [{"label": "Peumo 1", "especie": "peumo"}, {"label": "Boldo 1", "especie": "boldo"}]
    keep("entities.create_many", client.entities.create_many(rows, entity_list_name="arboles"))
    keep("entities.list", client.entities.list(entity_list_name="arboles"))
    keep("entities.update", client.entities.update(TREE, "arboles", label="Quillay viejo", force=True))
    changed = client.entities.update(TREE, "arboles", data={"especie": "litre"}, base_version=2)
    keep("entities.update.base", changed)
    keep("entities.get_table", client.entities.get_table("arboles", count=True, select="label,especie,__id"))
    merged = [
        {"label": "Peumo 1", "especie": "peumo", "alto": "3"},
        {"label": "Nuevo", "especie": "maiten", "alto": "1"},
    ]
    # Ids that the server chooses can't be replayed, so a recording changes none of the entities that have one.
    client.entities.merge(
        merged,
        entity_list_name="arboles",
        match_keys=["label"],
        update_matched=not recorded,
        delete_not_matched=not recorded,
    )
    keep("entities.merge", client.entities.get_table("arboles")["value"])
    left = TREE if recorded else client.entities.list(entity_list_name="arboles")[0].uuid
    keep("entities.delete", client.entities.delete(left, entity_list_name="arboles"))


def main(url: str, name: str, key: str, folder: str, recording: str | None = None) -> None:
    """Log in, run, log in again from the cache, print."""
    with tempfile.TemporaryDirectory() as place:
        config = Path(place) / "pyodk.toml"
        config.write_text(
            f'[central]\nbase_url = "{url}"\nusername = "{name}"\npassword = "{key}"\ndefault_project_id = 1\n'
        )
        cache = Path(place) / "cache.toml"
        sent: list[dict[str, Any]] = []
        client = Client(config_path=config, cache_path=cache)
        if recording:
            record(client, Path(folder), sent)
        with client:
            got = run(client, Path(folder), recording is not None)
        with Client(config_path=config, cache_path=cache) as again:
            got["cached login"] = again.get("users/current").json()
        if recording:
            Path(recording).write_text(json.dumps(sent, indent=1, ensure_ascii=False) + "\n")
        print(json.dumps(got))


if __name__ == "__main__":
    main(*sys.argv[1:])
