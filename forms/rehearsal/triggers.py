"""What must be computed again when an answer changes: relevance and calculations, in the order of their needs."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from expressions.grammar import parse
from expressions.records import RecordExpr, compile_record
from forms.rehearsal.dependencies import Reads, find_reads
from schemas.errors import ExpressionError
from schemas.fields import Field, Form, Repeat, walk

ROOT = -1
"""Instead of a number of levels: everything in the instance."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One computation.

    Attributes:
        relevant: whether it decides relevance; else it calculates the node's value.
        path: of the node that it decides about.
        steps: names of the path below the root element.
        type: bind type, for calculations.
    """

    relevant: bool
    path: str
    steps: tuple[str, ...]
    type: str
    expression: RecordExpr
    reads: Reads


class Triggers:
    """All computations of a form, in an order in which each comes after what it reads.

    A set of them is an integer with one bit for each, lowest first.

    Attributes:
        ordered: the computations.
        readers: path -> (computation, levels to climb from the changed node to the part of the tree that it concerns).
        broken: path -> what is wrong with an expression there that had to be left out.
    """

    def __init__(self, form: Form) -> None:
        self.root = form.root.path
        self.broken: dict[str, str] = {}
        self.repeats = frozenset(node.path for node in walk(form.root) if isinstance(node, Repeat))
        self.groups = frozenset(node.path for node in walk(form.root) if not isinstance(node, Field))
        self.references = {field.name: field.path for field in form.fields()}
        self.references.update({node.name: node.path for node in walk(form.root) if isinstance(node, Repeat)})
        found = list(self._find(form))
        self._calculations: dict[str, list[int]] = defaultdict(list)
        self._relevances: dict[str, list[int]] = defaultdict(list)
        self._index(found)
        order = _order(len(found), [self._writers(trigger) for trigger in found])
        self.ordered = tuple(found[index] for index in order)
        self._calculations.clear()
        self._relevances.clear()
        self._index(self.ordered)
        self._needs = [0] * len(self.ordered)
        for _ in range(2):  # the second time for what stands in a circle
            for index, trigger in enumerate(self.ordered):
                self._needs[index] = self._closure(self._writers(trigger))
        self.readers: Mapping[str, tuple[tuple[int, int], ...]] = self._find_readers()
        self._affected: dict[str, tuple[tuple[int, int], ...]] = {}

    def reads(self, text: str, context: str) -> Reads:
        """What an expression with that context path reads."""
        return find_reads(parse(text), context, self.references, self.repeats)

    def compiled(self, text: str, path: str) -> RecordExpr | None:
        """The compiled expression, null (and kept in `broken`) where it can't be read."""
        try:
            return compile_record(text)
        except ExpressionError as error:
            self.broken[path] = f"{error.code}: an expression can't be read and is left out."
            return None

    def needs(self, reads: Iterable[Reads], path: str) -> int:
        """The computations to be done before expressions with these `reads` are evaluated at `path`."""
        writers = set(self._relevance_above(path))
        for each in reads:
            for read in each.paths:
                writers |= self._written(read)
        return self._closure(writers)

    def affected(self, path: str) -> tuple[tuple[int, int], ...]:
        """Computations that look at the node at `path`, or at anything below it."""
        found = self._affected.get(path)
        if found is None:
            below = path + "/"
            edges: dict[int, int] = {}
            for index, trigger in enumerate(self.ordered):
                hits = [read for read in trigger.reads.paths if read == path or read.startswith(below)]
                if hits:
                    wide = any(read in trigger.reads.wide for read in hits)
                    edges[index] = ROOT if wide else self.levels(path, trigger.path)
            found = self._affected[path] = tuple(edges.items())
        return found

    def _find(self, form: Form) -> Iterator[Trigger]:
        for node in walk(form.root):
            if node.relevant and node.relevant != "true()":
                yield from self._trigger(True, node.path, "", node.relevant)
            if isinstance(node, Field) and node.calculation:
                yield from self._trigger(False, node.path, node.type, node.calculation)

    def _trigger(self, relevant: bool, path: str, bind_type: str, text: str) -> Iterator[Trigger]:
        steps = tuple(path.removeprefix(self.root).strip("/").split("/")) if path != self.root else ()
        if (expression := self.compiled(text, path)) is not None:
            yield Trigger(relevant, path, steps, bind_type, expression, self.reads(text, path))

    def _index(self, triggers: Iterable[Trigger]) -> None:
        for index, trigger in enumerate(triggers):
            (self._relevances if trigger.relevant else self._calculations)[trigger.path].append(index)

    def _writers(self, trigger: Trigger) -> set[int]:
        writers = set(self._relevance_above(trigger.path if not trigger.relevant else trigger.path.rpartition("/")[0]))
        for read in trigger.reads.paths:
            if read != trigger.path:  # what looks at itself (once, constraints of old values) needs nothing first
                writers |= self._written(read)
        return writers

    def _written(self, path: str) -> set[int]:
        writers = {*self._calculations.get(path, ()), *self._relevance_above(path)}
        if path in self.groups:
            below = path + "/"
            for table in (self._calculations, self._relevances):
                writers.update(index for at, indexes in table.items() if at.startswith(below) for index in indexes)
        return writers

    def _relevance_above(self, path: str) -> Iterator[int]:
        while len(path) >= len(self.root):
            yield from self._relevances.get(path, ())
            path = path.rpartition("/")[0]

    def _closure(self, writers: Iterable[int]) -> int:
        mask = 0
        for index in writers:
            mask |= 1 << index | self._needs[index]
        return mask

    def _find_readers(self) -> dict[str, tuple[tuple[int, int], ...]]:
        readers: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for index, trigger in enumerate(self.ordered):
            for read in trigger.reads.paths:
                if read == trigger.path and not trigger.relevant:
                    continue
                levels = ROOT if read in trigger.reads.wide else self.levels(read, trigger.path)
                readers[read].append((index, levels))
        return {path: tuple(edges) for path, edges in readers.items()}

    def levels(self, source: str, target: str) -> int:
        """Levels from a node at `source` up to the innermost row that it shares with `target`, else `ROOT`."""
        at = source
        levels = 0
        while len(at) > len(self.root):
            if at in self.repeats and (target == at or target.startswith(at + "/")):
                return levels
            at = at.rpartition("/")[0]
            levels += 1
        return ROOT


def _order(count: int, writers: list[set[int]]) -> list[int]:
    """Indexes so that writers come first; what stands in a circle comes last, in the order of the form."""
    waiting = [len(before - {index}) for index, before in enumerate(writers)]
    followers: dict[int, list[int]] = defaultdict(list)
    for index, before in enumerate(writers):
        for writer in before - {index}:
            followers[writer].append(index)
    ready = [index for index in range(count) if not waiting[index]]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for follower in followers[index]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, follower)
    placed = set(order)
    return order + [index for index in range(count) if index not in placed]
