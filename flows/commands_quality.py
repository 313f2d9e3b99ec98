"""`comunal quality`: the report that a reviewer reads, asks about, signs or refuses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.output import DataOption, JsonOption, Output
from flows.places import data_folder, open_data
from schemas.errors import CommandError

if TYPE_CHECKING:
    from reports.signing import SigningAct, Verified
    from store.open import Store
    from store.people import Person
    from store.quality_reports import SignatureRow

PASSPHRASE = "COMUNAL_SIGNING_PASSPHRASE"  # noqa: S105  # a variable's name
REPORTS = "quality"
"""Folder of reports within the data folder."""

PersonOption = Annotated[
    int, typer.Option("--person", metavar="ID", help="Who does it, as `comunal people list` shows the number.")
]
MaybePersonOption = Annotated[
    int | None,
    typer.Option("--person", metavar="ID", help="Who does it, as `comunal people list` shows the number."),
]
NameOption = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Who signs, where there is no store: needs --key.")
]
RoleOption = Annotated[str, typer.Option("--role", metavar="ROLE", help="As what, together with --name.")]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="FILE", exists=True, dir_okay=False, help="The signing key, where the store doesn't keep it."
    ),
]
ReportArgument = Annotated[
    Path, typer.Argument(metavar="REPORT", help="Folder of the report, as `comunal quality report` wrote it.")
]


def register(app: typer.Typer) -> None:
    """Adds the group to the command."""
    group = typer.Typer(
        no_args_is_help=True, help="The data-quality report: make it, ask about it, sign it, verify signatures."
    )
    for name, command in _COMMANDS.items():
        group.command(name)(command)
    app.add_typer(group, name="quality")


def report(
    form: Annotated[str, typer.Argument(metavar="FORM", help="Id of the form.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where reports are kept (default: quality/ of the data)."),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Print it too, if Chromium or Chrome is there.")] = True,
    docs: Annotated[bool, typer.Option("--docs/--no-docs", help="With the pages of Great Expectations.")] = True,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Make the report of a survey as it is now, in Spanish, Kreyòl and English.

    The same interviews, decisions and findings give the same report: it is not made again. It holds no answer of
    anybody, and counts of few people are withheld.
    """
    from flows.quality import make_quality_report

    output = Output(json_lines)
    with open_data(data) as store:
        made = make_quality_report(store, form, out or data_folder(data) / REPORTS, pdf=pdf, docs=docs)
    output.record(
        made,
        f"{made.report_id}: {made.interviews} interviews, {made.findings} findings, {made.open} open"
        f"{'' if made.new else ' (made before)'}\n  {made.page}",
    )
    if pdf and made.new and not made.pdf:
        output.say("  No PDF: no browser is installed that prints one.")


def key(
    person: PersonOption,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Keep the key in this file alone, not in the store."),
    ] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Make the key pair with which a reviewer signs, locked by a passphrase of 12 characters or more.

    The passphrase is asked for twice, or taken from COMUNAL_SIGNING_PASSPHRASE; only the reviewer knows it. The public
    key and its fingerprint are told: hand them to whoever will verify. A key made before signs nothing more.
    """
    from console.acts.reviewing import make_signing_key

    output = Output(json_lines)
    if out is not None and out.exists():
        raise CommandError("CMD-200", f"{out} exists.", "Choose another name: a key is never written over.")
    with open_data(data) as store:
        made = make_signing_key(store, _person(store, person), _passphrase(is_new=True), keep=out is None)
    if out is not None:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(made.locked)
    kept = "in the store, under the passphrase" if out is None else str(out)
    output.record(
        {"person": person, "public_key": made.public_key, "fingerprint": made.fingerprint, "kept": kept},
        f"Public key  {made.public_key}\nFingerprint {made.fingerprint}\nPrivate key {kept}",
    )


def sign(
    folder: ReportArgument,
    person: MaybePersonOption = None,
    key_file: KeyOption = None,
    name: NameOption = None,
    role: RoleOption = "reviewer",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Sign a report: its files, and the data that it tells. The passphrase of the key is asked for.

    With `--name` and `--key` in place of `--person` nothing is needed but the folder: hand it back, or its file in
    `signatures/`, and `comunal quality take` brings the signature into the store.
    """
    from console.acts.reviewing import sign_report

    if person is None:
        _offline(Output(json_lines), folder, "sign", name, role, key_file)
        return
    with open_data(data) as store:
        row = sign_report(store, _person(store, person), _id(folder), _passphrase(), key_file=_read(key_file))
    _tell(Output(json_lines), row)


