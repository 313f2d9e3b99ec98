"""The release as a DDI-Codebook 2.5 document: the survey, its files, every variable and every indicator.

It holds no answer: neither a datum nor a count of one stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from lxml import etree

from reports.contents import ReleaseContents
from reports.formats.common import Names, code_all
from reports.formats.ddi_nodes import add, add_once, add_texts, new_document
from reports.formats.ddi_study import add_document, add_study
from reports.formats.questions import MOMENTS, Question, label_of
from reports.tables import ESTIMATE_COLUMNS
from reports.wording import Wording
from schemas.estimates import SafeTable
from schemas.fields import MAIN_TABLE, Choice
from schemas.text import LANGUAGES, Text
from schemas.workbook import Indicator

_ESTIMATES: Final = "F_estimates"
_DOMAINS: Final = {
    **{"select_one": "category", "select_multiple": "multiple", "number": "numeric", "moment": "datetime"},
    **{"place": "geographic", "file": "text", "text": "text"},
}
"""Kind of a question -> DDI's type of its answers."""

_NATURE: Final = {"share": "percent", "distribution": "percent", "mean": "ratio", "ratio": "ratio", "count": "ratio"}
_AGGREGATION: Final = {"share": "percent", "distribution": "percent", "mean": "average", "count": "count"}


def write_ddi(release_id: str, table: SafeTable, contents: ReleaseContents, questions: Sequence[Question]) -> bytes:
    """The document's bytes; the same input gives the same bytes.

    Args:
        release_id: name of the release.
        table: for the statement of disclosure control; none of its figures is told.
        contents: the questionnaire, the design and how collection went.
        questions: every variable.
    """
    names = Names.of(contents)
    root = new_document(contents.languages[0])
    add_document(root, release_id, contents, names)
    add_study(root, release_id, table, contents, names)
    files = _add_files(root, contents)
    _add_variables(root, contents, questions, files)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_files(root: etree._Element, contents: ReleaseContents) -> dict[str, str]:
    """One description a table of answers, which stay with the survey's owner, and one of the figures."""
    ids = {table.name: f"F_{code}" for table, code in zip(contents.form.tables, _codes(contents), strict=True)}
    for table in contents.form.tables:
        file = add(root, "fileDscr", ID=ids[table.name])
        text = add(file, "fileTxt")
        add(text, "fileName", table.name)
        about = "ddi.file_main" if table.name == MAIN_TABLE else "ddi.file_rows"
        add_once(text, "fileCont", {code: Wording(code).text(about, name=table.name) for code in LANGUAGES})
        add(add(text, "dimensns"), "varQnty", str(len(table.fields)))
        add_once(text, "filePlac", {code: Wording(code).text("ddi.file_kept") for code in LANGUAGES})
    figures = add(root, "fileDscr", ID=_ESTIMATES, URI="../tables/estimates.csv")
    text = add(figures, "fileTxt")
    add(text, "fileName", "estimates.csv")
    add_once(text, "fileCont", {code: Wording(code).text("file.estimates.csv") for code in LANGUAGES})
    add(add(text, "dimensns"), "varQnty", str(len(ESTIMATE_COLUMNS)))
    add(text, "fileType", "text/csv", charset="UTF-8")
    return ids


def _codes(contents: ReleaseContents) -> list[str]:
    return list(code_all(f"T_{table.name}" for table in contents.form.tables).values())


def _add_variables(
    root: etree._Element, contents: ReleaseContents, questions: Sequence[Question], files: Mapping[str, str]
) -> None:
    description = add(root, "dataDscr")
    paths = code_all(each.field.path.strip("/") for each in questions)
    ids = {each.field.path: f"V_{paths[each.field.path.strip('/')]}" for each in questions}
    indicators = contents.specs.indicators
    figures = {name: f"I_{code}" for name, code in code_all(each.name for each in indicators).items()}
    _add_groups(description, contents, questions, ids, figures)
    by_name = {each.field.name: ids[each.field.path] for each in reversed(questions)}
    for question in questions:
        _add_question(description, question, ids[question.field.path], files[question.field.table])
    for indicator in indicators:
        _add_indicator(description, indicator, figures[indicator.name], by_name)


