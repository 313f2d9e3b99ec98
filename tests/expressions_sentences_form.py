"""A small form in three languages, for sentences that people review."""

from __future__ import annotations

from schemas.fields import Choice, Field, Form, Group, Repeat, Table


def _question(name: str, path: str, kind: str, es: str, en: str, ht: str, **more: object) -> Field:
    label = {"es": es, "en": en, "ht": ht}
    return Field(name, f"{path}/{name}", kind, column=name, label=label, **{"control": "input", **more})  # type: ignore[arg-type]


def _choice(code: str, es: str, en: str, ht: str) -> Choice:
    return Choice(code, {"es": es, "en": en, "ht": ht})


YES_NO = (
    _choice("1", "Sí", "Yes", "Wi"),
    _choice("2", "No", "No", "Non"),
    _choice("9", "No sabe", "Doesn't know", "Pa konnen"),
)
NEEDS = (_choice("food", "Comida", "Food", "Manje"), _choice("ink", "Tinta", "Ink", "Lank"))
MAIN = (
    _question("edad", "/data", "int", "Edad", "Age", "Laj"),
    _question(
        "trabajo",
        "/data",
        "string",
        "¿Trabajó la semana pasada?",
        "Did you work last week?",
        "Èske ou te travay?",
        control="select1",
        choices=YES_NO,
    ),
    _question(
        "sexo",
        "/data",
        "string",
        "Sexo",
        "Sex",
        "Sèks",
        control="select1",
        choices=(_choice("m", "Hombre", "Man", "Gason"), _choice("f", "Mujer", "Woman", "Fanm")),
    ),
    _question(
        "apoyos",
        "/data",
        "string",
        "Apoyos que necesita",
        "Support needed",
        "Sipò ki nesesè",
        control="select",
        choices=NEEDS,
    ),
    _question("nacimiento", "/data", "date", "Fecha de nacimiento", "Date of birth", "Dat nesans"),
    _question("llegada", "/data", "date", "Fecha de llegada", "Date of arrival", "Dat rive"),
    _question("ingreso", "/data", "decimal", "Ingreso mensual", "Monthly income", "Revni chak mwa"),
    _question("arriendo", "/data", "decimal", "Arriendo mensual", "Monthly rent", "Lwaye chak mwa"),
    _question("rut", "/data", "string", "RUT de ${nombre}", "RUT of ${nombre}", "RUT ${nombre}"),
    _question("sin_texto", "/data", "string", "", "", "", control=""),
    _question("personas", "/data", "int", "Personas en el hogar", "People in the household", "Moun nan kay la"),
)
PERSON = (
    _question("edad_p", "/data/persona", "int", "Edad de la persona", "Person's age", "Laj moun nan", table="persona"),
    _question(
        "pariente",
        "/data/persona",
        "string",
        "Parentesco",
        "Relationship",
        "Lyen",
        table="persona",
        control="select1",
        choices=(_choice("jefe", "Jefe", "Head", "Chèf"), _choice("hijo", "Hijo", "Child", "Pitit")),
    ),
)
REPEAT = Repeat("persona", "/data/persona", "persona", PERSON, {"es": "Persona", "en": "Person", "ht": "Moun"})
FORM = Form(
    "f",
    "1",
    "t",
    Group("data", "/data", (*MAIN, REPEAT)),
    (Table("main", "/data", None, MAIN), Table("persona", "/data/persona", "main", PERSON)),
    languages=("es", "en", "ht"),
)
