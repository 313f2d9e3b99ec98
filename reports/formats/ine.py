"""INE's two sheets: the "ficha" of the operation and the "diccionario" of its variables, as CSV and as a workbook."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Final

import xlsxwriter

from reports.contents import ReleaseContents
from reports.formats.common import Names
from reports.formats.questions import MOMENTS, NUMBERS, Question, label_of
from reports.wording import Wording
from schemas.communes import find_commune
from schemas.estimates import SafeTable
from schemas.fields import MAIN_TABLE, Choice
from schemas.text import pick

ES: Final = "es"
FICHA: Final = ("Campo", "Contenido")
DICTIONARY: Final = (
    *("Nombre", "Etiqueta", "Nivel", "Origen", "Definición", "Pregunta", "Período", "Categorías", "Obligatoriedad"),
    *("Imputación", "Fuente", "Tipo", "Longitud", "Formato", "Rango", "Códigos especiales", "Datos válidos"),
)
_WIDTHS: Final = (22, 40, 16, 14, 40, 48, 16, 44, 14, 12, 24, 12, 10, 16, 32, 30, 36)
_LINE: Final = 15
_MOST_LINES: Final = 12
_TYPES: Final = {
    **{"select_one": "Código", "select_multiple": "Códigos", "number": "Numérico", "moment": "Fecha u hora"},
    **{"place": "Coordenadas", "file": "Archivo", "text": "Texto"},
}
_TRUE: Final = frozenset({"true()", "yes"})


def write_ine(
    release_id: str, table: SafeTable, contents: ReleaseContents, questions: Sequence[Question]
) -> dict[str, bytes]:
    """File name -> bytes: the two sheets, and the workbook of both.

    Args:
        release_id: name of the release.
        table: for the statement of disclosure control.
        contents: the design and how collection went.
        questions: every variable.
    """
    ficha = [FICHA, *_ficha(release_id, table, contents, questions).items()]
    dictionary = [DICTIONARY, *(_row(each, contents) for each in questions)]
    return {
        "ine_ficha.csv": _csv(ficha),
        "ine_diccionario.csv": _csv(dictionary),
        "ine.xlsx": _book(ficha, dictionary, contents),
    }


def _ficha(
    release_id: str, table: SafeTable, contents: ReleaseContents, questions: Sequence[Question]
) -> Mapping[str, str]:
    names, design, counts = Names.of(contents), contents.specs.design, contents.counts
    wording = Wording(ES)
    commune = find_commune(names.commune)
    tables = [wording.text("ine.interview"), *(each.name for each in contents.form.tables if each.name != MAIN_TABLE)]
    told = {
        "Nombre de la operación": pick(names.title, ES),
        "Nombre breve": names.survey,
        "Institución": contents.publisher,
        "Publicación": release_id,
        "Publicación anterior": contents.previous,
        "Ronda": contents.round,
        "Fecha de publicación": contents.made_at.date().isoformat(),
        "Período de referencia": design.period or names.period,
        "Inicio del trabajo de campo": design.settings.get("fieldwork_start", ""),
        "Fin del trabajo de campo": design.settings.get("fieldwork_end", ""),
        "Cobertura geográfica": f"{commune.name}, {commune.region}, Chile" if commune else "Chile",
        "Código de la comuna (CUT)": names.commune,
        "Población objetivo": design.settings.get("universe", ""),
        "Unidades de análisis": ", ".join(tables),
        "Tipo de operación": wording.text("ine.probability" if design.probability else "ine.no_probability"),
        "Estratos": design.strata or "",
        "Conglomerados": design.psu or "",
        "Ponderación": design.weight or wording.text("ine.no_weights"),
        "Medio de recolección": wording.text("ine.mode"),
        "Entrevistas recibidas": str(counts.received),
        "Entrevistas aceptadas": str(counts.accepted),
        "Formulario y versión": f"{contents.form.form_id}, {contents.form.version}",
        "Variables": str(len(questions)),
        "Indicadores": str(len(contents.specs.indicators)),
        "Secreto estadístico": pick(table.statement, ES),
        "Idiomas del cuestionario": ", ".join(contents.languages),
        "Licencia": contents.licence,
        "Programa": f"Comunal {contents.provenance.code_version}",
        "Advertencia": wording.text("rehearsal.text") if contents.rehearsal else "",
    }
    return {name: text for name, text in told.items() if text}


def _row(question: Question, contents: ReleaseContents) -> tuple[str, ...]:
    node = question.field
    label = label_of(node.label, ES)
    imputed = {row.question for row in contents.cleaning if row.step == "imputation"}
    valid = [choice for choice in node.choices if choice not in question.missing]
    asked = question.universe.get(ES, "")
    return (
        node.name,
        label,
        "entrevista" if node.table == MAIN_TABLE else node.table,
        _origin(question),
        label_of(node.hint, ES) or question.calculation.get(ES, ""),
        label if node.control else "",
        contents.specs.design.period,
        _codes(node.choices),
        _required(node.required),
        "Sí" if node.name in imputed else "No",
        f"survey, fila {node.row}" if node.row else "",
        _TYPES[question.kind],
        _length(question),
        MOMENTS.get(node.type, "entero" if node.type in {"int", "integer"} else ""),
        question.rule.get(ES, ""),
        _codes(question.missing),
        " ".join(part for part in (_valid(question, valid), asked) if part),
    )


def _origin(question: Question) -> str:
    if question.field.personal:
        return "Dato personal, no se publica"
    if question.is_calculated:
        return "Derivada"
    if question.field.readonly == "true()":
        return "Texto que se lee"
    return "Pregunta" if question.field.control else "Del dispositivo"


def _required(text: str | None) -> str:
    if not text or text == "false()":
        return "No"
    return "Sí" if text in _TRUE else "Condicionada"


def _length(question: Question) -> str:
    node = question.field
    if node.choices and not node.is_multiple:
        return str(max(len(choice.value) for choice in node.choices))
    return {"date": "10"}.get(node.type, "")


def _valid(question: Question, valid: Sequence[Choice]) -> str:
    if valid:
        return f"{len(valid)} códigos."
    return "Números." if question.field.type in NUMBERS else ""


def _codes(choices: Sequence[Choice]) -> str:
    return "; ".join(f"{choice.value} = {label_of(choice.label, ES)}" for choice in choices)


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows(rows)
    return target.getvalue().encode()


def _lines(row: Sequence[str], widths: Sequence[int]) -> int:
    """Lines of the longest cell, as wide letters would fill them; a list of many codes isn't shown whole."""
    needed = max(math.ceil(len(text) * 1.1 / width) for text, width in zip(row, widths, strict=True))
    return min(max(needed, 1), _MOST_LINES)


def _book(ficha: Sequence[Sequence[str]], dictionary: Sequence[Sequence[str]], contents: ReleaseContents) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(
        target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties({"title": contents.form.title, "created": contents.made_at.replace(tzinfo=None)})
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 2, "bg_color": "#dcebeb"})
    cell = book.add_format({"text_wrap": True, "valign": "top"})
    for name, rows, widths in (("ficha", ficha, (34, 96)), ("diccionario", dictionary, _WIDTHS)):
        sheet = book.add_worksheet(name)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        for number, row in enumerate(rows):
            sheet.set_row(number, _LINE * _lines(row, widths))
            for column, text in enumerate(row):
                sheet.write_string(number, column, text, head if number == 0 else cell)
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.set_paper(9 if name == "ficha" else 8)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_footer("&L&A&R&P / &N")
    book.close()
    return target.getvalue()
