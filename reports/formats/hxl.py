"""The figures for humanitarian data platforms: a CSV with heads, one row of HXL 1.1 tags, then one row a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from reports.contents import ReleaseContents
from reports.formats.common import Names
from schemas.communes import find_commune, read_regions
from schemas.text import LANGUAGES

TAGS: Final = {
    "country_code": "#country+code+v_iso3",
    "region_code": "#adm1+code+v_cut",
    "region": "#adm1+name",
    "province_code": "#adm2+code+v_cut",
    "province": "#adm2+name",
    "commune_code": "#adm3+code+v_cut",
    "commune": "#adm3+name",
    "year": "#date+year",
    "indicator": "#indicator+code",
    **{f"indicator_{code}": f"#indicator+name+i_{code}" for code in LANGUAGES},
    "group": "#population+group+code",
    **{f"group_{code}": f"#population+group+name+i_{code}" for code in LANGUAGES},
    "category": "#indicator+category+code",
    **{f"category_{code}": f"#indicator+category+name+i_{code}" for code in LANGUAGES},
    "value": "#indicator+value+num",
    "unit": "#indicator+unit+code",
    "cases": "#population+sample+num",
    "standard_error": "#indicator+error+num",
    "interval_low": "#indicator+low+num",
    "interval_high": "#indicator+high+num",
    "quality": "#status+quality+code",
    "withheld": "#status+withheld+code",
    "survey": "#meta+survey+code",
    "release": "#meta+release+code",
}
"""Columns in order -> tag."""


def write_hxl(release_id: str, tables: Mapping[str, pl.DataFrame], contents: ReleaseContents) -> bytes:
    """The CSV; a figure that is withheld is an empty value with its reason.

    Args:
        release_id: name of the release.
        tables: the release's own estimates, indicators, domains and categories.
        contents: where and when it was asked.
    """
    names = Names.of(contents)
    figures = tables["estimates"]
    places = pl.DataFrame(
        [_place(domain, names) for domain in figures["domain"].unique(maintain_order=True)],
        schema=dict.fromkeys(
            ("domain", "region_code", "region", "province_code", "province", "commune_code", "commune"), pl.String
        ),
        orient="row",
    )
    told = (
        figures.join(places, on="domain", how="left", maintain_order="left")
        .join(_labels(tables["indicators"], "indicator"), on="indicator", how="left", maintain_order="left")
        .join(_labels(tables["domains"], "group", "domain"), on="domain", how="left", maintain_order="left")
        .join(
            _labels(tables["categories"], "category", "indicator", "category"),
            on=["indicator", "category"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            pl.lit("CHL").alias("country_code"),
            pl.lit(names.period).alias("year"),
            pl.lit(names.survey).alias("survey"),
            pl.lit(release_id).alias("release"),
        )
        .rename(
            {
                **{"domain": "group", "estimate": "value", "n": "cases", "se": "standard_error"},
                **{"ci_low": "interval_low", "ci_high": "interval_high", "label": "quality", "suppressed": "withheld"},
            }
        )
        .select(pl.col(name).cast(pl.String).replace("", None) for name in TAGS)
    )
    heads = ",".join(TAGS) + "\n" + ",".join(TAGS.values()) + "\n"
    return heads.encode() + told.write_csv(include_header=False).encode()


def _place(domain: str, names: Names) -> tuple[str, ...]:
    area, _ = names.place(domain)
    commune = find_commune(area)
    if commune is None:
        region = read_regions().get(area)
        return (domain, "", "", "", "", area, "") if region is None else (domain, area, region, "", "", "", "")
    return (
        *(domain, commune.region_code, commune.region, commune.province_code, commune.province),
        *(commune.cut, commune.name),
    )


def _labels(table: pl.DataFrame, prefix: str, *keys: str) -> pl.DataFrame:
    named = {f"label_{code}": f"{prefix}_{code}" for code in LANGUAGES}
    return table.select(*(keys or (prefix,)), *(pl.col(column).alias(name) for column, name in named.items()))
