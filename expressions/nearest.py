"""The valid thing nearest to what was written: for messages that say what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

LEAST = 0.6
"""How alike two names must be (of 1) for one to be proposed in place of the other."""


def nearest(written: str, *scopes: Iterable[str]) -> str | None:
    """The name most like the written one; null if none is much like it.

    Args:
        scopes: valid names, those in reach first: of names equally alike, the one in the earlier scope is meant.

    >>> nearest("agee", ["age", "name"]), nearest("ag", ["agw"], ["age"]), nearest("zzz", ["age"])
    ('age', 'agw', None)
    """
    best: tuple[float, str] | None = None
    folded = written.casefold()
    for scope in scopes:
        for name in scope:
            likeness = SequenceMatcher(None, folded, name.casefold()).ratio()
            if likeness >= LEAST and (best is None or likeness > best[0]):
                best = likeness, name
    return best[1] if best is not None else None


def did_you_mean(written: str, *scopes: Iterable[str], form: str = "'{}'", otherwise: str) -> str:
    """Advice that names the nearest valid thing, or what to do if there is none near.

    Args:
        form: how the name is written, as in "${{{}}}".
        otherwise: the advice where nothing is near.

    >>> did_you_mean("agee", ["age"], form="${{{}}}", otherwise="Add it.")
    'Did you mean ${age}?'
    """
    found = nearest(written, *scopes)
    return f"Did you mean {form.format(found)}?" if found is not None else otherwise
