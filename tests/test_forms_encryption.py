"""Encrypted submissions: real ones of ODK Collect open, ours make the round, and nothing changed passes."""

from __future__ import annotations

import base64
from hashlib import md5
from itertools import islice

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from forms.encryption import decrypt_submission, encrypt_submission, is_encrypted
from forms.encryption.cipher import decrypt_file, encrypt_file, make_ivs, unlock
from forms.encryption.keys import (
    make_private_key,
    public_text,
    read_private_key,
    read_public_key,
    write_private_key,
)
from forms.encryption.manifest import read_manifest
from schemas.errors import CommandError, FormError, SubmissionError

# What ODK Collect 1.22.4 encrypted, with the key pair of ODK Central's own test (getodk/central-backend,
# test/unit/util/crypto.js and test/data/priv.pem): made for tests, public, and protecting nothing.
COLLECT_P = 168282912404808252713544162292610810777980406628896880095404706587190501049534355877065113326021908081595622324554978882785176541323573812458070032267120186070445714847902521747307511292733525319461198169845387036775646315697969810840554603541946113771855540153283015774944885855852770793870017616812296344023  # fmt: skip # noqa: E501
COLLECT_Q = 151181131723604213681342229547920553951884709391870909672449415876614520865158627090166247947607647264544459733335003451116839268414501904623103646637629402793627054593642957683573797820324711326475146075239131589559895087763194896014867458382666468198084085604542882439330663675030188205027038663843875627287  # fmt: skip # noqa: E501
COLLECT_INSTANCE = "uuid:99b303d9-6494-477b-a30d-d8aae8867335"
COLLECT_KEY = "iyEB1LAlvVE8uaW0HuhLhzwcLceIukqfgusDNdDEE2FFxVtUtSI3FiOuNxhgI/Zbgnaabh/vqeZ3yLXwv0f66pAbN0n8kM9f84VJR18fdUp6doOz7o8IQD7gc3ZfbRXweab/NxnahfYa9ij0Kax1LTKS05Oodk2MewkzwfBhdbf/CfiBP1HSskDio40jdW5f04GkqZsFCPUluF2DfMnwYCo0wdwf2m8o+lSNR+vrFeEYG7LtGE4X90pVrQnJHwFWHGjSwJpg/USn5skBioDKUCv/Dva9xJ+JXUz+QSg6LOuP+SDxsrmf36WKrnE8kWfN4oaBdmIwFSStkLH9foNXUw=="  # fmt: skip # noqa: E501
COLLECT_XML = "kMhJdk0mZOqvlxndUO3v4+UPvfYoc+bbkPmF3QmhoP7lP/QjHbzqw/IfZxQ54D328eCc4V6jtbrjeAXV+m1cWsCGGLW5KwTAxBjPBXzsZrUeY0RISVJ1g9BJoXfSRAjYMrFYOM907BFUIYYxMqpVWGy1lo8ljqY+Sgq1VphkQk/TQGgOVYFALHDLOYnLKuLHvwBLQQwK3lje8CwNlf/b2rY9qfGC4P1emoiP+YzkLp8eH6x/HfMvRIFoZEaom1i5s3SU4WVwe2Tno4jKD69ojMlQN6VKB7DK4xaRSs2C7zfDm63n1WCyyOAj8mASIFhb3sc3hD56HTJFUV/TH3UVlzP7oPm/Mm7nEcU3+HdSSwm3I1qFYhsXfVRym41IlbC4Twf660/kUZrugA7Zqd5K9Un3lOVTzYowaF+m5OIOO56wff3zPBxeOVjANDKR7V6/"  # fmt: skip # noqa: E501
COLLECT_CLEAR = b"""<?xml version='1.0' ?><data id="encrypted" version="working3" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:h="http://www.w3.org/1999/xhtml" xmlns:jr="http://openrosa.org/javarosa"><meta><instanceID>uuid:99b303d9-6494-477b-a30d-d8aae8867335</instanceID></meta><name>bob</name><age>30</age><file>1561432532482.jpg</file></data>"""  # noqa: E501

