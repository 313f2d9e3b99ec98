"""The words of sentences, in Spanish, English and Kreyòl: one table of templates, and how to write numbers and days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

LANGUAGES: Final = ("es", "ht", "en")

PHRASES: Final[Mapping[str, tuple[str, str, str]]] = {
    # key: (es, en, ht)
    "quote": ("«{}»", "“{}”", "«{}»"),
    "answer": ("la respuesta", "the answer", "repons lan"),
    "and": ("{} y {}", "{} and {}", "{} epi {}"),
    "or": ("{} o {}", "{} or {}", "{} oswa {}"),
    "nor": ("{} ni {}", "{} nor {}", "{} ni {}"),
    "is": ("es", "is", "se"),
    "is_not": ("no es", "is not", "se pa"),
    "is_order": ("es", "is", ""),
    "is_not_order": ("no es", "is not", "pa"),
    "neither": ("{} no es {}", "{} is neither {}", "{} se pa {}"),
    "with": ("{} y {}", "{} and {}", "{} ak {}"),
    "not_true": ("no se cumple que {}", "it is not true that {}", "se pa vre ke {}"),
    "always": ("siempre", "always", "toujou"),
    "never": ("nunca", "never", "janm"),
    # comparisons: what follows "is"
    ">": ("más de {}", "more than {}", "plis pase {}"),
    ">=": ("{} o más", "{} or more", "{} oswa plis"),
    "<": ("menos de {}", "less than {}", "mwens pase {}"),
    "<=": ("{} o menos", "{} or less", "{} oswa mwens"),
    "later": ("posterior a {}", "after {}", "apre {}"),
    "since": ("{} o después", "{} or later", "{} oswa apre"),
    "earlier": ("anterior a {}", "before {}", "anvan {}"),
    "until": ("{} o antes", "{} or earlier", "{} oswa anvan"),
    "same": ("igual a {}", "equal to {}", "menm ak {}"),
    "between": ("{} está entre {} y {}", "{} is between {} and {}", "{} ant {} ak {}"),
    "not_between": ("{} no está entre {} y {}", "{} is not between {} and {}", "{} pa ant {} ak {}"),
    # blank
    "blank": ("{} no tiene respuesta", "{} has no answer", "{} pa gen repons"),
    "answered": ("{} tiene respuesta", "{} has an answer", "{} gen repons"),
    "empty": ("un texto vacío", "an empty text", "yon tèks vid"),
    "not_zero": ("{} no es cero", "{} is not zero", "{} pa zewo"),
    "is_zero": ("{} es cero o no es un número", "{} is zero or no number", "{} se zewo oswa li pa yon nonm"),
    # conditions
    "includes": ("{} incluye {}", "{} includes {}", "{} gen ladan li {}"),
    "includes_not": ("{} no incluye {}", "{} does not include {}", "{} pa gen ladan li {}"),
    "contains": ("{} contiene {}", "{} contains {}", "{} genyen {} ladan l"),
    "contains_not": ("{} no contiene {}", "{} does not contain {}", "{} pa genyen {} ladan l"),
    "starts": ("{} comienza con {}", "{} starts with {}", "{} kòmanse ak {}"),
    "starts_not": ("{} no comienza con {}", "{} does not start with {}", "{} pa kòmanse ak {}"),
    "ends": ("{} termina en {}", "{} ends in {}", "{} fini ak {}"),
    "ends_not": ("{} no termina en {}", "{} does not end in {}", "{} pa fini ak {}"),
    "format": ("{} tiene el formato {}", "{} has the format {}", "{} gen fòma {}"),
    "format_not": ("{} no tiene el formato {}", "{} does not have the format {}", "{} pa gen fòma {}"),
    "digits": ("{} tiene exactamente {} dígitos", "{} has exactly {} digits", "{} gen egzakteman {} chif"),
    "digits_not": (
        "{} no tiene exactamente {} dígitos",
        "{} does not have exactly {} digits",
        "{} pa gen {} chif egzak",
    ),
    "if_clause": ("si {}, {}; si no, {}", "if {}, {}; else, {}", "si {}, {}; si se pa sa, {}"),
    # values
    "today": ("hoy", "today", "jodi a"),
    "now": ("el momento actual", "the present moment", "kounye a"),
    "years": (
        "el número de años cumplidos desde {}",
        "the number of completed years since {}",
        "kantite ane konplè depi {}",
    ),
    "days": ("el número de días desde {}", "the number of days since {}", "kantite jou depi {}"),
    "count": ("el número de {}", "the number of {}", "kantite {}"),
    "entries": ("fichas de {}", "entries of {}", "fich {}"),
    "count_filled": ("el número de respuestas de {}", "the number of answers to {}", "kantite repons pou {}"),
    "sum": ("la suma de {}", "the sum of {}", "total {}"),
    "least": ("el menor de {}", "the least of {}", "pi piti nan {}"),
    "greatest": ("el mayor de {}", "the greatest of {}", "pi gwo nan {}"),
    "whole": ("la parte entera de {}", "the whole part of {}", "pati antye {}"),
    "rounded": ("{} redondeado", "{} rounded", "{} awondi"),
    "length": (
        "el número de caracteres de {}",
        "the number of characters of {}",
        "kantite karaktè nan {}",
    ),
    "marked": ("el número de opciones marcadas en {}", "the number of options chosen in {}", "kantite chwa nan {}"),
    "option": ("la opción n.º {} marcada en {}", "option no. {} chosen in {}", "chwa nimewo {} nan {}"),
    "if": ("{} si {}, y si no {}", "{} if {}, else {}", "{} si {}, si se pa sa {}"),
    "coalesce": ("{} (o, si falta, {})", "{} (or, if it is missing, {})", "{} (oswa, si li manke, {})"),
    "joined": ("{} seguido de {}", "{} followed by {}", "{} ak {} dèyè l"),
    "all_joined": ("las respuestas de {} unidas por {}", "the answers to {} joined by {}", "repons {} kole ak {}"),
    "position": ("el número de orden de la ficha", "the number of the entry", "nimewo fich la"),
    "nth": ("{} en la ficha n.º {} de {}", "{} in entry no. {} of {}", "{} nan fich nimewo {} nan {}"),
    "label_of": ("la etiqueta de {}", "the label of {}", "etikèt {}"),
    "lookup": (
        "la columna {} del archivo {} (en la fila cuya {} es {})",
        "column {} of the file {} (in the row whose {} is {})",
        "kolòn {} nan fichye {} (nan liy kote {} se {})",
    ),
    "list_column": ("la columna {} de la lista {}", "column {} of the list {}", "kolòn {} nan lis {}"),
    "list": ("la lista {}", "the list {}", "lis {}"),
    "where": ("{} (en que {})", "{} (where {})", "{} (kote {})"),
    "written": ("{} escrita como {}", "{} written as {}", "{} ekri tankou {}"),
    "remainder": ("el resto de dividir {} por {}", "the remainder of {} divided by {}", "rès {} divize pa {}"),
    "chance": ("un número al azar", "a random number", "yon nonm o aza"),
    "once": ("el primer valor de {}", "the first value of {}", "premye valè {}"),
    "last_saved": ("{} de la entrevista anterior", "{} of the previous interview", "{} nan entèvyou anvan an"),
    "truth": ("si {} (verdadero o falso)", "whether {}", "si {} (vre oswa fo)"),
    "function": ("{}({})", "{}({})", "{}({})"),
    "asked_if": ("Se pregunta si {}.", "Asked if {}.", "Yo poze l si {}."),
    "shown_if": ("El grupo se pregunta si {}.", "The group is asked if {}.", "Yo poze gwoup la si {}."),
    "valid_if": ("Se acepta si {}.", "Accepted if {}.", "Yo aksepte l si {}."),
    "required_if": ("Es obligatoria si {}.", "Required if {}.", "Li obligatwa si {}."),
    "required": ("Es obligatoria.", "Required.", "Li obligatwa."),
    "computed": ("Se calcula como {}.", "Computed as {}.", "Yo kalkile l konsa: {}."),
    "offered": (
        "Se ofrecen las opciones en que {}.",
        "The choices offered are those where {}.",
        "Yo bay chwa kote {}.",
    ),
    "repeated": ("Hay tantas fichas como indica: {}.", "As many entries as: {}.", "Gen kantite fich sa a: {}."),
    "holds": ("Debe cumplirse que {}.", "It must hold that {}.", "Fòk sa vre: {}."),
    "universe": (
        "Se refiere a quienes cumplen que {}.",
        "It is about those for whom {}.",
        "Se pou moun ki gen sa vre: {}.",
    ),
    "denominator": (
        "De ellos se consideran aquellos en que {}.",
        "Of these count those for whom {}.",
        "Ladan yo konte: {}.",
    ),
    "numerator": (
        "Se cuentan aquellos en que {}.",
        "Counted are those for whom {}.",
        "Yo konte moun ki gen sa vre: {}.",
    ),
    "amount": ("Se suma {}.", "Summed up: {}.", "Yo adisyone {}."),
    "value": ("El valor es {}.", "The value is {}.", "Valè a se {}."),
    "minus": ("menos {}", "minus {}", "mwens {}"),
}

_MONTHS: Final = {
    "es": (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre"),
        *("noviembre", "diciembre"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
        *("November", "December"),
    ),
    "ht": (
        *("janvye", "fevriye", "mas", "avril", "me", "jen", "jiyè", "out", "septanm", "oktòb", "novanm"),
        "desanm",
    ),
}
_COLUMN: Final = {"es": 0, "en": 1, "ht": 2}


def phrase(key: str, language: str, *parts: str) -> str:
    """A template in a language (English if it has none), filled in; in Spanish `a el` and `de el` are one word.

    >>> phrase("later", "es", "el 1 de abril de 2026"), phrase("later", "es", "«el mes»")
    ('posterior al 1 de abril de 2026', 'posterior a «el mes»')
    """
    pieces = PHRASES[key][_COLUMN.get(language, 1)].split("{}")
    text = pieces[0]
    for part, piece in zip(parts, pieces[1:], strict=True):
        if language == "es" and part.startswith("el ") and text.endswith((" a ", " de ")):
            text, part = f"{text[:-1]}l ", part.removeprefix("el ")
        text += part + piece
    return text


def quoted(text: str, language: str) -> str:
    """A text in the quotation marks of the language."""
    return phrase("quote", language, text)


def listed(parts: Sequence[str], key: str, language: str) -> str:
    """`A, B and C`; in Spanish `e` and `u` before the sounds that ask for them."""
    if len(parts) == 1:
        return parts[0]
    joined = phrase(key, language, "\0", "\1")
    if language == "es":
        first = parts[-1].lstrip("«“(¿").lower()
        if key == "and" and first.startswith(("i", "hi")) and not first.startswith(("hie", "hia")):
            joined = joined.replace(" y ", " e ")
        if key == "or" and first.startswith(("o", "ho", "8", "11 ")):
            joined = joined.replace(" o ", " u ")
    return joined.replace("\0", ", ".join(parts[:-1])).replace("\1", parts[-1])


def number_text(value: float, language: str) -> str:
    """A number as people write it.

    >>> number_text(1.5, "es"), number_text(1.5, "en"), number_text(15.0, "es")
    ('1,5', '1.5', '15')
    """
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = repr(value)
    return text if language == "en" else text.replace(".", ",")


def day_text(value: date, language: str) -> str:
    """A day in words.

    >>> day_text(date(2026, 4, 1), "es"), day_text(date(2026, 4, 1), "en")
    ('el 1 de abril de 2026', '1 April 2026')
    """
    month = _MONTHS.get(language, _MONTHS["en"])[value.month - 1]
    joint = " de " if language == "es" else " "
    article = "el " if language == "es" else ""
    return f"{article}{value.day}{joint}{month}{joint}{value.year}"
