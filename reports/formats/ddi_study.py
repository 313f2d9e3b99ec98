"""What a codebook says of the document and of the survey: citation, coverage, method, access."""

from __future__ import annotations

from lxml import etree

from reports.contents import ReleaseContents
from reports.formats.common import Names
from reports.formats.ddi_nodes import add, add_once, add_texts
from reports.wording import Wording
from schemas.communes import find_commune
from schemas.estimates import SafeTable
from schemas.fields import MAIN_TABLE
from schemas.text import LANGUAGES, Text


def add_document(root: etree._Element, release_id: str, contents: ReleaseContents, names: Names) -> None:
    """Who described the survey, with what, and when."""
    citation = add(add(root, "docDscr"), "citation")
    _add_titles(citation, names, f"{release_id}-ddi")
    _add_production(citation, contents)
    add(add(citation, "verStmt"), "version", release_id, date=contents.made_at.date().isoformat())


def add_study(root: etree._Element, release_id: str, table: SafeTable, contents: ReleaseContents, names: Names) -> None:
    """The survey itself."""
    study = add(root, "stdyDscr")
    _add_citation(study, release_id, contents, names)
    information = add(study, "stdyInfo")
    _add_subject(information, contents)
    add_texts(information, "abstract", _abstract(contents, names))
    _add_summary(information, contents, names)
    _add_method(study, contents)
    use = add(add(study, "dataAccs"), "useStmt")
    add_once(use, "confDec", table.statement, required="no")
    add_once(use, "conditions", _say("ddi.conditions", licence=contents.licence))
    if contents.rehearsal:
        add_once(use, "disclaimer", _say("rehearsal.text"))


def _add_titles(citation: etree._Element, names: Names, identity: str) -> None:
    titles = add(citation, "titlStmt")
    first, *others = [(code, names.title[code]) for code in LANGUAGES if names.title.get(code)] or [
        ("es", next(iter(names.title.values()), names.survey))
    ]
    add_texts(titles, "titl", dict([first]))
    for code, text in others:
        add_texts(titles, "parTitl", {code: text})
    add(titles, "IDNo", identity, agency="Comunal")


def _add_production(citation: etree._Element, contents: ReleaseContents) -> None:
    production = add(citation, "prodStmt")
    if contents.publisher:
        add(production, "producer", contents.publisher)
    day = contents.made_at.date().isoformat()
    add(production, "prodDate", day, date=day)
    add(production, "software", "Comunal", version=contents.provenance.code_version)


def _add_citation(study: etree._Element, release_id: str, contents: ReleaseContents, names: Names) -> None:
    citation = add(study, "citation")
    _add_titles(citation, names, release_id)
    if contents.publisher:
        add(add(citation, "rspStmt"), "AuthEnty", contents.publisher)
    _add_production(citation, contents)
    day = contents.made_at.date().isoformat()
    add(add(citation, "distStmt"), "distDate", day, date=day)
    if contents.round:
        add(add(citation, "serStmt"), "serInfo", contents.round)
    add(add(citation, "verStmt"), "version", release_id, date=day)


def _add_subject(information: etree._Element, contents: ReleaseContents) -> None:
    subject = add(information, "subject")
    add_texts(subject, "keyword", _say("ddi.keyword"))
    for topic in contents.specs.topics:
        add_texts(subject, "topcClas", topic.label)


def _abstract(contents: ReleaseContents, names: Names) -> Text:
    design = contents.specs.design
    period = design.period or names.period
    return {
        code: Wording(code).text(
            "ddi.abstract",
            title=names.title.get(code) or next(iter(names.title.values()), ""),
            period=period,
            topics=Wording(code).listing([Wording(code).pick(topic.label) for topic in contents.specs.topics]),
            indicators=len(contents.specs.indicators),
        )
        for code in LANGUAGES
    }


def _add_summary(information: etree._Element, contents: ReleaseContents, names: Names) -> None:
    settings, summary = contents.specs.design.settings, add(information, "sumDscr")
    add(summary, "timePrd", names.period, date=names.period, event="single")
    for event in ("start", "end"):
        day = settings.get(f"fieldwork_{event}", "")
        if day:
            add(summary, "collDate", day, date=day, event=event)
    add(summary, "nation", "Chile", abbr="CL")
    commune = find_commune(names.commune)
    if commune is not None:
        add(summary, "geogCover", f"{commune.name} (CUT {commune.cut}), {commune.region}")
    listed = {each.name: each for each in contents.specs.breakdowns}.get(names.communes)
    for cut in listed.category_labels if listed else ():
        found = find_commune(cut)
        add(summary, "geogCover", f"{found.name} (CUT {cut}), {found.region}" if found else cut)
    if names.communes:
        add_texts(summary, "geogUnit", _say("ddi.commune"))
    add_texts(summary, "anlyUnit", _say("ine.interview"))
    for table in contents.form.tables:
        if table.name != MAIN_TABLE:
            add(summary, "anlyUnit", table.name)
    if settings.get("universe"):
        add(summary, "universe", settings["universe"])
    add_texts(summary, "dataKind", _say("ddi.kind"))


def _add_method(study: etree._Element, contents: ReleaseContents) -> None:
    design, counts = contents.specs.design, contents.counts
    method = add(study, "method")
    collection = add(method, "dataColl")
    sampling = "ine.probability" if design.probability else "ine.no_probability"
    add_texts(collection, "sampProc", _say(sampling))
    for name, expression in (("ddi.strata", design.strata), ("ddi.clusters", design.psu)):
        if expression:
            add_texts(collection, "sampProc", _say(name, expression=expression))
    add_texts(collection, "collMode", _say("ine.mode"))
    add_texts(
        collection, "resInstru", _say("ddi.instrument", form=contents.form.form_id, version=contents.form.version)
    )
    weights = _say("ine.weights", weight=design.weight) if design.weight else _say("ine.no_weights")
    add_texts(collection, "weight", weights)
    add_texts(collection, "cleanOps", _say("ddi.cleaning"))
    analysis = add(method, "anlyInfo")
    rate = 100 * counts.accepted / counts.received if counts.received else 0.0
    told = {"received": counts.received, "accepted": counts.accepted}
    add_texts(
        analysis,
        "respRate",
        {code: Wording(code).text("ddi.accepted", **told, rate=Wording(code).percent(rate)) for code in LANGUAGES},
    )
    error = "ddi.sampling_error" if design.probability else "ine.no_probability"
    add_texts(analysis, "EstSmpErr", _say(error))


def _say(key: str, **values: object) -> Text:
    return {code: Wording(code).text(key, **values) for code in LANGUAGES}
