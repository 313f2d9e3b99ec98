"""The `model` of an XForm: translations, binds, dynamic defaults and secondary instances."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from forms.xml_bytes import local_name
from schemas.errors import FormError
from schemas.fields import SecondaryInstance
from schemas.text import DEFAULT_LANGUAGE, language_code

XFORMS: Final = "http://www.w3.org/2002/xforms"
JAVAROSA: Final = "http://openrosa.org/javarosa"
XHTML: Final = "http://www.w3.org/1999/xhtml"

_ITEXT = re.compile(r"""jr:itext\(\s*['"](.+?)['"]\s*\)""")
_PREFIX = re.compile(r"(?<=/)[A-Za-z_][\w.\-]*:(?=[A-Za-z_])")
_PLACEHOLDER = "-"  # what pyxform writes for a translation that is missing


@dataclass(frozen=True, slots=True)
class Model:
    """What a form's `model` says, by path.

    Attributes:
        root: the primary instance's root element.
        binds: path -> attributes of its bind, names without namespace.
        set_on_load: path -> expression of a setvalue at first load or in a new repeat.
        texts: id of an itext -> language code -> text.
        languages: codes, default first.
        files: names of media that texts refer to.
    """

    root: etree._Element
    binds: Mapping[str, Mapping[str, str]]
    bind_paths: Mapping[str, str]
    set_on_load: Mapping[str, str]
    instances: Mapping[str, SecondaryInstance]
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    languages: tuple[str, ...] = (DEFAULT_LANGUAGE,)
    files: tuple[str, ...] = ()


def plain_path(path: str) -> str:
    """An absolute path without namespace prefixes and surrounding space."""
    return _PREFIX.sub("", path.strip())


def children(element: etree._Element, name: str) -> list[etree._Element]:
    """The children of that local name."""
    return [child for child in element if local_name(child) == name]


def read_model(html: etree._Element) -> Model:
    """Read the model of an XForm's document.

    Raises:
        FormError: FRM-021, no model or no primary instance.
    """
    model = html.find(f"{{{XHTML}}}head/{{{XFORMS}}}model")
    if model is None:
        model = next((element for element in html.iter() if local_name(element) == "model"), None)
    instances = children(model, "instance") if model is not None else []
    if model is None or not instances or len(instances[0]) == 0:
        message = "The XForm has no model with a primary instance."
        raise FormError("FRM-021", message, "Compile it again from its workbook.")
    root = instances[0][0]
    binds, bind_paths = _read_binds(model, f"/{local_name(root)}")
    texts, languages, files = _read_itext(model)
    return Model(
        root=root,
        binds=binds,
        bind_paths=bind_paths,
        set_on_load=_read_setvalues(html),
        instances={item.id: item for item in map(_read_instance, instances[1:]) if item.id},
        texts=texts,
        languages=languages,
        files=files,
    )


def _read_binds(model: etree._Element, root: str) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    binds: dict[str, dict[str, str]] = {}
    paths: dict[str, str] = {}
    for bind in children(model, "bind"):
        path = plain_path(bind.get("nodeset", bind.get("ref", "")))
        if path and not path.startswith("/"):
            path = f"{root}/{path}"
        attributes = {str(key).rpartition("}")[2]: str(value) for key, value in bind.attrib.items()}
        binds.setdefault(path, {}).update(attributes)
        if "id" in attributes:
            paths[attributes["id"]] = path
    return binds, paths


def _read_setvalues(html: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in html.iter(f"{{{XFORMS}}}setvalue"):
        events = element.get("event", "").split()
        if {"odk-instance-first-load", "odk-new-repeat"} & set(events):
            value = element.get("value") or repr(element.text or "")
            found.setdefault(plain_path(element.get("ref", "")), value.strip())
    return found


def _read_instance(element: etree._Element) -> SecondaryInstance:
    root = element[0] if len(element) else None
    items = () if root is None else tuple(_read_item(item) for item in root)
    return SecondaryInstance(id=element.get("id", ""), src=element.get("src"), items=items)


def _read_item(item: etree._Element) -> dict[str, str]:
    return {local_name(child): "".join(map(str, child.itertext())) for child in item}


def _read_itext(model: etree._Element) -> tuple[dict[str, dict[str, str]], tuple[str, ...], tuple[str, ...]]:
    texts: dict[str, dict[str, str]] = {}
    languages: list[str] = []
    files: dict[str, None] = {}
    default = ""
    for translation in (child for itext in children(model, "itext") for child in children(itext, "translation")):
        language = language_code(translation.get("lang", ""))
        if language in languages:
            language = translation.get("lang", language)
        wrote = False
        for text in children(translation, "text"):
            for value in children(text, "value"):
                if value.get("form") in {"image", "big-image", "audio", "video"}:
                    files[(value.text or "").strip().rpartition("/")[2]] = None
                elif value.get("form") in {None, "long"} and (shown := read_text(value)) != _PLACEHOLDER:
                    texts.setdefault(text.get("id", ""), {}).setdefault(language, shown)
                    wrote = True
        if wrote or language != DEFAULT_LANGUAGE:
            languages.append(language)
            default = language if translation.get("default") else default
    ordered = sorted(languages, key=lambda code: code != default)
    return texts, tuple(ordered) or (DEFAULT_LANGUAGE,), tuple(name for name in files if name)


def read_text(element: etree._Element) -> str:
    """An element's text, with `${name}` where an answer is shown, and spaces collapsed."""
    parts = [element.text or ""]
    for child in element:
        if local_name(child) == "output":
            name = plain_path(child.get("value", child.get("ref", ""))).rpartition("/")[2]
            parts.append(f"${{{name}}}")
        else:
            parts.append(read_text(child))
        parts.append(child.tail or "")
    return re.sub(r"[ \t]+", " ", "".join(parts)).strip()


def label_text(element: etree._Element | None, model: Model) -> dict[str, str]:
    """Language code -> text of a label or hint, empty if there is none."""
    if element is None:
        return {}
    return reference_text(element.get("ref", ""), model) or _inline(read_text(element))


def reference_text(reference: str, model: Model) -> dict[str, str]:
    """Language code -> text that `jr:itext('id')` stands for, empty if `reference` isn't one."""
    found = _ITEXT.fullmatch(reference.strip())
    return dict(model.texts.get(found.group(1), {})) if found else {}


def message_text(attribute: str | None, model: Model) -> dict[str, str]:
    """Language code -> text of a bind's message, which is plain text or `jr:itext('id')`."""
    if not attribute:
        return {}
    if attribute.strip().startswith("jr:itext("):
        return reference_text(attribute, model)
    return _inline(attribute)


def _inline(text: str) -> dict[str, str]:
    return {DEFAULT_LANGUAGE: text} if text else {}
