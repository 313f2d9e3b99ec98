"""Bodies and documents that no phone should send, made from real ones: for the fuzzer."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from phones import BOUNDARY, body, head

TOKENS = (
    b"\0", b"&", b"<", b">", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?", b"<?xml version='1.0'?>", b"&#0;", b"&#x1F;",
    b"&#x110000;", b"&#xD800;", b"&lt;", b"&nbsp;", b"&a;", b"\xff", b"\xfe\xff", b"\xed\xa0\x80", b"\xef\xbf\xbe",
    b"\xc0\x80", b"\xf5\x80\x80\x80", b"\xef\xbb\xbf", b"\r", b"\n", b"\x7f", b"\x1b", b"\xe2\x80\xae", b"xmlns:a=''",
    b"xmlns='x'", b"<a:b/>", b"<x xmlns:a='relative'/>", b"<x xmlns:xml='u'/>", b"<x a='1' a='2'/>", b"<meta/>",
    b"<meta><instanceID>x</instanceID></meta>", b"</data>", b"<data>", b"<!DOCTYPE d>", b"<!ENTITY a 'b'>",
    b"<?xml-stylesheet href='http://127.0.0.1/x'?>",
    b"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/'/>",
    b" xml:base='file:///'", b" xml:space='preserve'", b" xml:id='a'", b"--", b'"', b"'", b"=",
)  # fmt: skip
ENCODINGS = ("utf-16", "utf-16-be", "utf-32", "utf-7", "latin-1", "cp037", "utf-8-sig")
ODD_IDS = (
    "", " ", "x" * 250, "x" * 251, "x" * 100_000, "../../etc/passwd", "uuid:\u202e", "a&#10;b", "a&#x7f;b", "😀", "%00",
    "'; --", "&#xFFFD;", "ñ" * 250, "\u00a0", "a\tb", "a&#9;b",
)  # fmt: skip


def splice(rng: random.Random, data: bytes, piece: bytes) -> bytes:
    """The bytes with a piece put in somewhere."""
    place = rng.randint(0, len(data))
    return data[:place] + piece + data[place:]


def flip(rng: random.Random, data: bytes, times: int) -> bytes:
    """The bytes with some of them changed."""
    changed = bytearray(data)
    for _ in range(times):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def cut(rng: random.Random, data: bytes) -> bytes:
    """The bytes without a stretch in them, or without their end."""
    start = rng.randrange(len(data))
    end = len(data) if rng.random() < 0.5 else rng.randint(start, len(data))
    return data[:start] + data[end:]


def repeat(rng: random.Random, data: bytes) -> bytes:
    """The bytes with a stretch of them a second time elsewhere."""
    start = rng.randrange(len(data))
    return splice(rng, data, data[start : rng.randint(start, len(data))])


def with_identity(rng: random.Random, xml: bytes) -> bytes:
    """The document under an odd identity: of the interview, its form, its version, or what it replaces."""
    odd = rng.choice(ODD_IDS).encode()
    which = rng.randrange(4)
    if which == 0:
        return re.sub(rb"instanceID>[^<]*<", lambda _: b"instanceID>" + odd + b"<", xml, count=1)
    if which == 1:
        return re.sub(rb' id="[^"]*"', lambda _: b' id="' + odd + b'"', xml, count=1)
    if which == 2:
        return re.sub(rb'version="[^"]*"', lambda _: b'version="' + odd + b'"', xml, count=1)
    deprecated = rng.choice([odd, (re.search(rb"instanceID>([^<]*)<", xml) or [b"", b""])[1]])
    return xml.replace(b"</orx:meta>", b"<orx:deprecatedID>" + deprecated + b"</orx:deprecatedID></orx:meta>")


def swollen(rng: random.Random, xml: bytes) -> bytes:
    """The document grown: deep, wide, with many attributes or names, or with entities that multiply."""
    size = rng.choice([50, 99, 101, 300, 20_000])
    grown = rng.choice(
        [
            b"<a>" * size + b"</a>" * size,
            b"<a/>" * size,
            b"<a " + b" ".join(b"a%d='x'" % n for n in range(size)) + b"/>",
            b"".join(b"<n%d:a xmlns:n%d='urn:%d'/>" % (n, n, n) for n in range(size)),
            b"<a x='" + b"y" * size * 20 + b"'/>",
            b"<![CDATA[" + b"]" * size + b"]]>",
            b"<!--" + b"x" * size + b"-->",
            b"&#65;" * size,
        ]
    )
    if rng.random() < 0.2:
        levels = b"".join(b'<!ENTITY a%d "%s">' % (n + 1, b"&a%d;" % n * 10) for n in range(9))
        return b'<!DOCTYPE d [<!ENTITY a0 "ha">' + levels + b"]>" + xml.replace(b"<q>", b"<q>&a9;", 1)
    return xml.replace(b"<q>", b"<q>" + grown, 1)


def reencoded(rng: random.Random, xml: bytes) -> bytes:
    """The document in another encoding than it says, or with a declaration that isn't true."""
    encoding = rng.choice(ENCODINGS)
    said = rng.choice(["", f"<?xml version='1.0' encoding='{rng.choice([*ENCODINGS, 'none', ''])}'?>"])
    return (said + xml.decode()).encode(encoding, "replace")


