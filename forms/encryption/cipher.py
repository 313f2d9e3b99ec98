"""The arithmetic of encrypted submissions: ODK XForms, "Encryption", sections on contents, key and signature."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.padding import PKCS7

KEY_BYTES: Final = 32
BLOCK_BITS: Final = 128

# Collect hashes with SHA-256 in both places. Java's own library, which other clients follow, keeps SHA-1 in the mask
# when asked for the same name; it is only read, never written.
_OAEP: Final = OAEP(MGF1(SHA256()), SHA256(), None)
_JAVA_OAEP: Final = OAEP(MGF1(SHA1()), SHA256(), None)  # noqa: S303  # a mask needs no collision resistance


def make_ivs(instance_id: str, key: bytes) -> Iterator[bytes]:
    """The initialisation vector of each file of a record, in order of encryption, without end.

    >>> ivs = make_ivs("uuid:1", bytes(32))
    >>> [next(ivs).hex()[:4], next(ivs).hex()[:4]]
    ['0acf', '0ad0']
    """
    seed = bytearray(hashlib.md5(instance_id.encode() + key, usedforsecurity=False).digest())
    counter = 0
    while True:
        place = counter % len(seed)
        seed[place] = (seed[place] + 1) % 256
        counter += 1
        yield bytes(seed)


def encrypt_file(content: bytes, key: bytes, iv: bytes) -> bytes:
    """AES-256, CFB of whole blocks, padded as PKCS #7."""
    padder = PKCS7(BLOCK_BITS).padder()
    encryptor = Cipher(AES(key), CFB(iv)).encryptor()
    return encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()


def decrypt_file(content: bytes, key: bytes, iv: bytes) -> bytes:
    """What `encrypt_file` took.

    Raises:
        ValueError: bytes whose end is no padding: cut off, or of another key.
    """
    decryptor = Cipher(AES(key), CFB(iv)).decryptor()
    unpadder = PKCS7(BLOCK_BITS).unpadder()
    return unpadder.update(decryptor.update(content) + decryptor.finalize()) + unpadder.finalize()


def lock(secret: bytes, public_key: RSAPublicKey) -> bytes:
    """A short secret that only the private key opens."""
    return public_key.encrypt(secret, _OAEP)


def unlock(locked: bytes, private_key: RSAPrivateKey) -> bytes:
    """The secret.

    Raises:
        ValueError: it was locked for another key, or is damaged.
    """
    try:
        return private_key.decrypt(locked, _OAEP)
    except ValueError:
        return private_key.decrypt(locked, _JAVA_OAEP)
