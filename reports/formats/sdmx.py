"""The figures as SDMX-CSV 2.0, and the structure that says what its columns and codes are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

from reports.contents import ReleaseContents
from reports.disclosure import WITHHELD
from reports.formats.common import COUNTRY, Names, code_all, name_area
from reports.formats.sdmx_structure import MEASURE, TIME, Codelist, Component, Structure, write_structure
from reports.wording import Wording
from schemas.text import LANGUAGES, Text

ALL: Final = "_T"
"""Code of everybody in a dimension."""

NONE: Final = "_Z"
"""Code of a dimension that doesn't apply: the category of a figure that has none."""

ACTION: Final = "I"

STATUS: Final[Mapping[str, Text]] = {
    "A": {"es": "Valor normal", "ht": "Valè nòmal", "en": "Normal value"},
    "U": {"es": "Baja fiabilidad", "ht": "Fyab fèb", "en": "Low reliability"},
    "Q": {"es": "Valor suprimido", "ht": "Valè yo retire", "en": "Missing value; suppressed"},
    "M": {"es": "El dato no puede existir", "ht": "Done a pa ka egziste", "en": "Missing value; data cannot exist"},
}
"""Of SDMX's code list CL_OBS_STATUS, those that a release uses."""

CONFIDENTIALITY: Final[Mapping[str, Text]] = {
    "F": {"es": "Libre", "ht": "Lib", "en": "Free"},
    "C": {
        "es": "Información estadística confidencial",
        "ht": "Enfòmasyon estatistik konfidansyèl",
        "en": "Confidential statistical information",
    },
}
"""Of SDMX's code list CL_CONF_STATUS, those that a release uses."""

_CONF_OF: Final = {WITHHELD: "C"}
"""Why a single cell was withheld isn't told: no primary or secondary confidentiality."""

_LABELS: Final = ("reliable", "weakly_reliable", "not_reliable", "no_sampling_error")
_NAMES: Final[Mapping[str, Text]] = {
    "INDICATOR": {"es": "Indicador", "ht": "Endikatè", "en": "Indicator"},
    "REF_AREA": {"es": "Área de referencia", "ht": "Zòn referans", "en": "Reference area"},
    "CATEGORY": {"es": "Categoría", "ht": "Kategori", "en": "Category"},
    TIME: {"es": "Período", "ht": "Peryòd", "en": "Time period"},
    MEASURE: {"es": "Valor", "ht": "Valè", "en": "Observation value"},
    "UNIT_MEASURE": {"es": "Unidad de medida", "ht": "Inite mezi", "en": "Unit of measure"},
    "OBS_STATUS": {"es": "Estado de la observación", "ht": "Eta obsèvasyon an", "en": "Observation status"},
    "CONF_STATUS": {"es": "Confidencialidad", "ht": "Konfidansyalite", "en": "Confidentiality status"},
    "QUALITY": {"es": "Calidad de la estimación", "ht": "Kalite estimasyon an", "en": "Quality of the estimate"},
    "CASES": {"es": "Casos sin ponderar", "ht": "Ka san pondere", "en": "Unweighted cases"},
    "STD_ERR": {"es": "Error estándar", "ht": "Erè estanda", "en": "Standard error"},
    "CI_LOW": {"es": "Límite inferior (95 %)", "ht": "Limit anba (95 %)", "en": "Lower end (95 %)"},
    "CI_HIGH": {"es": "Límite superior (95 %)", "ht": "Limit anwo (95 %)", "en": "Upper end (95 %)"},
    "CV": {"es": "Coeficiente de variación", "ht": "Koefisyan varyasyon", "en": "Coefficient of variation"},
    "DF": {"es": "Grados de libertad", "ht": "Degre libète", "en": "Degrees of freedom"},
}
_TOTAL: Final[Text] = {"es": "Total", "ht": "Total", "en": "Total"}
_FIGURES: Final = {
    **{"CASES": ("n", "Integer"), "STD_ERR": ("se", "Double"), "CI_LOW": ("ci_low", "Double")},
    **{"CI_HIGH": ("ci_high", "Double"), "CV": ("cv", "Double"), "DF": ("df", "Integer")},
}
"""Attribute -> column of estimates.csv and type."""


def write_sdmx(tables: Mapping[str, pl.DataFrame], contents: ReleaseContents) -> tuple[bytes, bytes]:
    """The CSV, and the structure message.

    Args:
        tables: the release's own estimates, indicators, domains and categories.
        contents: where and when it was asked.
    """
    names = Names.of(contents)
    figures = tables["estimates"]
    structure, dimensions, codes = _structure(tables, contents, names)
    keys = pl.DataFrame(
        [(domain, *_key(domain, names, dimensions, codes)) for domain in figures["domain"].unique(maintain_order=True)],
        schema=dict.fromkeys(("domain", "REF_AREA", *dimensions.values()), pl.String),
        orient="row",
    )
    suppressed = pl.col("suppressed") != ""
    told = figures.join(keys, on="domain", how="left", maintain_order="left").with_columns(
        pl.lit("dataflow").alias("STRUCTURE"),
        pl.lit(structure.urn_part).alias("STRUCTURE_ID"),
        pl.lit(ACTION).alias("ACTION"),
        pl.lit(names.period).alias(TIME),
        pl.col("indicator").replace(codes["INDICATOR"]).alias("INDICATOR"),
        pl.when(pl.col("category") == "")
        .then(pl.lit(NONE))
        .otherwise(pl.col("category").replace(codes["CATEGORY"]))
        .alias("CATEGORY"),
        pl.col("estimate").alias(MEASURE),
        pl.col("unit").replace(codes["UNIT_MEASURE"]).alias("UNIT_MEASURE"),
        pl.when(suppressed)
        .then(pl.lit("Q"))
        .when(pl.col("estimate").is_null())
        .then(pl.lit("M"))
        .when(pl.col("label").is_in(["weakly_reliable", "not_reliable"]))
        .then(pl.lit("U"))
        .otherwise(pl.lit("A"))
        .alias("OBS_STATUS"),
        pl.col("suppressed").replace_strict(_CONF_OF, default="F").alias("CONF_STATUS"),
        pl.col("label").replace("", None).alias("QUALITY"),
        *(pl.col(column).alias(name) for name, (column, _) in _FIGURES.items()),
    )
    columns = (each.id for each in (*structure.dimensions, structure.measure, *structure.attributes))
    written = told.select("STRUCTURE", "STRUCTURE_ID", "ACTION", *columns)
    return written.write_csv().encode(), write_structure(structure, contents.made_at)