def damaged_xml(rng: random.Random, xml: bytes) -> bytes:
    """One document that is probably none, or an odd one."""
    ways: list[Callable[[], bytes]] = [
        lambda: flip(rng, xml, rng.choice([1, 1, 2, 20])),
        lambda: cut(rng, xml),
        lambda: repeat(rng, xml),
        lambda: splice(rng, xml, rng.choice(TOKENS)),
        lambda: splice(rng, splice(rng, xml, rng.choice(TOKENS)), rng.choice(TOKENS)),
        lambda: with_identity(rng, xml),
        lambda: swollen(rng, xml),
        lambda: reencoded(rng, xml),
        lambda: rng.choice([b"", b" ", b"\0", b"{}", b"<", b"<a/>", rng.randbytes(2000), xml + xml, xml[::-1]]),
    ]
    return rng.choice(ways)()


# --------------------------------------------------------------------------------------------------------- multipart

ODD_HEADERS = (
    b'Content-Disposition: form-data; name="%s"; filename="%s"' % (b"a" * 100_000, b"b"),
    b'Content-Disposition: form-data; name="a"; filename="' + b"n" * 3000 + b'.jpg"',
    b'Content-Disposition: form-data; name="a"; filename="a\0b.jpg"',
    b'Content-Disposition: form-data; name="a"; filename="a\r\nX-Injected: yes"',
    b'Content-Disposition: form-data; name="a"; filename="../../../../etc/passwd"',
    b"Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''%F0%9F%98%80%00.jpg",
    b"Content-Disposition: form-data; name=a; filename=\xff\xfe",
    b'Content-Disposition: form-data; filename="no-name.jpg"',
    b'Content-Disposition: attachment; filename="a.jpg"',
    b"Content-Disposition:", b"Content-Disposition: form-data", b"nonsense", b": x", b"\0: x", b"",
    b'Content-Disposition: form-data; name="a"; filename="a.jpg"\r\nContent-Type: text/\0plain',
    b'Content-Disposition: form-data; name="a"; filename="b.jpg"\r\nContent-Type: ' + b"x" * 5000,
    b'Content-Disposition: form-data; name="a"; filename="c.jpg"\r\nContent-Type: image/jpeg\xc3\x28',
    b'Content-Disposition: form-data; name="a"; filename="d.jpg"\r\nContent-Length: 999999',
    b'Content-Disposition: form-data; name="a"; filename="e.jpg"\r\nContent-Length: -1',
    b'Content-Disposition: form-data; name="a"; filename="f.jpg"\r\nContent-Transfer-Encoding: base64',
    b'Content-Disposition: form-data; name="a"; filename="g.jpg"\r\nContent-Disposition: form-data; name="b"',
    b'Content-Disposition: form-data; name="*isIncomplete*"',
    b'Content-Disposition: form-data; name="*isIncomplete*"; filename="h.jpg"',
    b'Content-Disposition: form-data; name="xml_submission_file"; filename="second.xml"',
    b"X-Many: 1\r\n" * 500 + b'Content-Disposition: form-data; name="a"; filename="i.jpg"',
    b'Content-Disposition: form-data; name="a"; filename="j.jpg"\r\n continued: yes',
)  # fmt: skip
ODD_BOUNDARIES = (
    b"",
    b'""',
    b"x" * 71,
    b"x" * 5000,
    b'"' + BOUNDARY,
    BOUNDARY + b"; boundary=other",
    b"\xff",
    b"a b",
    b"--",
    b"\0",
)


def damaged_body(rng: random.Random, xml: bytes) -> bytes:
    """A multipart body with something wrong in it."""
    whole = body(xml, {"a.jpg": rng.randbytes(rng.choice([0, 10, 70_000]))})
    part = b"--" + BOUNDARY + b"\r\n" + rng.choice(ODD_HEADERS) + b"\r\n\r\n" + rng.randbytes(20) + b"\r\n"
    ways: list[Callable[[], bytes]] = [
        lambda: part + whole,
        lambda: whole.replace(b"--" + BOUNDARY + b"--", part + b"--" + BOUNDARY + b"--"),
        lambda: part * rng.choice([2, 500, 2000]) + whole,
        lambda: whole + whole,
        lambda: whole[: -rng.randint(1, 30)],
        lambda: flip(rng, whole, rng.choice([1, 3, 30])),
        lambda: cut(rng, whole),
        lambda: repeat(rng, whole),
        lambda: splice(
            rng, whole, rng.choice([b"\0", b"\r\n", b"\r\n\r\n", b"--" + BOUNDARY, b"\r\n--" + BOUNDARY + b"\r\n"])
        ),
        lambda: whole.replace(b"\r\n", rng.choice([b"\n", b"\r", b"\r\n\r\n"])),
        lambda: rng.choice([b"", b"--", b"\r\n", b"--" + BOUNDARY, rng.randbytes(5000), b"x" * 300_000]),
        lambda: b"preamble\r\n" * 1000 + whole + b"epilogue",
    ]
    return rng.choice(ways)()[:3_000_000]


