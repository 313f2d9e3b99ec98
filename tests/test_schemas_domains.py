"""How a domain is written: whatever the codes hold, reading gives back what was joined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.domains import breakdown_of, crossed, join, parts
from schemas.errors import EstimationError

names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
codes = st.text(alphabet=st.one_of(st.sampled_from("&%=256*"), st.characters(codec="utf-8")), max_size=8)
several = st.lists(st.tuples(names, codes), unique_by=lambda part: part[0], max_size=4).map(tuple)


@given(several)
def test_parts_come_back_as_they_were_joined(written: tuple[tuple[str, str], ...]) -> None:
    assert parts(join(written)) == written


@given(several, several)
def test_two_domains_are_never_written_alike(
    one: tuple[tuple[str, str], ...], two: tuple[tuple[str, str], ...]
) -> None:
    assert (join(one) == join(two)) == (one == two)


@pytest.mark.parametrize(
    ("domain", "found", "breakdown"),
    [
        ("total", (), ""),
        ("sex=1", (("sex", "1"),), "sex"),
        ("sex=1&age_group=15_29", (("sex", "1"), ("age_group", "15_29")), "sex*age_group"),
        ("commune=13125&sex=1", (("commune", "13125"), ("sex", "1")), "commune*sex"),
        ("rent=<=50%", (("rent", "<=50%"),), "rent"),
        ("where=", (("where", ""),), "where"),
        ("firm=Mendez %26 Sons", (("firm", "Mendez & Sons"),), "firm"),
    ],
)
def test_a_domain_is_read(domain: str, found: tuple[tuple[str, str], ...], breakdown: str) -> None:
    assert parts(domain) == found
    assert breakdown_of(domain) == breakdown
    assert join(found) == domain


@pytest.mark.parametrize("domain", ["", "sex", "=1", "sex=1&", "&sex=1", "sex=1&age", "sex=1&sex=2"])
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(EstimationError, match="EST-083"):
        parts(domain)


def test_the_names_of_a_crossing_are_taken_apart() -> None:
    assert crossed("") == ()
    assert crossed("sex") == ("sex",)
    assert crossed("sex*age_group*region") == ("sex", "age_group", "region")
