"""The field tree of one version of a form: what its XForm says, plus the workbook rows it came from.

Paths are absolute XForm paths without predicates (`/data/household/person/age`). Expressions are the XForm's own
texts, that is with paths and not with `${name}`; their context node is the field itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from schemas.text import Text

MAIN_TABLE = "main"
"""Name of the table with one row per submission."""

# Key columns that every typed table carries. No question of a form gets such a name (a question whose name
# starts with an underscore is given a column with a leading "q").
INSTANCE_ID = "_instance_id"  # the submission's instanceID, "uuid:..."
ROW_ID = "_row_id"  # "" in main; "person[2]" or "household[1]/person[2]" in a repeat's table
PARENT_ROW_ID = "_parent_row_id"  # row id of the enclosing repeat's row, "" for a repeat of the main table
POSITION = "_position"  # position within the parent, from 1 (repeats only)
PERSONAL_ID = "_personal_id"  # random id under which the row's personal answers are kept, null if it has none
FORM_VERSION = "_form_version"  # main only: the version attribute of the submission
RECEIVED_AT = "_received_at"  # main only: when the server stored it, UTC
CLIENT = "_client"  # main only: "collect", "webforms", "enketo", "import", "rehearsal", "unknown"
MAIN_KEYS = (INSTANCE_ID, ROW_ID, PERSONAL_ID, FORM_VERSION, RECEIVED_AT, CLIENT)
REPEAT_KEYS = (INSTANCE_ID, ROW_ID, PARENT_ROW_ID, POSITION, PERSONAL_ID)

PRESENT = "***"
"""What a typed table holds in the column of an answered personal question, in place of the answer."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a list.

    Attributes:
        value: the code that is stored.
        label: language -> text.
        columns: the further columns of its row, for choice filters (name -> text).
    """

    value: str
    label: Text
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SecondaryInstance:
    """A list that expressions reach by `instance(id)`.

    Attributes:
        id: the instance's id.
        src: the `jr://` address of an external file, null if the list stands in the form.
        items: one mapping a `root/item`, child name -> text; empty for an external file until its media are known.
    """

    id: str
    src: str | None
    items: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One question, calculation or note: a leaf of the instance.

    Attributes:
        name: node name.
        path: absolute path.
        type: bind type, one of string, int, decimal, boolean, date, time, dateTime, geopoint, geotrace, geoshape,
            binary, barcode. Selects are `string`; see `control`.
        control: input, select1, select, rank, range, trigger, upload, or "" for a node nobody is asked.
        table: name of the typed table that has its column.
        column: name of its column there, unique within the table.
        choices: static choices with labels, before any filter; empty for external files and other itemsets.
        list_name: id of the secondary instance, null for choices written in the body.
        itemset: the XForm's nodeset expression, null for choices written in the body. Its predicate is the filter.
        value_ref: name of the itemset's value child (usually "name").
        relevant, constraint, required, calculation, readonly: expressions, null if absent.
        default: initial text of the node.
        preload: "timestamp/start", "property/deviceid", "uid" ..., null if none.
        set_on_load: expression of a setvalue at odk-instance-first-load or new repeat (dynamic default), null if none.
        personal: kind of personal data (name, document, phone, address, position, other), null if none.
        row: row of the `survey` sheet from 1, null if the form has no workbook.
        media_type: for uploads, e.g. "image/*".
    """

    name: str
    path: str
    type: str = "string"
    control: str = ""
    table: str = MAIN_TABLE
    column: str = ""
    label: Text = field(default_factory=dict)
    hint: Text = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    list_name: str | None = None
    itemset: str | None = None
    value_ref: str = "name"
    relevant: str | None = None
    constraint: str | None = None
    constraint_message: Text = field(default_factory=dict)
    required: str | None = None
    required_message: Text = field(default_factory=dict)
    calculation: str | None = None
    readonly: str | None = None
    default: str = ""
    preload: str | None = None
    set_on_load: str | None = None
    appearance: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    personal: str | None = None
    row: int | None = None
    media_type: str = ""

    @property
    def is_select(self) -> bool:
        """Whether its answers are codes of a list."""
        return self.control in {"select1", "select", "rank"}

    @property
    def is_multiple(self) -> bool:
        """Whether an answer is a space-separated list of codes."""
        return self.control in {"select", "rank"}


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the instance; the root too. `relevant` holds for everything below it."""

    name: str
    path: str
    children: tuple[Node, ...] = ()
    label: Text = field(default_factory=dict)
    relevant: str | None = None
    appearance: str = ""
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A group that occurs any number of times; one typed table.

    Attributes:
        table: name of its table.
        count: expression of `jr:count`, null where the enumerator adds rows freely.
    """

    name: str
    path: str
    table: str
    children: tuple[Node, ...] = ()
    label: Text = field(default_factory=dict)
    relevant: str | None = None
    count: str | None = None
    appearance: str = ""
    row: int | None = None


Node = Field | Group | Repeat


@dataclass(frozen=True, slots=True)
class Table:
    """A typed table: one row per submission (main) or per occurrence of a repeat.

    Attributes:
        name: "main" or the repeat's name (made unique by its parents' names if needed).
        path: path of the repeat, or of the root.
        parent: name of the enclosing table, null for main.
        fields: the fields with a column here, in form order.
    """

    name: str
    path: str
    parent: str | None
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a form.

    Attributes:
        form_id: the root's id attribute.
        version: the root's version attribute, "" if absent.
        root: the instance's root group; its path is "/" + its name.
        tables: main first, then repeats in form order.
        instances: id -> secondary instance.
        media: names of the external files that the form asks for (CSV, images, audio).
        languages: codes, default first.
        namespace: namespace of the root element, "" if none.
        audit: whether it asks Collect for an audit.csv.
        xform_md5: lower-case hex MD5 of the XForm's bytes, as OpenRosa's form hash needs it.
    """

    form_id: str
    version: str
    title: str
    root: Group
    tables: tuple[Table, ...]
    instances: Mapping[str, SecondaryInstance] = field(default_factory=dict)
    media: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("default",)
    namespace: str = ""
    audit: bool = False
    public_key: str = ""
    xform_md5: str = ""

    def table(self, name: str) -> Table:
        """The table of that name; KeyError if the form has none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def fields(self) -> Iterator[Field]:
        """Every field, in form order."""
        yield from (node for node in walk(self.root) if isinstance(node, Field))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in form order."""
    yield node
    if not isinstance(node, Field):
        for child in node.children:
            yield from walk(child)
