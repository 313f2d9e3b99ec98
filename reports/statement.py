"""What disclosure control did, in the three languages of the public."""

from __future__ import annotations

from schemas.text import Text


def disclosure_statement(threshold: int, primary: int, secondary: int) -> Text:
    """One or two sentences: the rule, and how many figures it took away."""
    if threshold == 0:
        return {
            "es": "No se ocultó ninguna cifra: el cuestionario fija el umbral en cero.",
            "ht": "Yo pa kache okenn chif: kesyonè a mete papòt la sou zewo.",
            "en": "No figure was withheld: the questionnaire sets the threshold to zero.",
        }
    return {
        "es": (
            f"No se publica ninguna cifra que hable de menos de {threshold} casos, ni otra que permita deducirla. "
            f"Se ocultaron {primary} por ser pequeñas y {secondary} para proteger a las primeras."
        ),
        "ht": (
            f"Yo pa pibliye okenn chif ki pale de mwens pase {threshold} ka, ni lòt chif ki ta pèmèt moun kalkile l. "
            f"Yo kache {primary} paske yo twò piti, ak {secondary} pou pwoteje premye yo."
        ),
        "en": (
            f"No figure is published that tells of fewer than {threshold} cases, nor any that would give one away. "
            f"{primary} were withheld for being small and {secondary} to protect the former."
        ),
    }


def rounding_statement(base: int, withheld: int) -> Text:
    """The same where counts were rounded."""
    return {
        "es": (
            f"Todos los conteos se redondearon a múltiplos de {base}, de modo que las sumas cuadran; los porcentajes "
            f"son de los conteos redondeados. Se ocultaron {withheld} promedios sostenidos por pocos casos."
        ),
        "ht": (
            f"Yo awondi tout kantite yo a miltip {base}, yon fason pou total yo matche; pousantaj yo soti nan kantite "
            f"awondi yo. Yo kache {withheld} mwayèn ki chita sou twòp ti kras ka."
        ),
        "en": (
            f"All counts were rounded to multiples of {base} so that sums hold; percentages are of the rounded counts. "
            f"{withheld} means of few cases were withheld."
        ),
    }
