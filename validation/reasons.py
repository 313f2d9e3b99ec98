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
)


def say_reason(reason: str, language: str) -> str:
    """The reason in that language; in English where it has no translation.

    >>> say_reason("once() gives another value each time", "es")
    'once() da otro valor cada vez; se confía en el que se guardó'
    """
    for pattern, spanish, kreyol in _REASONS:
        found = re.fullmatch(pattern, reason, re.DOTALL)
        if found is not None and language in {"es", "ht"}:
            return (spanish if language == "es" else kreyol).format(*found.groups())
    return reason
