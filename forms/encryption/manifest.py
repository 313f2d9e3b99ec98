"""The manifest of an encrypted submission: what the phone sends in place of the interview."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from forms.envelopes import meta_children, read_submission
from forms.xml_bytes import local_name

NAMESPACE: Final = "http://opendatakit.org/submissions"
OPENROSA: Final = "http://openrosa.org/xforms"
SUBMISSION_FILE: Final = "submission.xml"
SUFFIX: Final = ".enc"
_HEAD_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an encrypted submission says in the clear.

    Attributes:
        key: the locked AES key, base64 as written.
        xml_file: name of the encrypted interview.
        media: names of the other encrypted files, in order of encryption.
        signature: base64 as written, "" if there is none.
    """

    form_id: str
    version: str
    instance_id: str
    key: str = field(repr=False)
    xml_file: str
    media: tuple[str, ...] = ()
    signature: str = field(default="", repr=False)

    @property
    def files(self) -> tuple[str, ...]:
        """Every encrypted file in order of encryption: the interview comes last."""
        return (*self.media, self.xml_file)


def is_encrypted(xml: bytes) -> bool:
    """Whether a submission is the manifest of an encrypted one."""
    head = xml[:_HEAD_BYTES]
    return b"encrypted" in head and read_submission(xml).get("encrypted") == "yes"


def read_manifest(xml: bytes) -> Manifest:
    """Read a manifest; elements are found whatever their namespace. What is absent is "".

    Raises:
        SubmissionError: SUB-001 to SUB-007, see `forms.envelopes.read_submission`.
    """
    root = read_submission(xml)
    texts: dict[str, str] = {}
    media: list[str] = []
    for element in root:
        if local_name(element) == "media":
            media += [(file.text or "").strip() for file in element if local_name(file) == "file"]
        else:
            texts.setdefault(local_name(element), (element.text or "").strip())
    meta = {local_name(child): (child.text or "").strip() for child in meta_children(root)}
    return Manifest(
        form_id=root.get("id", ""),
        version=root.get("version", ""),
        instance_id=meta.get("instanceID") or (root.get("instanceID") or ""),
        key="".join(texts.get("base64EncryptedKey", "").split()),
        xml_file=texts.get("encryptedXmlFile", ""),
        media=tuple(media),
        signature="".join(texts.get("base64EncryptedElementSignature", "").split()),
    )


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest as Collect writes it."""
    root = etree.Element(f"{{{NAMESPACE}}}data", nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    root.set("id", manifest.form_id)
    if manifest.version:
        root.set("version", manifest.version)
    root.set("encrypted", "yes")
    _add(root, "base64EncryptedKey", manifest.key)
    meta = etree.SubElement(root, f"{{{OPENROSA}}}meta", nsmap={"orx": OPENROSA})
    etree.SubElement(meta, f"{{{OPENROSA}}}instanceID").text = manifest.instance_id
    for name in manifest.media:
        _add(_add(root, "media", None), "file", name)
    _add(root, "encryptedXmlFile", manifest.xml_file)
    if manifest.signature:
        _add(root, "base64EncryptedElementSignature", manifest.signature)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _add(parent: etree._Element, name: str, text: str | None) -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = text
    return child


def signed_digest(manifest: Manifest, contents: Iterable[bytes]) -> bytes:
    """What the signature locks: MD5 over form, version, key, instance and each file's name and MD5.

    Args:
        manifest: its signature doesn't count.
        contents: the files in the clear, in the order of `Manifest.files`.
    """
    lines = [manifest.form_id, *([manifest.version] if manifest.version else []), manifest.key, manifest.instance_id]
    for name, content in zip(manifest.files, contents, strict=True):
        lines.append(f"{name.removesuffix(SUFFIX)}::{hashlib.md5(content, usedforsecurity=False).hexdigest()}")
    return hashlib.md5("".join(f"{line}\n" for line in lines).encode(), usedforsecurity=False).digest()
