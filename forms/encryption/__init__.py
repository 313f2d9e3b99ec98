"""Encrypted submissions: only the private key opens them, and the server doesn't have it.

Format: ODK XForms, "Encryption". How keys are kept: docs/methods/encryption.md.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from forms.encryption.cipher import KEY_BYTES, decrypt_file, encrypt_file, lock, make_ivs, unlock
from forms.encryption.manifest import (
    SUBMISSION_FILE,
    SUFFIX,
    Manifest,
    is_encrypted,
    read_manifest,
    signed_digest,
    write_manifest,
)
from forms.envelopes import read_envelope
from schemas.errors import SubmissionError
from schemas.text import Text

__all__ = ["Decrypted", "Encrypted", "decrypt_submission", "encrypt_submission", "is_encrypted"]

WRONG_KEY: Final = "SUB-120"
INCOMPLETE: Final = "SUB-121"
DAMAGED: Final = "SUB-122"
MESSAGES: Final[Mapping[str, Text]] = {
    WRONG_KEY: {
        "es": "La encuesta está cifrada para otra clave.",
        "ht": "Ankèt la chifre pou yon lòt kle.",
        "en": "The interview is encrypted for another key.",
    },
    INCOMPLETE: {
        "es": "Faltan archivos cifrados de la encuesta; el teléfono aún no los ha enviado.",
        "ht": "Gen fichye chifre ankèt la ki manke; telefòn nan poko voye yo.",
        "en": "Encrypted files of the interview are missing; the phone has not sent them yet.",
    },
    DAMAGED: {
        "es": "La encuesta cifrada está dañada o fue cambiada: su contenido no corresponde a su firma.",
        "ht": "Ankèt chifre a gate oswa yo chanje l: sa ki ladan l pa koresponn ak siyati li.",
        "en": "The encrypted interview is damaged or was changed: its content does not match its signature.",
    },
}


@dataclass(frozen=True, slots=True)
class Encrypted:
    """An encrypted submission: what is sent as XML, and its files by name (the interview itself among them)."""

    xml: bytes
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Decrypted:
    """A submission in the clear.

    Attributes:
        xml: the interview.
        attachments: names of its files, without ".enc".
        files: contents of those that were asked for.
        is_signed: whether a signature vouches for it; the specification leaves it to the client.
    """

    xml: bytes = field(repr=False)
    attachments: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    is_signed: bool = True


def encrypt_submission(
    xml: bytes, attachments: Mapping[str, bytes], public_key: RSAPublicKey, aes_key: bytes
) -> Encrypted:
    """Encrypt a submission as Collect does.

    Args:
        xml: the interview; its form id, version and instanceID go into the manifest.
        attachments: name -> content, in the order in which they are encrypted.
        public_key: of the form.
        aes_key: 32 random bytes, new for each record.

    Raises:
        SubmissionError: SUB-001 to SUB-009, no submission.
        ValueError: a key of another length.
    """
    if len(aes_key) != KEY_BYTES:
        raise ValueError(f"the key of a record has {KEY_BYTES} bytes")
    envelope = read_envelope(xml)
    ivs = make_ivs(envelope.instance_id, aes_key)
    clear = {**attachments, SUBMISSION_FILE: xml}
    files = {f"{name}{SUFFIX}": encrypt_file(content, aes_key, next(ivs)) for name, content in clear.items()}
    unsigned = Manifest(
        form_id=envelope.form_id,
        version=envelope.version,
        instance_id=envelope.instance_id,
        key=base64.b64encode(lock(aes_key, public_key)).decode(),
        xml_file=f"{SUBMISSION_FILE}{SUFFIX}",
        media=tuple(f"{name}{SUFFIX}" for name in attachments),
    )
    signature = base64.b64encode(lock(signed_digest(unsigned, clear.values()), public_key)).decode()
    return Encrypted(write_manifest(replace(unsigned, signature=signature)), files)


def decrypt_submission(
    xml: bytes, files: Mapping[str, bytes], private_key: RSAPrivateKey, keep: Collection[str] | None = ()
) -> Decrypted:
    """Open an encrypted submission, in memory.

    Args:
        xml: the manifest.
        files: name -> content of the files that came with it.
        private_key: the survey's.
        keep: names (without ".enc") of files whose content is wanted beside the interview's; null for all.

    Raises:
        SubmissionError: SUB-120, locked for another key; SUB-121, files that haven't come; SUB-122, cut off, changed,
            exchanged with another record's, or not what the signature says; SUB-001 to SUB-009, no manifest, or no
            submission in it.
    """
    manifest = read_manifest(xml)
    aes_key = _open_key(manifest, private_key)
    if any(name not in files for name in manifest.files):
        raise _refused(INCOMPLETE)
    ivs = make_ivs(manifest.instance_id, aes_key)
    try:
        contents = [decrypt_file(files[name], aes_key, next(ivs)) for name in manifest.files]
    except ValueError:
        raise _refused(DAMAGED) from None
    _judge_signature(manifest, contents, private_key)
    inner = read_envelope(contents[-1])
    if (inner.form_id, inner.version, inner.instance_id) != (
        manifest.form_id,
        manifest.version,
        manifest.instance_id,
    ):
        raise _refused(DAMAGED)
    names = tuple(name.removesuffix(SUFFIX) for name in manifest.media)
    kept = {name: content for name, content in zip(names, contents, strict=False) if keep is None or name in keep}
    return Decrypted(contents[-1], names, kept, bool(manifest.signature))


def _open_key(manifest: Manifest, private_key: RSAPrivateKey) -> bytes:
    try:
        key = unlock(base64.b64decode(manifest.key, validate=True), private_key)
    except (ValueError, binascii.Error):
        raise _refused(WRONG_KEY) from None
    if len(key) != KEY_BYTES:
        raise _refused(DAMAGED)
    return key


def _judge_signature(manifest: Manifest, contents: list[bytes], private_key: RSAPrivateKey) -> None:
    if not manifest.signature:
        return
    try:
        signed = unlock(base64.b64decode(manifest.signature, validate=True), private_key)
    except (ValueError, binascii.Error):
        raise _refused(DAMAGED) from None
    if not hmac.compare_digest(signed, signed_digest(manifest, contents)):
        raise _refused(DAMAGED)


def _refused(code: str) -> SubmissionError:
    text = MESSAGES[code]
    return SubmissionError(code, f"{text['es']} / {text['en']}")
