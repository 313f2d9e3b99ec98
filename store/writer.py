"""The one writer of arriving submissions: whoever waits is written together, in one durable transaction.

One sync of the disk serves up to `GROUP` submissions. Nobody is answered before the commit, and one bad item never
costs its neighbours theirs: if a group fails, its items are written one by one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from schemas.errors import ComunalError, StoreError
from store.arrivals import Malformed, NewSubmission, Outcome, add_malformed, add_submissions
from store.complaints import WHOLE_STORE
from store.open import Store

GROUP = 256


@dataclass(frozen=True, slots=True)
class _Waiting:
    item: NewSubmission | Malformed
    future: Future[Outcome | None]


class GroupWriter:
    """Writes submissions for many callers at once.

    Args:
        store: where to.
        group: the most in one transaction.
    """

    def __init__(self, store: Store, group: int = GROUP) -> None:
        self._store = store
        self._group = group
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def add(self, item: NewSubmission) -> Outcome:
        """Store a submission and wait until it is durable.

        Raises:
            StoreError: STO-001 to STO-007 and STO-012, nothing of it is stored; STO-014, the writer is closed.
        """
        return _outcome(await asyncio.wrap_future(self._hand_over(item)))

    def add_now(self, item: NewSubmission) -> Outcome:
        """The same for a thread that may block."""
        return _outcome(self._hand_over(item).result())

    async def quarantine(self, item: Malformed) -> None:
        """Keep bytes that are no submission, and wait until they are durable; errors as `add`."""
        await asyncio.wrap_future(self._hand_over(item))

    def close(self) -> None:
        """Write whatever waits, then stop; later calls are refused."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
        if thread is not None:
            thread.join()

    def _hand_over(self, item: NewSubmission | Malformed) -> Future[Outcome | None]:
        future: Future[Outcome | None] = Future()
        with self._lock:
            if self._closed:
                raise StoreError("STO-014", "The server is stopping: nothing was stored.", "Send it again later.")
            if self._thread is None:
                # A daemon: at a sudden end nobody waits for it, and nobody was answered either.
                self._thread = threading.Thread(target=self._work, name="group-writer", daemon=True)
                self._thread.start()
            self._queue.put(_Waiting(item, future))
        return future

    def _work(self) -> None:
        is_open = True
        while is_open:
            first = self._queue.get()
            group = [] if first is None else [first]
            is_open = first is not None
            while is_open and len(group) < self._group:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    is_open = False
                else:
                    group.append(following)
            # A caller that hung up meanwhile is written all the same: it may believe that it was heard.
            for waiting in group:
                waiting.future.set_running_or_notify_cancel()
            if group:
                self._write(group)

    def _write(self, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = self._store_all([waiting.item for waiting in group])
        except Exception as error:
            if len(group) == 1 or (isinstance(error, ComunalError) and error.code in WHOLE_STORE):
                for waiting in group:
                    _fail(waiting.future, error)
                return
            for waiting in group:
                self._write([waiting])
            return
        for waiting, outcome in zip(group, outcomes, strict=True):
            if not waiting.future.cancelled():
                waiting.future.set_result(outcome)

    def _store_all(self, items: Sequence[NewSubmission | Malformed]) -> list[Outcome | None]:
        with self._store.begin() as connection:
            good = [item for item in items if isinstance(item, NewSubmission)]
            outcomes = iter(add_submissions(connection, self._store.blobs, good) if good else [])
            add_malformed(connection, self._store.blobs, [item for item in items if isinstance(item, Malformed)])
            return [next(outcomes) if isinstance(item, NewSubmission) else None for item in items]


def _fail(future: Future[Outcome | None], error: Exception) -> None:
    if not future.cancelled():
        future.set_exception(error)


def _outcome(outcome: Outcome | None) -> Outcome:
    if outcome is None:
        raise AssertionError("only quarantined bytes have no outcome")
    return outcome
