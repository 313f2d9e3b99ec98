"""Reading submissions into segments, in this process or in several: the same segments whatever their number.

Python reads XML on one core. So where many submissions wait, batches go to worker processes as raw bytes; what comes
back is small: the names of the segments that a worker wrote, personal answers, findings. Nothing that a worker writes
counts before the transaction that registers it, which is made here, batch after batch in order of arrival.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from flows.workers import share_cores
from forms.rows import read_rows
from schemas.fields import Form
from schemas.submissions import ParsedBatch, RawSubmission
from store.segment_files import Segment, write_segments

Label = TypeVar("Label")

ENOUGH = 10_000
"""Submissions from which on worker processes are worth their start (about a second)."""

MOST_PROCESSES = 8
"""More would wait for the process that reads the database."""


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A batch that was read: its segments are written, and `parsed` has all but the tables."""

    segments: tuple[Segment, ...]
    parsed: ParsedBatch


def count_processes(waiting: int) -> int:
    """Processes that read so many submissions best: 1 is this one."""
    if waiting < ENOUGH:
        return 1
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def read_batch(data: Path, form: Form, batch: Sequence[RawSubmission], personal_key: bytes) -> ReadBatch:
    """Read a batch of one form version and write its segments."""
    parsed = read_rows(form, batch, personal_key)
    return ReadBatch(write_segments(data, form.form_id, parsed.tables), replace(parsed, tables={}))


_FORMS: dict[bytes, Form] = {}
"""Forms of a worker: each is unpacked once, since reading prepares much for a form."""


def _work(data: Path, form: bytes, batch: Sequence[RawSubmission], personal_key: bytes) -> ReadBatch:
    if form not in _FORMS:
        _FORMS[form] = pickle.loads(form)  # noqa: S301 - packed by the process that started this one
    return read_batch(data, _FORMS[form], batch, personal_key)


@dataclass(slots=True)
class Readers(Generic[Label]):
    """Reads batches and hands each on in the order in which they came. To be used as a context manager.

    Args:
        data: the store's folder.
        personal_key: for the ids of personal answers.
        processes: 1 reads in this process.
        finish: what to do with a batch that was read; called in this process, in order.
    """

    data: Path
    personal_key: bytes = field(repr=False)
    processes: int
    finish: Callable[[Label, ReadBatch], None]
    _pool: ProcessPoolExecutor | None = None
    _waiting: deque[tuple[Label, Form, Sequence[RawSubmission], Future[ReadBatch]]] = field(default_factory=deque)
    _packed: dict[int, tuple[Form, bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        if self.processes > 1:
            # Polars runs threads, and a fork of a process with threads may hang.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.processes, context, share_cores)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._hand_on(0)
        finally:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)

    def read(self, label: Label, form: Form, batch: Sequence[RawSubmission]) -> None:
        """Have a batch read; at most one batch a process and one more wait at a time."""
        if self._pool is None:
            self.finish(label, read_batch(self.data, form, batch, self.personal_key))
            return
        try:
            future = self._pool.submit(_work, self.data, self._pack(form), batch, self.personal_key)
        except BrokenProcessPool:
            self._read_here()
            self.read(label, form, batch)
            return
        self._waiting.append((label, form, batch, future))
        self._hand_on(self.processes + 1)

    def _hand_on(self, most: int) -> None:
        while len(self._waiting) > most:
            label, _, _, future = self._waiting[0]
            try:
                found = future.result()
            except BrokenProcessPool:
                self._read_here()
                return
            self._waiting.popleft()
            self.finish(label, found)

    def _read_here(self) -> None:
        """A worker died (out of memory, killed): read what it had, and all that follows, in this process."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        while self._waiting:
            label, form, batch, _ = self._waiting.popleft()
            self.finish(label, read_batch(self.data, form, batch, self.personal_key))

    def _pack(self, form: Form) -> bytes:
        if id(form) not in self._packed:
            self._packed[id(form)] = (form, pickle.dumps(form))
        return self._packed[id(form)][1]
