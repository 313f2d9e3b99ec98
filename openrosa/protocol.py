"""HTTP on a socket, with bounds that uvicorn leaves open: how many phones, how long and how large a request's head.

Without them a connection that never says anything stays for ever, and a head that never ends fills the memory.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_SECONDS = 30.0
"""How long a request's head may take, from the connection or from its first byte on."""

HEAD_BYTES = 64 * 1024
"""What may come besides the bytes of a body: request line, headers, trailers."""

FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nX-OpenRosa-Version: 1.0\r\nRetry-After: 30\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class PhoneProtocol(HttpToolsProtocol):
    """One connection. Beyond `limit_concurrency` new ones are sent away, and those that are there go on."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # uvicorn's own way with the limit answers 503 to whoever is there already.
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._loose = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or say that too many are here."""
        super().connection_made(transport)
        if self._most is not None and len(self.connections) > self._most:
            transport.write(FULL)
            transport.close()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; hang up if it is no body and never ends."""
        if self.transport.is_closing():
            return
        self._loose += len(data)
        super().data_received(data)
        if self._loose > HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """A request's first byte."""
        if self._deadline is None:
            self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._loose = 0
        self._forget_deadline()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of its body: how slow and how large is the app's to judge."""
        self._loose = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it."""
        self._loose = 0
        super().on_message_complete()

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
