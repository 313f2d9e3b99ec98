"""The server's XML documents as ODK Collect reads them: what Collect would refuse is refused here."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from schemas.errors import CommandError

FORM_LIST = "{http://openrosa.org/xforms/xformsList}"
MANIFEST = "{http://openrosa.org/xforms/xformsManifest}"
RESPONSE = "{http://openrosa.org/http/response}"
_ADVICE = "Collect would refuse the whole document: mend the server."


@dataclass(frozen=True, slots=True)
class FormListing:
    """One entry of a form list.

    Attributes:
        hash: "md5:" and 32 lower-case hex digits of the form's bytes.
        manifest_url: null where the form has no media.
    """

    form_id: str
    name: str
    version: str
    hash: str
    download_url: str
    manifest_url: str | None


def read_form_list(root: etree._Element) -> list[FormListing]:
    """The entries of a form list.

    Raises:
        CommandError: CMD-104, another root or namespace, or an entry without id, name, absolute address or md5 hash:
            one bad entry makes Collect refuse the list.
    """
    _check_root(root, FORM_LIST + "xforms", "form list")
    return [_listing(entry) for entry in root.iterchildren(FORM_LIST + "xform")]


def _listing(entry: etree._Element) -> FormListing:
    def text(name: str) -> str:
        return (entry.findtext(FORM_LIST + name) or "").strip()

    form_id, name, url, digest = text("formID"), text("name"), text("downloadUrl"), text("hash")
    missing = [what for what, value in (("formID", form_id), ("name", name), ("downloadUrl", url)) if not value]
    if missing:
        raise _refused(f"An entry of the form list ({form_id or 'without id'}) has no {' and no '.join(missing)}.")
    if not url.startswith(("http://", "https://")):
        raise _refused(f"The downloadUrl of {form_id!r} is not absolute.")
    _check_hash(digest, f"The form {form_id!r}")
    return FormListing(form_id, name, text("version"), digest, url, text("manifestUrl") or None)


def read_manifest(root: etree._Element) -> list[tuple[str, str]]:
    """File names and addresses of a form's media.

    Raises:
        CommandError: CMD-104, another root, or a file without name, hash or address (Collect would install the form
            with no media at all and say nothing).
    """
    _check_root(root, MANIFEST + "manifest", "manifest")
    files: list[tuple[str, str]] = []
    for entry in root.iterchildren(MANIFEST + "mediaFile"):
        name = (entry.findtext(MANIFEST + "filename") or "").strip()
        url = (entry.findtext(MANIFEST + "downloadUrl") or "").strip()
        if not name or not url:
            raise _refused("A mediaFile of the manifest has no filename or no downloadUrl.")
        _check_hash((entry.findtext(MANIFEST + "hash") or "").strip(), f"The media file {name!r}")
        files.append((name.replace("\\", "/").rpartition("/")[2], url))
    return files


def read_message(body: bytes) -> str:
    """The sentence of an `OpenRosaResponse`, "" where the body is something else."""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return ""
    return (root.findtext(RESPONSE + "message") or "").strip() if root is not None else ""


def _check_root(root: etree._Element, expected: str, what: str) -> None:
    if root.tag != expected:
        raise _refused(f"The root of the {what} is {root.tag}, not {expected}.")


def _check_hash(digest: str, what: str) -> None:
    hexadecimal = digest.removeprefix("md5:")
    lower_hex = len(hexadecimal) == 32 and all(letter in "0123456789abcdef" for letter in hexadecimal)
    if not digest.startswith("md5:") or not lower_hex:
        raise _refused(f"{what} has a hash that is not 'md5:' and 32 lower-case hex digits.")


def _refused(message: str) -> CommandError:
    return CommandError("CMD-104", message, _ADVICE)
