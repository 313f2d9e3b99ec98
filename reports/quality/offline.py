"""A report judged with nothing but its folder and a key: by reviewers who have no access to the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from reports.quality.contents import QualityContents
from reports.quality.folder import hash_folder, write_signature
from reports.signing import (
    DataDigests,
    Signed,
    Signer,
    SigningAct,
    make_statement,
    public_half,
    sign,
    unlock_key,
)
from schemas.errors import ReleaseError

FILE = "report.json"
KIND = "comunal-quality-report"


@dataclass(frozen=True, slots=True)
class Description:
    """What a report says of itself, for programs.

    Attributes:
        report: its id, form, commune and round.
        data: digests of the data that it tells.
    """

    report: Mapping[str, str]
    data: DataDigests
    code_version: str


def describe_report(contents: QualityContents) -> bytes:
    """The file in which a report says what it is of."""
    design = contents.specs.design
    told = {
        "kind": KIND,
        "report": {
            "id": contents.report_id,
            "form": contents.form.form_id,
            "commune": design.commune,
            "round": design.period,
        },
        "data": asdict(contents.digests) | {"sha256": contents.digests.sha256},
        "code_version": contents.code_version,
        "made_at": contents.made_at.astimezone(UTC).isoformat(timespec="seconds"),
    }
    return (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode()


def read_description(folder: Path) -> Description:
    """What the report in a folder says of itself.

    Raises:
        ReleaseError: REL-069, it says nothing, or nothing that can be read.
    """
    try:
        told = json.loads((folder / FILE).read_bytes())
        if told["kind"] != KIND:
            raise ValueError
        data = DataDigests(**{name: told["data"][name] for name in DataDigests.__slots__})
        return Description(
            {name: str(value) for name, value in told["report"].items()}, data, str(told["code_version"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        message = f"{folder.name} has no {FILE} that says which report it is."
        advice = "Take the whole folder as it was handed over; reports of earlier versions are signed with --person."
        raise ReleaseError("REL-069", message, advice) from None


def sign_folder(
    folder: Path,
    act: SigningAct,
    signer: Signer,
    locked: str,
    passphrase: str,
    *,
    at: datetime,
    reasons: str = "",
) -> Signed:
    """Sign or refuse a report; the signature is laid beside its files, and the store may take it later.

    Args:
        locked: text of the signer's key file.
        at: by the signer's own clock.
        reasons: of a refusal.

    Raises:
        AccessError: ACC-121, ACC-122, key or passphrase.
        ReleaseError: REL-063, no report in the folder; REL-069; REL-077, a refusal without a reason.
    """
    if act == "refuse" and not reasons.strip():
        raise ReleaseError("REL-077", "A refusal without a reason.", "Say what keeps the report from being signed.")
    files = hash_folder(folder)
    described = read_description(folder)
    seed = unlock_key(locked, passphrase)
    statement = make_statement(
        act=act,
        reasons=reasons.strip(),
        report=described.report,
        files=files,
        data=described.data,
        code_version=described.code_version,
        signer=signer,
        public_key=public_half(seed),
        at=at.replace(microsecond=0),
    )
    signed = sign(statement, seed)
    write_signature(folder, signed)
    return signed