def _structure(
    tables: Mapping[str, pl.DataFrame], contents: ReleaseContents, names: Names
) -> tuple[Structure, dict[str, str], dict[str, dict[str, str]]]:
    """The structure; breakdown -> id of its dimension; id of a component -> text -> its code."""
    indicators, categories = tables["indicators"], tables["categories"]
    figures = tables["estimates"]
    breakdowns = {each.name: each for each in contents.specs.breakdowns}
    used = _used(figures["domain"].unique(maintain_order=True), names)
    dimensions = {name: f"B_{each}".upper() for name, each in code_all(list(used)).items()}
    codes = {
        "INDICATOR": code_all(indicators["indicator"].to_list()),
        "CATEGORY": code_all(_distinct(figures["category"]) + _distinct(categories["category"])),
        "UNIT_MEASURE": code_all(_distinct(figures["unit"])),
        **{dimensions[name]: code_all(found) for name, found in used.items()},
    }
    labels: dict[str, Mapping[str, Text]] = {
        "INDICATOR": {row["indicator"]: _label(row) for row in indicators.iter_rows(named=True)},
        "CATEGORY": {row["category"]: _label(row) for row in categories.iter_rows(named=True)},
        "UNIT_MEASURE": {
            unit: {code: Wording(code).unit(unit) for code in LANGUAGES} for unit in codes["UNIT_MEASURE"]
        },
        **{dimensions[name]: breakdowns[name].category_labels if name in breakdowns else {} for name in used},
    }

    def coded(identity: str, name: Text, extra: Mapping[str, Text], required: bool = False) -> Component:
        told = dict(extra) | {code: labels[identity].get(text, {}) for text, code in codes[identity].items()}
        return Component(identity, name, Codelist(f"CL_{identity}", name, told), required=required)

    areas = {area: _area_label(area) for area in sorted({names.place(d)[0] for d in figures["domain"].unique()})}
    place = Codelist("CL_AREA", _NAMES["REF_AREA"], {_area(cut): label for cut, label in areas.items()})
    quality = {each: {code: Wording(code).maybe(f"quality.{each}", each) for code in LANGUAGES} for each in _LABELS}
    structure = Structure(
        id=re.sub(r"[^A-Z0-9_]", "_", f"S_{names.survey}".upper()),
        name=names.title,
        dimensions=(
            coded("INDICATOR", _NAMES["INDICATOR"], {}),
            Component("REF_AREA", _NAMES["REF_AREA"], place),
            *(coded(dimensions[n], breakdowns[n].label if n in breakdowns else {}, {ALL: _TOTAL}) for n in used),
            coded(
                "CATEGORY", _NAMES["CATEGORY"], {NONE: {"es": "No aplica", "ht": "Pa aplikab", "en": "Not applicable"}}
            ),
            Component(TIME, _NAMES[TIME], text_type="ObservationalTimePeriod"),
        ),
        measure=Component(MEASURE, _NAMES[MEASURE], text_type="Double"),
        attributes=(
            coded("UNIT_MEASURE", _NAMES["UNIT_MEASURE"], {}, required=True),
            *(
                Component(name, _NAMES[name], Codelist(f"CL_{name}", _NAMES[name], told), required=name != "QUALITY")
                for name, told in (("OBS_STATUS", STATUS), ("CONF_STATUS", CONFIDENTIALITY), ("QUALITY", quality))
            ),
            *(Component(name, _NAMES[name], text_type=kind) for name, (_, kind) in _FIGURES.items()),
        ),
    )
    return structure, dimensions, codes


def _used(domains: Iterable[str], names: Names) -> dict[str, list[str]]:
    """Breakdown -> its codes, of those that stand in a figure's domain."""
    found: dict[str, dict[str, None]] = {}
    for domain in domains:
        for name, code in names.place(domain)[1]:
            found.setdefault(name, {})[code] = None
    return {name: list(codes) for name, codes in found.items()}


def _key(
    domain: str, names: Names, dimensions: Mapping[str, str], codes: Mapping[str, Mapping[str, str]]
) -> tuple[str, ...]:
    cut, others = names.place(domain)
    told = dict(others)
    return (
        _area(cut),
        *(codes[identity][told[name]] if name in told else ALL for name, identity in dimensions.items()),
    )


def _area(cut: str) -> str:
    return f"{COUNTRY}{cut}" if cut else ALL


def _area_label(cut: str) -> Text:
    return {"es": name_area(cut)} if cut else _TOTAL


def _label(row: Mapping[str, str]) -> Text:
    return {code: row[f"label_{code}"] for code in LANGUAGES}


def _distinct(column: pl.Series) -> list[str]:
    return [text for text in column.unique(maintain_order=True) if text]
