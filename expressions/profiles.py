"""The engines whose meaning an expression can have."""

from __future__ import annotations

from enum import Enum


class Profile(Enum):
    """An engine that evaluates ODK XPath. About a third of the finer points differ between them.

    JAVAROSA is in ODK Collect, WEBFORMS in ODK Web Forms, ENKETO in Enketo (Central's and KoboToolbox's browsers).
    A submission is judged by the engine that made it; JAVAROSA where that is unknown.
    """

    JAVAROSA = "javarosa"
    WEBFORMS = "webforms"
    ENKETO = "enketo"

    @property
    def is_javarosa(self) -> bool:
        """Whether values are typed by their bind and node-sets must be single (JavaRosa alone)."""
        return self is Profile.JAVAROSA
