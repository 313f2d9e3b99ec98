"""XForm -> `Form`: the field tree that every other room works with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from forms.fields.body import Body, Control, read_body
from forms.fields.model import JAVAROSA, XFORMS, Model, message_text, read_model
from forms.fields.rows import SurveyRow, personal_kind, rows_by_path
from forms.fields.tables import build_tables, name_columns
from forms.xml_bytes import XmlRefusedError, local_name, read_xml
from schemas.errors import FormError
from schemas.fields import Field, Form, Group, Node, Repeat
from schemas.workbook import Workbook

TYPES: Final[Mapping[str, str]] = {
    "integer": "int",
    "long": "int",
    "short": "int",
    "double": "decimal",
    "float": "decimal",
    "datetime": "dateTime",
    "base64Binary": "binary",
}
KNOWN_TYPES: Final = frozenset(
    (
        *("string", "int", "decimal", "boolean", "date", "time", "dateTime"),
        *("geopoint", "geotrace", "geoshape", "binary", "barcode"),
    )
)

_PULLDATA = re.compile(r"""pulldata\(\s*['"]([^'"]+)['"]""")


@dataclass(frozen=True, slots=True)
class _Sources:
    model: Model
    body: Body
    rows: Mapping[str, SurveyRow]


def read_form(xform: bytes, workbook: Workbook | None = None) -> Form:
    """Read the field tree of an XForm.

    Args:
        xform: the XForm's bytes, exactly as they are served.
        workbook: the workbook it was compiled from; gives survey rows and the marks of personal data.

    Returns:
        The form. Texts that show an answer hold `${name}` in its place. `meta/instanceID` and `meta/deprecatedID`
        are fields without a column (`column` is "").

    Raises:
        FormError: FRM-020, no XML that may be read; FRM-021, no primary instance; FRM-022, no form id.
    """
    try:
        html = read_xml(xform)
    except XmlRefusedError as error:
        raise FormError("FRM-020", f"The XForm can't be read: {error}.", "Compile it again.") from error
    model = read_model(html)
    root = model.root
    if not root.get("id"):
        message = f"The primary instance <{local_name(root)}> has no id attribute."
        raise FormError("FRM-022", message, "Set form_id in the settings sheet.")
    sources = _Sources(model, read_body(html, model), rows_by_path(workbook, local_name(root)))
    tree = name_columns(_read_group(root, f"/{local_name(root)}", sources))
    namespace = root.tag.rpartition("}")[0].removeprefix("{") if isinstance(root.tag, str) else ""
    return Form(
        form_id=root.get("id", ""),
        version=root.get("version", root.get(f"{{{JAVAROSA}}}version", "")),
        title=next((text.strip() for text in _texts(html, "title") if text.strip()), root.get("id", "")),
        root=tree,
        tables=build_tables(tree),
        instances=model.instances,
        media=_media(html, model),
        languages=model.languages,
        namespace="" if namespace == XFORMS else namespace,
        audit=any(child for meta in root if local_name(meta) == "meta" for child in _named(meta, "audit")),
        public_key=next((key for element in html.iter() if (key := element.get("base64RsaPublicKey"))), ""),
        xform_md5=hashlib.md5(xform, usedforsecurity=False).hexdigest(),
    )


def _texts(html: etree._Element, name: str) -> Iterator[str]:
    return ("".join(map(str, element.itertext())) for element in html.iter() if local_name(element) == name)


def _named(parent: etree._Element, name: str) -> list[bool]:
    return [True for child in parent if local_name(child) == name]


def _media(html: etree._Element, model: Model) -> tuple[str, ...]:
    """Names of external files, in the order in which the form names them."""
    names: dict[str, None] = {}
    for instance in model.instances.values():
        if instance.src and "/last-saved" not in instance.src:
            names[instance.src.rpartition("/")[2]] = None
    names.update(dict.fromkeys(model.files))
    for element in html.iter():
        for value in element.attrib.values():
            for table in _PULLDATA.findall(str(value)):
                names[table if table.endswith(".csv") else f"{table}.csv"] = None
    return tuple(names)


def _read_group(element: etree._Element, path: str, sources: _Sources) -> Group:
    shown = sources.body.groups.get(path, Control("group"))
    row = sources.rows.get(path)
    return Group(
        name=local_name(element),
        path=path,
        children=tuple(_read_children(element, path, sources)),
        label=shown.label,
        relevant=_expression(sources.model.binds.get(path, {}), "relevant"),
        appearance=shown.appearance,
        row=row.row.number if row else None,
    )


def _read_children(element: etree._Element, path: str, sources: _Sources) -> Iterator[Node]:
    seen: set[str] = set()
    for child in element:
        name = local_name(child)
        if name in seen:
            continue  # the instance of a repeat beside its template
        seen.add(name)
        below = f"{path}/{name}"
        if below in sources.body.repeats or child.get(f"{{{JAVAROSA}}}template") is not None:
            yield _read_repeat(child, below, sources)
        elif len(child) or below in sources.body.groups:
            yield _read_group(child, below, sources)
        else:
            yield _read_field(child, below, sources)


def _read_repeat(element: etree._Element, path: str, sources: _Sources) -> Repeat:
    group = _read_group(element, path, sources)
    return Repeat(
        name=group.name,
        path=path,
        table=group.name,
        children=group.children,
        label=group.label,
        relevant=group.relevant,
        count=sources.body.repeats.get(path),
        appearance=group.appearance,
        row=group.row,
    )


def _read_field(element: etree._Element, path: str, sources: _Sources) -> Field:
    bind = sources.model.binds.get(path, {})
    control = sources.body.controls.get(path, Control(""))
    row = sources.rows.get(path)
    preload = "/".join(part for name in ("preload", "preloadParams") if (part := bind.get(name, "")))
    bare = Field(
        name=local_name(element),
        path=path,
        type=_type(bind.get("type", "string")),
        default=element.text.strip() if element.text else "",
        preload=preload or None,
        set_on_load=sources.model.set_on_load.get(path),
        personal=personal_kind(row),
        row=row.row.number if row else None,
        relevant=_expression(bind, "relevant"),
        constraint=_expression(bind, "constraint"),
        constraint_message=message_text(bind.get("constraintMsg"), sources.model),
        required=_expression(bind, "required"),
        required_message=message_text(bind.get("requiredMsg"), sources.model),
        calculation=_expression(bind, "calculate"),
        readonly=_expression(bind, "readonly"),
    )
    return replace(
        bare,
        control=control.kind,
        label=control.label,
        hint=control.hint,
        choices=control.choices,
        list_name=control.list_name,
        itemset=control.itemset,
        value_ref=control.value_ref,
        appearance=control.appearance,
        parameters=control.parameters,
        media_type=control.media_type,
    )


def _expression(bind: Mapping[str, str], name: str) -> str | None:
    return bind.get(name, "").strip() or None


def _type(text: str) -> str:
    bare = text.strip().rpartition(":")[2]
    known = TYPES.get(bare, bare)
    return known if known in KNOWN_TYPES else "string"
