"""The SDMX structure of a release: concepts, code lists, data structure definition and dataflow, as SDMX-ML 3.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from schemas.text import LANGUAGES, Text

MESSAGE: Final = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/message"
STRUCTURE: Final = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/structure"
COMMON: Final = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0/common"
_XML: Final = "http://www.w3.org/XML/1998/namespace"

AGENCY: Final = "COMUNAL"
VERSION: Final = "1.0.0"
TIME: Final = "TIME_PERIOD"
MEASURE: Final = "OBS_VALUE"


@dataclass(frozen=True, slots=True)
class Codelist:
    """Codes of one component: code -> language -> text."""

    id: str
    name: Text
    codes: Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class Component:
    """A dimension or an attribute.

    Attributes:
        codelist: null where its values are plain.
        text_type: of plain values: String, Double, Integer, ObservationalTimePeriod.
        required: of an attribute, whether each figure has it.
    """

    id: str
    name: Text
    codelist: Codelist | None = None
    text_type: str = "String"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """What a dataset is made of.

    Attributes:
        id: of the dataflow; the others are named after it.
        dimensions: in order, the time last.
    """

    id: str
    name: Text
    dimensions: tuple[Component, ...]
    measure: Component
    attributes: tuple[Component, ...]

    @property
    def urn_part(self) -> str:
        """Agency, id and version, as STRUCTURE_ID of the CSV has them."""
        return f"{AGENCY}:{self.id}({VERSION})"


def write_structure(structure: Structure, made_at: datetime) -> bytes:
    """The structure message; the same structure and time give the same bytes."""
    root = etree.Element(
        f"{{{MESSAGE}}}Structure",
        nsmap={"mes": MESSAGE, "str": STRUCTURE, "com": COMMON},
    )
    header = etree.SubElement(root, f"{{{MESSAGE}}}Header")
    _leaf(header, MESSAGE, "ID", f"{structure.id}_STRUCTURE")
    _leaf(header, MESSAGE, "Test", "false")
    _leaf(header, MESSAGE, "Prepared", made_at.isoformat(timespec="seconds"))
    etree.SubElement(header, f"{{{MESSAGE}}}Sender", id=AGENCY)
    body = etree.SubElement(root, f"{{{MESSAGE}}}Structures")
    components = (*structure.dimensions, structure.measure, *structure.attributes)
    _write_codelists(body, [each.codelist for each in components if each.codelist is not None])
    _write_concepts(body, structure, components)
    _write_definition(body, structure)
    flows = etree.SubElement(body, f"{{{STRUCTURE}}}Dataflows")
    flow = _maintained(flows, "Dataflow", structure.id, structure.name)
    _leaf(flow, STRUCTURE, "Structure", _urn("datastructure.DataStructure", f"{structure.id}_DSD"))
    # SDMX-ML has the parts in this order: codelists, concept schemes, dataflows, data structures.
    body.append(body.find(f"{{{STRUCTURE}}}DataStructures"))  # type: ignore[arg-type]
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _write_codelists(body: etree._Element, codelists: Sequence[Codelist]) -> None:
    lists = etree.SubElement(body, f"{{{STRUCTURE}}}Codelists")
    for each in {found.id: found for found in codelists}.values():
        codelist = _maintained(lists, "Codelist", each.id, each.name)
        for code, label in each.codes.items():
            _names(etree.SubElement(codelist, f"{{{STRUCTURE}}}Code", id=code), label, code)


def _write_concepts(body: etree._Element, structure: Structure, components: Sequence[Component]) -> None:
    schemes = etree.SubElement(body, f"{{{STRUCTURE}}}ConceptSchemes")
    scheme = _maintained(schemes, "ConceptScheme", f"{structure.id}_CONCEPTS", structure.name)
    for component in components:
        concept = etree.SubElement(scheme, f"{{{STRUCTURE}}}Concept", id=component.id)
        _names(concept, component.name, component.id)


def _write_definition(body: etree._Element, structure: Structure) -> None:
    definitions = etree.SubElement(body, f"{{{STRUCTURE}}}DataStructures")
    definition = _maintained(definitions, "DataStructure", f"{structure.id}_DSD", structure.name)
    parts = etree.SubElement(definition, f"{{{STRUCTURE}}}DataStructureComponents")
    dimensions = etree.SubElement(parts, f"{{{STRUCTURE}}}DimensionList", id="DimensionDescriptor")
    position = 0
    for each in structure.dimensions:
        if each.id == TIME:
            _component(dimensions, "TimeDimension", each, structure)
            continue
        position += 1
        _component(dimensions, "Dimension", each, structure, position=str(position))
    attributes = etree.SubElement(parts, f"{{{STRUCTURE}}}AttributeList", id="AttributeDescriptor")
    for each in structure.attributes:
        usage = "mandatory" if each.required else "optional"
        attribute = _component(attributes, "Attribute", each, structure, usage=usage)
        relation = etree.SubElement(attribute, f"{{{STRUCTURE}}}AttributeRelationship")
        etree.SubElement(relation, f"{{{STRUCTURE}}}Observation")
    measures = etree.SubElement(parts, f"{{{STRUCTURE}}}MeasureList", id="MeasureDescriptor")
    _component(measures, "Measure", structure.measure, structure, usage="optional")


def _component(
    parent: etree._Element, tag: str, component: Component, structure: Structure, **attributes: str
) -> etree._Element:
    node = etree.SubElement(parent, f"{{{STRUCTURE}}}{tag}", {"id": component.id, **attributes})
    concept = f"{AGENCY}:{structure.id}_CONCEPTS({VERSION}).{component.id}"
    identity = f"urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept={concept}"
    _leaf(node, STRUCTURE, "ConceptIdentity", identity)
    values = etree.SubElement(node, f"{{{STRUCTURE}}}LocalRepresentation")
    if component.codelist is not None:
        _leaf(values, STRUCTURE, "Enumeration", _urn("codelist.Codelist", component.codelist.id))
    else:
        etree.SubElement(values, f"{{{STRUCTURE}}}TextFormat", textType=component.text_type)
    return node


def _maintained(parent: etree._Element, tag: str, identity: str, name: Text) -> etree._Element:
    node = etree.SubElement(parent, f"{{{STRUCTURE}}}{tag}", id=identity, agencyID=AGENCY, version=VERSION)
    _names(node, name, identity)
    return node


def _names(node: etree._Element, label: Text, fallback: str) -> None:
    found = [(language, label[language]) for language in LANGUAGES if label.get(language)] or [("es", fallback)]
    for language, text in found:
        name = _leaf(node, COMMON, "Name", text)
        name.set(f"{{{_XML}}}lang", language)


def _leaf(parent: etree._Element, namespace: str, tag: str, text: str) -> etree._Element:
    node = etree.SubElement(parent, f"{{{namespace}}}{tag}")
    node.text = text
    return node


def _urn(kind: str, identity: str) -> str:
    return f"urn:sdmx:org.sdmx.infomodel.{kind}={AGENCY}:{identity}({VERSION})"
