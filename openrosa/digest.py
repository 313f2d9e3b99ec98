"""Digest authentication (RFC 7616 with MD5 and qop=auth), as ODK Collect does it over plain HTTP.

A nonce is good for some minutes and for many requests: its counter `nc` has to be a new one each time, in about the
right order. Whatever else is wrong with a nonce, a client that knows the password is told `stale=true` and tries
again at once, without asking its user.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.request import parse_http_list, parse_keqv_list

NONCE_SECONDS = 300.0
WINDOW = 64
"""How far behind the highest counter a request may come, because another one overtook it."""

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Claim:
    """What a client sent as `Authorization: Digest ...`. `nc` is the counter's text."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    cnonce: str
    nc: str
    qop: str


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def read_claim(header: str) -> Claim | None:
    """The claim of a header; null if it isn't one that we understand.

    >>> read_claim("Basic eDp5") is None
    True
    """
    kind, _, rest = header.partition(" ")
    if kind.lower() != "digest":
        return None
    try:
        found = parse_keqv_list(parse_http_list(rest))
        claim = Claim(**{name: found[name] for name in Claim.__slots__})
        is_counter = len(claim.nc) == 8 and int(claim.nc, 16) > 0
    except (ValueError, KeyError, IndexError):
        return None
    known = found.get("algorithm", "MD5").upper() == "MD5" and claim.qop == "auth"
    return claim if known and is_counter else None


def expected_response(ha1: str, method: str, claim: Claim) -> str:
    """What the client computes if it knows the password.

    >>> mufasa = hashlib.md5(b"Mufasa:http-auth@example.org:Circle of Life").hexdigest()
    >>> claim = Claim("Mufasa", "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    ...     "/dir/index.html", "", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "00000001", "auth")
    >>> expected_response(mufasa, "GET", claim)
    '8ca523f5e9506fed4657c9700eebdbec'
    """
    ha2 = _md5(f"{method}:{claim.uri}")
    return _md5(f"{ha1}:{claim.nonce}:{claim.nc}:{claim.cnonce}:{claim.qop}:{ha2}")


def is_right(ha1: str, method: str, claim: Claim) -> bool:
    """Whether the client knows the password."""
    return hmac.compare_digest(expected_response(ha1, method, claim).encode(), claim.response.lower().encode())


class Nonces:
    """Makes nonces and knows its own again, without keeping those that nobody has used.

    Args:
        clock: seconds that only grow.
        secret: what they are signed with; null makes one, so that a restart makes all earlier ones stale.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, secret: bytes | None = None) -> None:
        self._clock = clock
        self._secret = secret or secrets.token_bytes(32)
        self._used: dict[str, tuple[int, int]] = {}

    def make(self) -> str:
        """A new nonce."""
        body = f"{int(self._clock() * 1000):014x}{secrets.token_hex(8)}"
        return body + self._sign(body)

    def use(self, nonce: str, nc: str) -> bool:
        """Whether a request may use the nonce with that counter; then no other request may."""
        body, signature = nonce[:30], nonce[30:]
        if not hmac.compare_digest(self._sign(body).encode(), signature.encode("utf-8", "surrogateescape")):
            return False
        if self._clock() - int(body[:14], 16) / 1000 > NONCE_SECONDS:
            self._used.pop(nonce, None)
            return False
        number = int(nc, 16)
        highest, seen = self._used.get(nonce, (0, 0))
        if number > highest:
            shift = min(number - highest, WINDOW)
            self._keep(nonce, number, (seen << shift | 1) & (1 << WINDOW) - 1)
            return True
        age = highest - number
        if age >= WINDOW or seen >> age & 1:
            return False
        self._keep(nonce, highest, seen | 1 << age)
        return True

    def _keep(self, nonce: str, highest: int, seen: int) -> None:
        if nonce not in self._used and len(self._used) >= _MOST:
            # The oldest goes. Were it used again, it would count from the start: no worse than a new one.
            self._used.pop(next(iter(self._used)))
        self._used[nonce] = (highest, seen)

    def _sign(self, body: str) -> str:
        return hmac.new(self._secret, body.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def challenge(nonce: str, realm: str, *, stale: bool) -> str:
    """The value of `WWW-Authenticate`."""
    return f'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm=MD5' + (", stale=true" if stale else "")
