"""What disclosure control did, in the three languages of the public."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.estimates import Measure
from schemas.text import Text


def disclosure_statement(threshold: int, primary: int, secondary: int, measures: Sequence[Measure] = ()) -> Text:
    """A few sentences: the rules with their figures, and how many figures they took away."""
    if threshold == 0:
        return {
            "es": "No se ocultó ninguna cifra: el cuestionario fija el umbral en cero.",
            "ht": "Yo pa kache okenn chif: kesyonè a mete papòt la sou zewo.",
            "en": "No figure was withheld: the questionnaire sets the threshold to zero.",
        }
    rules = _name_rules({each.name: each.setting for each in measures})
    return {
        "es": (
            f"No se publica ninguna cifra que hable de menos de {threshold} casos, ni otra que permita deducirla. "
            f"Se ocultaron {primary} por ser pequeñas y {secondary} para proteger a las primeras.{rules['es']}"
        ),
        "ht": (
            f"Yo pa pibliye okenn chif ki pale de mwens pase {threshold} ka, ni lòt chif ki ta pèmèt moun kalkile l. "
            f"Yo kache {primary} paske yo twò piti, ak {secondary} pou pwoteje premye yo.{rules['ht']}"
        ),
        "en": (
            f"No figure is published that tells of fewer than {threshold} cases, nor any that would give one away. "
            f"{primary} were withheld for being small and {secondary} to protect the former.{rules['en']}"
        ),
    }


def _name_rules(settings: dict[str, str]) -> Text:
    """The rules beside the threshold, with their figures; nothing of those that are switched off."""
    found: dict[str, list[str]] = {"es": [], "ht": [], "en": []}
    if (setting := settings.get("dominance", "no")) != "no":
        many, share = setting.split()
        part = f"{float(share):.0%}"
        found["es"].append(f"las sumas de las que {many} casos aportan más del {part}")
        found["ht"].append(f"sòm kote {many} ka pote plis pase {part}")
        found["en"].append(f"sums of which {many} cases hold more than {part}")
    if (setting := settings.get("p_percent", "no")) != "no":
        part = f"{float(setting):.0%}"
        found["es"].append(f"aquellas en las que el mayor aporte podría estimarse con un error menor al {part}")
        found["ht"].append(f"sa kote yo ta ka estime pi gwo pati a ak mwens pase {part} erè")
        found["en"].append(f"those of which the largest contribution could be estimated within {part}")
    if (setting := settings.get("group_disclosure", "no")) != "no":
        found["es"].append(f"los 0 % y 100 % de grupos de menos de {setting}")
        found["ht"].append(f"0 % ak 100 % nan gwoup ki gen mwens pase {setting}")
        found["en"].append(f"0 % and 100 % of groups of fewer than {setting}")
    if not found["en"]:
        return {"es": "", "ht": "", "en": ""}
    return {
        "es": f" También se ocultan {', '.join(found['es'])}.",
        "ht": f" Yo kache tou {', '.join(found['ht'])}.",
        "en": f" Also withheld are {', '.join(found['en'])}.",
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
