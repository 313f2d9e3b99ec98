"""The sheet of cards that phones are set up with: one a person, to be cut apart and handed over. Pure text."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openrosa.settings_qr import Setting, encode_settings, inline_code
from schemas.communes import find_commune

CARDS_A_PAGE = 4
LONG_NAME = 34
_LANGUAGES = ("es", "ht")
ROLES: Mapping[str, tuple[str, str]] = {
    "enumerator": ("Encuestador/a", "Anketè"),
    "supervisor": ("Supervisor/a", "Sipèvizè"),
    "statistician": ("Estadístico/a", "Estatistisyen"),
    "reviewer": ("Revisor/a", "Revizè"),
    "administrator": ("Administrador/a", "Administratè"),
}
STEPS: tuple[tuple[str, ...], ...] = (
    (
        "Instale <b>ODK Collect</b> desde Google Play (es gratis).",
        "Ábralo, toque <b>Configurar con código QR</b> (Configure with QR code) y apunte aquí.",
        "Toque <b>Llenar nuevo formulario</b> (Start new form).",
        "Sin internet también puede encuestar: al volver la señal, todo se envía solo.",
    ),
    (
        "Enstale <b>ODK Collect</b> nan Google Play (li gratis).",
        "Louvri l, peze <b>Configure with QR code</b>, epi vize kòd sa a.",
        "Peze <b>Start new form</b> pou kòmanse yon ankèt.",
        "Ou ka fè ankèt san entènèt tou: lè rezo a tounen, tout ankèt yo voye poukont yo.",
    ),
)
WARNING = (
    "Este código es su llave personal: no lo fotografíe ni lo comparta. Si lo pierde, avise a su supervisor.",
    "Kòd sa a se kle pèsonèl ou: pa pran foto l, pa pataje l. Si ou pèdi l, avèti sipèvizè ou.",
)
_LOGIN = ("Usuario / Non itilizatè", "Contraseña / Modpas")
_STYLE = """
@page { size: A4 portrait; margin: 8mm; }
* { box-sizing: border-box; margin: 0; padding: 0; }
body { font: 8pt/1.3 'Noto Sans', 'DejaVu Sans', Arial, sans-serif; color: #111; background: #fff; }
.page { display: grid; grid-template-columns: 97mm 97mm; grid-template-rows: 140mm 140mm; width: 194mm; }
.page + .page { break-before: page; }
.card { border: 0.3mm dashed #777; padding: 4mm; overflow: hidden; break-inside: avoid; display: flex;
  flex-direction: column; gap: 1.8mm; }
.head { display: grid; grid-template-columns: 50mm 1fr; column-gap: 3mm; align-items: start; }
.head svg { display: block; width: 52mm; height: 52mm; margin: -1.5mm 0 0 -2mm; }
.head p { overflow-wrap: anywhere; margin-bottom: 1mm; }
h2 { font-size: 13pt; line-height: 1.35; overflow-wrap: anywhere; border-bottom: 0.4mm solid #1f5f8b; }
h2.long { font-size: 10.5pt; }
dl { font: 6.8pt/1.25 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere; }
dt { color: #555; }
.both { display: grid; grid-template-columns: 1fr 1fr; column-gap: 4mm; }
ol { padding-left: 3.6mm; }
li { margin-bottom: 0.5mm; }
.warn { border-top: 0.2mm solid #999; padding-top: 1.2mm; margin-top: 1.5mm; }
.head .warn p { font-size: 6.9pt; line-height: 1.22; color: #333; }
@media screen { body { padding: 8mm; background: #ddd; } .page { background: #fff; margin: 0 auto 8mm; } }
"""


@dataclass(frozen=True, slots=True)
class Card:
    """What one card says. Its repr hides the settings, which hold the key.

    Attributes:
        communes: CUT codes, empty for all.
        survey: title of what the person asks, "" if nothing is offered yet.
        settings: of the phone.
    """

    name: str
    role: str
    communes: tuple[str, ...]
    survey: str
    settings: Mapping[str, Mapping[str, Setting]] = field(repr=False)


def write_sheet(cards: Sequence[Card]) -> str:
    """The sheet as a page of its own: A4, four cards a page, lines to cut along; it loads nothing from elsewhere."""
    pages = [cards[start : start + CARDS_A_PAGE] for start in range(0, len(cards), CARDS_A_PAGE)]
    body = "\n".join(f'<section class="page">\n{"".join(map(_card, page))}</section>' for page in pages)
    return (
        '<!doctype html>\n<html lang="es">\n<head><meta charset="utf-8"><title>Códigos para ODK Collect</title>\n'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">\n'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _card(card: Card) -> str:
    communes = ", ".join(_commune(cut) for cut in card.communes)
    about = (" / ".join(ROLES[card.role]), communes, card.survey)
    told = "".join(f"<p>{html.escape(text)}</p>" for text in about if text)
    size = ' class="long"' if len(card.name) > LONG_NAME else ""
    steps = "".join(f'<ol lang="{code}">{_items(items)}</ol>' for code, items in zip(_LANGUAGES, STEPS, strict=True))
    warning = "".join(f'<p lang="{code}">{text}</p>' for code, text in zip(_LANGUAGES, WARNING, strict=True))
    return (
        f'<article class="card">\n<h2{size}>{html.escape(card.name)}</h2>\n'
        f'<div class="head"><div>{inline_code(encode_settings(card.settings))}</div>'
        f"<div>{told}<div class='warn'>{warning}</div></div></div>{_login(card.settings['general'])}\n"
        f'<div class="both">{steps}</div>\n</article>\n'
    )


def _items(items: Sequence[str]) -> str:
    return "".join(f"<li>{item}</li>" for item in items)


def _login(general: Mapping[str, Setting]) -> str:
    """Name and password, for whoever has to type them; nothing where the address has the key."""
    if "username" not in general:
        return ""
    rows = zip(_LOGIN, (general["username"], general["password"]), strict=True)
    told = "".join(f"<div><dt>{label}</dt><dd>{html.escape(str(value))}</dd></div>" for label, value in rows)
    return f'<dl class="both">{told}</dl>'


def _commune(cut: str) -> str:
    commune = find_commune(cut)
    return cut if commune is None else commune.name
