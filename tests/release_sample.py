"""A release made up for tests: four topics, every kind of figure, 1,021 interviews, nobody real.

Test files load it with `importlib`, since tests aren't a package.
"""

from __future__ import annotations

from datetime import UTC, datetime

from reports.contents import Counts, Provenance, ReleaseContents
from reports.disclosure import protect
from schemas.errors import Problem
from schemas.estimates import Estimate, SafeTable
from schemas.fields import Choice, Field, Form, Group, Table
from schemas.findings import Rule, RuleSummary
from schemas.text import Text
from schemas.workbook import Breakdown, Design, Indicator, Specs, Topic

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def words(es: str, ht: str, en: str) -> Text:
    return {"es": es, "ht": ht, "en": en}


SEX = Breakdown(
    "sex",
    "person",
    words("Sexo", "Sèks", "Sex"),
    "${sex}",
    ("female", "male"),
    {"female": words("Mujeres", "Fanm", "Women"), "male": words("Hombres", "Gason", "Men")},
)
COUNTRY = Breakdown(
    "country",
    "person",
    words("País de nacimiento", "Peyi kote yo fèt", "Country of birth"),
    "${country}",
    ("332", "604", "862"),
    {
        "332": words("Haití", "Ayiti", "Haiti"),
        "604": words("Perú", "Pewou", "Peru"),
        "862": words("Venezuela <&> «Bolivariana»", "Venezyela", "Venezuela"),
    },
)
SIZES = {
    "total": 1021,
    "sex=female": 498,
    "sex=male": 523,
    "country=332": 694,
    "country=604": 102,
    "country=862": 99,
    "country=other": 126,
}
SHARES = {"332": 0.68, "604": 0.10, "862": 0.097}


def indicator(name: str, topic: str, kind: str, label: Text, unit: str = "percent", **rest: object) -> Indicator:
    texts: dict[str, object] = {"table": "person", "breakdowns": ("sex", "country")}
    return Indicator(name=name, topic=topic, kind=kind, label=label, unit=unit, **(texts | rest))  # type: ignore[arg-type]


INDICATORS = (
    indicator("people", "people", "count", words("Personas", "Moun", "People"), "persons"),
    indicator(
        "country_of_birth",
        "people",
        "distribution",
        words("País de nacimiento", "Peyi kote yo fèt", "Country of birth"),
        value="${country}",
        categories=("332", "604", "862"),
        category_labels=COUNTRY.category_labels,
    ),
    indicator("mean_age", "people", "mean", words("Edad promedio", "Laj mwayen", "Mean age"), "years", value="${age}"),
    indicator(
        "no_insurance",
        "health",
        "share",
        words("Sin previsión <b>de salud</b>", "San asirans sante", "Without health insurance"),
        universe="${age} >= 0",
        denominator="${insurance} != 'dont_know'",
        numerator="${insurance} = 'none'",
        source="Censo 2024",
    ),
    indicator("rare", "health", "share", words("Muy raro", "Ra anpil", "Very rare"), numerator="${insurance} = 'x'"),
    indicator("rent", "housing", "mean", words("Arriendo", "Lwaye", "Rent"), "clp", value="${rent}", breakdowns=()),
)
TOPICS = (
    Topic("people", words("Quiénes son", "Ki moun yo ye", "Who they are"), words("Edad y sexo.", "Laj.", "Age.")),
    Topic("housing", words("Cómo viven", "Kijan yo viv", "How they live")),
    Topic("health", words("Salud", "Sante", "Health")),
    Topic("silent", words("Nada", "Anyen", "Nothing")),
)
FIELDS = (
    Field("age", "/data/person/age", "int", "input", "person", "age", words("¿Qué edad tiene?", "Ki laj?", "How old?")),
    Field(
        "insurance",
        "/data/person/insurance",
        control="select1",
        table="person",
        column="insurance",
        label=words("¿Qué previsión tiene ${name}?", "Ki asirans?", "Which insurance?"),
        choices=(Choice("none", words("Ninguna", "Okenn", "None")), Choice("fonasa", words("F", "F", "F"))),
    ),
    Field("name", "/data/person/name", control="input", table="person", column="name", personal="name"),
)
FORM = Form(
    "sample",
    "2026.1",
    "Sample",
    Group("data", "/data"),
    (Table("main", "/data", None, ()), Table("person", "/data/person", "main", FIELDS)),
)
RULES = tuple(
    RuleSummary(
        Rule(f"check:{name}", "check", "person", "error", "", words(f"Regla {name}", name, name), {}, (), why), 1021, n
    )
    for name, n, why in (("clean", 0, ""), ("few", 3, ""), ("many", 25, ""), ("broken", 0, "EXP-101"))
)


