"""A store behind the real server, for the time of a test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openrosa.serve import bind, make_server
from store.open import Store, open_store
from store.people import add_person


@contextmanager
def serve(folder: Path) -> Iterator[tuple[Store, str]]:
    """An empty store, and the address that an enumerator of it types into the phone."""
    with open_store(folder) as store:
        with store.begin() as connection:
            key = add_person(connection, "phone", "enumerator").key
        listener = bind("127.0.0.1", 0)
        port = listener.getsockname()[1]
        server = make_server(store, "127.0.0.1", port)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until = time.monotonic() + 20
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        try:
            yield store, f"http://127.0.0.1:{port}/key/{key}"
        finally:
            server.should_exit = True
            thread.join(20)
            listener.close()
