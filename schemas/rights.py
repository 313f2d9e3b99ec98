"""Who may do what: roles, acts, and the one function that answers. A table to be read, not code to be followed.

    enumerator     sends interviews from a phone, sees the own progress
    supervisor     progress and findings of the field work, without personal answers; may send an interview back
    statistician   everything of a survey, personal answers with a reason that is logged; enumerators and supervisors
    reviewer       everything but personal answers; decides on exclusions and releases with others; signs
    administrator  people, forms and the audit log; no interview, no figure

A person bound to communes (CUT) has each right only there; a person bound to none has it everywhere. Of a survey of
many communes they have the acts `IN_PART` in their own, on the interviews of these alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, Protocol, get_args

from schemas.communes import EVERYWHERE

Role = Literal["enumerator", "supervisor", "statistician", "reviewer", "administrator"]
Act = Literal[
    "send_submission",
    "see_own_progress",
    "log_in",
    "see_forms",
    "see_progress",
    "see_findings",
    "see_interviews",
    "export_data",
    "see_personal",
    "send_back",
    "decide_finding",
    "decide_exclusion",
    "review_interview",
    "edit_interview",
    "edit_entities",
    "run_flow",
    "make_release",
    "approve_release",
    "withdraw_release",
    "confirm_figures",
    "read_reports",
    "sign_report",
    "manage_forms",
    "manage_people",
    "see_audit_log",
]

ROLES: tuple[str, ...] = get_args(Role)
ACTS: tuple[str, ...] = get_args(Act)

RIGHTS: frozenset[tuple[str, str]] = frozenset(
    (role, act)
    for act, roles in {
        # Statisticians and supervisors try forms on a phone of their own.
        "send_submission": ("enumerator", "supervisor", "statistician"),
        "see_own_progress": ("enumerator", "supervisor", "statistician"),
        # With a password, at the Central API and the desk; an enumerator's key opens neither.
        "log_in": ("supervisor", "statistician", "reviewer", "administrator"),
        # Questionnaires, blank.
        "see_forms": ("supervisor", "statistician", "reviewer", "administrator"),
        "see_progress": ("supervisor", "statistician", "reviewer"),
        "see_findings": ("supervisor", "statistician", "reviewer"),
        # One interview's answers beside its findings, personal ones left out.
        "see_interviews": ("supervisor", "statistician", "reviewer"),
        # Whole tables, personal answers left out.
        "export_data": ("statistician", "reviewer"),
        "see_personal": ("statistician",),
        "send_back": ("supervisor", "statistician"),
        "decide_finding": ("statistician",),
        # Two people: whoever proposed an exclusion doesn't confirm it.
        "decide_exclusion": ("statistician", "reviewer"),
        "review_interview": ("statistician", "reviewer"),
        "edit_interview": ("statistician",),
        "edit_entities": ("statistician",),
        "run_flow": ("statistician",),
        "make_release": ("statistician",),
        "approve_release": ("statistician", "reviewer"),
        "withdraw_release": ("statistician", "reviewer"),
        # See what would be published of a commune, and agree or object, before it is.
        "confirm_figures": ("statistician", "reviewer"),
        "read_reports": ("supervisor", "statistician", "reviewer"),
        "sign_report": ("reviewer",),
        "manage_forms": ("statistician", "administrator"),
        # Whom: `may_manage`.
        "manage_people": ("statistician", "administrator"),
        "see_audit_log": ("reviewer", "administrator"),
    }.items()
    for role in roles
)
"""Every (role, act) that is allowed; whatever isn't here is refused."""

IN_PART: frozenset[str] = frozenset(
    {
        # Of no survey in particular: what follows from them is asked again of each.
        "log_in",
        "see_own_progress",
        "manage_people",
        "send_submission",
        "see_forms",
        "see_progress",
        "see_findings",
        "see_interviews",
        "see_personal",
        "send_back",
        "decide_finding",
        "decide_exclusion",
        "review_interview",
        "confirm_figures",
    }
)
"""Acts about single interviews or communes: in a survey of many communes they can be had for some of these."""

_FIELD_WORK = frozenset({"enumerator", "supervisor"})