INSTANCE = "uuid:5b9cf8d1-106f-4004-844f-c072d76762ed"
XML = (
    f'<data id="visits" version="3"><person>Zentinela</person><photo>a.jpg</photo>'
    f"<meta><instanceID>{INSTANCE}</instanceID></meta></data>"
).encode()
FILES = {"a.jpg": b"\xff\xd8picture", "audit.csv": b"event,node,start,end\n"}
AES_KEY = bytes(range(32))


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return make_private_key(2048)


@pytest.fixture(scope="module")
def collect_key() -> rsa.RSAPrivateKey:
    p, q, e = COLLECT_P, COLLECT_Q, 65537
    d = rsa.rsa_recover_private_exponent(e, p, q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(e, p * q)
    )
    return numbers.private_key()


def test_what_collect_encrypted_is_opened(collect_key: rsa.RSAPrivateKey) -> None:
    aes_key = unlock(base64.b64decode(COLLECT_KEY), collect_key)
    # The interview is the second file: a photograph was encrypted before it.
    iv = list(islice(make_ivs(COLLECT_INSTANCE, aes_key), 2))[1]
    assert decrypt_file(base64.b64decode(COLLECT_XML), aes_key, iv) == COLLECT_CLEAR
    assert encrypt_file(COLLECT_CLEAR, aes_key, iv) == base64.b64decode(COLLECT_XML)


def test_initialisation_vectors_are_those_of_central() -> None:
    aes_key = base64.b64decode("3TJoHf74zHbDwG3Ta+bcvfUr50C6yF/astfu+CdSnQU=")
    ivs = list(islice(make_ivs("uuid:22525f8e-4f2d-41ed-94da-4c46a2478448", aes_key), 32))
    assert {place: ivs[place].hex() for place in (0, 1, 8, 15, 23, 31)} == {
        0: "39bbb0890f3222269da68b172146477a",
        1: "39bcb0890f3222269da68b172146477a",
        8: "39bcb18a103323279ea68b172146477a",
        15: "39bcb18a103323279ea78c182247487b",
        23: "3abdb28b113424289ea78c182247487b",
        31: "3abdb28b113424289fa88d192348497c",
    }


def test_encrypted_submission_opens_to_the_same_bytes(private_key: rsa.RSAPrivateKey) -> None:
    sent = encrypt_submission(XML, FILES, private_key.public_key(), AES_KEY)
    assert is_encrypted(sent.xml)
    assert not is_encrypted(XML)
    assert b"Zentinela" not in sent.xml + b"".join(sent.files.values())
    assert list(sent.files) == ["a.jpg.enc", "audit.csv.enc", "submission.xml.enc"]
    assert read_manifest(sent.xml).files == tuple(sent.files)
    opened = decrypt_submission(sent.xml, sent.files, private_key, keep=["audit.csv"])
    assert opened.xml == XML
    assert opened.attachments == tuple(FILES)
    assert opened.files == {"audit.csv": FILES["audit.csv"]}
    assert opened.is_signed
    assert "Zentinela" not in repr(opened) + repr(sent)


def test_signature_is_over_what_the_specification_lists(private_key: rsa.RSAPrivateKey) -> None:
    sent = encrypt_submission(XML, FILES, private_key.public_key(), AES_KEY)
    manifest = read_manifest(sent.xml)
    lines = ["visits", "3", manifest.key, INSTANCE]
    lines += [f"{name}::{md5(text, usedforsecurity=False).hexdigest()}" for name, text in FILES.items()]
    lines += [f"submission.xml::{md5(XML, usedforsecurity=False).hexdigest()}", ""]
    signed = unlock(base64.b64decode(manifest.signature), private_key)
    assert signed == md5("\n".join(lines).encode(), usedforsecurity=False).digest()


@given(content=st.binary(max_size=100), key=st.binary(min_size=32, max_size=32), iv=st.binary(min_size=16, max_size=16))
def test_any_content_makes_the_round(content: bytes, key: bytes, iv: bytes) -> None:
    assert decrypt_file(encrypt_file(content, key, iv), key, iv) == content


