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
"""Sendings in a row that found no server: the rest would only wait as long again."""
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
) -> SendReport:
    """Send in the given order, up to `parallel` at a time, and take no more from `sends` than that.

    Sendings of round 0 are done before those of round 1 begin, so that a second sending is second.

    Raises:
        CommandError: CMD-101 when eight sendings in a row, or the very first, find no server; CMD-102 when the first
            is refused its key.
    """
    tally = _Tally(client.server_url, progress)
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="phone") as pool:
        for _, group in itertools.groupby(sends, key=lambda send: send.round):
            _send_group(pool, client, group, parallel * 2, tally)
    return tally.report()


def _send_group(
    pool: ThreadPoolExecutor, client: CollectClient, sends: Iterator[Send], window: int, tally: _Tally
) -> None:
    waiting: set[Future[Receipt]] = set()
    try:
        for send in sends:
            waiting.add(pool.submit(client.send, send))
            if len(waiting) >= window:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                tally.add(done)
        done, waiting = wait(waiting)
        tally.add(done)
    finally:
        for future in waiting:
            future.cancel()


class _Tally:
    """Counts receipts, and stops a rehearsal that cannot succeed."""

    def __init__(self, server_url: str, progress: Progress | None) -> None:
        self._server_url = server_url
        self._progress = progress
        self._began = time.perf_counter()
        self._sent = self._refused = self._requests = 0
        self._slowest = 0.0
        self._out_of_reach = 0
        self._refusals: list[Receipt] = []

    def add(self, done: Iterable[Future[Receipt]]) -> None:
        for receipt in (future.result() for future in done):
            self._requests += receipt.requests
            self._slowest = max(self._slowest, receipt.seconds)
            self._out_of_reach = 0 if receipt.status else self._out_of_reach + 1
            if receipt.accepted:
                self._sent += 1
            else:
                self._refuse(receipt)
            if self._progress is not None:
                self._progress(self._sent + self._refused)

    def _refuse(self, receipt: Receipt) -> None:
        self._refused += 1
        if len(self._refusals) < MOST_REFUSALS_KEPT:
            self._refusals.append(receipt)
        if receipt.status == 0 and (not self._sent or self._out_of_reach >= GIVE_UP_AFTER):
            raise unreachable(self._server_url)
        if receipt.status in {401, 403} and not self._sent:
            raise CommandError(
                "CMD-102",
                f"The server refused the key of a submission (HTTP {receipt.status}).",
                "Copy the address again from the person's settings; a revoked key needs a new one.",
            )

    def report(self) -> SendReport:
        seconds = time.perf_counter() - self._began
        return SendReport(self._sent, self._refused, self._requests, seconds, self._slowest, tuple(self._refusals))