def estimates(*, precise: bool = False) -> list[Estimate]:
    """Estimates of all indicators in all domains; with errors and labels if `precise`."""
    return [figure for each in INDICATORS for figure in _figures(each, precise)]


def _figures(each: Indicator, precise: bool) -> list[Estimate]:
    domains = SIZES if each.breakdowns else {"total": SIZES["total"]}
    if each.kind == "distribution":
        return [
            Estimate(each.name, domain, code, 100 * _rows(code, domain, n) / n, "percent", n, _rows(code, domain, n))
            for domain, n in domains.items()
            if domain.startswith(("total", "sex"))
            for code in (*SHARES, "other")
        ]
    if each.kind == "share":
        share = 0.004 if each.name == "rare" else 0.25
        found = []
        for domain, n in domains.items():
            rows = round(share * n)
            error = {"se": 2.0, "ci_low": 20.0, "ci_high": 30.0, "cv": 0.08, "df": 40, "label": "reliable"}
            rest: dict[str, object] = error if precise else {}
            found.append(
                Estimate(each.name, domain, "", 100 * rows / n, "percent", n, rows, unknown_rate=0.04, **rest)  # type: ignore[arg-type]
            )
        return found
    value = {"people": None, "mean_age": 31.25, "rent": 245_239.4}[each.name]
    return [
        Estimate(each.name, domain, "", float(n) if value is None else value, each.unit, n, n)
        for domain, n in domains.items()
    ]


def _rows(code: str, domain: str, n: int) -> int:
    if code == "other":
        return n - sum(_rows(each, domain, n) for each in SHARES)
    if domain == "sex=male":
        return _rows(code, "total", SIZES["total"]) - _rows(code, "sex=female", SIZES["sex=female"])
    return round(SHARES[code] * n)


def build(*, precise: bool = False, rehearsal: bool = True, threshold: int = 10) -> tuple[SafeTable, ReleaseContents]:
    """A safe table and everything else that `publish` takes."""
    design = Design(
        "sample",
        "13125",
        probability=precise,
        title=words("Encuesta de muestra", "Ankèt egzanp", "Sample survey"),
        period="2026",
        weight="${w}" if precise else None,
        threshold=threshold,
        settings={"survey": "sample", "title::es": "Encuesta de muestra", "threshold": str(threshold)},
    )
    contents = ReleaseContents(
        form=FORM,
        specs=Specs(TOPICS, INDICATORS, (SEX, COUNTRY), design=design),
        counts=Counts(1030, 1021, {"rule": 7, "unheard_of": 2}),
        provenance=Provenance("a" * 64, "b" * 64, "c" * 64, "0.1.0", seed=7, parameters={"interviews": "1021"}),
        made_at=AT,
        rules=RULES,
        problems=(Problem("warning", "EXP-101", "indicators", 9, "", "odd: no such question.", "Mend it."),),
        previous="sample-2025-1",
        rehearsal=rehearsal,
        publisher="Municipalidad",
        files={"sample.xml": b"<h:html/>"},
    )
    return protect(estimates(precise=precise), threshold), contents
