"""What reading a submission can find, in words for the statistician. No sentence holds an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from schemas.fields import Field, Form
from schemas.findings import Finding
from schemas.submissions import RawSubmission
from schemas.text import Text

UNKNOWN_NODE: Final = "structure:unknown_node"
DUPLICATE_NODE: Final = "structure:duplicate_node"
WRONG_VERSION: Final = "structure:version"
NO_INSTANCE_ID: Final = "structure:no_instance_id"
MISSING_ATTACHMENT: Final = "attachment:missing"

_EXPECTED: Final[Mapping[str, Text]] = {
    "int": {
        "es": "un número entero (de diez cifras como máximo)",
        "ht": "yon nonb antye (dis chif pi plis)",
        "en": "a whole number (of ten digits at most)",
    },
    "decimal": {"es": "un número", "ht": "yon nonb", "en": "a number"},
    "date": {"es": "una fecha (AAAA-MM-DD)", "ht": "yon dat (AAAA-MM-JJ)", "en": "a date (YYYY-MM-DD)"},
    "dateTime": {"es": "una fecha con hora", "ht": "yon dat ak lè", "en": "a date and time"},
    "time": {"es": "una hora", "ht": "yon lè", "en": "a time"},
    "boolean": {"es": "verdadero o falso", "ht": "vre oswa fo", "en": "true or false"},
    "geopoint": {
        "es": "una posición (latitud entre -90 y 90, longitud entre -180 y 180)",
        "ht": "yon pozisyon (latitid ant -90 ak 90, lonjitid ant -180 ak 180)",
        "en": "a position (latitude from -90 to 90, longitude from -180 to 180)",
    },
    "geotrace": {"es": "una lista de posiciones", "ht": "yon lis pozisyon", "en": "a list of positions"},
    "geoshape": {"es": "una lista de posiciones", "ht": "yon lis pozisyon", "en": "a list of positions"},
}
_ADVICE_TYPE: Final[Text] = {
    "es": "Revise la respuesta en la encuesta original y corríjala en el registro de limpieza.",
    "ht": "Verifye repons lan nan ankèt orijinal la epi korije l nan rejis netwayaj la.",
    "en": "Look at the answer in the original interview and correct it in the cleaning log.",
}
_STRUCTURE: Final[Mapping[str, tuple[Text, Text]]] = {
    UNKNOWN_NODE: (
        {
            "es": "La encuesta trae datos que el formulario no tiene.",
            "ht": "Ankèt la gen done fòmilè a pa genyen.",
            "en": "The interview carries data that the form does not have.",
        },
        {
            "es": "Compruebe con qué versión del formulario se hizo.",
            "ht": "Verifye ak ki vèsyon fòmilè a yo te fè l.",
            "en": "Check with which version of the form it was made.",
        },
    ),
    DUPLICATE_NODE: (
        {
            "es": "La encuesta trae dos veces una misma pregunta; se usó la primera respuesta.",
            "ht": "Ankèt la gen menm kesyon an de fwa; se premye repons lan ki sèvi.",
            "en": "The interview carries a question twice; the first answer was used.",
        },
        _ADVICE_TYPE,
    ),
    WRONG_VERSION: (
        {
            "es": "La encuesta se hizo con otra versión del formulario.",
            "ht": "Yo te fè ankèt la ak yon lòt vèsyon fòmilè a.",
            "en": "The interview was made with another version of the form.",
        },
        {
            "es": "Pida a quien encuesta que actualice el formulario en su teléfono.",
            "ht": "Mande anketè a mete fòmilè a ajou sou telefòn li.",
            "en": "Ask the enumerator to update the form on the phone.",
        },
    ),
    NO_INSTANCE_ID: (
        {
            "es": "La encuesta no trae identificador propio (instanceID).",
            "ht": "Ankèt la pa gen idantifyan pa l (instanceID).",
            "en": "The interview carries no identifier of its own (instanceID).",
        },
        {
            "es": "Compruebe que no esté repetida: sin identificador no se puede saber.",
            "ht": "Verifye li pa repete: san idantifyan nou pa ka konnen.",
            "en": "Check that it is not a duplicate: without an identifier that can't be known.",
        },
    ),
    MISSING_ATTACHMENT: (
        {
            "es": "Falta un archivo que la encuesta nombra (foto, audio u otro).",
            "ht": "Gen yon fichye ankèt la site ki manke (foto, son oswa lòt).",
            "en": "A file that the interview names is missing (photo, audio or other).",
        },
        {
            "es": "Espere a que el teléfono termine de enviar, o pida que envíe otra vez.",
            "ht": "Tann telefòn nan fin voye, oswa mande pou l voye ankò.",
            "en": "Wait until the phone has sent everything, or ask to send it again.",
        },
    ),
}


def type_finding(form: Form, raw: RawSubmission, row_id: str, question: Field) -> Finding:
    """An answer that is no value of its question's type."""
    expected = _EXPECTED[question.type]
    return Finding(
        form_id=form.form_id,
        form_version=raw.version,
        instance_id=raw.instance_id,
        row_id=row_id,
        rule_id=f"type:{question.path}",
        kind="type",
        severity="error",
        path=question.path,
        message={
            "es": f"La respuesta a «{question.name}» no es {expected['es']}.",
            "ht": f"Repons pou «{question.name}» la pa {expected['ht']}.",
            "en": f"The answer to '{question.name}' is not {expected['en']}.",
        },
        advice=_ADVICE_TYPE,
        variables=(question.name,),
    )


def structure_finding(
    form: Form, raw: RawSubmission, row_id: str, rule_id: str, path: str, variables: Sequence[str] = ()
) -> Finding:
    """A defect of the record's shape: one finding a row and rule, which names every node it is about."""
    message, advice = _STRUCTURE[rule_id]
    return Finding(
        form_id=form.form_id,
        form_version=raw.version,
        instance_id=raw.instance_id,
        row_id=row_id,
        rule_id=rule_id,
        kind=rule_id.partition(":")[0],
        severity="warning",
        path=path,
        message=message,
        advice=advice,
        variables=tuple(dict.fromkeys(variables)),
    )
