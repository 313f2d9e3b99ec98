"""Everything the door says to phones: a status that Collect understands, and a sentence for the enumerator.

Collect takes only 201 and 202 for success, and shows the sentence of any refusal but 401; so no refusal is a 401:
only an address without a key asks for name and password (`LOG_IN`).

    SUB-101 .. SUB-109, SUB-114 the request itself        ACC-101, ACC-102 the key
    SUB-110 .. SUB-112 what is known of it already, or of its form
    SUB-113 the address                                   SUB-115 too many requests
    ACC-103 .. ACC-105 the link of a browser
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forms.envelopes import MESSAGES
from schemas.errors import SubmissionError
from schemas.text import LANGUAGES, Text


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and what the enumerator reads, language -> sentence."""

    status: int
    text: Text


RECEIVED = Answer(
    201,
    {
        "es": "Encuesta recibida y guardada.",
        "ht": "Nou resevwa ankèt la epi nou sere l.",
        "en": "Interview received and stored.",
    },
)
RECEIVED_PART = Answer(
    201,
    {
        "es": "Parte de la encuesta recibida y guardada.",
        "ht": "Nou resevwa yon pati nan ankèt la epi nou sere l.",
        "en": "Part of the interview received and stored.",
    },
)
RECEIVED_EARLY = Answer(
    201,
    {
        "es": "Encuesta recibida y guardada. Su versión del formulario aún no está registrada: avise a su supervisor.",
        "ht": "Nou resevwa ankèt la epi nou sere l. Vèsyon fòmilè a poko anrejistre isit la: avèti sipèvizè ou.",
        "en": "Interview received and stored. Its form version isn't registered here yet: tell your supervisor.",
    },
)
RECEIVED_TRIAL = Answer(
    201,
    {
        "es": "Prueba recibida. No cuenta como encuesta: es la dirección de prueba de un borrador.",
        "ht": "Nou resevwa tès la. Li pa konte kòm ankèt: se adrès tès yon bouyon.",
        "en": "Test received. It isn't counted as an interview: this is the test address of a draft.",
    },
)
LOG_IN = Answer(
    401,
    {
        "es": "Escriba en los ajustes del servidor el usuario y la contraseña que le dio su supervisor.",
        "ht": "Ekri nan reglaj sèvè a non itilizatè ak modpas sipèvizè ou ba ou.",
        "en": "Enter the user name and password that your supervisor gave you in the server settings.",
    },
)
UNAVAILABLE = {
    "es": "El servidor no puede guardar ahora. La encuesta sigue en su teléfono: envíela más tarde.",
    "ht": "Sèvè a pa ka sere anyen kounye a. Ankèt la toujou nan telefòn ou: voye l pita.",
    "en": "The server can't store anything now. The interview is still on your phone: send it later.",
}
BROKEN = {
    "es": "El servidor tuvo un error. La encuesta sigue en su teléfono: envíela más tarde y avise a su supervisor.",
    "ht": "Sèvè a fè yon erè. Ankèt la toujou nan telefòn ou: voye l pita epi avèti sipèvizè ou.",
    "en": "The server failed. The interview is still on your phone: send it later and tell your supervisor.",
}

