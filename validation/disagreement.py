"""What is said of a finding that holds under one engine and not under another."""

from __future__ import annotations

from expressions.profiles import Profile
from schemas.text import Text

NAMES = {Profile.JAVAROSA: "ODK Collect", Profile.WEBFORMS: "ODK Web Forms", Profile.ENKETO: "Enketo"}

_SENTENCES = {
    "es": "Depende del programa con que se responde: {} lo aceptaría.",
    "ht": "Sa depann de pwogram yo reponn ladan l lan: {} t ap aksepte l.",
    "en": "It depends on the program used to answer: {} would accept it.",
}


def is_engine_dependent(engines: str) -> bool:
    """Whether some engine would let the row pass. `engines`: those under which it fails; "" if not compared."""
    return bool(engines) and len(engines.split()) < len(Profile)


def write_disagreement(message: Text, engines: str) -> Text:
    """The message, and who would accept the answer, in the languages of the sentence."""
    accepting = [name for profile, name in NAMES.items() if profile.value not in engines.split()]
    return {
        language: f"{text} {_SENTENCES[language].format(', '.join(accepting))}" if language in _SENTENCES else text
        for language, text in message.items()
    }
