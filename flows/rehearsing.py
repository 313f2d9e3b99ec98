"""A rehearsal over HTTP: fill a form that a server offers, and send the interviews as ODK Collect would."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flows.collect_client import CollectClient
from flows.collect_sending import send_all
from flows.encrypting import encrypt_sends
from flows.registering import load_form
from forms.compile import CompiledForm, compile_xform
from forms.rehearsal import rehearse_parallel
from forms.rehearsal.interviews import RehearsedInterview
from forms.rehearsal.spoiling import CONTENT, TRANSPORT, Spoiling, Truth, last_day
from schemas.errors import CommandError, StoreError
from store.open import Store

Progress = Callable[[int, int | None], None]
PARALLEL = 8


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """What a rehearsal did.

    Attributes:
        interviews: with clean content.
        spoiled: kind -> spoiled acts.
        sent, refused: sendings that the server accepted (201 or 202), and others.
        messages: sentence of the server -> how often, for refused sendings.
        notes: "kind path" -> interviews that could not be filled as asked.
        seconds: of sending; `sent / seconds` is what the server took.
    """

    form_id: str
    interviews: int
    spoiled: dict[str, int]
    sent: int
    refused: int
    messages: dict[str, int]
    notes: dict[str, int]
    seconds: float

    def __str__(self) -> str:
        acts = sum(self.spoiled.values())
        text = f"{self.interviews} interviews and {acts} spoiled acts: {self.sent} sendings accepted"
        text += f" in {self.seconds:.1f} s" + (f", {self.refused} refused" if self.refused else "")
        return text + (f"; {sum(self.notes.values())} notes" if self.notes else "")


def rehearse_over_http(
    form_id: str,
    *,
    interviews: int,
    seed: int,
    spoil: float,
    kinds: Collection[str] = (*CONTENT, *TRANSPORT),
    server_url: str,
    truth_path: Path | None = None,
    store: Store | None = None,
    compiled: CompiledForm | None = None,
    progress: Progress | None = None,
    start: datetime | None = None,
    kept: Path | None = None,
) -> RehearsalReport:
    """Fetch the form from the server, fill it, and send everything.

    Args:
        spoil: spoiled acts for each clean interview, 0 to 1.
        kinds: what may be spoiled; see `forms.rehearsal.spoiling`.
        truth_path: where the truth about them is written, one JSON object a line, without any answer.
        store: local store; its workbook gives the quotas where the form is registered there.
        compiled: the form with its `rehearsal` sheet, instead of the store's.
        start: first field day, with time zone; by default so many days ago that the last interviews are of yesterday.
        kept: file that remembers a rehearsal which was given up, so that the same call goes on where it stopped; it
            is gone when all is sent.

    Raises:
        CommandError: CMD-101 to CMD-105, see `flows.collect_client`; CMD-106, the server offers other bytes under
            this form id than the local store has; CMD-107, it takes nothing now.
    """
    skip, began = _resume(kept)
    with CollectClient(server_url) as client:
        form = _fetch(client, form_id, store, compiled)
        first_day = start or began or first_field_day(interviews, spoil)
        notes: Counter[str] = Counter()
        filled = _noted(rehearse_parallel(form, interviews, seed, first_day, _processes()), notes)
        spoiling = Spoiling(form, filled, interviews, spoil, seed, first_day, kinds)
        # Filled in other processes while earlier ones are on their way.
        total = interviews + spoiling.total
        sent = send_all(
            client,
            encrypt_sends(spoiling, form.form.public_key),
            parallel=PARALLEL,
            progress=_with_total(progress, total),
            skip=skip,
            keep=_keeper(kept, first_day),
        )
        if kept is not None:
            kept.unlink(missing_ok=True)
        if truth_path is not None:
            write_truth(truth_path, spoiling.truth)
    return RehearsalReport(
        form_id,
        interviews,
        dict(Counter(act.kind for act in spoiling.truth)),
        sent.sent,
        sent.refused,
        dict(Counter(f"{refusal.status} {refusal.message}".strip() for refusal in sent.refusals)),
        dict(notes),
        sent.seconds,
    )


def _resume(kept: Path | None) -> tuple[int, datetime | None]:
    """How many sendings an earlier rehearsal has made, and its first day."""
    if kept is None or not kept.exists():
        return 0, None
    found = json.loads(kept.read_text(encoding="utf-8"))
    return int(found["settled"]), datetime.fromisoformat(found["start"])


def _keeper(kept: Path | None, first_day: datetime) -> Callable[[int], None] | None:
    if kept is None:
        return None

    def keep(settled: int) -> None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"settled": settled, "start": first_day.isoformat()}), encoding="utf-8")

    return keep


def kept_file(data: Path, form_id: str, interviews: int, seed: int, spoil: float, server_url: str) -> Path:
    """Where a data folder remembers such a rehearsal; the name tells nothing of the address, which may hold a key."""
    name = json.dumps([form_id, interviews, seed, spoil, server_url])
    return data / "rehearsals" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def write_truth(path: Path, truth: Iterable[Truth]) -> None:
    """Write a truth file: one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{act.line()}\n" for act in truth), encoding="utf-8")


def _fetch(client: CollectClient, form_id: str, store: Store | None, compiled: CompiledForm | None) -> CompiledForm:
    fetched = client.fetch_form(form_id)
    if compiled is None and store is not None:
        try:
            compiled = load_form(store, form_id, fetched.listing.version)
        except StoreError:
            compiled = None  # registered elsewhere only: the XForm alone is enough, without quotas
    if compiled is None:
        return compile_xform(fetched.xform, fetched.media)
    if compiled.xform != fetched.xform:
        raise CommandError(
            "CMD-106",
            f"The server offers another form under the id {form_id!r} than the one registered here.",
            "Rehearse with the data folder of that server, or register this workbook there under a new version.",
        )
    return compiled


def first_field_day(interviews: int, spoil: float = 0.05) -> datetime:
    """Midnight, local time, so many days ago that every interview is past, the spoiled ones after them too."""
    days = last_day(interviews, spoil)
    return (datetime.now().astimezone() - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)


def _processes() -> int:
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _noted(interviews: Iterable[RehearsedInterview], notes: Counter[str]) -> Iterator[RehearsedInterview]:
    for interview in interviews:
        notes.update(f"{note.kind} {note.path}" for note in interview.notes)
        yield interview


def _with_total(progress: Progress | None, total: int) -> Callable[[int], None] | None:
    return None if progress is None else lambda done: progress(done, total)
