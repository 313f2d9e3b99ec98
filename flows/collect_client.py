"""An HTTP client that behaves as ODK Collect does, byte for byte where a server could notice.

It exists so that a rehearsal takes the same road as a field day: form list, form, media, then for every interview a
HEAD and one or more multipart POSTs, from several phones at once. What Collect does was seen by running its own
network code; the peculiar parts (a 12-hour clock in `Date`, the whole XML repeated in each part, 201 or 202 and
nothing else counting as success) are its own and are kept on purpose.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

import httpx
from lxml import etree

from flows.collect_documents import FormListing, read_form_list, read_manifest, read_message
from flows.collect_parts import Part, split_parts
from forms.rehearsal.interviews import Send
from openrosa.access import KeyFilter
from schemas.errors import CommandError

USER_AGENT = "org.odk.collect.android/v2026.3.3 comunal-rehearsal"
DEFAULT_DEVICE = "collect:comunalrehearse1"
DEFAULT_LIMIT = 10_000_000
"""Bytes a request may hold where the server doesn't say (Collect's own figure)."""

ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0
_LOCAL = ("http://127.0.0.1", "http://localhost", "http://[::1]")
_BUSY = frozenset({429, 502, 503, 504})
_ACCEPTED = frozenset({201, 202})
_NOT_OPENROSA = "This is not the address of an OpenRosa server: copy it whole from the settings of the phone."


@dataclass(frozen=True, slots=True)
class FetchedForm:
    """A form as it lies on a phone: its list entry, the XForm's bytes, and its media by file name."""

    listing: FormListing
    xform: bytes
    media: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Receipt:
    """How one sending ended.

    Attributes:
        status: HTTP status of the last request, 0 if the server couldn't be reached.
        message: the sentence the server shows to the enumerator, "" if none.
        requests: POSTs made, counting repeated tries.
        seconds: from the HEAD until the last answer.
    """

    instance_id: str
    status: int
    message: str
    requests: int
    seconds: float

    @property
    def accepted(self) -> bool:
        """Whether Collect would count it as sent: 201 or 202 only."""
        return self.status in _ACCEPTED


