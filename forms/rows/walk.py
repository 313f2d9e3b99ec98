"""Submissions -> rows of text by table: the part of reading that Python does text by text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from forms.envelopes import MESSAGES, meta_children, read_submission
from forms.rows.fast import FastReader, FastTable, Texts, resolve
from forms.rows.findings import DUPLICATE_NODE, NO_INSTANCE_ID, UNKNOWN_NODE, WRONG_VERSION, structure_finding
from forms.rows.plan import Layout, Section, plan_form
from forms.xml_bytes import local_name, new_parser
from schemas.errors import SubmissionError
from schemas.fields import Form
from schemas.findings import Finding
from schemas.submissions import RawSubmission

MAX_NAMED_NODES: Final = 10
_TEMPLATE: Final = "{http://openrosa.org/javarosa}template"

MIN_FAST: Final = 20
"""Smallest batch for which the short way is prepared: its expression takes milliseconds to compile the first time."""

Cells = list[str | None]


@dataclass(slots=True)
class TableRows:
    """Rows of one table as they were met: the cells (in the order of the table's fields) and their keys.

    Attributes:
        submissions: index in the batch of each row's submission.
    """

    cells: list[Texts] = field(default_factory=list)
    submissions: list[int] = field(default_factory=list)
    row_ids: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)


class Walker:
    """Walks the submissions of a batch in order.

    Attributes:
        rows: rows by table, in the order of the form's tables; texts are as received, null where a node is empty.
        findings: defects of shape.
        failed: submission id -> sentence; such a submission has no rows.
    """

    def __init__(self, form: Form, batch: Sequence[RawSubmission]) -> None:
        self.form = form
        self.batch = batch
        self.rows = [TableRows() for _ in form.tables]
        self.findings: list[Finding] = []
        self.failed: dict[int, str] = {}
        self._root = plan_form(form)
        self._widths = [len(table.fields) for table in form.tables]
        self._parser = new_parser()
        self._fast = FastReader(form) if len(batch) >= MIN_FAST else None
        self._hits = self._misses = 0
        self._names: dict[str, list[str]] = {}
        self._unknown: dict[str, list[str]] = {}
        self._doubled: dict[str, list[str]] = {}

    def read(self, index: int) -> None:
        """Read one submission of the batch; a failure is noted and leaves no rows."""
        raw = self.batch[index]
        if self._fast is not None and self._read_fast(self._fast, raw, index):
            return
        try:
            root = self._parse(raw.xml)
        except SubmissionError as error:
            self.failed[raw.submission_id] = MESSAGES[error.code]["es"]
            return
        if root.get("encrypted") == "yes":
            self.failed[raw.submission_id] = MESSAGES["SUB-011"]["es"]
        elif local_name(root) != self.form.root.name or root.get("id") != self.form.form_id:
            self.failed[raw.submission_id] = MESSAGES["SUB-010"]["es"]
        else:
            self._walk(root, self._root, self._new_row(0, index, "", "", 0), index, "")
            self._judge_nodes(raw)
            self._judge_root(raw, root.get("version", ""), _has_instance_id(root))

    def _read_fast(self, fast: FastReader, raw: RawSubmission, index: int) -> bool:
        """Read one submission the short way if possible; that is given up for clients which write otherwise."""
        found = fast.match(raw.xml)
        if found is None:
            self._misses += 1
            if self._misses > 100 and self._misses > 4 * self._hits:
                self._fast = None
            return False
        self._hits += 1
        groups = resolve(found.groups) if found.has_references else found.groups
        self._add_row(0, found.table.cells(groups), index, "", "", 0)
        self._add_children(found.table, found.groups, index, "", found.has_references)
        self._judge_root(raw, found.version, found.has_instance_id())
        return True

    def _add_children(self, table: FastTable, groups: Texts, index: int, row_id: str, has_references: bool) -> None:
        for place, child in table.children:
            found = [row.groups() for row in child.pattern.finditer(groups[place] or "")]
            if not found:
                continue
            rows, count = self.rows[child.index], len(found)
            ids = self._row_ids(child.name, row_id, count)
            rows.cells += [child.cells(resolve(own) if has_references else own) for own in found]
            rows.submissions += [index] * count
            rows.row_ids += ids
            rows.parents += [row_id] * count
            rows.positions += range(1, count + 1)
            if child.children:
                for own, own_id in zip(found, ids, strict=True):
                    self._add_children(child, own, index, own_id, has_references)

    def _row_ids(self, name: str, above: str, count: int) -> list[str]:
        """Ids of the first rows of a repeat; those of the outermost ones are the same in every submission."""
        known = self._names.setdefault(name, []) if not above else []
        prefix = f"{above}/{name}" if above else name
        known += [f"{prefix}[{number}]" for number in range(len(known) + 1, count + 1)]
        return known[:count]

    def _parse(self, xml: bytes) -> etree._Element:
        """The root; the careful checks of `read_submission` are only made where the bytes give cause.

        Raises:
            SubmissionError: see `read_submission`.
        """
        if b"<!" not in xml:
            try:
                return etree.fromstring(xml, self._parser)
            except etree.XMLSyntaxError:
                pass  # the careful reading says what is wrong
        return read_submission(xml, self._parser, max_depth=0)

    def take_rows(self) -> list[TableRows]:
        """The rows met since the last call, by table."""
        taken, self.rows = self.rows, [TableRows() for _ in self.form.tables]
        return taken

    def _new_row(self, table: int, index: int, row_id: str, parent: str, position: int) -> Cells:
        cells: Cells = [None] * self._widths[table]
        self._add_row(table, cells, index, row_id, parent, position)
        return cells

    def _add_row(self, table: int, cells: Texts, index: int, row_id: str, parent: str, position: int) -> None:
        rows = self.rows[table]
        rows.cells.append(cells)
        rows.submissions.append(index)
        rows.row_ids.append(row_id)
        rows.parents.append(parent)
        rows.positions.append(position)

    def _walk(self, element: etree._Element, section: Section, row: Cells, index: int, row_id: str) -> None:
        children = list(element)
        tags = tuple([child.tag for child in children])
        layout = section.layouts.get(tags)
        if layout is None:
            layout = section.lay_out(tags)
        texts = [child.text for child in children]
        if layout.is_plain:
            row[:] = texts
        else:
            for position, slot in layout.moves:
                row[slot] = texts[position]
        if layout.sections:
            self._walk_sections(children, layout, row, index, row_id)
        below = sum(map(len, children))
        if layout.unknown or layout.doubled or below != sum([len(children[place]) for place, _ in layout.sections]):
            self._note_defects(children, layout, section, row, row_id)

    def _walk_sections(
        self, children: Sequence[etree._Element], layout: Layout, row: Cells, index: int, row_id: str
    ) -> None:
        counts: dict[str, int] = {}
        for position, section in layout.sections:
            child = children[position]
            if section.repeat is None:
                self._walk(child, section, row, index, row_id)
            elif child.get(_TEMPLATE) is None:
                number = counts[section.name] = counts.get(section.name, 0) + 1
                own_id = f"{row_id}/{section.name}[{number}]" if row_id else f"{section.name}[{number}]"
                own_row = self._new_row(section.repeat, index, own_id, row_id, number)
                self._walk(child, section, own_row, index, own_id)

    def _note_defects(
        self, children: Sequence[etree._Element], layout: Layout, section: Section, row: Cells, row_id: str
    ) -> None:
        for position in layout.unknown:
            path = f"{section.path}/{local_name(children[position])}"
            self._unknown.setdefault(row_id, []).append(path[:200])
        for position, slot in layout.doubled:
            text = children[position].text
            if text and not text.isspace():
                if row[slot] is None:
                    row[slot] = text
                path = f"{section.path}/{local_name(children[position])}"
                self._doubled.setdefault(row_id, []).append(path)
        for position, _ in layout.moves:
            if len(children[position]):  # nodes inside an answer
                path = f"{section.path}/{local_name(children[position])}/{local_name(children[position][0])}"
                self._unknown.setdefault(row_id, []).append(path[:200])

    def _judge_nodes(self, raw: RawSubmission) -> None:
        """Findings about the nodes of the submission just walked."""
        for rule_id, noted in ((UNKNOWN_NODE, self._unknown), (DUPLICATE_NODE, self._doubled)):
            for row_id, paths in noted.items():
                names = [path.rpartition("/")[2] for path in paths[:MAX_NAMED_NODES]]
                self.findings.append(structure_finding(self.form, raw, row_id, rule_id, paths[0], names))
            noted.clear()

    def _judge_root(self, raw: RawSubmission, version: str, has_instance_id: bool) -> None:
        """Findings about the root and `meta`."""
        path = self.form.root.path
        if version != self.form.version:
            self.findings.append(structure_finding(self.form, raw, "", WRONG_VERSION, path))
        if not has_instance_id:
            path = f"{path}/meta/instanceID"
            self.findings.append(structure_finding(self.form, raw, "", NO_INSTANCE_ID, path))


def _has_instance_id(root: etree._Element) -> bool:
    last = root[-1] if len(root) else None  # where `meta` is, nearly always
    nodes = list(last) if last is not None and local_name(last) == "meta" else meta_children(root)
    return any(local_name(node) == "instanceID" and (node.text or "").strip() for node in nodes)
