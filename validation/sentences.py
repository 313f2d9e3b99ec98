"""What the rules say to people: sentences in Spanish, Kreyòl and English, built around a question's label.

A sentence never holds an answer. Labels that quote an answer (`${name}`, `<output/>`) have the quotation replaced by
an ellipsis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from schemas.text import DEFAULT_LANGUAGE, LANGUAGES, Text, pick

LONGEST_LABEL = 140
"""Characters of a label that a sentence quotes."""

_QUOTATION = re.compile(r"<output\b[^>]*?(?:/>|>.*?</output>)|\$\{[^}]*\}", re.DOTALL)
_MARKUP = re.compile(r"<[^>]*>|[*_#]{2,}|^\s*#+\s*", re.MULTILINE)
_SPACES = re.compile(r"\s+")

_QUOTES = {"es": "«{}»", "ht": "«{}»", "en": "“{}”"}

_MESSAGES: Mapping[str, Text] = {
    "type": {
        "es": "{label}: la respuesta no se puede leer como {type}.",
        "ht": "{label}: nou pa ka li repons lan kòm {type}.",
        "en": "{label}: the answer can't be read as {type}.",
    },
    "choice": {
        "es": "{label}: la respuesta no está en la lista de opciones.",
        "ht": "{label}: repons lan pa nan lis opsyon yo.",
        "en": "{label}: the answer is not in the list of choices.",
    },
    "choice_filter": {
        "es": "{label}: la opción elegida no corresponde a las otras respuestas.",
        "ht": "{label}: opsyon ki chwazi a pa koresponn ak lòt repons yo.",
        "en": "{label}: the chosen option does not go with the other answers.",
    },
    "required": {
        "es": "{label}: falta la respuesta, y es obligatoria.",
        "ht": "{label}: repons lan manke, epi li obligatwa.",
        "en": "{label}: the answer is missing, and it is required.",
    },
    "constraint": {
        "es": "{label}: la respuesta no cumple la condición de la pregunta.",
        "ht": "{label}: repons lan pa respekte kondisyon kesyon an.",
        "en": "{label}: the answer does not meet the question's condition.",
    },
    "relevant": {
        "es": "{label}: tiene una respuesta, aunque según las otras respuestas no correspondía preguntarla.",
        "ht": "{label}: gen yon repons, men dapre lòt repons yo kesyon sa a pa te dwe poze.",
        "en": "{label}: has an answer although, by the other answers, it should not have been asked.",
    },
    "calculation": {
        "es": "{label}: el valor calculado que se guardó no es el que dan las respuestas.",
        "ht": "{label}: valè kalkile ki anrejistre a pa menm ak sa repons yo bay.",
        "en": "{label}: the stored calculated value is not the one that the answers give.",
    },
    "repeat": {
        "es": "{label}: la cantidad de fichas no es la que declaran las respuestas.",
        "ht": "{label}: kantite fich yo pa menm ak kantite repons yo deklare.",
        "en": "{label}: the number of entries is not the one that the answers declare.",
    },
}

_ADVICE: Mapping[str, Text] = {
    "type": {
        "es": "Busque el dato en el envío original y corríjalo.",
        "ht": "Chèche done a nan dosye orijinal la epi korije li.",
        "en": "Look the datum up in the original submission and correct it.",
    },
    "choice": {
        "es": "Reemplácela por una opción de la lista.",
        "ht": "Ranplase li ak yon opsyon ki nan lis la.",
        "en": "Replace it by an option of the list.",
    },
    "choice_filter": {
        "es": "Corrija esta respuesta o aquella de la que depende la lista.",
        "ht": "Korije repons sa a oswa repons lis la depann de li a.",
        "en": "Correct this answer or the one on which the list depends.",
    },
    "required": {
        "es": "Complete la respuesta o anote por qué falta.",
        "ht": "Konplete repons lan oswa ekri poukisa li manke.",
        "en": "Complete the answer or note why it is missing.",
    },
    "constraint": {
        "es": "Verifique con la persona entrevistada o con sus notas y corrija la respuesta.",
        "ht": "Verifye ak moun ki te reponn nan oswa ak nòt ou yo, epi korije repons lan.",
        "en": "Check with the person interviewed or with your notes and correct the answer.",
    },
    "relevant": {
        "es": "Borre esta respuesta o corrija aquella que decide si se pregunta.",
        "ht": "Efase repons sa a oswa korije repons ki deside si kesyon an poze.",
        "en": "Delete this answer or correct the one that decides whether it is asked.",
    },
    "calculation": {
        "es": "Si se corrigió una respuesta, acepte el valor recalculado; si no, actualice la aplicación del equipo.",
        "ht": "Si yo te korije yon repons, aksepte valè ki rekalkile a; si se pa sa, mete aplikasyon an ajou.",
        "en": "If an answer was corrected, accept the recalculated value; if not, update the app on the device.",
    },
    "repeat": {
        "es": "Verifique cuántas fichas debía haber, y agregue o quite las que correspondan.",
        "ht": "Verifye konbyen fich ki te dwe genyen, epi ajoute oswa retire sa ki nesesè.",
        "en": "Check how many entries there should be, and add or remove accordingly.",
    },
}

_TYPES: Mapping[str, Text] = {
    "int": {"es": "número entero", "ht": "nonm antye", "en": "a whole number"},
    "decimal": {"es": "número", "ht": "nonm", "en": "a number"},
    "boolean": {"es": "sí o no", "ht": "wi oswa non", "en": "yes or no"},
    "date": {"es": "fecha", "ht": "dat", "en": "a date"},
    "time": {"es": "hora", "ht": "lè", "en": "a time"},
    "dateTime": {"es": "fecha y hora", "ht": "dat ak lè", "en": "a date and time"},
    "geopoint": {"es": "posición", "ht": "pozisyon", "en": "a position"},
    "geotrace": {"es": "trayecto", "ht": "trajè", "en": "a line of positions"},
    "geoshape": {"es": "superficie", "ht": "sifas", "en": "an area of positions"},
}

_TEXT_TYPE: Text = {"es": "texto", "ht": "tèks", "en": "text"}


def quote_label(label: Text, name: str, language: str) -> str:
    """The label in quotation marks and without markup or quoted answers; the question's name if it has no label.

    >>> quote_label({"es": "¿Edad de **${nombre}**?"}, "edad", "es")
    '«¿Edad de …?»'
    """
    text = _MARKUP.sub("", _QUOTATION.sub("…", pick(label, language)))
    text = _SPACES.sub(" ", text).strip()
    if len(text) > LONGEST_LABEL:
        text = text[: LONGEST_LABEL - 1].rstrip() + "…"
    return _QUOTES.get(language, "“{}”").format(text or name)


def write_message(
    kind: str,
    label: Text,
    name: str,
    value_type: str = "",
    own: Text | None = None,
    meaning: Text | None = None,
) -> Text:
    """The sentence of a rule in es, ht and en.

    Args:
        kind: a kind of rule that the form implies, or "choice_filter".
        value_type: bind type, for the kind "type".
        own: the author's own message. It is used in each language it has (and in every language if it has none
            declared); the others get the general sentence.
        meaning: the rule's expression in words; the general sentence ends with it.
    """
    own, meaning = own or {}, meaning or {}
    sentences = {}
    for language in LANGUAGES:
        written = own.get(language) or own.get(DEFAULT_LANGUAGE)
        if written:
            sentences[language] = _SPACES.sub(" ", _QUOTATION.sub("…", written)).strip()
            continue
        general = _MESSAGES[kind][language].format(
            label=quote_label(label, name, language), type=_TYPES.get(value_type, _TEXT_TYPE)[language]
        )
        words = meaning.get(language, "")
        sentences[language] = f"{general.removesuffix('.')}: {words}." if words else general
    return sentences


def type_name(value_type: str, language: str) -> str:
    """What an answer of a bind type is, in words: "a whole number"."""
    return _TYPES.get(value_type, _TEXT_TYPE)[language]


def write_advice(kind: str) -> Text:
    """What to do about a finding of that kind, in es, ht and en."""
    return _ADVICE[kind]