def chunked(rng: random.Random, data: bytes) -> bytes:
    """The body in chunks, some of them odd."""
    sent = b""
    step = rng.choice([1, 7, 1000, 100_000])
    data = data[: step * 2000]
    for start in range(0, len(data), step):
        piece = data[start : start + step]
        sent += b"%x%s\r\n%s\r\n" % (len(piece), rng.choice([b"", b"", b"", b";a=b"]), piece)
    ending = rng.choice(
        [b"0\r\n\r\n", b"0\r\n\r\n", b"", b"0\r\nX-Trailer: y\r\n\r\n", b"-1\r\n", b"zz\r\n\r\n", b"f" * 20 + b"\r\n"]
    )
    return sent + ending


def damaged_request(rng: random.Random, key: str, xml: bytes) -> bytes:
    """The bytes of one request, with something wrong in its head, its length or its body."""
    if rng.random() < 0.1:
        return odd_address(rng, key)
    data = rng.choice([body(xml, {}), damaged_body(rng, xml)])
    first = head(key, len(data))
    length = b"Content-Length: %d\r\n" % len(data)
    odd_lengths = [
        b"",
        b"Content-Length: -1\r\n",
        b"Content-Length: x\r\n",
        b"Content-Length: 99999999999999999999\r\n",
    ]
    odd_lengths += [b"Content-Length: %d\r\n" % (len(data) + rng.randint(1, 50)), b"Content-Length: 0\r\n", length * 2]
    odd_lengths += [b"Content-Length: %d\r\n" % rng.randint(0, len(data)), length + b"Content-Length: 5\r\n"]
    chunks = b"Transfer-Encoding: chunked\r\n"
    kind = rng.choice([b"multipart/mixed", b"text/xml", b"", b"a" * 9000])
    path = rng.choice([b"/submission\0?", b"/../submission?", b"/" * 5000, b"/s%00?"])
    other = rng.choice([b"gzip", b"gzip, chunked", b"identity", b"chunked, chunked"])
    ways: list[Callable[[], bytes]] = [
        lambda: first + data,
        lambda: first.replace(length, rng.choice(odd_lengths)) + data,
        lambda: first.replace(length, chunks) + chunked(rng, data),
        lambda: first.replace(length, chunks + length) + chunked(rng, data),
        lambda: first.replace(length, b"Transfer-Encoding: " + other + b"\r\n") + data,
        lambda: first.replace(b"boundary=" + BOUNDARY, b"boundary=" + rng.choice(ODD_BOUNDARIES)) + data,
        lambda: first.replace(b"multipart/form-data", kind) + data,
        lambda: flip(rng, first, rng.choice([1, 3])) + data,
        lambda: first.replace(b"\r\n\r\n", b"\r\n" + b"X-More: y\r\n" * rng.choice([100, 9000]) + b"\r\n") + data,
        lambda: first.replace(b"Host: h", rng.choice([b"Host: a\0b", b"Host: " + b"h" * 70_000, b"X: y"])) + data,
        lambda: first.replace(b"/submission?", path) + data,
        lambda: (first + data)[: rng.randrange(len(first) + len(data))],
        lambda: first + b"Expect: 100-continue\r\n" + data,
        lambda: rng.randbytes(3000),
    ]  # fmt: skip
    return rng.choice(ways)()


def odd_address(rng: random.Random, key: str) -> bytes:
    """A request for something else, with odd signs where a name or a number belongs."""
    odd = rng.choice(
        ["%00", "%FF", "..%2F..", "%F0%9F%98%80", "'", "1e9", "-1", "9" * 30, "%0d%0aX: y", "a" * 3000, ""]
    )
    at = f"/key/{rng.choice([key, odd])}"
    path = rng.choice(
        [
            f"{at}/formList?formID={odd}", f"{at}/forms/{odd}/form.xml", f"{at}/forms/1/media/{odd}",
            f"{at}/forms/{odd}/manifest", f"/test/{odd}/formList", f"/test/{odd}/submission", f"{at}/submission?{odd}",
            f"{at}/entities/{odd}", f"{at}/lists/{odd}.csv", f"/v1{at}/projects/{odd}/formList", f"/{odd}",
            f"/formList?formID={odd}", f"/v1/projects/1/forms/{odd}/submissions/{odd}", f"/v1/sessions/{odd}",
        ]
    )  # fmt: skip
    login = rng.choice(
        ["", "", f'Digest username="{odd}", realm="Comunal", nonce="x", uri="{path}", response="y"', "Basic !"]
    )
    more = f"Authorization: {login}\r\n" if login else ""
    method = rng.choice(["GET", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
    return f"{method} {path} HTTP/1.1\r\nHost: h\r\nX-OpenRosa-Version: 1.0\r\n{more}\r\n".encode()
