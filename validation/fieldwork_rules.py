"""The rules of field work: what each looks at, how grave it is, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.fields import MAIN_TABLE
from schemas.findings import FindingSeverity, Rule
from schemas.text import Text

DUPLICATE_PERSON = "field:duplicate_person"
SIMILAR_PERSON = "field:similar_person"
NEAR_IDENTICAL = "field:near_identical"
IMPOSSIBLE_DURATION = "field:impossible_duration"
SHORT_DURATION = "field:short_duration"
LONG_DURATION = "field:long_duration"
OUTSIDE_PERIOD = "field:outside_period"
AT_NIGHT = "field:at_night"
OUTDATED_VERSION = "field:outdated_version"

_SEVERITIES: Mapping[str, FindingSeverity] = {
    DUPLICATE_PERSON: "error",
    SIMILAR_PERSON: "warning",
    NEAR_IDENTICAL: "error",
    IMPOSSIBLE_DURATION: "error",
    SHORT_DURATION: "warning",
    LONG_DURATION: "warning",
    OUTSIDE_PERIOD: "warning",
    AT_NIGHT: "info",
    OUTDATED_VERSION: "warning",
}

_MESSAGES: Mapping[str, Text] = {
    DUPLICATE_PERSON: {
        "es": "Una persona de esta entrevista ya está en otra anterior: mismo documento, o mismo nombre con igual "
        "teléfono, fecha de nacimiento o respuestas.",
        "ht": "Yon moun nan antrevi sa a deja nan yon antrevi anvan: li gen menm dokiman, oswa menm non ak menm "
        "telefòn, menm dat nesans oswa menm repons.",
        "en": "A person of this interview is in an earlier one already: same document, or same name with the same "
        "phone, date of birth or answers.",
    },
    SIMILAR_PERSON: {
        "es": "Una persona de esta entrevista tiene el mismo nombre, sexo y edad que otra de una entrevista anterior.",
        "ht": "Yon moun nan antrevi sa a gen menm non, menm sèks ak menm laj ak yon moun nan yon antrevi anvan.",
        "en": "A person of this interview has the name, sex and age of another in an earlier interview.",
    },
    NEAR_IDENTICAL: {
        "es": "Casi todas las respuestas son iguales a las de otra entrevista de la misma persona encuestadora.",
        "ht": "Prèske tout repons yo menm ak repons yon lòt antrevi menm anketè a te fè.",
        "en": "Nearly all answers are those of another interview by the same enumerator.",
    },
    IMPOSSIBLE_DURATION: {
        "es": "La entrevista termina antes de empezar, o fue más rápida de lo que se pueden leer sus preguntas.",
        "ht": "Antrevi a fini anvan li kòmanse, oswa li pi rapid pase tan moun bezwen pou li kesyon yo.",
        "en": "The interview ends before it starts, or was faster than its questions can be read.",
    },
    SHORT_DURATION: {
        "es": "La entrevista duró muy poco para la cantidad de respuestas que tiene.",
        "ht": "Antrevi a dire twò piti pou kantite repons ki ladan l.",
        "en": "The interview was very short for the number of its answers.",
    },
    LONG_DURATION: {
        "es": "La entrevista duró mucho más de lo habitual.",
        "ht": "Antrevi a dire pi lontan pase dabitid.",
        "en": "The interview took much longer than usual.",
    },
    OUTSIDE_PERIOD: {
        "es": "La entrevista está fechada fuera del período de trabajo de campo.",
        "ht": "Dat antrevi a pa nan peryòd travay sou teren an.",
        "en": "The interview is dated outside the period of field work.",
    },
    AT_NIGHT: {
        "es": "La entrevista empezó de noche.",
        "ht": "Antrevi a te kòmanse nan nwit.",
        "en": "The interview started at night.",
    },
    OUTDATED_VERSION: {
        "es": "La entrevista se hizo con una versión anterior del cuestionario.",
        "ht": "Antrevi a te fèt ak yon ansyen vèsyon kesyonè a.",
        "en": "The interview was made with an earlier version of the questionnaire.",
    },
}

_ADVICE: Mapping[str, Text] = {
    DUPLICATE_PERSON: {
        "es": "Compare las dos entrevistas y decida cuál se conserva.",
        "ht": "Konpare de antrevi yo epi deside kilès pou kenbe.",
        "en": "Compare the two interviews and decide which is kept.",
    },
    SIMILAR_PERSON: {
        "es": "Puede ser coincidencia: compare las dos entrevistas antes de decidir.",
        "ht": "Li ka yon konyensidans: konpare de antrevi yo anvan ou deside.",
        "en": "It may be chance: compare the two interviews before deciding.",
    },
    NEAR_IDENTICAL: {
        "es": "Revise ambas con la persona encuestadora; puede que una se haya copiado o enviado dos veces.",
        "ht": "Gade toulède ak anketè a; petèt yo te kopye youn oswa voye l de fwa.",
        "en": "Review both with the enumerator; one may have been copied or sent twice.",
    },
    IMPOSSIBLE_DURATION: {
        "es": "Revise la hora del equipo y confirme cuándo se hizo la entrevista.",
        "ht": "Verifye lè ki sou aparèy la epi konfime kilè antrevi a te fèt.",
        "en": "Check the device's clock and confirm when the interview was made.",
    },
    SHORT_DURATION: {
        "es": "Confirme con la persona entrevistada que la entrevista se hizo.",
        "ht": "Konfime ak moun ki te reponn nan ke antrevi a te fèt tout bon.",
        "en": "Confirm with the person interviewed that the interview took place.",
    },
    LONG_DURATION: {
        "es": "Pregunte si se interrumpió o si el formulario quedó abierto.",
        "ht": "Mande si yo te kanpe l oswa si fòm lan te rete louvri.",
        "en": "Ask whether it was interrupted or the form stayed open.",
    },
    OUTSIDE_PERIOD: {
        "es": "Revise la fecha del equipo o si es una entrevista de prueba.",
        "ht": "Verifye dat ki sou aparèy la oswa si se yon antrevi tès.",
        "en": "Check the device's date, or whether it is a test interview.",
    },
    AT_NIGHT: {
        "es": "Revise la hora del equipo o pregunte por qué se hizo a esa hora.",
        "ht": "Verifye lè ki sou aparèy la oswa mande poukisa li te fèt nan lè sa a.",
        "en": "Check the device's clock or ask why it was made at that hour.",
    },
    OUTDATED_VERSION: {
        "es": "Actualice el cuestionario en ese equipo.",
        "ht": "Mete kesyonè a ajou sou aparèy sa a.",
        "en": "Update the questionnaire on that device.",
    },
}

OTHER_INTERVIEW: Text = {"es": " La otra: {other}.", "ht": " Lòt la: {other}.", "en": " The other: {other}."}
"""Added where a finding names the id of another interview; an id says nothing of a person."""


def fieldwork_rules() -> list[Rule]:
    """The rules of field work, in the order in which they are reported."""
    return [
        Rule(rule_id, "field", MAIN_TABLE, severity, "", _MESSAGES[rule_id], _ADVICE[rule_id])
        for rule_id, severity in _SEVERITIES.items()
    ]


@dataclass(frozen=True, slots=True)
class FieldworkSettings:
    """What the `design` sheet says of field work; each setting's row there bears the attribute's name.

    Attributes:
        enumerator: question that tells who made the interview; "" takes the form's own metadata (user name, else
            device).
        person_birth_date, person_age, person_sex: questions (separated by spaces, one a table) that tell persons of
            one name apart.
        duration_min_minutes, duration_max_minutes: a shorter or longer interview is noted.
        duration_seconds_per_answer: an interview of less is impossible; nobody reads a question and answers it faster.
        duration_min_answers: interviews with fewer answers (refusals, empty homes) may be as short as they like.
        fieldwork_start, fieldwork_end: first and last day, null if not set.
        timezone: IANA name by which days and hours are told, null if not set.
        night_from, night_to: an interview that starts between them is noted.
        near_identical_share: of the questions that either interview answered, the share with the same answer above
            which two are near-identical.
        near_identical_min_answers: interviews with fewer answers are not compared.
        version_grace_days: days during which an interview with the previous version is not noted.
        problems: setting -> why its value can't be used; the rules that need it are not checked.
    """

    enumerator: str = ""
    person_birth_date: tuple[str, ...] = ("birth_date",)
    person_age: tuple[str, ...] = ("age",)
    person_sex: tuple[str, ...] = ("sex",)
    duration_min_minutes: float = 5.0
    duration_max_minutes: float = 240.0
    duration_seconds_per_answer: float = 1.0
    duration_min_answers: int = 20
    fieldwork_start: date | None = None
    fieldwork_end: date | None = None
    timezone: str | None = None
    night_from: time = time(22)
    night_to: time = time(6)
    near_identical_share: float = 0.95
    near_identical_min_answers: int = 15
    version_grace_days: float = 1.0
    problems: Mapping[str, str] = field(default_factory=dict)


def read_settings(settings: Mapping[str, str]) -> FieldworkSettings:
    """Read the rows of the `design` sheet that field work needs; the others are left alone."""
    values: dict[str, object] = {}
    problems: dict[str, str] = {}
    for name, (reader, expected) in _READERS.items():
        text = settings.get(name, "").strip()
        if text:
            try:
                values[name] = reader(text)
            except (ValueError, ZoneInfoNotFoundError):
                problems[name] = f"the design setting “{name}” is not {expected}"
    return FieldworkSettings(**values, problems=problems)  # type: ignore[arg-type]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _zone(text: str) -> str:
    return ZoneInfo(text).key


def _day(text: str) -> date:
    return datetime.fromisoformat(text).date()


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise ValueError(text)
    return value


_READERS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "enumerator": (str, "a question's name"),
    "person_birth_date": (_names, "a list of question names"),
    "person_age": (_names, "a list of question names"),
    "person_sex": (_names, "a list of question names"),
    "duration_min_minutes": (float, "a number of minutes"),
    "duration_max_minutes": (float, "a number of minutes"),
    "duration_seconds_per_answer": (float, "a number of seconds"),
    "duration_min_answers": (int, "a whole number"),
    "fieldwork_start": (_day, "a date like 2026-03-01"),
    "fieldwork_end": (_day, "a date like 2026-03-31"),
    "timezone": (_zone, "the name of a time zone"),
    "night_from": (time.fromisoformat, "an hour like 22:00"),
    "night_to": (time.fromisoformat, "an hour like 06:00"),
    "near_identical_share": (_share, "a share between 0 and 1"),
    "near_identical_min_answers": (int, "a whole number"),
    "version_grace_days": (float, "a number of days"),
}
