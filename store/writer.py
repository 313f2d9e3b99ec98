"""The one writer of arriving submissions: whoever waits is written together, in one durable transaction.

One sync of the disk serves up to `GROUP` submissions. Nobody is answered before the commit, and one bad item never
costs its neighbours theirs: if a group fails, its items are written one by one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from schemas.errors import ComunalError, StoreError
from store.arrivals import Malformed, NewSubmission, Outcome, add_malformed, add_submissions
from store.complaints import WHOLE_STORE
from store.open import Store

GROUP = 256


Item = NewSubmission | Malformed


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An item, and where its outcome goes: to an event loop's future, or to a thread's."""

    item: Item
    future: asyncio.Future[Outcome | None] | Future[Outcome | None]


_Settled = tuple[asyncio.Future[Outcome | None], Outcome | Exception | None]


class GroupWriter:
    """Writes submissions for many callers at once.

    What an event loop takes up in one turn is handed over together, and what became of it comes back together: two
    words between the threads for a group, instead of two for each.

    Args:
        store: where to.
        group: the most in one transaction.
    """

    def __init__(self, store: Store, group: int = GROUP) -> None:
        self._store = store
        self._group = group
        self._waiting: deque[_Waiting] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._ringing: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def add(self, item: NewSubmission) -> Outcome:
        """Store a submission and wait until it is durable.

        Raises:
            StoreError: STO-001 to STO-007 and STO-012, nothing of it is stored; STO-014, the writer is closed.
        """
        return _outcome(await self._hand_over(item))

    def add_now(self, item: NewSubmission) -> Outcome:
        """The same for a thread that may block."""
        future: Future[Outcome | None] = Future()
        self._queue(_Waiting(item, future))
        self._bell.put(None)
        return _outcome(future.result())

    async def quarantine(self, item: Malformed) -> None:
        """Keep bytes that are no submission, and wait until they are durable; errors as `add`."""
        await self._hand_over(item)

    def close(self) -> None:
        """Write whatever waits, then stop; later calls are refused."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._bell.put(None)
            thread.join()

    def _hand_over(self, item: Item) -> asyncio.Future[Outcome | None]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome | None] = loop.create_future()
        self._queue(_Waiting(item, future))
        if self._ringing is not loop:
            # Whoever else is ready in this turn of the loop comes along.
            self._ringing = loop
            loop.call_soon(self._ring)
        return future

    def _ring(self) -> None:
        self._ringing = None
        self._bell.put(None)

    def _queue(self, waiting: _Waiting) -> None:
        with self._lock:
            if self._closed:
                raise StoreError("STO-014", "The server is stopping: nothing was stored.", "Send it again later.")
            if self._thread is None:
                # A daemon: at a sudden end nobody waits for it, and nobody was answered either.
                self._thread = threading.Thread(target=self._work, name="group-writer", daemon=True)
                self._thread.start()
            self._waiting.append(waiting)

    def _work(self) -> None:
        while True:
            self._bell.get()
            # Asked before the queue is emptied: whatever came until then is in it, and nothing comes after.
            is_last = self._closed
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(self._group, len(self._waiting)))]
                # A caller that hung up meanwhile is written all the same: it may believe that it was heard.
                _settle(group, self._write([waiting.item for waiting in group]))
            if is_last:
                return

    def _write(self, items: Sequence[Item]) -> list[Outcome | Exception | None]:
        """What became of each: an outcome, null for quarantined bytes, or why it isn't stored."""
        try:
            return list(self._store_all(items))
        except Exception as error:
            if len(items) == 1 or (isinstance(error, ComunalError) and error.code in WHOLE_STORE):
                return [error] * len(items)
            return [result for item in items for result in self._write([item])]

    def _store_all(self, items: Sequence[Item]) -> list[Outcome | None]:
        with self._store.begin() as connection:
            good = [item for item in items if isinstance(item, NewSubmission)]
            outcomes = iter(add_submissions(connection, self._store.blobs, good) if good else [])
            add_malformed(connection, self._store.blobs, [item for item in items if isinstance(item, Malformed)])
            return [next(outcomes) if isinstance(item, NewSubmission) else None for item in items]


def _settle(group: Sequence[_Waiting], results: Sequence[Outcome | Exception | None]) -> None:
    """Tell everybody of a group, each loop by one call."""
    loops: dict[asyncio.AbstractEventLoop, list[_Settled]] = {}
    for waiting, result in zip(group, results, strict=True):
        future = waiting.future
        if isinstance(future, asyncio.Future):
            loops.setdefault(future.get_loop(), []).append((future, result))
        elif isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
    for loop, settled in loops.items():
        # A loop that has ended has nobody who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, settled)


def _tell(settled: Sequence[_Settled]) -> None:
    for future, result in settled:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


def _outcome(outcome: Outcome | None) -> Outcome:
    if outcome is None:
        raise AssertionError("only quarantined bytes have no outcome")
    return outcome
