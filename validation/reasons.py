"""Why a rule isn't checked, for people who read Spanish or Kreyòl: operators and logs have it in English."""

from __future__ import annotations

import re
from typing import Final

_REASONS: Final = (
    # English, Spanish, Kreyòl
    (
        r"(\S+)\(\) gives another value each time",
        "{0}() da otro valor cada vez; se confía en el que se guardó",
        "{0}() bay yon lòt valè chak fwa; nou fè konfyans nan sa ki anrejistre a",
    ),
    (
        r"a calculated (\S+) is written differently by each client",
        "cada programa escribe de otra manera un valor calculado de tipo {0}",
        "chak pwogram ekri yon valè kalkile ki se {0} yon lòt jan",
    ),
    (
        r"the list (.+) is in a file that was not given",
        "la lista {0} está en un archivo que no se entregó",
        "lis {0} a nan yon fichye nou pa jwenn",
    ),
    (
        r"its list is in a file that was not given",
        "su lista está en un archivo que no se entregó",
        "lis li nan yon fichye nou pa jwenn",
    ),
    (
        r"count\(\) of (.+) depends on which rows were asked it",
        "count() de {0} depende de en qué filas se preguntó",
        "count() {0} depann de nan ki ranje yo te poze l",
    ),
    (
        r"the relevance of (\S+) can't be told: .*",
        "no se puede saber si correspondía preguntar {0}",
        "nou pa ka konnen si yo te dwe poze {0}",
    ),
    (
        r"EXP-110 .*",
        "usa el azar, que no se puede repetir; se confía en el valor que se guardó",
        "li sèvi ak aza, ki pa ka repete; nou fè konfyans nan valè ki anrejistre a",
    ),
    (
        r"EXP-112 .*",
        "usa today() o now(), y el formulario no registra cuándo se hizo la encuesta",
        "li sèvi ak today() oswa now(), epi fòm nan pa anrejistre kilè ankèt la te fèt",
    ),
    (
        r"EXP-12\d .*",
        "mira una respuesta personal, que se guarda aparte",
        "li gade yon repons pèsonèl, ki kenbe apa",
    ),
    (
        r"(EXP-\d+) .*",
        "su expresión no se puede evaluar sobre todas las filas ({0})",
        "ekspresyon li pa ka evalye sou tout ranje yo ({0})",
    ),
    # of rules
    ("the form has no such question", "el formulario no tiene esa pregunta", "fòm nan pa gen kesyon sa a"),
    (r"the form has no table “(.+)”", "el formulario no tiene la tabla «{0}»", "fòm nan pa gen tablo « {0} »"),
    ("the rule is not about a question", "la regla no trata de una pregunta", "règ la pa sou yon kesyon"),
    (
        r"no judge for rules of the kind (.+)",
        "no hay cómo revisar reglas del tipo {0}",
        "pa gen mwayen verifye règ ki kalite {0}",
    ),
    (
        r"(?:it|linkage) fails over these answers \((\w+)\)",
        "falla con estas respuestas ({0})",
        "li pa mache ak repons sa yo ({0})",
    ),
    # of checks of field work
    (
        "it is switched off in the monitoring sheet",
        "está apagada en la hoja «monitoring»",
        "li etenn nan fèy « monitoring »",
    ),
    (
        "it needs personal answers, which were not read",
        "necesita respuestas personales, que no se leyeron",
        "li bezwen repons pèsonèl, yo pa t li yo",
    ),
    (
        "the form marks no question as a name or document",
        "el formulario no marca ninguna pregunta como nombre o documento",
        "fòm nan pa make okenn kesyon kòm non oswa dokiman",
    ),
    (
        "the form marks no question as a name, document, phone or address",
        "el formulario no marca ninguna pregunta como nombre, documento, teléfono o dirección",
        "fòm nan pa make okenn kesyon kòm non, dokiman, telefòn oswa adrès",
    ),
    (
        "the design sheet has no “fieldwork_start” or “fieldwork_end”",
        "la hoja «design» no tiene «fieldwork_start» o «fieldwork_end»",
        "fèy « design » la pa gen « fieldwork_start » oswa « fieldwork_end »",
    ),
    (
        "the design sheet has no “timezone”, and the hour of the day depends on it",
        "la hoja «design» no tiene «timezone», y de ella depende la hora del día",
        "fèy « design » la pa gen « timezone », e lè jounen an depann de li",
    ),
    (
        "it needs today's date, “fieldwork_start” and “fieldwork_end” of the design sheet",
        "necesita la fecha de hoy, y «fieldwork_start» y «fieldwork_end» de la hoja «design»",
        "li bezwen dat jodi a, ak « fieldwork_start » ak « fieldwork_end » nan fèy « design » la",
    ),
    (
        "it isn't known when the versions of the form were published",
        "no se sabe cuándo se publicaron las versiones del formulario",
        "nou pa konnen kilè vèsyon fòm nan te pibliye",
    ),
    (
        "the form does not record both the date and when interviews start",
        "el formulario no registra a la vez la fecha y cuándo empieza la encuesta",
        "fòm nan pa anrejistre ni dat la ni kilè ankèt la kòmanse",
    ),
    (
        "phones logged no events, or the form does not record start and end",
        "los teléfonos no registraron eventos, o el formulario no registra inicio y fin",
        "telefòn yo pa anrejistre evènman, oswa fòm nan pa anrejistre kòmansman ak fen",
    ),
    ("phones logged no events", "los teléfonos no registraron eventos", "telefòn yo pa anrejistre evènman"),
    (
        "the form does not record phone, start and end",
        "el formulario no registra teléfono, inicio y fin",
        "fòm nan pa anrejistre telefòn, kòmansman ak fen",
    ),
    (
        "the form does not record when interviews start and end",
        "el formulario no registra cuándo empieza y termina la encuesta",
        "fòm nan pa anrejistre kilè ankèt la kòmanse ak fini",
    ),
    (
        "the form does not record when interviews start",
        "el formulario no registra cuándo empieza la encuesta",
        "fòm nan pa anrejistre kilè ankèt la kòmanse",
    ),
    (
        "the form does not record when interviews end",
        "el formulario no registra cuándo termina la encuesta",
        "fòm nan pa anrejistre kilè ankèt la fini",
    ),
    (
        r"no question of the main table tells who made the interview \(setting “enumerator”\)",
        "ninguna pregunta de la tabla principal dice quién hizo la encuesta (ajuste «enumerator»)",
        "okenn kesyon nan tablo prensipal la pa di kiyès ki fè ankèt la (reglaj « enumerator »)",
    ),
    (
        r"the monitoring sheet plans no interviews \((.+)\)",
        "la hoja «monitoring» no prevé encuestas ({0})",
        "fèy « monitoring » la pa prevwa okenn ankèt ({0})",
    ),
    (
        r"the monitoring sheet plans no interviews a sampling unit \((.+)\)",
        "la hoja «monitoring» no prevé encuestas por sector de muestreo ({0})",
        "fèy « monitoring » la pa prevwa ankèt pou chak zòn echantiyonaj ({0})",
    ),
    (
        r"the monitoring sheet names no question for it \((.+)\)",
        "la hoja «monitoring» no nombra una pregunta para ella ({0})",
        "fèy « monitoring » la pa bay non yon kesyon pou li ({0})",
    ),
    ("the form asks for no numbers", "el formulario no pregunta números", "fòm nan pa mande nimewo"),
    (
        "the form asks for no numbers of two digits or more",
        "el formulario no pregunta números de dos cifras o más",
        "fòm nan pa mande nimewo ki gen de chif oswa plis",
    ),
    ("the form has no choices", "el formulario no tiene opciones", "fòm nan pa gen opsyon"),
    ("the form has too few questions", "el formulario tiene muy pocas preguntas", "fòm nan pa gen ase kesyon"),
    ("the form asks for no position", "el formulario no pregunta la posición", "fòm nan pa mande pozisyon"),
    (
        "the boundary of the commune isn't known (design setting “commune”)",
        "no se conoce el límite de la comuna (ajuste «commune» de la hoja «design»)",
        "nou pa konnen limit komin nan (reglaj « commune » nan fèy « design » la)",
    ),
    (
        r"“(.+)” names no question of the main table and a repeat",
        "«{0}» no nombra una pregunta de la tabla principal y una repetición",
        "« {0} » pa bay non yon kesyon nan tablo prensipal la ak yon repetisyon",
    ),
    (
        r"the design setting “(.+)” is not (.+)",
        "el ajuste «{0}» de la hoja «design» no es lo que se espera",
        "reglaj « {0} » nan fèy « design » la pa sa nou atann",
    ),
    (
        r"sheet monitoring, row (\S+): there is no check “(.+)”",
        "hoja «monitoring», fila {0}: no hay revisión «{1}»",
        "fèy « monitoring », ranje {0}: pa gen verifikasyon « {1} »",
    ),
    (
        r"sheet monitoring, row (\S+): severity “(.+)” is none of error, warning, info",
        "hoja «monitoring», fila {0}: la gravedad «{1}» no es error, warning ni info",
        "fèy « monitoring », ranje {0}: gravite « {1} » pa ni error, ni warning, ni info",
    ),
    (
        r"sheet monitoring, row (\S+): the check “(.+)” has no parameter “(.+)”",
        "hoja «monitoring», fila {0}: la revisión «{1}» no tiene el parámetro «{2}»",
        "fèy « monitoring », ranje {0}: verifikasyon « {1} » pa gen paramèt « {2} »",
    ),
    (
        r"sheet monitoring, row (\S+): the value of “(.+)” is no number",
        "hoja «monitoring», fila {0}: el valor de «{1}» no es un número",
        "fèy « monitoring », ranje {0}: valè « {1} » pa yon nimewo",
    ),
)


def say_reason(reason: str, language: str) -> str:
    """The reason in that language; in English where it has no translation. Several stand with "; " between them.

    >>> say_reason("once() gives another value each time", "es")
    'once() da otro valor cada vez; se confía en el que se guardó'
    """
    if language not in {"es", "ht"}:
        return reason
    whole = _say(reason, language)
    if whole is not None:
        return whole
    return "; ".join(_say(part, language) or part for part in reason.split("; "))


def _say(reason: str, language: str) -> str | None:
    for pattern, spanish, kreyol in _REASONS:
        plain = pattern if "\\" in pattern or "(.+)" in pattern else re.escape(pattern)
        found = re.fullmatch(plain, reason, re.DOTALL)
        if found is not None:
            return (spanish if language == "es" else kreyol).format(*found.groups())
    return None
