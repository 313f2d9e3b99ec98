"""A release made up for tests over several communes, nobody real: shares, means, a distribution, with sampling errors.

Figures follow from the code of the commune, so that every one is known beforehand and none is like another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from release_sample import COUNTRY, SEX, SHARES, build, indicator, words

from reports.contents import ReleaseContents
from reports.disclosure import protect
from schemas.communes import read_communes
from schemas.domains import join
from schemas.estimates import Estimate, SafeCell, SafeTable
from schemas.workbook import Breakdown, Indicator, Topic

COMMUNES = ("13125", "13101", "13114", "05101", "12101")
"""Quilicura, Santiago, Las Condes, Valparaíso, Punta Arenas."""

INDICATORS = (
    indicator("uninsured", "health", "share", words("Sin previsión", "San asirans", "Uninsured"), numerator="${i} = 1"),
    indicator("mean_age", "people", "mean", words("Edad promedio", "Laj mwayen", "Mean age"), "years", value="${age}"),
    indicator(
        "birth",
        "people",
        "distribution",
        words("País de nacimiento", "Peyi kote yo fèt", "Country of birth"),
        value="${country}",
        categories=("332", "604", "862"),
        category_labels=COUNTRY.category_labels,
    ),
)
TOPICS = (
    Topic("people", words("Quiénes son", "Ki moun yo ye", "Who they are"), words("Edad.", "Laj.", "Age.")),
    Topic("health", words("Salud", "Sante", "Health")),
)


def build_communes(
    communes: Sequence[str] = COMMUNES, *, precise: bool = True, indicators: Sequence[Indicator] = INDICATORS
) -> tuple[SafeTable, ReleaseContents]:
    """A safe table over these communes, and everything else that `publish` takes."""
    _, contents = build(precise=precise)
    labels = {cut: words(*[read_communes()[cut].name] * 3) for cut in communes}
    breakdown = Breakdown("commune", "main", words("Comuna", "Komin", "Commune"), "${commune}", tuple(communes), labels)
    design = replace(contents.specs.design, commune="", settings={"survey": "sample", "communes": "commune"})
    specs = replace(
        contents.specs,
        topics=TOPICS,
        indicators=tuple(indicators),
        breakdowns=(SEX, COUNTRY, breakdown),
        design=design,
    )
    figures = [figure for each in indicators for figure in _figures(each, communes, precise)]
    return protect(figures, 10), replace(contents, specs=specs)


def _figures(each: Indicator, communes: Sequence[str], precise: bool) -> Iterator[Estimate]:
    sizes = {cut: 60 + int(cut) * 7 % 400 for cut in communes}
    for place in ((), *((("commune", cut),) for cut in communes)):
        n = sizes[place[0][1]] if place else sum(sizes.values())
        women = n // 2 if place else sum(size // 2 for size in sizes.values())
        for part, rows in (((), n), ((("sex", "female"),), women), ((("sex", "male"),), n - women)):
            shift = int(place[0][1]) % 17 if place else 8
            yield from _cells(each, join((*place, *part)), rows, shift + len(part), precise)


def _cells(each: Indicator, domain: str, n: int, shift: int, precise: bool) -> Iterator[Estimate]:
    if each.kind == "mean":
        yield _with_error(Estimate(each.name, domain, "", 25.0 + shift, each.unit, n, n), precise, n)
    elif each.kind == "share":
        rows = n * (3 + shift) // 60
        share = Estimate(each.name, domain, "", 100 * rows / n, "percent", n, rows, unknown_rate=0.0)
        yield _with_error(share, precise, n)
    else:
        counts = {code: n * round(100 * share) // 100 for code, share in SHARES.items()}
        for code, rows in (*counts.items(), ("other", n - sum(counts.values()))):
            yield _with_error(Estimate(each.name, domain, code, 100 * rows / n, "percent", n, rows), precise, n)


def _with_error(figure: Estimate, precise: bool, n: int) -> Estimate:
    if not precise or figure.estimate is None:
        return figure
    se = figure.estimate / n**0.5 + 0.1
    label = "reliable" if n > 200 else "weakly_reliable" if n > 100 else "not_reliable"
    low, high = max(0.0, figure.estimate - 2 * se), figure.estimate + 2 * se
    return replace(figure, se=se, ci_low=low, ci_high=high, cv=0.1, df=40, label=label)


def bare_table(cells: Sequence[SafeCell]) -> SafeTable:
    """A table of cells that are safe already, for a bench of what comes after disclosure control."""
    return SafeTable(tuple(cells), 10, 0, 0, {"es": "–", "ht": "–", "en": "–"})
