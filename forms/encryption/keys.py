"""The RSA key pair of a survey: the public half goes into the form, the private half stays off the server."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

from schemas.errors import CommandError, FormError

KEY_BITS: Final = 3072
LEAST_BITS: Final = 2048
LEAST_PASSPHRASE: Final = 12
"""Characters: whoever copies the file can try passphrases for as long as they like."""


def make_private_key(bits: int = KEY_BITS) -> RSAPrivateKey:
    """A new key, of the operating system's randomness."""
    return generate_private_key(65537, max(bits, LEAST_BITS))


def write_private_key(key: RSAPrivateKey, passphrase: str) -> bytes:
    """The key as PEM (PKCS #8), locked by the passphrase.

    Raises:
        CommandError: CMD-121, a passphrase below `LEAST_PASSPHRASE` characters.
    """
    if len(passphrase) < LEAST_PASSPHRASE:
        message = f"The passphrase has {len(passphrase)} characters; at least {LEAST_PASSPHRASE} are needed."
        raise CommandError("CMD-121", message, "Take some words that belong together only for you.")
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )


def read_private_key(pem: bytes, passphrase: str) -> RSAPrivateKey:
    """The key of a PEM file; `passphrase` is "" for a file without one.

    Raises:
        CommandError: CMD-122, no private RSA key; CMD-123, a passphrase that doesn't open it.
    """
    try:
        key = serialization.load_pem_private_key(pem, passphrase.encode() or None)
    except TypeError as error:
        is_locked = "not given" in str(error)
        if not is_locked:
            return read_private_key(pem, "")
        raise _wrong_passphrase() from None
    except (ValueError, UnsupportedAlgorithm):
        if b"ENCRYPTED" in pem:
            raise _wrong_passphrase() from None
        raise _no_key() from None
    if not isinstance(key, RSAPrivateKey):
        raise _no_key()
    return key


def _wrong_passphrase() -> CommandError:
    return CommandError("CMD-123", "The passphrase doesn't open the private key file.", "Enter it again.")


def _no_key() -> CommandError:
    message = "The file holds no private RSA key (PEM)."
    return CommandError("CMD-122", message, "Give the private key file that 'comunal keys make' wrote.")


def public_text(key: RSAPrivateKey | RSAPublicKey) -> str:
    """The public half as the `public_key` cell of the settings sheet wants it: base64 on one line."""
    public = key.public_key() if isinstance(key, RSAPrivateKey) else key
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def read_public_key(text: str) -> RSAPublicKey:
    """The public key of a `public_key` cell: base64, with or without PEM's first and last line.

    Raises:
        FormError: FRM-701, no RSA public key; FRM-702, one below `LEAST_BITS` bits.
    """
    lines = [line.strip() for line in text.strip().splitlines() if not line.startswith("-----")]
    try:
        key = serialization.load_der_public_key(base64.b64decode("".join("".join(lines).split()), validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise _no_public_key() from None
    if not isinstance(key, RSAPublicKey):
        raise _no_public_key()
    if key.key_size < LEAST_BITS:
        message = (
            f"Sheet 'settings', column 'public_key': the key has {key.key_size} bits, too few to protect anything."
        )
        raise FormError("FRM-702", message, f"Make one of at least {LEAST_BITS} bits: comunal keys make.")
    return key


def _no_public_key() -> FormError:
    message = "Sheet 'settings', column 'public_key': the text is no RSA public key in base64."
    return FormError("FRM-701", message, "Copy the whole line of the public key file that 'comunal keys make' wrote.")
