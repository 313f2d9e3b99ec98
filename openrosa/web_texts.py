"""Every sentence that whoever answers in a browser reads and that isn't of their form: Spanish, Kreyòl, English.

What the library itself says is in static/web/library.js.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.text import Text

NAMES: Text = {"es": "Español", "ht": "Kreyòl", "en": "English"}

PAGE: Mapping[str, Text] = {
    "language": {"es": "Idioma", "ht": "Lang", "en": "Language"},
    "private": {
        "es": "Lo que escriba no queda guardado en este aparato. Si cierra la página antes de enviar, se pierde.",
        "ht": "Sa w ap ekri a pa rete nan aparèy sa a. Si ou fèmen paj la anvan ou voye l, l ap pèdi.",
        "en": "What you write isn't kept on this device. If you close the page before sending, it is lost.",
    },
    "loading": {
        "es": "Cargando las preguntas. La primera vez puede tardar un minuto.",
        "ht": "N ap chaje kesyon yo. Premye fwa a sa ka pran yon minit.",
        "en": "Loading the questions. The first time this may take a minute.",
    },
    "not_loaded": {
        "es": "No se pudieron cargar las preguntas. Revise su conexión y vuelva a intentar.",
        "ht": "Nou pa t ka chaje kesyon yo. Gade si ou gen koneksyon, epi eseye ankò.",
        "en": "The questions could not be loaded. Check your connection and try again.",
    },
    "not_opened": {
        "es": "Este formulario no se puede abrir en un navegador. Avise a quien le dio el enlace; no es culpa suya.",
        "ht": "Fòmilè sa a pa ka louvri nan yon navigatè. Avèti moun ki te ba ou lyen an; se pa fòt ou.",
        "en": "This form can't be opened in a browser. Tell whoever gave you the link; it isn't your fault.",
    },
    "old_browser": {
        "es": "Este navegador es muy antiguo para estas preguntas. Actualícelo o abra el enlace en otro teléfono.",
        "ht": "Navigatè sa a twò vye pou l montre kesyon yo. Mete l ajou, oswa louvri lyen an sou yon lòt telefòn.",
        "en": "This browser is too old to show the questions. Update it, or open the link on another phone.",
    },
    "try_again": {"es": "Intentar otra vez", "ht": "Eseye ankò", "en": "Try again"},
    "sending": {
        "es": "Enviando. No cierre esta página.",
        "ht": "N ap voye l. Pa fèmen paj sa a.",
        "en": "Sending. Don't close this page.",
    },
    "not_sent": {
        "es": "Todavía no se envió",
        "ht": "Li poko voye",
        "en": "Not sent yet",
    },
    "kept": {
        "es": "Sus respuestas siguen aquí, en esta página. No la cierre: vuelva a intentar cuando tenga conexión.",
        "ht": "Repons ou yo toujou la, nan paj sa a. Pa fèmen l: eseye ankò lè ou gen koneksyon.",
        "en": "Your answers are still here, on this page. Don't close it: try again when you have a connection.",
    },
    "told": {"es": "El servidor dijo:", "ht": "Men sa sèvè a di:", "en": "The server said:"},
    "thanks": {
        "es": "Gracias. Recibimos sus respuestas.",
        "ht": "Mèsi. Nou resevwa repons ou yo.",
        "en": "Thank you. We received your answers.",
    },
    "reference": {"es": "Su número de referencia", "ht": "Nimewo referans ou", "en": "Your reference number"},
    "reference_use": {
        "es": "Anótelo o tómele una foto. Con él puede pedir que corrijan o borren sus respuestas, sin dar su nombre.",
        "ht": "Ekri l oswa fè foto li. Avè l ou ka mande pou yo korije oswa efase repons ou yo, san ou pa bay non ou.",
        "en": "Write it down or take a picture. With it you can ask that your answers be corrected or deleted, "
        "without giving your name.",
    },
    "close": {
        "es": "Ya puede cerrar esta página. En este aparato no quedó ninguna respuesta.",
        "ht": "Ou mèt fèmen paj sa a kounye a. Pa gen okenn repons ki rete nan aparèy sa a.",
        "en": "You may close this page now. No answer was left on this device.",
    },
    "another": {"es": "Responder por otra persona", "ht": "Reponn pou yon lòt moun", "en": "Answer for another person"},
    "errors": {
        "es": "Faltan respuestas o hay que corregirlas: {n}. Están marcadas en rojo.",
        "ht": "Gen repons ki manke oswa pou korije: {n}. Yo make an wouj.",
        "en": "Answers missing or to be corrected: {n}. They are marked in red.",
    },
    "script": {
        "es": "Para mostrar las preguntas, el navegador necesita JavaScript. Actívelo y abra el enlace otra vez.",
        "ht": "Pou montre kesyon yo, navigatè a bezwen JavaScript. Aktive l epi louvri lyen an ankò.",
        "en": "The browser needs JavaScript to show the questions. Turn it on and open the link again.",
    },
    "credit": {
        "es": "Preguntas con ODK Web Forms, servidas por Comunal.",
        "ht": "Kesyon yo parèt ak ODK Web Forms, sou sèvè Comunal.",
        "en": "Questions shown by ODK Web Forms, served by Comunal.",
    },
}

CLOSED: Mapping[str, tuple[int, Text, Text]] = {
    "ACC-103": (
        403,
        {"es": "Este enlace no sirve", "ht": "Lyen sa a pa bon", "en": "This link doesn't work"},
        {
            "es": "Está mal copiado o fue anulado. Pida otro a quien se lo dio.",
            "ht": "Yo mal kopye l oswa yo anile l. Mande moun ki te ba ou l la yon lòt.",
            "en": "It was copied wrongly or revoked. Ask whoever gave it to you for another.",
        },
    ),
    "ACC-104": (
        410,
        {"es": "Este enlace venció", "ht": "Lyen sa a ekspire", "en": "This link has expired"},
        {
            "es": "Ya pasó el último día para responder. Pida otro a quien se lo dio.",
            "ht": "Dènye jou pou reponn lan pase. Mande moun ki te ba ou l la yon lòt.",
            "en": "The last day to answer has passed. Ask whoever gave it to you for another.",
        },
    ),
    "ACC-105": (
        410,
        {
            "es": "Con este enlace ya se respondió",
            "ht": "Yo deja reponn ak lyen sa a",
            "en": "This link was already used",
        },
        {
            "es": "Recibimos las respuestas, gracias. Cada enlace sirve para una persona y una vez.",
            "ht": "Nou resevwa repons yo, mèsi. Chak lyen se pou yon sèl moun, yon sèl fwa.",
            "en": "We received the answers, thank you. Each link is for one person, once.",
        },
    ),
    "SUB-112": (
        410,
        {"es": "La encuesta terminó", "ht": "Ankèt la fini", "en": "The survey has ended"},
        {
            "es": "Ya no recibe respuestas. Gracias por su interés.",
            "ht": "Li pa resevwa repons ankò. Mèsi pou enterè ou.",
            "en": "It takes no more answers. Thank you for your interest.",
        },
    ),
    "FRM-611": (
        501,
        {
            "es": "Esta encuesta no se puede responder en un navegador",
            "ht": "Ou pa ka reponn ankèt sa a nan yon navigatè",
            "en": "This survey can't be answered in a browser",
        },
        {
            "es": "No empiece: avise a quien le dio el enlace, para que alguien le haga las preguntas.",
            "ht": "Pa kòmanse: avèti moun ki te ba ou lyen an, pou yon moun vin poze ou kesyon yo.",
            "en": "Don't start: tell whoever gave you the link, so that somebody asks you the questions.",
        },
    ),
    "CMD-081": (
        503,
        {
            "es": "Por ahora no se puede responder aquí",
            "ht": "Pou kounye a ou pa ka reponn isit la",
            "en": "Answering here isn't possible now",
        },
        {
            "es": "Al servidor le falta una parte. Avise a quien le dio el enlace. "
            "Para quien lo administra: instale Node y ejecute «make web».",
            "ht": "Gen yon pati ki manke sou sèvè a. Avèti moun ki te ba ou lyen an. "
            "Pou moun k ap jere l: enstale Node epi fè «make web».",
            "en": "A part of the server is missing. Tell whoever gave you the link. "
            "For whoever runs it: install Node and run “make web”.",
        },
    ),
}
"""Why a page doesn't show the form: code -> status, heading, what to do."""
