"""The settings of a running Comunal: explicit, then environment, then default; a wrong one stops the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from schemas.errors import CommandError

PREFIX = "COMUNAL_"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """What the edges (the command line and the server) hand down as plain arguments.

    Attributes:
        data: folder of everything that runs: database, blobs, tables, releases. COMUNAL_DATA.
        database_url: `postgresql://...`; null is SQLite in `data`. May hold a password, so its repr is hidden.
            COMUNAL_DATABASE_URL.
        host, port: where the server listens. COMUNAL_HOST, COMUNAL_PORT.
        public_url: address under which phones reach the server, "" takes it from each request.
            COMUNAL_PUBLIC_URL.
        trust_forwarded: whether X-Forwarded-Proto and X-Forwarded-Host are believed: only behind a proxy of one's own
            that sets them. COMUNAL_TRUST_FORWARDED.
        accept_bytes: bytes that a phone is told to put in one request. COMUNAL_ACCEPT_BYTES.
        request_bytes: bytes of one request above which it is refused; more than `accept_bytes`, because a phone sends
            at least one file a request, however big. COMUNAL_REQUEST_BYTES.
        xml_bytes: bytes of one submission's XML above which it is refused. COMUNAL_XML_BYTES.
        idle_seconds: silence of a sending phone after which it is hung up on. COMUNAL_IDLE_SECONDS.
        requests_per_minute: requests of one key above which it is told to wait; so many may also come at once. The
            default stops a runaway program, never a phone. COMUNAL_REQUESTS_PER_MINUTE.
        connections: open connections above which new requests are answered 503. COMUNAL_CONNECTIONS.
    """

    data: Path = Path("var")
    database_url: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 8390
    public_url: str = ""
    trust_forwarded: bool = False
    accept_bytes: int = 100_000_000
    request_bytes: int = 256 * MEBIBYTE
    xml_bytes: int = 16 * MEBIBYTE
    idle_seconds: float = 60.0
    requests_per_minute: int = 60_000
    connections: int = 1000


def _flag(text: str) -> bool:
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    return known[text.strip().lower()]


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError(text)
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


def _http_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError(text)
    return text.rstrip("/")


_READERS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "data": (Path, "a folder"),
    "database_url": (str, "a database address"),
    "host": (str, "a host name or address"),
    "port": (_port, "a number from 0 to 65535"),
    "public_url": (_http_url, "an address that starts with http:// or https://"),
    "trust_forwarded": (_flag, "yes or no"),
    "accept_bytes": (_count, "a whole number of bytes"),
    "request_bytes": (_count, "a whole number of bytes"),
    "xml_bytes": (_count, "a whole number of bytes"),
    "idle_seconds": (_seconds, "a number of seconds above 0"),
    "requests_per_minute": (_count, "a whole number above 0"),
    "connections": (_count, "a whole number above 0"),
}


def read_settings(environ: Mapping[str, str], **explicit: object) -> Settings:
    """The settings that an environment gives; `explicit` ones that aren't null win.

    Args:
        environ: usually `os.environ`; an empty variable counts as absent.
        **explicit: settings by name, as the command line got them.

    Raises:
        CommandError: CMD-010, an environment variable that can't be read (its value isn't repeated: it may be a
            secret); CMD-011, limits that contradict each other.

    >>> read_settings({"COMUNAL_PORT": "9000"}, host=None).port
    9000
    """
    values: dict[str, object] = {}
    for setting in fields(Settings):
        if explicit.get(setting.name) is not None:
            values[setting.name] = explicit[setting.name]
            continue
        variable = PREFIX + setting.name.upper()
        text = environ.get(variable, "")
        if text:
            reader, expected = _READERS[setting.name]
            try:
                values[setting.name] = reader(text)
            except (ValueError, KeyError):
                message = f"The environment variable {variable} can't be used: expected {expected}."
                raise CommandError("CMD-010", message, f"Correct {variable} or unset it.") from None
    settings = Settings(**values)  # type: ignore[arg-type]  # each reader returns its field's type
    if settings.request_bytes < settings.accept_bytes:
        raise CommandError(
            "CMD-011",
            f"request_bytes ({settings.request_bytes}) is below accept_bytes ({settings.accept_bytes}).",
            "Phones are told the second and refused by the first: set COMUNAL_REQUEST_BYTES higher.",
        )
    return settings
