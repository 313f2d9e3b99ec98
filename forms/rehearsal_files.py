"""The smallest files that are what they say: a photograph, a sound, a film, a text for uploads in a rehearsal."""

from __future__ import annotations

import base64
import random
import struct

# A grey JPEG of 1 x 1 pixel; a comment segment with its own bytes is put in, so that no two photographs are equal.
_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////"
    "////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
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
            content = _JPEG[:2] + b"\xff\xfe" + struct.pack(">H", len(mark) + 2) + mark + _JPEG[2:]
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