class Holder(Protocol):
    """Whoever has a role, in some communes: `store.people.Person`."""

    @property
    def role(self) -> str:
        """One of `ROLES`."""

    @property
    def communes(self) -> Collection[str]:
        """CUT codes; empty means every commune."""


def may(person: Holder, act: str, commune: str | None = None) -> bool:
    """Whether a person may do that, there.

    Args:
        person: who asks.
        act: one of `ACTS`; of anything else the answer is no.
        commune: CUT of what the act is about, several with spaces between, `EVERYWHERE` for any; "" where that names
            no commune, which only people bound to none may touch; null where the act isn't about one thing, and the
            caller asks again for each that it shows. About several, whoever is bound needs the right in all of them.

    >>> from types import SimpleNamespace
    >>> ana = SimpleNamespace(role="supervisor", communes={"13125"})
    >>> may(ana, "see_findings", "13125"), may(ana, "see_findings", "13101"), may(ana, "see_personal", "13125")
    (True, False, False)
    >>> may(ana, "see_findings"), may(ana, "see_findings", "")
    (True, False)
    >>> may(ana, "see_findings", "13125 13101"), may_in_part(ana, "see_findings", "13125 13101")
    (False, True)
    """
    if (person.role, act) not in RIGHTS:
        return False
    if commune is None or not person.communes:
        return True
    return bool(commune) and set(commune.split()) <= set(person.communes)


def may_in_part(person: Holder, act: str, commune: str | None) -> bool:
    """Whether a person may do that at least in one of the communes of a survey of many.

    Whoever asks this shows or changes only what is of the person's own communes (`own_part`). Acts that can't be cut
    to a part (a release, its approval, a flow) need the right in all communes.

    >>> from types import SimpleNamespace
    >>> ana = SimpleNamespace(role="statistician", communes={"13125"})
    >>> may_in_part(ana, "see_findings", "*"), may_in_part(ana, "make_release", "*")
    (True, False)
    """
    if commune is None or act not in IN_PART or not is_spread(commune):
        return may(person, act, commune)
    return (person.role, act) in RIGHTS and concerns(commune, person.communes)


def own_part(person: Holder, commune: str) -> frozenset[str] | None:
    """The communes to which a person's view of such a survey is cut; null if it isn't, or the survey is of one.

    >>> from types import SimpleNamespace
    >>> ana = SimpleNamespace(role="statistician", communes=frozenset({"13125", "13127"}))
    >>> own_part(ana, "13125 13101"), own_part(ana, "13125"), sorted(own_part(ana, "*"))
    (frozenset({'13125'}), None, ['13125', '13127'])
    """
    if not person.communes or not is_spread(commune):
        return None
    return frozenset(person.communes if commune == EVERYWHERE else set(commune.split()) & set(person.communes))


def concerns(commune: str, communes: Collection[str]) -> bool:
    """Whether a survey of `commune` concerns whoever is bound to `communes`, none for everywhere.

    >>> concerns("13101 13125", {"13125"}), concerns("*", {"13125"}), concerns("13101", {"13125"}), concerns("", ())
    (True, True, False, True)
    """
    return not communes or commune == EVERYWHERE or not set(communes).isdisjoint(commune.split())


def is_spread(commune: str) -> bool:
    """Whether a survey's communes are several: then each interview has its own."""
    return commune == EVERYWHERE or " " in commune


def may_manage(person: Holder, role: str, communes: Collection[str]) -> bool:
    """Whether a person may add, change or revoke someone with that role in those communes.

    Nobody gives more than they have: a statistician manages enumerators and supervisors, and within the own communes;
    someone bound to communes never makes anyone who is bound to none.

    >>> from types import SimpleNamespace
    >>> ana = SimpleNamespace(role="statistician", communes={"13125"})
    >>> may_manage(ana, "enumerator", {"13125"}), may_manage(ana, "enumerator", ())
    (True, False)
    >>> may_manage(ana, "reviewer", {"13125"})
    False
    """
    if not may(person, "manage_people") or (person.role != "administrator" and role not in _FIELD_WORK):
        return False
    return not person.communes or (bool(communes) and set(communes) <= set(person.communes))
