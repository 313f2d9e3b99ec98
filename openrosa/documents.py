"""The XML documents of OpenRosa, as Collect reads them: pure, escaped, and with no field it would stumble over."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

_FORM_LIST = "http://openrosa.org/xforms/xformsList"
_MANIFEST = "http://openrosa.org/xforms/xformsManifest"
_RESPONSE = "http://openrosa.org/http/response"


@dataclass(frozen=True, slots=True)
class ListedForm:
    """One form as phones are offered it.

    Attributes:
        name: its title; never blank: Collect drops the whole list for one form without a name.
        md5: lower-case hex digest of exactly the bytes at `download_url`; a wrong one erases the form on the phone.
        download_url: absolute.
        manifest_url: absolute, null if the form has no media (a manifest that fails installs it without them).
    """

    form_id: str
    version: str
    name: str
    md5: str
    download_url: str
    manifest_url: str | None


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One media file of a form; `md5` as in `ListedForm`.

    Attributes:
        kind: "" for a file; "entityList" or "approvalEntityList" for a list that Collect keeps as entities.
        integrity_url: where Collect asks which of its entities are gone, null for files.
    """

    name: str
    md5: str
    download_url: str
    kind: str = ""
    integrity_url: str | None = None


def _document(root: etree._Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _root(namespace: str, name: str) -> etree._Element:
    # The stubs of lxml don't know that a null prefix is the default namespace.
    return etree.Element(f"{{{namespace}}}{name}", nsmap={None: namespace})  # type: ignore[dict-item]


def _add(parent: etree._Element, namespace: str, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{namespace}}}{name}").text = text


def write_form_list(forms: Iterable[ListedForm]) -> bytes:
    """The answer to `GET formList`."""
    root = _root(_FORM_LIST, "xforms")
    for form in forms:
        entry = etree.SubElement(root, f"{{{_FORM_LIST}}}xform")
        _add(entry, _FORM_LIST, "formID", form.form_id)
        _add(entry, _FORM_LIST, "name", form.name.strip() or form.form_id)
        _add(entry, _FORM_LIST, "version", form.version)
        _add(entry, _FORM_LIST, "hash", f"md5:{form.md5}")
        _add(entry, _FORM_LIST, "downloadUrl", form.download_url)
        if form.manifest_url is not None:
            _add(entry, _FORM_LIST, "manifestUrl", form.manifest_url)
    return _document(root)


def write_manifest(files: Iterable[ListedFile]) -> bytes:
    """The answer to a form's `manifestUrl`."""
    root = _root(_MANIFEST, "manifest")
    for file in files:
        entry = etree.SubElement(root, f"{{{_MANIFEST}}}mediaFile")
        _add(entry, _MANIFEST, "filename", file.name)
        _add(entry, _MANIFEST, "hash", f"md5:{file.md5}")
        _add(entry, _MANIFEST, "downloadUrl", file.download_url)
        if file.kind:
            entry.set("type", file.kind)
        if file.integrity_url is not None:
            _add(entry, _MANIFEST, "integrityUrl", file.integrity_url)
    return _document(root)


@functools.lru_cache(maxsize=256)
def write_response(message: str) -> bytes:
    """The answer to a submission, or to anything that is refused. There are few, so that each is written once."""
    root = _root(_RESPONSE, "OpenRosaResponse")
    _add(root, _RESPONSE, "message", message)
    return _document(root)
