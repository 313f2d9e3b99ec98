"""The smallest files that are what they say: a photograph, a sound, a film, a text for uploads in a rehearsal."""

from __future__ import annotations

import random
import struct

# A grey JPEG of one pixel, segment by segment: quantisation, frame, two Huffman tables of one code each, scan.
_JPEG = (
    b"\xff\xdb\x00\x43\x00" + b"\x10" * 64,
    b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00",
    b"\xff\xc4\x00\x14\x00\x01" + b"\x00" * 16,
    b"\xff\xc4\x00\x14\x10\x01" + b"\x00" * 16,
    b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x3f",
    b"\xff\xd9",
)
_EXTENSIONS = {"image": "jpg", "audio": "wav", "video": "mp4"}


def make_upload(media_type: str, chance: random.Random) -> tuple[str, bytes]:
    """File name (Collect names files by the clock; here by chance) and bytes for a `mediatype` such as "image/*"."""
    kind = media_type.partition("/")[0]
    number = chance.randrange(10**12, 10**13)
    mark = f"{number}".encode()
    match kind:
        case "audio":
            content = _wav(mark)
        case "video":
            content = _mp4(mark)
        case "image" | "":
            # With a comment of its own, so that no two photographs are equal.
            comment = b"\xff\xfe" + struct.pack(">H", len(mark) + 2) + mark
            content = b"".join((b"\xff\xd8", comment, *_JPEG))
        case _:
            content = b"rehearsal " + mark + b"\n"
    return f"{number}.{_EXTENSIONS.get(kind or 'image', 'txt')}", content


def _wav(mark: bytes) -> bytes:
    sound = bytes(128 + byte % 3 for byte in mark)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(sound)) + sound + b"\0" * (len(sound) % 2)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def _mp4(mark: bytes) -> bytes:
    head = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp41")
    return head + struct.pack(">I4s", 8 + len(mark), b"free") + mark
