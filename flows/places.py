"""Where Comunal's data are: the settings read at the edge, and the store opened for one command."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.settings import read_settings

if TYPE_CHECKING:
    from store.audit import Actor
    from store.open import Store


def data_folder(data: Path | None) -> Path:
    """The folder that holds everything: --data, else COMUNAL_DATA, else var/."""
    return read_settings(os.environ, data=data).data


@contextmanager
def open_data(data: Path | None) -> Iterator[Store]:
    """The store of that folder, or of the database that COMUNAL_DATABASE_URL names, closed at the end."""
    from store.audit import acting
    from store.open import open_store

    settings = read_settings(os.environ, data=data)
    with open_store(settings.data, settings.database_url) as store, acting(operator()):
        yield store


def operator() -> Actor:
    """Whoever is at the command line, as the audit log names them: by their account on this machine."""
    from store.audit import Actor

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return Actor(f"operator {name}", "comunal")