def _add_groups(
    description: etree._Element,
    contents: ReleaseContents,
    questions: Sequence[Question],
    ids: Mapping[str, str],
    figures: Mapping[str, str],
) -> None:
    """Sections of the questionnaire, then the topics of the figures."""
    sections: dict[str, list[Question]] = {}
    for question in questions:
        sections.setdefault(question.section.name, []).append(question)
    for code, (name, members) in zip(code_all(sections).values(), sections.items(), strict=True):
        if name:
            inside = " ".join(ids[each.field.path] for each in members)
            group = add(description, "varGrp", ID=f"G_{code}", type="section", name=name, var=inside)
            add_texts(group, "labl", _labels(members[0].section.label))
    for code, topic in zip(
        code_all(each.name for each in contents.specs.topics).values(), contents.specs.topics, strict=True
    ):
        inside = " ".join(figures[each.name] for each in contents.specs.indicators if each.topic == topic.name)
        if inside:
            group = add(description, "varGrp", ID=f"S_{code}", type="subject", name=topic.name, var=inside)
            add_texts(group, "labl", topic.label)


def _add_question(description: etree._Element, question: Question, identity: str, file: str) -> None:
    node, kind = question.field, question.kind
    variable = add(
        description,
        "var",
        ID=identity,
        name=node.name,
        files=file,
        intrvl="contin" if kind == "number" else "discrete",
    )
    add_texts(variable, "labl", _labels(node.label))
    if node.personal:
        add_once(variable, "security", {code: Wording(code).text("ddi.personal") for code in LANGUAGES})
    if node.control:
        _add_asked(variable, question)
    if question.missing:
        wrong = add(variable, "invalrng")
        for choice in question.missing:
            add(wrong, "item", VALUE=choice.value)
    add_texts(variable, "universe", question.universe)
    for choice in node.choices:
        _add_category(variable, choice, choice in question.missing)
    add_texts(variable, "codInstr", question.rule)
    if node.personal:
        add(variable, "concept", node.personal)
    if question.is_calculated:
        derivation = add(variable, "derivation")
        add_texts(derivation, "drvdesc", question.calculation)
        add(derivation, "drvcmd", node.calculation or "", syntax="XPath 1.0 (ODK XForms)")
    numeric = kind == "number"
    category = {"date": "date", "time": "time"}.get(node.type, "other")
    add(
        variable, "varFormat", MOMENTS.get(node.type, ""), type="numeric" if numeric else "character", category=category
    )


def _add_asked(variable: etree._Element, question: Question) -> None:
    """One question in each language; the condition under which it is asked stands before its text."""
    for code in LANGUAGES:
        literal = label_of(question.field.label, code) if question.field.label.get(code) else ""
        if not literal:
            continue
        asked = add(variable, "qstn", responseDomainType=_DOMAINS[question.kind])
        asked.set("{http://www.w3.org/XML/1998/namespace}lang", code)
        before, hint = question.universe.get(code, ""), question.field.hint.get(code, "")
        if before:
            add(asked, "preQTxt", before)
        add(asked, "qstnLit", literal)
        if hint:
            add(asked, "ivuInstr", label_of({code: hint}, code))


def _add_category(variable: etree._Element, choice: Choice, is_missing: bool) -> None:
    category = add(variable, "catgry", missing="Y" if is_missing else "N")
    add(category, "catValu", choice.value)
    add_texts(category, "labl", _labels(choice.label))


def _add_indicator(
    description: etree._Element, indicator: Indicator, identity: str, by_name: Mapping[str, str]
) -> None:
    parts = ("universe", "denominator", "numerator", "value")
    expressions = {part: getattr(indicator, part) for part in parts if getattr(indicator, part)}
    read = [name for name in by_name if any(f"${{{name}}}" in text for text in expressions.values())]
    variable = add(
        description,
        "var",
        ID=identity,
        name=indicator.name,
        files=_ESTIMATES,
        intrvl="contin",
        aggrMeth=_AGGREGATION.get(indicator.kind, "other"),
        measUnit=indicator.unit,
        nature=_NATURE.get(indicator.kind, "other"),
    )
    add_texts(variable, "labl", indicator.label)
    add_texts(variable, "txt", indicator.description)
    for code, label in indicator.category_labels.items():
        if indicator.kind == "distribution" and (not indicator.categories or code in indicator.categories):
            _add_category(variable, Choice(code, label), is_missing=False)
    derivation = add(variable, "derivation", var=" ".join(by_name[name] for name in read))
    add_texts(
        derivation, "drvdesc", {code: Wording(code).text("ddi.derived", kind=indicator.kind) for code in LANGUAGES}
    )
    for part, expression in expressions.items():
        add(derivation, "drvcmd", f"{part}: {expression}", syntax="XPath 1.0 (ODK XForms)")
    if indicator.source:
        add(variable, "notes", indicator.source, subject="source")


def _labels(text: Text) -> Text:
    """A label in each language it has, without what only a form can fill in."""
    return {code: label_of({code: text[code]}, code) for code in text if text[code]}
