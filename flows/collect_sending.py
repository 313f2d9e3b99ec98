"""Many interviews sent at once, as the phones of a field day would."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from flows.collect_client import CollectClient, Receipt, unreachable
from forms.rehearsal.interviews import Send
from schemas.errors import CommandError

MOST_REFUSALS_KEPT = 100
GIVE_UP_AFTER = 8
"""Sendings in a row that found no server, or one that takes nothing: the rest would only wait as long again."""
MOST_BEFORE_THE_FIRST = 20
"""Sendings refused for good while none was accepted."""
FOR_GOOD = frozenset({400, 409})
"""Refusals of one submission, which a rehearsal also makes on purpose; any other is of the server as it is now."""
Progress = Callable[[int], None]
"""Called with the number of sendings done so far."""


@dataclass(frozen=True, slots=True)
class SendReport:
    """How the sending of many interviews went.

    Attributes:
        sent: sendings answered 201 or 202.
        refused: sendings answered anything else; `refusals` keeps the first hundred.
        requests: POSTs made, tries and split parts included.
        seconds: wall clock.
        slowest_seconds: longest single sending.
    """

    sent: int
    refused: int
    requests: int
    seconds: float
    slowest_seconds: float
    refusals: tuple[Receipt, ...] = ()


def send_all(
    client: CollectClient,
    sends: Iterable[Send],
    *,
    parallel: int = 8,
    progress: Progress | None = None,
    skip: int = 0,
    keep: Progress | None = None,
) -> SendReport:
    """Send in the given order, up to `parallel` at a time, and take no more from `sends` than that.

    Sendings of round 0 are done before those of round 1 begin, so that a second sending is second.

    Args:
        client: a phone.
        sends: what to send.
        parallel: how many at once.
        progress: is told how many are done.
        skip: so many of the first were answered in an earlier run; they are taken and not sent.
        keep: is told at the end, also when it gives up, how many of the first need not be sent again.

    Raises:
        CommandError: CMD-101 when eight sendings in a row, or the very first, find no server; CMD-102 when the first
            is refused its key; CMD-107 when eight in a row are refused by a server that takes nothing now, or twenty
            before the first is accepted.
    """
    tally = _Tally(client.server_url, progress, skip)
    numbered = itertools.islice(enumerate(sends), skip, None)
    try:
        with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="phone") as pool:
            for _, group in itertools.groupby(numbered, key=lambda one: one[1].round):
                _send_group(pool, client, group, parallel * 2, tally)
    finally:
        if keep is not None:
            keep(tally.settled)
    return tally.report()


def _send_group(
    pool: ThreadPoolExecutor, client: CollectClient, sends: Iterator[tuple[int, Send]], window: int, tally: _Tally
) -> None:
    waiting: dict[Future[Receipt], int] = {}
    try:
        for number, send in sends:
            waiting[pool.submit(client.send, send)] = number
            if len(waiting) >= window:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                tally.add([(waiting.pop(future), future.result()) for future in done])
        wait(waiting)
        rest, waiting = waiting, {}
        tally.add([(number, future.result()) for future, number in rest.items()])
    finally:
        for future in waiting:
            future.cancel()


class _Tally:
    """Counts receipts, and stops a rehearsal that cannot succeed.

    Attributes:
        settled: how many of the first sendings were answered for good.
    """

    def __init__(self, server_url: str, progress: Progress | None, skip: int) -> None:
        self.settled = skip
        self._later: set[int] = set()
        self._server_url = server_url
        self._progress = progress
        self._began = time.perf_counter()
        self._sent = self._refused = self._requests = 0
        self._slowest = 0.0
        self._in_a_row = 0
        self._refusals: list[Receipt] = []

    def add(self, done: Iterable[tuple[int, Receipt]]) -> None:
        """Count what came back; all of it, before anything is given up."""
        last: Receipt | None = None
        for number, receipt in done:
            self._requests += receipt.requests
            self._slowest = max(self._slowest, receipt.seconds)
            if receipt.accepted or receipt.status in FOR_GOOD:
                self._settle(number)
            self._in_a_row = 0 if receipt.accepted or receipt.status in FOR_GOOD else self._in_a_row + 1
            if receipt.accepted:
                self._sent += 1
            else:
                self._refused += 1
                last = receipt
                if len(self._refusals) < MOST_REFUSALS_KEPT:
                    self._refusals.append(receipt)
            if self._progress is not None:
                self._progress(self._sent + self._refused)
        if last is not None:
            self._give_up(last)

    def _settle(self, number: int) -> None:
        self._later.add(number)
        while self.settled in self._later:
            self._later.remove(self.settled)
            self.settled += 1

    def _give_up(self, receipt: Receipt) -> None:
        if receipt.status == 0 and (not self._sent or self._in_a_row >= GIVE_UP_AFTER):
            raise unreachable(self._server_url)
        if receipt.status in {401, 403} and not self._sent:
            raise CommandError(
                "CMD-102",
                f"The server refused the key of a submission (HTTP {receipt.status}).",
                "Copy the address again from the person's settings; a revoked key needs a new one.",
            )
        if self._in_a_row >= GIVE_UP_AFTER or (not self._sent and self._refused >= MOST_BEFORE_THE_FIRST):
            said = f": {receipt.message}" if receipt.message else "."
            raise CommandError(
                "CMD-107",
                f"The server refuses what is sent (HTTP {receipt.status}, after {self._sent} accepted){said}",
                "Look at the server, then give the same command again: it goes on where it stopped.",
            )

    def report(self) -> SendReport:
        seconds = time.perf_counter() - self._began
        return SendReport(self._sent, self._refused, self._requests, seconds, self._slowest, tuple(self._refusals))
