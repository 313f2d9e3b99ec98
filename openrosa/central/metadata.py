"""`$metadata`: the types of a form's tables as an Entity Data Model document, as Excel and Power BI read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lxml import etree

from openrosa.central.frames import ID, SYSTEM, SYSTEM_TYPES
from openrosa.central.shapes import Entity, Shape, identifier
from openrosa.central.values import edm_type
from schemas.fields import Field, Group, Repeat

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"
# lxml takes null for the namespace without a prefix; its stubs do not know.
_NAMESPACES: dict[str | None, str] = {None: _EDM}
_COMMON = "org.opendatakit.submission"
_SYSTEM_TYPES = {
    "submissionDate": "Edm.DateTimeOffset",
    "updatedAt": "Edm.DateTimeOffset",
    "deletedAt": "Edm.DateTimeOffset",
    "attachmentsPresent": "Edm.Int64",
    "attachmentsExpected": "Edm.Int64",
    "edits": "Edm.Int64",
}


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{_EDM}}}{name}", attributes)


def _schema(services: etree._Element, namespace: str) -> etree._Element:
    return etree.SubElement(
        services,
        f"{{{_EDM}}}Schema",
        {"Namespace": namespace},
        nsmap=_NAMESPACES,  # type: ignore[arg-type]
    )


def _common(services: etree._Element) -> None:
    schema = _schema(services, _COMMON)
    metadata = _add(schema, "ComplexType", Name="metadata")
    for name in SYSTEM_TYPES:
        _add(metadata, "Property", Name=name, Type=_SYSTEM_TYPES.get(name, "Edm.String"))


class _Writer:
    def __init__(self, shape: Shape, services: etree._Element) -> None:
        self.shape = shape
        self.namespace = f"org.opendatakit.user.{identifier(shape.form.form_id)}"
        self.schema = _schema(services, self.namespace)

    def entity(self, entity: Entity) -> None:
        """The type of a table; its groups' types come after it."""
        element = _add(self.schema, "EntityType", Name=entity.name)
        _add(_add(element, "Key"), "PropertyRef", Name=ID)
        _add(element, "Property", Name=ID, Type="Edm.String", Nullable="false")
        if entity.is_main:
            _add(element, "Property", Name=SYSTEM, Type=f"{_COMMON}.metadata")
        else:
            _add(element, "Property", Name=entity.parent_key, Type="Edm.String")
        self.properties(element, entity.root, entity.name)

    def properties(self, element: etree._Element, node: Group | Repeat, type_name: str) -> None:
        """What stands in a table or group."""
        for child in self.shape.children(node):
            name = identifier(child.name)
            if isinstance(child, Field):
                _add(element, "Property", Name=name, Type=edm_type(child))
            elif isinstance(child, Repeat):
                target = self.shape.of_repeat(child).name
                _add(element, "NavigationProperty", Name=name, Type=f"Collection({self.namespace}.{target})")
            else:
                inner = f"{type_name}.{name}"
                _add(element, "Property", Name=name, Type=f"{self.namespace}.{inner}")
                self.properties(_add(self.schema, "ComplexType", Name=inner), child, inner)

    def container(self) -> None:
        """The entity sets, and where each one's repeats are."""
        container = _add(self.schema, "EntityContainer", Name=identifier(self.shape.form.form_id))
        for entity in self.shape.entities:
            found = _add(container, "EntitySet", Name=entity.name, EntityType=f"{self.namespace}.{entity.name}")
            for repeat in self.shape.repeats(entity.root):
                target = self.shape.of_repeat(repeat)
                path = "/".join(target.path[len(entity.path) :])
                _add(found, "NavigationPropertyBinding", Path=path, Target=target.name)


def start_document() -> tuple[etree._Element, etree._Element]:
    """An empty document, and where its schemas go."""
    root = etree.Element(f"{{{_EDMX}}}Edmx", {"Version": "4.0"}, nsmap={"edmx": _EDMX})
    return root, etree.SubElement(root, f"{{{_EDMX}}}DataServices")


def _finish(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def write_metadata(shape: Shape) -> bytes:
    """The document of a form's tables; `Submissions` comes first."""
    root, services = start_document()
    _common(services)
    writer = _Writer(shape, services)
    for entity in shape.entities:
        writer.entity(entity)
    writer.container()
    return _finish(root)


def write_flat_metadata(name: str, table: str, system: Mapping[str, str], properties: Sequence[str]) -> bytes:
    """The document of a single table without groups or repeats, whose properties are texts.

    Args:
        name: what the table is of; part of its namespace.
        table: its name.
        system: property of `__system` -> its type.
        properties: the others.
    """
    root, services = start_document()
    namespace = f"org.opendatakit.user.{identifier(name)}"
    schema = _schema(services, namespace)
    metadata = _add(schema, "ComplexType", Name="metadata")
    for property_name, kind in system.items():
        _add(metadata, "Property", Name=property_name, Type=kind)
    element = _add(schema, "EntityType", Name=table)
    _add(_add(element, "Key"), "PropertyRef", Name=ID)
    _add(element, "Property", Name=ID, Type="Edm.String", Nullable="false")
    _add(element, "Property", Name=SYSTEM, Type=f"{namespace}.metadata")
    for property_name in properties:
        _add(element, "Property", Name=property_name, Type="Edm.String")
    container = _add(schema, "EntityContainer", Name=identifier(name))
    _add(container, "EntitySet", Name=table, EntityType=f"{namespace}.{table}")
    return _finish(root)