def refuse(
    folder: ReportArgument,
    reasons: Annotated[str, typer.Option("--reasons", help="What keeps the report from being signed.")],
    person: MaybePersonOption = None,
    key_file: KeyOption = None,
    name: NameOption = None,
    role: RoleOption = "reviewer",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Refuse a report, with reasons; that is signed too, so that nobody refuses in another's name."""
    from console.acts.reviewing import refuse_report

    if person is None:
        _offline(Output(json_lines), folder, "refuse", name, role, key_file, reasons)
        return
    with open_data(data) as store:
        row = refuse_report(
            store, _person(store, person), _id(folder), _passphrase(), reasons, key_file=_read(key_file)
        )
    _tell(Output(json_lines), row)


def take(
    folder: ReportArgument,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Take signatures that were given elsewhere into the store: of a report's folder, or of a copy that came back.

    Each counts for the person whose key made it. Exit status 1 if one wasn't taken.
    """
    from console.acts.returning import take_signatures

    output = Output(json_lines)
    with open_data(data) as store:
        found = take_signatures(store, folder)
    for row in found:
        told = {"file": row.file, "name": row.name, "act": row.act, "outcome": row.outcome}
        output.record(told, f"{row.outcome:<12} {row.act:<6} {row.name}  {row.file}")
    if not found:
        output.say("Nobody has signed or refused this report.")
    if any(row.outcome not in {"taken", "known"} for row in found):
        raise typer.Exit(1)


def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the report, with its signatures.")],
    public_key: Annotated[
        list[str] | None,
        typer.Option("--public-key", metavar="KEY", help="A public key that you trust; may be repeated."),
    ] = None,
    json_lines: JsonOption = False,
) -> None:
    """Say whether each byte of a report is as it was signed, and by whom. Needs nothing but the folder.

    Without `--public-key` the key is the one that the signature itself names: compare its fingerprint with the one that
    the reviewer told you. Exit status 1 if nobody signed, or something isn't as it was signed.
    """
    from reports.quality.folder import verify_folder

    output = Output(json_lines)
    found = verify_folder(folder, frozenset(public_key) if public_key else None)
    for row in found:
        output.record(row, describe_signature(row))
    if not found:
        output.record({"signatures": 0}, "Nobody has signed or refused this report.")
    if not found or not all(row.good for row in found):
        raise typer.Exit(1)


def ask(
    folder: ReportArgument,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What is asked.")],
    person: PersonOption,
    figure: Annotated[str, typer.Option("--figure", help="Address of the figure on the page, the text after #.")] = "",
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Ask about a report, or one figure of it: a task until it is answered and closed."""
    from console.acts.reviewing import ask_question

    with open_data(data) as store:
        row = ask_question(store, _person(store, person), _id(folder), figure, question)
    Output(json_lines).record(row, f"Question {row.id} is open.")


def answer(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Of the question.")],
    text: Annotated[str, typer.Argument(metavar="ANSWER", help="What is answered.")],
    person: PersonOption,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Answer a reviewer's question; whoever makes releases does. It may be answered anew until it is closed."""
    from console.acts.reviewing import answer_question

    with open_data(data) as store:
        row = answer_question(store, _person(store, person), number, text)
    Output(json_lines).record(row, f"Question {row.id} is answered; the reviewer closes it.")


def close(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Of the question.")],
    person: PersonOption,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Be content with the answer to a question, as a reviewer; or let the question go unanswered."""
    from console.acts.reviewing import close_question

    with open_data(data) as store:
        row = close_question(store, _person(store, person), number)
    Output(json_lines).record(row, f"Question {row.id} is closed.")


def questions(
    folder: Annotated[Path | None, typer.Argument(metavar="REPORT", help="Of this report; all without it.")] = None,
    json_lines: JsonOption = False,
    data: DataOption = None,
) -> None:
    """List questions about reports, open, answered and closed, with their answers."""
    from store.quality_questions import list_questions

    output = Output(json_lines)
    with open_data(data) as store, store.read() as connection:
        rows = list_questions(connection, report_id=_id(folder) if folder else None)
    for row in rows:
        about = f" #{row.figure}" if row.figure else ""
        told = f"{row.id:>4}  {row.state:<9} {row.report_id}{about}\n      {row.question}"
        output.record(row, told + (f"\n      → {row.answer}" if row.answer else ""))
    if not rows:
        output.say("No questions.")


_COMMANDS: dict[str, Callable[..., None]] = {
    "report": report,
    "key": key,
    "sign": sign,
    "refuse": refuse,
    "take": take,
    "verify": verify,
    "ask": ask,
    "answer": answer,
    "close": close,
    "questions": questions,
}


def describe_signature(row: Verified) -> str:
    """What one signature tells, in lines."""
    if not row.name:
        return f"BAD   {row.file}\n  " + "\n  ".join(row.faults)
    act = "signed" if row.act == "sign" else "refused"
    head = f"{'GOOD' if row.good else 'BAD'}  {act} by {row.name}, {row.role}, {row.signed_at}"
    key = f"  key {row.fingerprint}" + ("" if row.trusted else " (as the signature names it: compare)")
    lines = [head, key if row.trusted is not False else f"  key {row.fingerprint}", f"  data {row.data_sha256}"]
    return "\n".join([*lines, *(f"  {fault}" for fault in row.faults)])


def _offline(
    output: Output, folder: Path, act: SigningAct, name: str | None, role: str, key_file: Path | None, reasons: str = ""
) -> None:
    """Sign or refuse with the folder and a key alone."""
    from datetime import UTC, datetime

    from reports.quality.offline import sign_folder
    from reports.signing import Signer, fingerprint

    locked = _read(key_file)
    if not name or locked is None:
        message = "It isn't said who judges the report."
        advice = "Give --person, or --name together with --key where there is no store."
        raise CommandError("CMD-202", message, advice)
    signer = Signer(name, role)
    signed = sign_folder(folder, act, signer, locked, _passphrase(), at=datetime.now(UTC), reasons=reasons)
    told = {"report_id": _id(folder), "act": act, "name": name, "public_key": signed.public_key}
    done = "Signed" if act == "sign" else "Refused"
    output.record(told, f"{done}: {_id(folder)}, key {fingerprint(signed.public_key)}. Hand the folder back.")


def _tell(output: Output, row: SignatureRow) -> None:
    act = "Signed" if row.act == "sign" else "Refused"
    told = {"report_id": row.report_id, "act": row.act, "person": row.person_id, "public_key": row.public_key}
    output.record(told | {"signed_at": row.signed_at}, f"{act}: {row.report_id}. Verify with comunal quality verify.")


def _person(store: Store, number: int) -> Person:
    from store.people import get_person

    with store.read() as connection:
        return get_person(connection, number)


def _id(folder: Path) -> str:
    """A report is called as its folder is."""
    return folder.resolve().name


def _read(path: Path | None) -> str | None:
    return None if path is None else path.read_text(encoding="utf-8", errors="replace")


def _passphrase(is_new: bool = False) -> str:
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE]
    asked: str = typer.prompt(
        "Passphrase of the signing key",
        hide_input=True,
        confirmation_prompt=is_new,
        default="",
        show_default=False,
        err=True,
    )
    return asked
