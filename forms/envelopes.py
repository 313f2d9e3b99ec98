"""The envelope of a submission: what the door in needs to know, read without the form and without trust."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lxml import etree

from forms.xml_bytes import MAX_DEPTH, XmlRefusedError, local_name, read_xml
from schemas.errors import SubmissionError
from schemas.submissions import Envelope
from schemas.text import Text

MAX_SUBMISSION_BYTES: Final = 16 * 1024 * 1024
MAX_ID: Final = 250

MESSAGES: Final[Mapping[str, Text]] = {
    "SUB-001": {
        "es": "La encuesta llegó vacía. Envíela otra vez; si se repite, avise a su supervisor.",
        "ht": "Ankèt la rive vid. Voye l ankò; si sa rive ankò, avèti sipèvizè ou.",
        "en": "The interview arrived empty. Send it again; if this repeats, tell your supervisor.",
    },
    "SUB-002": {
        "es": "La encuesta es demasiado grande para ser recibida. Avise a su supervisor.",
        "ht": "Ankèt la twò gwo pou nou resevwa l. Avèti sipèvizè ou.",
        "en": "The interview is too large to be received. Tell your supervisor.",
    },
    "SUB-003": {
        "es": "La encuesta llegó dañada (caracteres nulos). Envíela otra vez; si se repite, avise a su supervisor.",
        "ht": "Ankèt la rive gate (karaktè nil). Voye l ankò; si sa rive ankò, avèti sipèvizè ou.",
        "en": "The interview arrived damaged (NUL characters). Send it again; if this repeats, tell your supervisor.",
    },
    "SUB-004": {
        "es": "La encuesta llegó dañada (no es texto UTF-8). Envíela otra vez; si se repite, avise a su supervisor.",
        "ht": "Ankèt la rive gate (se pa tèks UTF-8). Voye l ankò; si sa rive ankò, avèti sipèvizè ou.",
        "en": "The interview arrived damaged (not UTF-8 text). Send it again; if this repeats, tell your supervisor.",
    },
    "SUB-005": {
        "es": "La encuesta contiene declaraciones que no se aceptan (DOCTYPE). Avise a su supervisor.",
        "ht": "Ankèt la gen deklarasyon nou pa aksepte (DOCTYPE). Avèti sipèvizè ou.",
        "en": "The interview holds declarations that are not accepted (DOCTYPE). Tell your supervisor.",
    },
    "SUB-006": {
        "es": "La encuesta llegó incompleta o dañada. Envíela otra vez; si se repite, avise a su supervisor.",
        "ht": "Ankèt la rive enkonplè oswa gate. Voye l ankò; si sa rive ankò, avèti sipèvizè ou.",
        "en": "The interview arrived incomplete or damaged. Send it again; if this repeats, tell your supervisor.",
    },
    "SUB-007": {
        "es": "La encuesta tiene demasiados niveles. Avise a su supervisor.",
        "ht": "Ankèt la gen twòp nivo. Avèti sipèvizè ou.",
        "en": "The interview nests too deeply. Tell your supervisor.",
    },
    "SUB-008": {
        "es": "La encuesta no dice de qué formulario es. Descargue el formulario otra vez y avise a su supervisor.",
        "ht": "Ankèt la pa di nan ki fòmilè li ye. Telechaje fòmilè a ankò epi avèti sipèvizè ou.",
        "en": "The interview does not say which form it belongs to. Download the form again and tell your supervisor.",
    },
    "SUB-009": {
        "es": "El identificador de la encuesta no es válido. Avise a su supervisor.",
        "ht": "Idantifyan ankèt la pa valab. Avèti sipèvizè ou.",
        "en": "The interview's identifier is not valid. Tell your supervisor.",
    },
    "SUB-010": {
        "es": "La encuesta pertenece a otro formulario.",
        "ht": "Ankèt la se pou yon lòt fòmilè.",
        "en": "The interview belongs to another form.",
    },
    "SUB-011": {
        "es": "La encuesta está cifrada y este servidor no tiene su clave.",
        "ht": "Ankèt la chifre epi sèvè sa a pa gen kle a.",
        "en": "The interview is encrypted and this server does not hold its key.",
    },
}
"""Code -> what an enumerator reads."""

_REASONS: Final[Mapping[str, str]] = {
    "size": "SUB-002",
    "nul": "SUB-003",
    "encoding": "SUB-004",
    "doctype": "SUB-005",
    "syntax": "SUB-006",
    "depth": "SUB-007",
}
_NOT_IN_ID = re.compile(r"[\x00-\x1f\x7f]")


def submission_error(code: str) -> SubmissionError:
    """The error of that code, its message in Spanish and English."""
    text = MESSAGES[code]
    return SubmissionError(code, f"{text['es']} / {text['en']}")


def read_submission(xml: bytes, parser: etree.XMLParser | None = None, max_depth: int = MAX_DEPTH) -> etree._Element:
    """The root element of a submission's bytes; see `forms.xml_bytes.read_xml` for the arguments.

    Raises:
        SubmissionError: SUB-001, empty; SUB-002, beyond `MAX_SUBMISSION_BYTES`; SUB-003, NUL; SUB-004, not UTF-8;
            SUB-005, a DOCTYPE or entity declaration; SUB-006, not well-formed; SUB-007, nested too deeply.
    """
    if not xml or xml.isspace():
        raise submission_error("SUB-001")
    try:
        return read_xml(xml, MAX_SUBMISSION_BYTES, parser, max_depth)
    except XmlRefusedError as error:
        raise submission_error(_REASONS[error.reason]) from error


def read_envelope(xml: bytes) -> Envelope:
    """Read form id, version and `meta` of a submission.

    Namespaces are tolerated (`orx:meta` or `meta`, a root with or without one). Values are stripped; blank ones are
    "" or null as `Envelope` says.

    Raises:
        SubmissionError: SUB-001 to SUB-007 as `read_submission`; SUB-008, the root has no id; SUB-009, an id that is
            longer than `MAX_ID` or has control characters.
    """
    root = read_submission(xml)
    meta = {local_name(child): (child.text or "").strip() for child in meta_children(root)}
    envelope = Envelope(
        form_id=root.get("id", "").strip(),
        version=root.get("version", "").strip(),
        instance_id=meta.get("instanceID", ""),
        deprecated_id=meta.get("deprecatedID") or None,
        instance_name=meta.get("instanceName") or None,
    )
    if not envelope.form_id:
        raise submission_error("SUB-008")
    ids = (envelope.form_id, envelope.version, envelope.instance_id, envelope.deprecated_id or "")
    if any(len(text) > MAX_ID or _NOT_IN_ID.search(text) for text in ids):
        raise submission_error("SUB-009")
    return envelope


def meta_children(root: etree._Element) -> list[etree._Element]:
    """The children of the root's `meta`, whatever its namespace; none if it has no `meta`."""
    return [child for element in root.iterchildren("{*}meta") for child in element]
