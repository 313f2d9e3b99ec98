"""A stream of bytes that only the holder of a private key can read, cut short or changed nowhere without being noticed.

    MAGIC, length of the wrapped key (2 bytes), wrapped key, nonce prefix (7 bytes), then pieces

A random AES-256 key, wrapped by RSA-OAEP (SHA-256), seals pieces of 1 MiB with GCM. The nonce of a piece is the prefix,
its number and whether it is the last one (the STREAM construction): pieces can't be left out, moved or repeated, and
a file that ends too early has no last piece. What comes before the pieces is bound to each of them.
"""

from __future__ import annotations

import io
import os
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import StoreError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

MAGIC = b"COMUNAL-SEALED-1\n"
PIECE = 1024 * 1024
TAG = 16
_PREFIX = 7
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"comunal backup")


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([is_last])


class SealingWriter(io.RawIOBase):
    """Seals what is written to it. Only `close` without an exception makes a whole stream.

    Args:
        file: where the sealed bytes go; it stays open.
        key: whose private half will open them.
    """

    def __init__(self, file: BinaryIO, key: RSAPublicKey) -> None:
        super().__init__()
        self._file = file
        secret = AESGCM.generate_key(256)
        wrapped = key.encrypt(secret, _OAEP)
        self._prefix = os.urandom(_PREFIX)
        self._head = MAGIC + len(wrapped).to_bytes(2, "big") + wrapped + self._prefix
        self._cipher = AESGCM(secret)
        self._buffer = bytearray()
        self._number = 0
        file.write(self._head)

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Take bytes."""
        taken = memoryview(data).nbytes
        self._buffer += memoryview(data).cast("B")
        while len(self._buffer) > PIECE:
            self._put(bytes(self._buffer[:PIECE]), is_last=False)
            del self._buffer[:PIECE]
        return taken

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._prefix, self._number, is_last), piece, self._head))
        self._number += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the stream; after an exception it stays without its last piece, and so unreadable."""
        if kind is not None:
            self._buffer.clear()
            super().close()
            return
        self.close()

    def close(self) -> None:
        """Write the last piece."""
        if not self.closed:
            self._put(bytes(self._buffer), is_last=True)
            self._buffer.clear()
        super().close()

    def __enter__(self) -> Self:
        return self


class SealedReader(io.RawIOBase):
    """Opens what a `SealingWriter` wrote.

    Args:
        file: at the stream's first byte.
        key: the private key.

    Raises:
        StoreError: STO-083, sealed for another key; STO-081, changed or cut short (also while reading).
    """

    def __init__(self, file: BinaryIO, key: RSAPrivateKey) -> None:
        super().__init__()
        self._file = file
        magic = file.read(len(MAGIC))
        size = file.read(2)
        wrapped = file.read(int.from_bytes(size, "big"))
        self._prefix = file.read(_PREFIX)
        self._head = magic + size + wrapped + self._prefix
        try:
            self._cipher = AESGCM(key.decrypt(wrapped, _OAEP))
        except ValueError:
            message, advice = "The backup is sealed for another key.", "Give the private key that belongs to it."
            raise StoreError("STO-083", message, advice) from None
        self._ahead = file.read(PIECE + TAG)
        self._ready = memoryview(b"")
        self._number = 0
        self._is_over = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer, as far as one piece goes."""
        if not self._ready and not self._is_over:
            self._open_piece()
        wanted = memoryview(buffer).cast("B")
        count = min(len(wanted), len(self._ready))
        wanted[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _open_piece(self) -> None:
        sealed, self._ahead = self._ahead, self._file.read(PIECE + TAG)
        self._is_over = not self._ahead
        try:
            piece = self._cipher.decrypt(_nonce(self._prefix, self._number, self._is_over), sealed, self._head)
        except InvalidTag:
            message = "The backup was changed or cut short: its seal is broken."
            raise StoreError("STO-081", message, "Take another copy of it, or an older backup.") from None
        self._number += 1
        self._ready = memoryview(piece)
