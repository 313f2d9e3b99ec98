"""Signatures under a data-quality report: Ed25519 over one canonical JSON text, verified with nothing but the folder.

A statement names the signer, the act (sign or refuse), every file of the report by its SHA-256, and the data behind
it. Whoever changes, adds or removes a byte of the report is told by the name of the file. Pure: keys, salts and times
are arguments; files come in as bytes.

Method: docs/methods/quality_report.md, section 4.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from schemas.errors import AccessError, ReleaseError

KIND = "comunal quality report signature 1"
RELEASE_KIND = "comunal release signature 1"
KEY_KIND = "comunal signing key 1"
SIGNATURES = "signatures"
"""Folder of a report that holds what was signed; no statement names its files."""

SALT_BYTES, NONCE_BYTES, SEED_BYTES = 16, 12, 32
SHORTEST_PASSPHRASE = 12

# RFC 7914's advice for a person who waits: 64 MiB, about a third of a second.
_SCRYPT = {"n": 2**16, "r": 8, "p": 1}

SigningAct = Literal["sign", "refuse"]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: name and role as the store has them."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class DataDigests:
    """The data that a report tells.

    Attributes:
        submissions, decisions: how many.
        submissions_sha256: of the submissions' digests, sorted, one a line.
        decisions_sha256: of the decisions' digests, in their order, one a line.
        forms_sha256: of the form versions' digests, sorted, one a line.
    """

    submissions: int
    submissions_sha256: str
    decisions: int
    decisions_sha256: str
    forms_sha256: str

    @property
    def sha256(self) -> str:
        """One digest of all of it: what a release is compared with."""
        return hashlib.sha256(canonical(_plain_data(self))).hexdigest()


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement and its signature, as a file of `signatures/` holds them.

    Attributes:
        statement: what was signed.
        signature: 64 bytes.
    """

    statement: Mapping[str, Any]
    signature: bytes = field(repr=False)

    @property
    def public_key(self) -> str:
        """Base64 of the signer's public key, as the statement names it."""
        return str(self.statement["signer"]["public_key"])

    def to_bytes(self) -> bytes:
        """The file: readable, and the same bytes each time."""
        told = {"statement": self.statement, "signature": base64.b64encode(self.signature).decode()}
        return (json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Verified:
    """How one signature stands.

    Attributes:
        file: its name within the report.
        good: whether the signature is the key's and each byte of the report is as it was signed.
        faults: what is wrong, one sentence each; names of files, never contents.
        act, name, role, signed_at, public_key, fingerprint: as the statement says; "" where it can't be read.
        trusted: whether the key is one that the reader knows; null where none was given.
    """

    file: str
    good: bool
    faults: tuple[str, ...] = ()
    act: str = ""
    name: str = ""
    role: str = ""
    signed_at: str = ""
    public_key: str = ""
    fingerprint: str = ""
    data_sha256: str = ""
    trusted: bool | None = None


def canonical(value: object) -> bytes:
    r"""One text for one meaning: keys in order, no spaces, UTF-8; numbers are whole ones only.

    >>> canonical({"b": 1, "a": "ñ"})
    b'{"a":"\xc3\xb1","b":1}'
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def fingerprint(public_key: str) -> str:
    """Sixteen hex digits of a public key, for people to compare aloud.

    >>> fingerprint("AAAA")
    '709e-80c8-8487-a241'
    """
    digits = hashlib.sha256(base64.b64decode(public_key)).hexdigest()[:16]
    return "-".join(digits[at : at + 4] for at in range(0, 16, 4))


def public_half(seed: bytes) -> str:
    """Base64 of the public key that belongs to a private one."""
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()).decode()


def lock_key(seed: bytes, passphrase: str, salt: bytes, nonce: bytes) -> str:
    """A private key as text that only the passphrase opens (scrypt, AES-256-GCM).

    Raises:
        AccessError: ACC-120, the passphrase is shorter than `SHORTEST_PASSPHRASE`.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        message = f"The passphrase of a signing key has {SHORTEST_PASSPHRASE} characters or more."
        raise AccessError("ACC-120", message, "Choose a longer one: a few words that nobody says in this order.")
    public = public_half(seed)
    sealed = AESGCM(_stretch(passphrase, salt)).encrypt(nonce, seed, public.encode())
    parts = {"kind": KEY_KIND, "public_key": public}
    parts |= {name: base64.b64encode(part).decode() for name, part in (("salt", salt), ("nonce", nonce))}
    return json.dumps(parts | {"sealed": base64.b64encode(sealed).decode()}, indent=2) + "\n"


def unlock_key(text: str, passphrase: str) -> bytes:
    """The private key of `lock_key`'s text.

    Raises:
        AccessError: ACC-121, the text is no such key; ACC-122, another passphrase.
    """
    try:
        parts = json.loads(text)
        if parts["kind"] != KEY_KIND:
            raise ValueError
        salt, nonce, sealed = (base64.b64decode(parts[name], validate=True) for name in ("salt", "nonce", "sealed"))
        public = str(parts["public_key"])
    except (ValueError, KeyError, TypeError):
        advice = "Give the file that comunal quality key wrote."
        raise AccessError("ACC-121", "That is no signing key of Comunal.", advice) from None
    try:
        return AESGCM(_stretch(passphrase, salt)).decrypt(nonce, sealed, public.encode())
    except InvalidTag:
        advice = "Enter it again; without it nobody can sign with this key, and a new one is needed."
        raise AccessError("ACC-122", "The passphrase doesn't open the signing key.", advice) from None


def make_statement(
    *,
    act: SigningAct,
    report: Mapping[str, str],
    files: Mapping[str, str],
    data: DataDigests,
    code_version: str,
    signer: Signer,
    public_key: str,
    at: datetime,
    reasons: str = "",
) -> dict[str, Any]:
    """What is signed.

    Args:
        report: its id, form, commune and round.
        files: path below the report's folder -> SHA-256 of each file, `signatures/` left out.
        reasons: of a refusal, "" otherwise.
    """
    return {
        "kind": KIND,
        "act": act,
        "reasons": reasons,
        "report": dict(report) | {"sha256": hash_files(files)},
        "files": dict(files),
        "data": _plain_data(data) | {"sha256": data.sha256},
        "code_version": code_version,
        "signer": {"name": signer.name, "role": signer.role, "public_key": public_key},
        "signed_at": at.astimezone(UTC).isoformat(timespec="seconds"),
    }


def sign(statement: Mapping[str, Any], seed: bytes) -> Signed:
    """The statement with its signature."""
    return Signed(statement, Ed25519PrivateKey.from_private_bytes(seed).sign(canonical(statement)))


def hash_files(files: Mapping[str, str]) -> str:
    """One digest of a report: of `SHA-256  path` lines in the order of paths, as `sha256sum` writes them."""
    lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def read_signed(data: bytes) -> Signed:
    """A file of `signatures/`.

    Raises:
        ReleaseError: REL-060, it is none.
    """
    try:
        told = json.loads(data)
        statement, signature = told["statement"], base64.b64decode(told["signature"], validate=True)
        if statement["kind"] not in {KIND, RELEASE_KIND} or not isinstance(statement["signer"]["public_key"], str):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        message = "A file among the signatures isn't one that Comunal wrote."
        raise ReleaseError("REL-060", message, "Take the report's folder as it was handed over.") from None
    return Signed(statement, signature)


def is_genuine(signed: Signed) -> bool:
    """Whether the key that the statement names made the signature."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signed.public_key, validate=True))
        key.verify(signed.signature, canonical(signed.statement))
    except (InvalidSignature, ValueError):
        return False
    return True


def verify(file: str, content: bytes, files: Mapping[str, str], trusted: frozenset[str] | None = None) -> Verified:
    """Judge one signature against the files that are there now.

    Args:
        file: name of the signature's file.
        content: its bytes.
        files: path -> SHA-256 of every file of the report as found, `signatures/` left out.
        trusted: public keys that the reader knows; null to take the one that the statement names.
    """
    try:
        signed = read_signed(content)
    except ReleaseError as error:
        return Verified(file, good=False, faults=(error.message,))
    statement = signed.statement
    faults = []
    if not is_genuine(signed):
        faults.append(f"{file}: the statement isn't what the key {_fingerprint(signed)} signed")
    faults += _differences(statement.get("files"), files)
    is_trusted = None if trusted is None else signed.public_key in trusted
    if is_trusted is False:
        faults.append(f"{file}: signed with the key {_fingerprint(signed)}, which isn't the one given")
    signer = statement["signer"]
    told = {name: str(statement.get(name, "")) for name in ("act", "signed_at")}
    told |= {name: str(signer.get(name, "")) for name in ("name", "role", "public_key")}
    told["data_sha256"] = str((statement.get("data") or {}).get("sha256", ""))
    return Verified(file, not faults, tuple(faults), **told, fingerprint=_fingerprint(signed), trusted=is_trusted)


def _differences(signed: object, found: Mapping[str, str]) -> list[str]:
    named = {str(path): str(digest) for path, digest in signed.items()} if isinstance(signed, Mapping) else {}
    changed = [f"{path}: changed" for path in named if path in found and found[path] != named[path]]
    missing = [f"{path}: missing" for path in named if path not in found]
    added = [f"{path}: not signed" for path in found if path not in named]
    return sorted(changed) + sorted(missing) + sorted(added)


def _fingerprint(signed: Signed) -> str:
    try:
        return fingerprint(signed.public_key)
    except ValueError:
        return "?"


def _plain_data(data: DataDigests) -> dict[str, Any]:
    return {
        "submissions": data.submissions,
        "submissions_sha256": data.submissions_sha256,
        "decisions": data.decisions,
        "decisions_sha256": data.decisions_sha256,
        "forms_sha256": data.forms_sha256,
    }


def _stretch(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **_SCRYPT).derive(passphrase.encode("utf-8", "surrogatepass"))
