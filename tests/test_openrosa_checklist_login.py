"""What ODK Collect expects of a server, line by line: user name and password, or a key in the address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import openrosa_phone as phone
import pytest

from schemas.settings import Settings

World, message, submission = phone.World, phone.message, phone.submission
LINES = phone.Lines()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    made = World(tmp_path_factory.mktemp("checklist") / "data")
    yield made
    made.close()


def digest(world: World) -> httpx.DigestAuth:
    return httpx.DigestAuth(world.named.login, world.named.key)


@LINES.of("OR-auth-01")
def _(world: World, _folder: Path) -> None:
    for method, path in (("GET", "/formList"), ("HEAD", "/submission"), ("POST", "/submission")):
        answer = world.ask(method, path, "")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Digest realm="Comunal", nonce="')
        assert answer.headers["x-openrosa-version"] == "1.0"


@LINES.of("OR-auth-02")
def _(world: World, _folder: Path) -> None:
    assert world.ask("GET", "/formList", "", auth=digest(world)).status_code == 200
    name, key = world.named.login, world.named.key
    plain = world.ask("GET", "/formList", "", auth=(name, key))
    assert plain.status_code == 401
    assert "Basic" not in plain.headers["www-authenticate"]
    secure = world.ask("GET", "/formList", "", origin="https://phone.example")
    assert "Basic realm=" in secure.headers["www-authenticate"]
    for user, status in ((name, 200), ("María Ñuñez", 200), ("rosa-1", 401)):
        answer = world.ask("GET", "/formList", "", auth=(user, key), origin="https://phone.example")
        assert answer.status_code == status
    proxied = {"X-Forwarded-Proto": "https"}
    assert world.ask("GET", "/formList", "", auth=(name, key), headers=proxied).status_code == 401
    behind = type(world)(world.store.data.parent / "behind", Settings(trust_forwarded=True))
    name, key = behind.named.login, behind.named.key
    assert behind.ask("GET", "/formList", "", auth=(name, key), headers=proxied).status_code == 200
    behind.close()


def answer_to(challenge: str, login: str, key: str, method: str, uri: str, count: int, **change: str) -> str:
    """An `Authorization` header, computed as RFC 7616 says, with Collect's quoting."""
    nonce = challenge.partition('nonce="')[2].partition('"')[0]
    ha1, ha2 = phone.md5(f"{login}:Comunal:{key}".encode()), phone.md5(f"{method}:{uri}".encode())
    fields = {"nc": f"{count:08x}", "cnonce": "0a4f113b", "uri": uri, "nonce": nonce} | change
    response = phone.md5(f"{ha1}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:auth:{ha2}".encode())
    return (
        f'Digest username="{login}", realm="Comunal", nonce="{fields["nonce"]}", uri="{fields["uri"]}", qop=auth, '
        f'nc={fields["nc"]}, cnonce="{fields["cnonce"]}", response="{response}", algorithm=MD5'
    )


def try_digest(world: World, header: str, method: str = "GET", path: str = "/formList") -> httpx.Response:
    return world.ask(method, path, "", headers={"Authorization": header.encode("latin-1")})


@LINES.of("OR-auth-03")
def _(world: World, _folder: Path) -> None:
    challenge = world.ask("GET", "/formList", "").headers["www-authenticate"]
    assert 'qop="auth"' in challenge and "algorithm=MD5" in challenge
    name, key, uri = world.named.login, world.named.key, f"/formList?{phone.DEVICE}"
    good = answer_to(challenge, name, key, "GET", uri, 1)
    assert try_digest(world, good).status_code == 200
    wrong = [
        good.replace("qop=auth", "qop=auth-int"),
        good.replace("MD5", "SHA-256"),
        answer_to(challenge, name, key, "GET", "/formList", 2),
        answer_to(challenge, name, key, "POST", uri, 3),
        answer_to(challenge, "maria-nunez-1", key, "GET", uri, 4),
        answer_to(challenge, "maria-nunez-99", key, "GET", uri, 4),
        answer_to(challenge, name, key, "GET", uri, 0),
        "Digest nonsense",
        good.replace(name, "mar\xeda-nu\xf1ez-2").replace(phone.DEVICE, "\xe9"),
        "Basic ???",
        "Bearer x",
    ]
    for header in wrong:
        refused = try_digest(world, header)
        assert (refused.status_code, "stale" in refused.headers["www-authenticate"]) == (401, False), header