def _code(xml: bytes, files: dict[str, bytes], key: rsa.RSAPrivateKey) -> str:
    with pytest.raises(SubmissionError) as caught:
        decrypt_submission(xml, files, key)
    assert "Zentinela" not in str(caught.value)
    return caught.value.code


def test_another_key_is_told_apart_from_damage(private_key: rsa.RSAPrivateKey, collect_key: rsa.RSAPrivateKey) -> None:
    sent = encrypt_submission(XML, FILES, private_key.public_key(), AES_KEY)
    assert _code(sent.xml, dict(sent.files), collect_key) == "SUB-120"
    assert _code(sent.xml, {}, private_key) == "SUB-121"


def test_changed_cut_off_and_exchanged_files_are_refused(private_key: rsa.RSAPrivateKey) -> None:
    sent = encrypt_submission(XML, FILES, private_key.public_key(), AES_KEY)
    other = encrypt_submission(XML.replace(b"5b9c", b"ffff"), FILES, private_key.public_key(), AES_KEY)
    whole = dict(sent.files)
    interview = whole["submission.xml.enc"]
    flipped = bytes([interview[0] ^ 1]) + interview[1:]
    for files in (
        whole | {"submission.xml.enc": flipped},
        whole | {"submission.xml.enc": interview[:-16]},
        whole | {"submission.xml.enc": interview[:-1]},
        whole | {"submission.xml.enc": b""},
        whole | {"submission.xml.enc": other.files["submission.xml.enc"]},
        whole | {"a.jpg.enc": encrypt_file(b"another", AES_KEY, next(make_ivs(INSTANCE, AES_KEY)))},
    ):
        assert _code(sent.xml, files, private_key) == "SUB-122"
    for old, new in (
        (b'version="3"', b'version="4"'),
        (b'id="visits"', b'id="visit"'),
        (b"<media><file>audit.csv.enc</file></media>", b""),
        (read_manifest(sent.xml).signature[:8].encode(), b"AAAAAAAA"),
    ):
        changed = sent.xml.replace(old, new)
        assert changed != sent.xml
        # Without its file in the list, the others' vectors are no longer the right ones either.
        assert _code(changed, whole, private_key) == "SUB-122"


def test_missing_signature_is_told(private_key: rsa.RSAPrivateKey) -> None:
    sent = encrypt_submission(XML, FILES, private_key.public_key(), AES_KEY)
    bare = sent.xml.replace(read_manifest(sent.xml).signature.encode(), b"")
    assert not decrypt_submission(bare, sent.files, private_key).is_signed


def test_private_key_file_needs_its_passphrase(private_key: rsa.RSAPrivateKey) -> None:
    pem = write_private_key(private_key, "correct horse battery")
    assert b"ENCRYPTED PRIVATE KEY" in pem
    assert read_private_key(pem, "correct horse battery").private_numbers() == private_key.private_numbers()
    for passphrase, content, code in (
        ("wrong horse battery", pem, "CMD-123"),
        ("", pem, "CMD-123"),
        ("", b"nothing", "CMD-122"),
    ):
        with pytest.raises(CommandError) as caught:
            read_private_key(content, passphrase)
        assert caught.value.code == code
        assert "horse" not in str(caught.value)
    with pytest.raises(CommandError) as short:
        write_private_key(private_key, "short")
    assert short.value.code == "CMD-121"


def test_public_key_reads_with_and_without_pem_lines(private_key: rsa.RSAPrivateKey) -> None:
    text = public_text(private_key)
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    wrapped = f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
    for written in (text, wrapped, f"  {text}\n"):
        assert public_text(read_public_key(written)) == text
    weak = public_text(rsa.generate_private_key(65537, 1024))  # noqa: S505  # it is to be refused
    for written, code in (("no key", "FRM-701"), (text[:40], "FRM-701"), ("", "FRM-701"), (weak, "FRM-702")):
        with pytest.raises(FormError) as caught:
            read_public_key(written)
        assert caught.value.code == code
