"""Reading the body of a submission: streamed, within limits, into contents that are not yet stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from openrosa.answers import Refusal
from schemas.settings import MEBIBYTE, Settings
from store.arrivals import NewAttachment
from store.blobs import ROW_BYTES, Blobs, ContentWriter

XML_PART = "xml_submission_file"
INCOMPLETE_PART = "*isIncomplete*"
MOST_PARTS = 1024
MEMORY_BYTES = MEBIBYTE
"""What one request may keep in memory of its files; the rest is on the disk at once."""

LONGEST_NAME = 255
LONGEST_DRAIN = 5
"""So many times `idle_seconds` a refused client is listened to: on a slow line the answer waits behind its body."""


@dataclass(slots=True)
class Parts:
    """What one request brought.

    Attributes:
        xml: the submission, exactly as it came.
        files: name, content type, content.
        is_incomplete: whether the client says that more requests follow.
    """

    xml: bytes = field(default=b"", repr=False)
    files: list[tuple[str, str, ContentWriter]] = field(default_factory=list)
    is_incomplete: bool = False

    async def finish(self) -> tuple[NewAttachment, ...]:
        """The files as contents; large ones are durable now."""
        done: list[NewAttachment] = []
        for name, content_type, writer in self.files:
            content = await asyncio.to_thread(writer.finish) if writer.is_large else writer.finish()
            done.append(NewAttachment(name, content, content_type))
        return tuple(done)

    def discard(self) -> None:
        """Remove what `finish` didn't take."""
        for _, _, writer in self.files:
            writer.discard()


def file_name(name: str | None) -> str:
    r"""The name of a file without folders; it is kept as text and never becomes a path.

    Raises:
        Refusal: SUB-106, blank, too long, or with control characters.

    >>> file_name("C:\\fotos\\casa ñ.jpg")
    'casa ñ.jpg'
    """
    base = (name or "").replace("\\", "/").rpartition("/")[2].strip()
    if not base or len(base) > LONGEST_NAME or not base.isprintable():
        raise Refusal("SUB-106")
    return base


def file_type(stated: str | None) -> str:
    r"""The content type that a client states for a file; "" if it is none: PostgreSQL keeps no NUL in a text.

    >>> file_type("image/jpeg"), file_type("text/\0plain"), file_type(None)
    ('image/jpeg', '', '')
    """
    text = (stated or "").strip()
    return text if len(text) <= LONGEST_NAME and text.isascii() and text.isprintable() else ""


class _Reader:
    """Takes the parser's events one by one."""

    def __init__(self, parts: Parts, blobs: Blobs, settings: Settings) -> None:
        self.parts = parts
        self.has_xml = False
        self._blobs = blobs
        self._settings = settings
        self._xml: bytearray | None = None
        self._file: ContentWriter | None = None
        self._memory = MEMORY_BYTES

    def begin(self, segment: MultipartSegment) -> None:
        if segment.name == XML_PART:
            if self.has_xml:
                raise Refusal("SUB-103")
            self.has_xml, self._xml = True, bytearray()
        elif segment.name == INCOMPLETE_PART:
            self.parts.is_incomplete = True
        elif segment.filename is not None:
            self._file = ContentWriter(self._blobs, min(ROW_BYTES, self._memory))
            # Listed at once, so that `discard` finds it whatever happens.
            name = file_name(segment.filename or segment.name)
            self.parts.files.append((name, file_type(segment.content_type), self._file))

    async def take(self, piece: bytes) -> None:
        if self._xml is not None:
            if len(self._xml) + len(piece) > self._settings.xml_bytes:
                raise Refusal("SUB-105")
            self._xml += piece
        elif self._file is not None:
            if self._file.is_large or self._file.size + len(piece) > self._memory:
                await asyncio.to_thread(self._file.write, piece)
            else:
                self._file.write(piece)

    def end(self) -> None:
        if self._xml is not None:
            self.parts.xml = bytes(self._xml)
        if self._file is not None and not self._file.is_large:
            self._memory -= self._file.size
        self._xml = self._file = None


async def read_parts(
    parts: Parts,
    body: AsyncIterator[bytes],
    content_type: str,
    content_length: int | None,
    blobs: Blobs,
    settings: Settings,
) -> None:
    """Read a submission's body into `parts`; whoever calls it calls `parts.discard()` at the end, come what may.

    Raises:
        Refusal: SUB-101 to SUB-107, after reading (and dropping) up to `request_bytes` more, so that the client gets
            to read the answer instead of a broken connection.
        StoreError: STO-002, STO-003.
    """
    try:
        if content_length is not None and content_length > settings.request_bytes:
            raise Refusal("SUB-104")
        kind, options = parse_options_header(content_type)
        if kind != "multipart/form-data" or not options.get("boundary"):
            raise Refusal("SUB-101")
        reader = _Reader(parts, blobs, settings)
        await _parse(reader, body, options["boundary"], settings)
        if not reader.has_xml:
            raise Refusal("SUB-103")
    except Refusal as refusal:
        if refusal.code != "SUB-107":
            await drain(body, settings)
        raise


async def _parse(reader: _Reader, body: AsyncIterator[bytes], boundary: str, settings: Settings) -> None:
    received = 0
    loop = asyncio.get_running_loop()
    try:
        parser = PushMultipartParser(boundary, max_segment_count=MOST_PARTS)
        async with asyncio.timeout(settings.idle_seconds) as patience:
            async for piece in body:
                patience.reschedule(loop.time() + settings.idle_seconds)
                received += len(piece)
                if received > settings.request_bytes:
                    raise Refusal("SUB-104")
                for event in parser.parse(piece) if piece else ():
                    if event is None:
                        reader.end()
                    elif isinstance(event, MultipartSegment):
                        reader.begin(event)
                    else:
                        await reader.take(bytes(event))
        parser.close()
    except TimeoutError:
        raise Refusal("SUB-107") from None
    except ParserLimitReached:
        raise Refusal("SUB-104") from None
    except (MultipartError, UnicodeError):
        raise Refusal("SUB-102") from None


async def drain(body: AsyncIterator[bytes], settings: Settings) -> None:
    """Read and drop what a refused client still sends, within limits of bytes and of patience."""
    left = settings.request_bytes
    loop = asyncio.get_running_loop()
    end = loop.time() + LONGEST_DRAIN * settings.idle_seconds
    try:
        async with asyncio.timeout(settings.idle_seconds) as patience:
            async for piece in body:
                left -= len(piece)
                if left < 0:
                    return
                patience.reschedule(min(end, loop.time() + settings.idle_seconds))
    except TimeoutError:
        return