@LINES.of("OR-auth-04")
def _(world: World, _folder: Path) -> None:
    challenge = world.ask("GET", "/formList", "").headers["www-authenticate"]
    name, key = world.named.login, world.named.key
    uri = f"/submission?{phone.DEVICE}"
    heads = [answer_to(challenge, name, key, "HEAD", uri, count) for count in (1, 2, 4, 3, 9)]
    assert [try_digest(world, header, "HEAD", "/submission").status_code for header in heads] == [204] * 5
    for again in (heads[0], heads[-1]):
        replayed = try_digest(world, again, "HEAD", "/submission")
        assert (replayed.status_code, "stale=true" in replayed.headers["www-authenticate"]) == (401, True)
    body = {"files": phone.parts(submission(world.fresh()))}
    header = answer_to(challenge, name, key, "POST", uri, 10)
    assert world.ask("POST", "/submission", "", headers={"Authorization": header}, **body).status_code == 201


@LINES.of("OR-auth-05")
def _(world: World, _folder: Path) -> None:
    now = [1000.0]
    nonces = world.app.state.door.access._nonces
    nonces._clock = lambda: now[0]
    challenge = world.ask("GET", "/formList", "").headers["www-authenticate"]
    name, key, uri = world.named.login, world.named.key, f"/formList?{phone.DEVICE}"
    now[0] += 299
    assert try_digest(world, answer_to(challenge, name, key, "GET", uri, 1)).status_code == 200
    now[0] += 2
    expired = try_digest(world, answer_to(challenge, name, key, "GET", uri, 2))
    forged = try_digest(world, answer_to(challenge, name, key, "GET", uri, 2, nonce="0" * 94))
    for late in (expired, forged):
        assert late.status_code == 401
        assert "stale=true" in late.headers["www-authenticate"]
        fresh = answer_to(late.headers["www-authenticate"], name, key, "GET", uri, 1)
        assert try_digest(world, fresh).status_code == 200
    assert (
        "stale" not in try_digest(world, answer_to(challenge, name, "wrong", "GET", uri, 2)).headers["www-authenticate"]
    )


@LINES.of("OR-auth-06")
def _(world: World, folder: Path) -> None:
    running = phone.Running(folder / "data")
    try:
        person = running.world.named
        body = phone.parts(submission("uuid:1"), {"foto.jpg": b"x" * 2_000_000})
        with httpx.Client(base_url=running.url) as client:
            for status, auth in ((401, None), (201, httpx.DigestAuth(person.login, person.key)), (401, None)):
                answer = client.post("/submission", files=body, auth=auth)
                assert answer.status_code == status
                # One connection serves all four requests: nothing of a body was left in it.
                stream = answer.extensions["network_stream"]
                assert stream.get_extra_info("client_addr") == client.get("/").extensions[
                    "network_stream"
                ].get_extra_info("client_addr")
        assert running.world.counts().received == 1
    finally:
        running.close()


@LINES.of("OR-auth-07")
def _(world: World, _folder: Path) -> None:
    wrong = httpx.DigestAuth(world.named.login, "wrong")
    for method, path in (("GET", "/formList"), ("HEAD", "/submission"), ("POST", "/submission")):
        assert world.ask(method, path, "", auth=wrong).status_code == 401
    # Rosa has a key but no login: for her the store keeps nothing that a digest could be checked with.
    assert world.ask("GET", "/formList", "", auth=httpx.DigestAuth("rosa-1", world.person.key)).status_code == 401


@LINES.of("OR-auth-08")
def _(world: World, _folder: Path) -> None:
    for base in (f"/key/{world.person.key}", f"/v1/key/{world.person.key}/projects/1"):
        form = phone.listed(world.ask("GET", "/formList", base))[0]
        assert form["downloadUrl"].startswith(f"http://phone.example:8080{base}/forms/")
        assert world.ask("GET", form["downloadUrl"]).content == phone.XFORM
        assert world.ask("HEAD", "/submission", base).status_code == 204
    assert world.ask("GET", "/formList", "/key/wrong").status_code == 403


@pytest.mark.parametrize("name", LINES)
def test_line_of_the_checklist(name: str, world: World, tmp_path: Path) -> None:
    LINES[name](world, tmp_path)
