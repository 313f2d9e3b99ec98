"""What a file for research gives away, and what was done against it, in the three languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reports.anonymity import Anonymity
from schemas.text import Text

if TYPE_CHECKING:
    from reports.research import ResearchRules


def research_statement(rules: ResearchRules, shares: Mapping[str, float], dropped: int, after: Anonymity) -> Text:
    """Keys and k, what was taken out of each, diversity, and the risk that is left.

    Args:
        rules: how safe the file had to be.
        shares: key -> share of its answers that were taken out.
        dropped: records that left the file.
        after: anonymity of the file.
    """
    named = ", ".join(rules.keys)
    taken = ", ".join(f"{name} {share:.1%}" for name, share in shares.items() if share > 0)
    es = [
        f"Cada combinación de {named} corresponde al menos a {rules.k} de los {after.records} registros.",
        f"Respuestas quitadas: {taken}." if taken else "No se quitó ninguna respuesta.",
        f"Registros retirados: {dropped}.",
    ]
    ht = [
        f"Chak konbinezon {named} reprezante omwen {rules.k} nan {after.records} anrejistreman yo.",
        f"Repons yo retire: {taken}." if taken else "Yo pa retire okenn repons.",
        f"Anrejistreman yo retire: {dropped}.",
    ]
    en = [
        f"Each combination of {named} stands for at least {rules.k} of the {after.records} records.",
        f"Answers taken out: {taken}." if taken else "No answer was taken out.",
        f"Records taken out: {dropped}.",
    ]
    if rules.sensitive and after.l_violating is not None:
        column, least, left = rules.sensitive, rules.diversity, after.l_violating
        es.append(f"En {left} registros, quienes se parecen tienen menos de {least} valores distintos de {column}.")
        ht.append(f"Nan {left} anrejistreman, moun ki sanble yo gen mwens pase {least} valè diferan pou {column}.")
        en.append(f"In {left} records those that look alike have fewer than {least} different values of {column}.")
    if after.reidentifications is not None:
        risk = after.reidentifications
        share = risk / after.records if after.records else 0.0
        es.append(f"Se esperan {risk:.2f} reidentificaciones en la población ({share:.2%} de los registros).")
        ht.append(f"Nou atann {risk:.2f} moun yo ta ka rekonèt nan popilasyon an ({share:.2%} nan anrejistreman yo).")
        en.append(f"{risk:.2f} re-identifications are expected in the population ({share:.2%} of the records).")
    es.append("No hay nombres, documentos, teléfonos, direcciones, posiciones ni textos libres.")
    ht.append("Pa gen non, dokiman, telefòn, adrès, pozisyon ni tèks lib.")
    en.append("There are no names, documents, telephones, addresses, positions or free texts.")
    return {"es": " ".join(es), "ht": " ".join(ht), "en": " ".join(en)}
