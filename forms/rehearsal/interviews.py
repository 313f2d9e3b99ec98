"""What a rehearsal yields: interviews, what could not be answered in them, and the sendings of a phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RehearsalNote:
    """Something a rehearsed interview could not do as asked. Names the question, never an answer.

    Attributes:
        kind: "unanswered" (required, and nothing tried was accepted), "no_choices" (a required select whose filter
            leaves nothing), "dead_end" (the answers led to one of these two, and the interview was begun anew),
            "quota_redrawn" (a row of `rehearsal` gave an answer that the form refuses), "quota_refused" (no row's
            answer was accepted, another was drawn), "repeats_changed" (a later answer changed a `jr:count`),
            "repeats_capped" (a `jr:count` beyond what is rehearsed), "unstable" (calculations that don't come to
            rest), "expression" (one could not be evaluated).
        path: absolute path of the question or repeat.
        detail: a sentence.
    """

    kind: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class RehearsedInterview:
    """One filled form, as Collect would submit it.

    Attributes:
        instance_id: "uuid:...".
        xml: the submission. Made-up answers, yet kept out of the repr as real ones would be.
        attachments: file name -> bytes, `audit.csv` included.
        notes: what could not be done as asked; empty for a sound interview of a sound form.
    """

    instance_id: str
    xml: bytes = field(repr=False)
    attachments: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    notes: tuple[RehearsalNote, ...] = ()


@dataclass(frozen=True, slots=True)
class Send:
    """One sending of one interview.

    Attributes:
        xml: the submission's bytes; answers, so they aren't in its repr.
        attachments: file name -> bytes, sent in this order.
        round: sends of round 0 are all done before any of round 1 (a late or second sending).
        incomplete: the files come later; the request says so with `*isIncomplete*`.
    """

    instance_id: str
    xml: bytes = field(repr=False)
    attachments: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    round: int = 0
    incomplete: bool = False
