"""Running the server in this process until it is told to stop."""

from __future__ import annotations

import errno
import logging
import os
import resource
import signal
import socket
import threading
from collections.abc import Sequence
from types import FrameType

import uvicorn
from starlette.routing import BaseRoute

from openrosa.access import KeyFilter
from openrosa.app import create_app
from openrosa.protocol import PhoneProtocol
from schemas.errors import CommandError
from schemas.settings import Settings, read_settings
from store.open import Store

STOP_SECONDS = 30
"""How long a stop waits for phones that are still sending."""

SPARE_FILES = 256
"""Open files besides the connections: the database, temporary files, libraries."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one.

    Raises:
        CommandError: CMD-020, the port is in use; CMD-021, the port needs rights that we lack; CMD-022, the host is
            none of this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        raise CommandError("CMD-022", f"The host {host!r} isn't known.", "Use 127.0.0.1 or 0.0.0.0.") from None
    family, _, _, _, address = found[0]
    # asyncio sends small answers at once (TCP_NODELAY) only on sockets that were made with this protocol number;
    # without it each answer waits 40 ms for the client's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message, advice = f"Port {port} of {host} is in use.", "Stop the other program or choose another port."
            raise CommandError("CMD-020", message, advice) from None
        if error.errno == errno.EACCES:
            message, advice = f"Port {port} needs more rights.", "Choose a port above 1023, with a proxy before it."
            raise CommandError("CMD-021", message, advice) from None
        message, advice = f"{host} isn't an address of this machine.", "Use 127.0.0.1 or 0.0.0.0."
        raise CommandError("CMD-022", message, advice) from None
    return listener


def make_server(
    store: Store, host: str, port: int, settings: Settings | None = None, more: Sequence[BaseRoute] = ()
) -> uvicorn.Server:
    """A server for a listener that `bind` made; the caller runs it. Its loggers never show a key."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "openrosa"):
        logger = logging.getLogger(name)
        if not any(isinstance(present, KeyFilter) for present in logger.filters):
            logger.addFilter(KeyFilter())
    config = uvicorn.Config(
        create_app(store, settings=settings, more=more),
        host=host,
        port=port,
        log_config=None,
        # Its lines hold the path, and so the key.
        access_log=False,
        server_header=False,
        # What a proxy says is believed by `routes.origin`, if the settings allow it.
        proxy_headers=False,
        http=PhoneProtocol,
        ws="none",
        limit_concurrency=(settings or Settings()).connections,
        lifespan="on",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return uvicorn.Server(config)


def allow_files(wanted: int) -> None:
    """Let this process open so many files, as far as the system lets it: many allow 1,024 until they are asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def run(
    store: Store, host: str, port: int, *, settings: Settings | None = None, more: Sequence[BaseRoute] = ()
) -> None:
    """Serve until SIGTERM or SIGINT; then let phones finish, write what waits, and return.

    Args:
        store: open; it stays open.
        host: where to listen.
        port: likewise; 0 takes a free one.
        settings: limits and addresses; null reads the environment (COMUNAL_PUBLIC_URL and so on).
        more: as of `create_app`.

    Raises:
        CommandError: CMD-010, CMD-011 a setting that can't be used; CMD-020 to CMD-022, it can't listen there.
    """
    settings = settings or read_settings(os.environ)
    # Each connection may have a temporary file beside it.
    allow_files(2 * settings.connections + SPARE_FILES)
    listener = bind(host, port)
    server = make_server(store, host, port, settings, more)
    # Once it has stopped, uvicorn raises the signal again: for us that stop was the whole of it.
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGTERM, signal.SIGINT)} if is_main else {}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        listener.close()


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the server's own handler has done it."""
