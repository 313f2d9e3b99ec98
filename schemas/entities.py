"""What a submission says about an entity: a thing with an id of its own that forms are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EntityStatus = Literal["created", "updated", "unchanged", "waiting", "refused"]


@dataclass(frozen=True, slots=True)
class EntityAction:
    """What one submission asks for one entity. Its repr hides label and values: they are answers.

    Attributes:
        list_name: the list ("dataset").
        uuid: the entity's id, as sent.
        create, update: what is asked; with both, an entity that exists is updated and another is created.
        label: how people call it, "" if absent.
        data: property -> value of the questions that the submission carries.
        base_version: version on which the phone based its change, null if none was sent.
        trunk_version: last version the phone had from the server before changes of its own, null if none.
        branch_id: what ties a phone's changes without a network together, "" if none.
    """

    list_name: str
    uuid: str
    create: bool = False
    update: bool = False
    label: str = field(default="", repr=False)
    data: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_version: int | None = None
    trunk_version: int | None = None
    branch_id: str = ""


@dataclass(frozen=True, slots=True)
class EntityOutcome:
    """What became of an action.

    Attributes:
        reason: why it was refused: "uuid" (no id), "label" (created without one), "exists", "unknown" (no such entity),
            "version" (based on a version that never was); else "".
        conflict: null, "soft" (others changed it meanwhile, elsewhere) or "hard" (they changed the same).
    """

    status: EntityStatus
    reason: str = ""
    conflict: str | None = None
