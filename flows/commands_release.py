"""`comunal release`: the releases that were made, what each holds, signatures, archives, and what differs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import data_folder, open_data
from schemas.errors import ReleaseError

if TYPE_CHECKING:
    from reports.differences import Differences
    from reports.release_signing import VerifiedRelease
    from store.open import Store
    from store.releases import ReleaseRow

GROUP = "release"
LATEST = "latest"
ARCHIVES = "archives"
"""Folder of archives within the data folder."""

_SHOWN = 40

ReleaseArgument = Annotated[
    str, typer.Argument(metavar="RELEASE", help="Its name, as `comunal release list` shows it, or latest.")
]
PlaceArgument = Annotated[
    str, typer.Argument(metavar="RELEASE", help="Its folder or archive, or its name in the data, or latest.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the group `release`, which is made if it isn't there."""
    group = next((one.typer_instance for one in app.registered_groups if one.name == GROUP), None)
    if group is None:
        group = typer.Typer(no_args_is_help=True, help="Releases: what they hold, signatures, archives, differences.")
        app.add_typer(group, name=GROUP)
    for name, command in _COMMANDS.items():
        group.command(name)(command)


def list_all(
    form_id: Annotated[str | None, typer.Argument(metavar="[FORM_ID]", help="Of this form; all without it.")] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List the releases that were made, oldest first: of which survey, in which state, and where their folders are."""
    from store.releases import list_releases

    output = Output(json_lines)
    with open_data(data) as store, store.read() as connection:
        rows = list_releases(connection, form_id)
    for row in rows:
        told = f"{row.release_id:<28} {row.state:<10} {row.created_at:%Y-%m-%d %H:%M}  {row.form_id}"
        output.record(_plain(row), f"{told}, {row.details.get('submissions', '?')} interviews")
    if not rows:
        output.say("No release was made yet: comunal run release makes one.")


def show(release: ReleaseArgument = LATEST, json_lines: JsonOption = False, data: DataOption = None) -> None:
    """Show what a release holds: its files and what each is, and what it follows from."""
    from flows.release_papers import describe_release

    output = Output(json_lines)
    with open_data(data) as store:
        row = _find(store, release)
    files = describe_release(Path(row.folder))
    if json_lines:
        output.record(_plain(row) | {"files": files})
        return
    output.say(f"{row.release_id} of {row.form_id}, {row.state}, made {row.created_at:%Y-%m-%d %H:%M} UTC")
    output.say(f"  {row.folder}")
    output.say(
        f"  {row.details.get('submissions', '?')} interviews, {row.details.get('cells', '?')} figures; "
        f"follows {row.details.get('previous') or 'none'}"
    )
    for name, size, title in files:
        output.say(f"  {size:>10,}  {name}" + (f"  {title}" if title else ""))


def verify(
    release: PlaceArgument,
    public_key: Annotated[
        list[str] | None,
        typer.Option("--public-key", metavar="KEY", help="A public key that you trust; may be repeated."),
    ] = None,
    require_signature: Annotated[bool, typer.Option("--signed", help="Fail too where nobody has signed it.")] = False,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Say whether each byte of a release is as it was published, and who signed it.

    A folder or an archive needs nothing but itself: no data folder, no network. Without `--public-key` the key is the
    one that a signature names: compare its fingerprint with the one that the signer told you. Exit status 1 if a file
    is missing, changed or added, or a signature doesn't hold.
    """
    from reports.release_signing import verify_release

    output = Output(json_lines)
    found = verify_release(_locate(release, data), frozenset(public_key) if public_key else None)
    if json_lines:
        output.record(found)
    else:
        for line in _verdict(found):
            output.say(line)
    if not found.good or (require_signature and not found.signatures):
        raise typer.Exit(1)


def sign(
    release: ReleaseArgument,
    person: Annotated[int, typer.Option("--person", metavar="ID", help="Who signs; `comunal people list` shows it.")],
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", exists=True, dir_okay=False, help="The key, where the store doesn't keep it."
        ),
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Sign every file of a release, as a reviewer, with the key of `comunal quality key`.

    The passphrase is asked for, or taken from COMUNAL_SIGNING_PASSPHRASE. Archive it afterwards: the archive takes the
    signatures along.
    """
    from console.acts.release_signing import sign_release
    from flows.commands_quality import PASSPHRASE
    from reports.signing import fingerprint
    from store.people import get_person

    output = Output(json_lines)
    with open_data(data) as store:
        row = _find(store, release)
        with store.read() as connection:
            who = get_person(connection, person)
        asked = os.environ.get(PASSPHRASE) or typer.prompt("Passphrase of the signing key", hide_input=True, err=True)
        text = None if key_file is None else key_file.read_text("utf-8", "replace")
        path, signed = sign_release(store, who, row.release_id, asked, key_file=text)
    told = {"release_id": row.release_id, "file": str(path), "public_key": signed.public_key}
    key = fingerprint(signed.public_key)
    output.record(told | {"fingerprint": key}, f"Signed {row.release_id} with key {key}\n  {path}")


def archive(
    release: PlaceArgument = LATEST,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where it goes (default: archives/ of the data).")
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Write a release into one .zip, and its SHA-256 beside: the same release gives the same bytes."""
    from reports.archive import write_archive
    from reports.release_signing import verify_release

    output = Output(json_lines)
    folder = _locate(release, data)
    if not folder.is_dir() or not (found := verify_release(folder)).good:
        message = f"The files of {release} aren't those that were published."
        raise ReleaseError("REL-075", message, "Look at comunal release verify, and bring them back from an archive.")
    target, digest = write_archive(folder.resolve(), out or data_folder(data) / ARCHIVES)
    told = {"archive": str(target), "sha256": digest, "files": found.files, "bytes": target.stat().st_size}
    output.record(told, f"{target}\n  {found.files} files, {told['bytes']:,} bytes\n  sha256 {digest}")


def differences(
    release: PlaceArgument = LATEST,
    former: Annotated[
        str | None,
        typer.Option("--from", metavar="RELEASE", help="The former one (default: the one that it follows)."),
    ] = None,
    language: Annotated[Literal["es", "ht", "en"], typer.Option("--language", help="Of the labels.")] = "es",
    limit: Annotated[int, typer.Option("--limit", help="Lines that are shown.")] = _SHOWN,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List what differs between two releases, or two rounds: each figure, and each name and definition.

    Figures are matched by indicator, domain and category. One that either release withholds is named, never told.
    """
    from reports.archive import no_release
    from reports.differences import compare, read_snapshot

    output = Output(json_lines)
    now = read_snapshot(_locate(release, data))
    if now is None:
        raise no_release(release)
    named = former or str(now.provenance.get("previous") or "")
    if not named:
        output.record({"former": None}, "It follows no other release: name one with --from.")
        return
    older = read_snapshot(_locate(named, data))
    if older is None:
        raise no_release(named)
    found = compare(older, now)
    if json_lines:
        for row in found.names.iter_rows(named=True):
            output.record(row)
        for row in found.figures.iter_rows(named=True):
            output.record(row)
        return
    for line in _difference_lines(found, now.indicators, language, limit):
        output.say(line)


_COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_all,
    "show": show,
    "verify": verify,
    "sign": sign,
    "archive": archive,
    "differences": differences,
}


def _find(store: Store, release: str) -> ReleaseRow:
    from store.releases import get_release, list_releases

    with store.read() as connection:
        if release == LATEST:
            rows = list_releases(connection)
            release = rows[-1].release_id if rows else release
        return get_release(connection, release)


def _locate(release: str, data: Path | None) -> Path:
    """A folder or an archive as it is named, else the folder of a release of the store."""
    path = Path(release)
    if path.exists():
        return path
    with open_data(data) as store:
        return Path(_find(store, release).folder)


def _plain(row: ReleaseRow) -> dict[str, object]:
    return {
        **{"release_id": row.release_id, "form_id": row.form_id, "state": row.state, "folder": row.folder},
        **{"created_at": row.created_at, "sha256": row.sha256, "details": dict(row.details)},
    }


def _verdict(found: VerifiedRelease) -> list[str]:
    from flows.commands_quality import describe_signature

    head = "GOOD" if not found.faults else "BAD "
    lines = [f"{head}  {found.release_id}: {found.files} files", f"  {found.checksum}  CHECKSUMS.sha256"]
    lines += [f"  {fault}" for fault in found.faults]
    lines += [describe_signature(each) for each in found.signatures]
    return lines if found.signatures else [*lines, "Nobody has signed it."]


def _difference_lines(found: Differences, indicators: object, language: str, limit: int) -> list[str]:
    import polars as pl

    from reports.differences import REASONS, STATUSES

    assert isinstance(indicators, pl.DataFrame)  # noqa: S101 - `read_snapshot` says so
    column = f"label_{language}"
    labels = dict(indicators.select("indicator", column).iter_rows()) if column in indicators.columns else {}
    counts = dict(found.figures.group_by("status").len().sort("status").iter_rows())
    told = ", ".join(f"{number} {status}" for status, number in counts.items()) or "none differ"
    lines = [f"Against {found.former}: {told}, {found.same} the same"]
    for row in found.names.iter_rows(named=True):
        where = f", {row['column']}" if row["column"] else ""
        lines.append(f"  {row['status']} {row['what']} {row['code']}{where}: {row['before']} → {row['after']}")
    for row in found.figures.head(limit).iter_rows(named=True):
        what = " ".join(part for part in (row["indicator"], row["domain"], row["category"]) if part)
        before, after = ("–" if row[name] is None else f"{row[name]:g}" for name in ("before", "after"))
        figures = "" if before == after == "–" else f" {before} → {after}"
        lines.append(
            f"  {row['status']} ({row['reason']}): {what}{figures}  {labels.get(row['indicator'], '')}".rstrip()
        )
    if found.figures.height > limit:
        lines.append(f"  … and {found.figures.height - limit} more: --limit, or --json")
    used = sorted(set(found.figures["reason"].to_list()))
    lines += [f"  {status}: {STATUSES[status]}" for status in counts]
    return lines + [f"  {reason}: {REASONS[reason]}" for reason in used]
