"""A rehearsal of an encrypted form: its sendings as a phone encrypts them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace

from forms.encryption import encrypt_submission
from forms.encryption.keys import read_public_key
from forms.rehearsal.interviews import Send


def encrypt_sends(sends: Iterable[Send], public_key: str) -> Iterator[Send]:
    """The same sendings, encrypted; as they are if the form has no public key ("").

    A phone encrypts an interview once and sends the same bytes again, so the second sending of an interview carries
    the first one's manifest. The list of files is in the manifest: where the answers went before the files, the
    manifest is sent alone when the files are known, and then all of it.

    Raises:
        FormError: FRM-701, FRM-702, the form's public key is none.
    """
    if not public_key:
        yield from sends
        return
    key, secret = read_public_key(public_key), secrets.token_bytes(32)
    manifests: dict[tuple[str, bytes], bytes] = {}
    early: set[tuple[str, bytes]] = set()
    for send in sends:
        mark = (send.instance_id, hashlib.sha256(send.xml).digest())
        if send.incomplete:
            early.add(mark)
            continue
        aes_key = hmac.digest(secret, b"".join((send.instance_id.encode(), mark[1])), "sha256")
        encrypted = encrypt_submission(send.xml, send.attachments, key, aes_key)
        manifest = manifests.setdefault(mark, encrypted.xml)
        if mark in early:
            yield Send(send.instance_id, manifest, round=send.round, incomplete=True)
        yield replace(send, xml=manifest, attachments=encrypted.files)
