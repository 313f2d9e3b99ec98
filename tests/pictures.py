"""Pictures for tests: a PNG as grey values, without a library for pictures."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def read_png(data: bytes) -> npt.NDArray[np.uint8]:
    """Height x width grey values of a PNG with eight bits a channel; what is transparent is white."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    position, packed, head = 8, b"", b""
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        kind, chunk = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        head = chunk if kind == b"IHDR" else head
        packed += chunk if kind == b"IDAT" else b""
        position += length + 12
    width, height, depth, color = struct.unpack(">IIBB", head[:10])
    assert depth == 8
    size = CHANNELS[color]
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width * size + 1)
    found = _unfilter(rows[:, 0], rows[:, 1:].reshape(height, width, size).astype(np.int32))
    if size in {2, 4}:
        alpha = found[:, :, -1:] / 255
        found = (found[:, :, :-1] * alpha + 255 * (1 - alpha)).astype(np.int32)
    grey: npt.NDArray[np.uint8] = found.mean(axis=2).astype(np.uint8)
    return grey


def _unfilter(kinds: npt.NDArray[np.uint8], rows: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    above = np.zeros_like(rows[0])
    for kind, row in zip(kinds, rows, strict=True):
        if kind == 2:
            row[:] = (row + above) % 256
        elif kind == 1:
            row[:] = row.cumsum(axis=0) % 256
        elif kind:
            left, corner = np.zeros_like(row[0]), np.zeros_like(row[0])
            for at in range(len(row)):
                row[at] = (row[at] + _guess(int(kind), left, above[at], corner)) % 256
                left, corner = row[at], above[at]
        above = row
    return rows


def _guess(
    kind: int, left: npt.NDArray[np.int32], above: npt.NDArray[np.int32], corner: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    if kind == 3:
        return (left + above) // 2
    distances = np.stack([abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)])
    nearest = distances.argmin(axis=0)
    guess: npt.NDArray[np.int32] = np.choose(nearest, np.stack([left, above, corner]))
    return guess