class CollectClient:
    """One phone's connection to one server. Safe to use from several threads.

    Args:
        server_url: what an enumerator types as the server, with the key in it where the server gives keys.
        device_id: sent as `deviceID` with every request.
        transport: replaces the network in tests.
        sleep: called with the seconds to wait before another try.
        clock: gives the `Date` header.
    """

    def __init__(
        self,
        server_url: str,
        *,
        device_id: str = DEFAULT_DEVICE,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = server_url.rstrip("/")
        self._device_id = device_id
        self._sleep = sleep
        self._clock = clock
        timeout = httpx.Timeout(60.0, connect=30.0)
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=32)
        self._http = httpx.Client(
            transport=transport,
            timeout=timeout,
            limits=limits,
            follow_redirects=False,
            # A proxy of the environment can't reach this machine's own server.
            trust_env=not self._url.startswith(_LOCAL),
        )
        self._stopped = threading.Event()
        _hide_keys()

    def __enter__(self) -> CollectClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def server_url(self) -> str:
        """The server's address. It may hold a key: never print it."""
        return self._url

    def close(self) -> None:
        """Close the connections; waiting tries give up."""
        self._stopped.set()
        self._http.close()

    def list_forms(self) -> list[FormListing]:
        """The forms the server offers, read as strictly as Collect reads them.

        Raises:
            CommandError: CMD-101 unreachable, CMD-102 key refused, CMD-104 what came is no OpenRosa form list.
        """
        return read_form_list(self._document("/formList", "the form list"))

    def fetch_form(self, form_id: str) -> FetchedForm:
        """Download the newest listed version of a form with its media.

        Raises:
            CommandError: CMD-103 the server doesn't offer it, CMD-105 its bytes don't have the hash of the list
                (Collect would erase it from the phone), and those of `list_forms`.
        """
        listings = [listing for listing in self.list_forms() if listing.form_id == form_id]
        if not listings:
            raise CommandError(
                "CMD-103",
                f"The server offers no form with the id {form_id!r}.",
                "Register its workbook first, and look that the key belongs to a person who may fill it.",
            )
        listing = max(listings, key=lambda each: each.version)
        xform = self._get(listing.download_url, f"the form {form_id!r}").content
        if listing.hash != f"md5:{hashlib.md5(xform, usedforsecurity=False).hexdigest()}":
            raise CommandError(
                "CMD-105",
                f"The form {form_id!r} came with other bytes than its hash in the form list says.",
                "Serve the stored bytes unchanged: Collect erases such a form from the phone.",
            )
        media: dict[str, bytes] = {}
        if listing.manifest_url:
            document = self._document(listing.manifest_url, f"the manifest of {form_id!r}")
            for name, url in read_manifest(document):
                media[name] = self._get(url, f"the media file {name!r}").content
        return FetchedForm(listing, xform, media)

    def send(self, send: Send) -> Receipt:
        """Send one interview as Collect does. Never raises for what the server answers: see `Receipt.status`.

        Raises:
            CommandError: CMD-104, the address answers 200 to HEAD, which is no OpenRosa submission endpoint.
        """
        began = time.perf_counter()
        limit = self._ask_limit()
        if isinstance(limit, Receipt):
            return Receipt(send.instance_id, limit.status, limit.message, 0, time.perf_counter() - began)
        posts = 0
        answer: httpx.Response | None = None
        for parts in split_parts(send, limit):
            answer, tries = self._try(lambda parts=parts: self._post(parts))  # type: ignore[misc]
            posts += tries
            if answer is None or answer.status_code not in _ACCEPTED:
                break  # as Collect: the remaining parts aren't sent
        status = answer.status_code if answer is not None else 0
        message = read_message(answer.content) if answer is not None else ""
        return Receipt(send.instance_id, status, message, posts, time.perf_counter() - began)

    def _ask_limit(self) -> int | Receipt:
        """The HEAD before every submission: how many bytes one request may hold."""
        answer, _ = self._try(lambda: self._request("HEAD", self._url + "/submission"))
        if answer is None:
            return Receipt("", 0, "", 0, 0.0)
        if answer.status_code == 200:
            raise CommandError("CMD-104", "The server answered 200 instead of 204 to HEAD /submission.", _NOT_OPENROSA)
        if answer.status_code in {401, 403}:
            return Receipt("", answer.status_code, read_message(answer.content), 0, 0.0)
        stated = answer.headers.get("X-OpenRosa-Accept-Content-Length", "") if answer.status_code == 204 else ""
        return int(stated) if stated.isdecimal() else DEFAULT_LIMIT

    def _post(self, parts: list[Part]) -> httpx.Response:
        return self._request("POST", self._url + "/submission", files=parts)

    def _document(self, address: str, what: str) -> etree._Element:
        answer = self._get(self._url + address if address.startswith("/") else address, what)
        kind = answer.headers.get("Content-Type", "text/xml")
        if "text/xml" not in kind or "X-OpenRosa-Version" not in answer.headers:
            raise CommandError("CMD-104", f"What came as {what} is no OpenRosa document ({kind}).", _NOT_OPENROSA)
        try:
            return etree.fromstring(answer.content, etree.XMLParser(resolve_entities=False, no_network=True))
        except etree.XMLSyntaxError as error:
            raise CommandError("CMD-104", f"What came as {what} is no XML.", _NOT_OPENROSA) from error

    def _get(self, url: str, what: str) -> httpx.Response:
        answer, _ = self._try(lambda: self._request("GET", url, follow=True))
        if answer is None:
            raise unreachable(self._url)
        if answer.status_code in {401, 403}:
            raise CommandError(
                "CMD-102",
                f"The server refused the key when asked for {what} (HTTP {answer.status_code}).",
                "Copy the address again from the person's settings; a revoked key needs a new one.",
            )
        if answer.status_code != 200:
            raise CommandError("CMD-104", f"The server answered {answer.status_code} for {what}.", _NOT_OPENROSA)
        return answer

    def _try(self, request: Callable[[], httpx.Response]) -> tuple[httpx.Response | None, int]:
        """The answer and the tries it took; null when the server stayed out of reach."""
        answer: httpx.Response | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS))
            if self._stopped.is_set():
                return None, attempt
            try:
                answer = request()
            except (httpx.TransportError, httpx.InvalidURL):
                answer = None
                continue
            if answer.status_code not in _BUSY:
                return answer, attempt + 1
        return answer, ATTEMPTS

    def _request(
        self, method: str, url: str, *, files: list[Part] | None = None, follow: bool = False
    ) -> httpx.Response:
        # Merged, since httpx's own `params` would replace a query that the address already has.
        address = httpx.URL(url).copy_merge_params({"deviceID": self._device_id})
        headers = {
            "X-OpenRosa-Version": "1.0",
            "Date": collect_date(self._clock()),
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "gzip",
        }
        return self._http.request(method, address, headers=headers, files=files, follow_redirects=follow)


def _hide_keys() -> None:
    """Keep the key of an address out of what httpx and httpcore log of their requests."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        if not any(isinstance(present, KeyFilter) for present in logger.filters):
            logger.addFilter(KeyFilter())


def unreachable(server_url: str) -> CommandError:
    """CMD-101, naming host and port only: the rest of the address may hold a key."""
    try:
        url = httpx.URL(server_url)
        where = f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}"
    except httpx.InvalidURL:
        where = "that address"
    return CommandError(
        "CMD-101",
        f"The server at {where} could not be reached in {ATTEMPTS} tries.",
        "Start it, or correct the address and the port.",
    )


def collect_date(moment: datetime) -> str:
    """Collect's `Date` header: RFC 1123 but for the 12-hour clock, which is its bug.

    >>> collect_date(datetime(2026, 11, 24, 15, 4, 5, tzinfo=UTC))
    'Tue, 24 Nov 2026 03:04:05 GMT'
    """
    moment = moment.astimezone(UTC)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day}, {moment.day:02d} {months[moment.month - 1]} {moment.year} {moment:%I:%M:%S} GMT"
