"""The multipart requests of one sending, cut as ODK Collect cuts them."""

from __future__ import annotations

import mimetypes

from forms.rehearsal.interviews import Send

MOST_ATTACHMENTS = 100
Part = tuple[str, tuple[str, bytes, str] | tuple[None, bytes]]
"""Name of the part, then file name, bytes and content type; or null and bytes for a plain field."""


def split_parts(send: Send, limit: int) -> list[list[Part]]:
    """The requests of one sending, each a list of multipart parts in order.

    Every request repeats the XML. At least one file goes into each, whatever its size; a request ends before the file
    that would pass `limit` or that would be the 102nd. All but the last say `*isIncomplete*`.
    """
    files = list(send.attachments.items())
    requests: list[list[Part]] = []
    at = 0
    while True:
        parts: list[Part] = [("xml_submission_file", (instance_file(send.instance_id), send.xml, "text/xml"))]
        size = len(send.xml)
        first = at
        while at < len(files):
            name, content = files[at]
            if at > first and (size + len(content) > limit or at - first > MOST_ATTACHMENTS):
                break
            parts.append((name, (name, content, mimetypes.guess_type(name)[0] or "application/octet-stream")))
            size += len(content)
            at += 1
        done = at >= len(files)
        if not done or send.incomplete:
            parts.append(("*isIncomplete*", (None, b"yes")))
        requests.append(parts)
        if done:
            return requests


def instance_file(instance_id: str) -> str:
    """The file name Collect would give the instance, from its id alone."""
    return f"{instance_id.rpartition(':')[2] or 'submission'}.xml"