REFUSALS: Mapping[str, Answer] = {
    "SUB-101": Answer(
        400,
        {
            "es": "El envío no tiene el formato de OpenRosa (multipart/form-data).",
            "ht": "Sa ou voye a pa gen fòma OpenRosa (multipart/form-data).",
            "en": "This isn't an OpenRosa submission (multipart/form-data).",
        },
    ),
    "SUB-102": Answer(
        400,
        {
            "es": "El envío se cortó o llegó dañado. Nada se perdió: envíe la encuesta otra vez.",
            "ht": "Sa ou voye a koupe oswa li rive gate. Anyen pa pèdi: voye ankèt la ankò.",
            "en": "The upload was cut off or damaged. Nothing is lost: send the interview again.",
        },
    ),
    "SUB-103": Answer(
        400,
        {
            "es": "El envío no contiene exactamente una encuesta (xml_submission_file).",
            "ht": "Sa ou voye a pa gen yon sèl ankèt (xml_submission_file).",
            "en": "The upload doesn't hold exactly one interview (xml_submission_file).",
        },
    ),
    "SUB-104": Answer(
        413,
        {
            "es": "El envío es demasiado grande. Use fotos o videos más pequeños y avise a su supervisor.",
            "ht": "Sa ou voye a twò gwo. Sèvi ak foto oswa videyo ki pi piti epi avèti sipèvizè ou.",
            "en": "The upload is too large. Use smaller photos or videos and tell your supervisor.",
        },
    ),
    "SUB-105": Answer(413, MESSAGES["SUB-002"]),
    "SUB-106": Answer(
        400,
        {
            "es": "Un archivo del envío no tiene un nombre válido. Avise a su supervisor.",
            "ht": "Yon fichye nan sa ou voye a pa gen yon non ki valab. Avèti sipèvizè ou.",
            "en": "A file of the upload has no valid name. Tell your supervisor.",
        },
    ),
    "SUB-107": Answer(
        408,
        {
            "es": "La conexión se detuvo antes de terminar. Nada se perdió: envíe la encuesta otra vez.",
            "ht": "Koneksyon an kanpe anvan l fini. Anyen pa pèdi: voye ankèt la ankò.",
            "en": "The connection stalled. Nothing is lost: send the interview again.",
        },
    ),
    "SUB-110": Answer(
        409,
        {
            "es": "Ya hay otra encuesta distinta con este identificador. Se guardaron ambas: avise a su supervisor.",
            "ht": "Gen yon lòt ankèt ak menm idantifyan an ki diferan. Nou sere toude: avèti sipèvizè ou.",
            "en": "Another interview has this identifier and differs. Both are kept: tell your supervisor.",
        },
    ),
    "SUB-111": Answer(
        404,
        {
            "es": "Este servidor no conoce el formulario de la encuesta. No la borre: avise a su supervisor.",
            "ht": "Sèvè sa a pa konnen fòmilè ankèt la. Pa efase l: avèti sipèvizè ou.",
            "en": "This server doesn't know the interview's form. Don't delete it: tell your supervisor.",
        },
    ),
    "SUB-112": Answer(
        409,
        {
            "es": "El formulario está cerrado y no recibe más encuestas. No la borre: avise a su supervisor.",
            "ht": "Fòmilè a fèmen, li pa resevwa ankèt ankò. Pa efase l: avèti sipèvizè ou.",
            "en": "The form is closed and takes no more interviews. Don't delete it: tell your supervisor.",
        },
    ),
    "SUB-113": Answer(
        404,
        {
            "es": "No hay nada en esta dirección. Revise la dirección del servidor en los ajustes.",
            "ht": "Pa gen anyen nan adrès sa a. Verifye adrès sèvè a nan reglaj yo.",
            "en": "There is nothing at this address. Check the server's address in the settings.",
        },
    ),
    "SUB-114": Answer(
        415,
        {
            "es": "El envío está comprimido y este servidor no lo acepta así. Avise a su supervisor.",
            "ht": "Sa ou voye a konprese, sèvè sa a pa aksepte l konsa. Avèti sipèvizè ou.",
            "en": "The upload is compressed, and this server doesn't take it so. Tell your supervisor.",
        },
    ),
    "SUB-115": Answer(
        429,
        {
            "es": "Demasiados envíos seguidos con esta clave. Nada se perdió: espere un momento y envíe otra vez.",
            "ht": "Twòp voye youn dèyè lòt ak kle sa a. Anyen pa pèdi: tann yon ti moman epi voye ankò.",
            "en": "Too many requests in a row with this key. Nothing is lost: wait a moment and send again.",
        },
    ),
    "ACC-101": Answer(
        403,
        {
            "es": "La clave de este teléfono no es válida o fue anulada. Pida un código nuevo a su supervisor.",
            "ht": "Kle telefòn sa a pa valab oswa yo anile l. Mande sipèvizè ou yon lòt kòd.",
            "en": "This phone's key isn't valid or was revoked. Ask your supervisor for a new code.",
        },
    ),
    "ACC-102": Answer(
        403,
        {
            "es": "Esta clave no permite recibir formularios ni enviar encuestas.",
            "ht": "Kle sa a pa pèmèt resevwa fòmilè ni voye ankèt.",
            "en": "This key gives no right to get forms or send interviews.",
        },
    ),
    "ACC-103": Answer(
        403,
        {
            "es": "Este enlace no sirve: está mal copiado o fue anulado. Pida otro a quien se lo dio.",
            "ht": "Lyen sa a pa bon: yo mal kopye l oswa yo anile l. Mande moun ki te ba ou l la yon lòt.",
            "en": "This link doesn't work: it was copied wrongly or revoked. Ask whoever gave it to you for another.",
        },
    ),
    "ACC-104": Answer(
        410,
        {
            "es": "Este enlace venció. Pida otro a quien se lo dio.",
            "ht": "Lyen sa a ekspire. Mande moun ki te ba ou l la yon lòt.",
            "en": "This link has expired. Ask whoever gave it to you for another.",
        },
    ),
    "ACC-105": Answer(
        410,
        {
            "es": "Con este enlace ya se respondió. Cada enlace sirve para una persona y una vez.",
            "ht": "Yo deja reponn ak lyen sa a. Chak lyen se pou yon sèl moun, yon sèl fwa.",
            "en": "This link was already used. Each link is for one person, once.",
        },
    ),
    "ACC-110": Answer(
        429,
        {
            "es": "Muchas claves equivocadas desde esta red. Nada se perdió: espere un minuto e intente otra vez.",
            "ht": "Anpil move kle soti nan rezo sa a. Anyen pa pèdi: tann yon minit epi eseye ankò.",
            "en": "Many wrong keys came from this network. Nothing is lost: wait a minute and try again.",
        },
    ),
}


class Refusal(SubmissionError):
    """A request that is refused with one of `REFUSALS`.

    Args:
        code: of `REFUSALS`.
        retry_after: whole seconds after which it may be tried again, null if nothing is gained by waiting.
    """

    def __init__(self, code: str, retry_after: int | None = None) -> None:
        super().__init__(code, REFUSALS[code].text["en"])
        self.answer = REFUSALS[code]
        self.retry_after = retry_after


def of_submission_error(error: SubmissionError) -> Answer:
    """The answer to bytes that are no submission."""
    return Answer(400, MESSAGES.get(error.code, MESSAGES["SUB-006"]))


def language_of(accept_language: str) -> str:
    """The first language that the client asks for and we speak, else Spanish.

    >>> language_of("ht-HT,ht;q=0.9"), language_of("de, en;q=0.5"), language_of("")
    ('ht', 'en', 'es')
    """
    asked = (part.split(";")[0].strip().lower()[:2] for part in accept_language.split(","))
    return next((code for code in asked if code in LANGUAGES), LANGUAGES[0])
