"""Error localisation by minimal change, and hot deck: textbook cases, skip patterns, rosters, numbers, laws."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imputed_interviews import columns_of, compiled, errors, mend, to_tables

ON = """
| design | | |
| | setting | value |
| | survey | test |
| | imputation | yes |
"""

FELLEGI_HOLT = (
    """
| survey | | | | |
| | type | name | label | required |
| | select_one age | age | Age | yes |
| | select_one marital | marital | Marital status | yes |
| | select_one relation | relation | Relation to the head | yes |
| choices | | | |
| | list_name | name | label |
| | age | child | 0-14 |
| | age | adult | 15+ |
| | marital | never | Never married |
| | marital | married | Married |
| | marital | divorced | Divorced |
| | relation | head | Head |
| | relation | spouse | Spouse |
| | relation | other | Other |
| checks | | | | | |
| | name | table | expression | severity | message::en |
| | young | main | not(${age} = 'child' and ${marital} != 'never') | error | Too young. |
| | spouse | main | not(${relation} = 'spouse' and ${marital} != 'married') | error | A spouse is married. |
| | head | main | not(${relation} = 'head' and ${age} = 'child') | error | Heads are adults. |
| settings | | |
| | form_id | version |
| | fh | 1 |
"""
    + ON
)

SOUND = [
    {"age": "adult", "marital": "married", "relation": "head"},
    {"age": "adult", "marital": "married", "relation": "spouse"},
    {"age": "adult", "marital": "never", "relation": "head"},
    {"age": "adult", "marital": "divorced", "relation": "other"},
    {"age": "child", "marital": "never", "relation": "other"},
    {"age": "child", "marital": "never", "relation": "other"},
]


@pytest.mark.parametrize(
    ("record", "least"),
    [
        # Breaks "young" alone; to change the marital status would break "spouse": an implied edit, age is wrong.
        (("child", "married", "spouse"), {"age"}),
        # Two edits broken, one answer in both.
        (("child", "divorced", "head"), {"age"}),
        (("adult", "never", "spouse"), {"marital"}),
        (("", "married", "spouse"), {"age"}),
        (("child", "", "spouse"), {"age", "marital"}),
        (("adult", "divorced", ""), {"relation"}),
    ],
)
def test_the_textbook_cases_of_fellegi_and_holt(record: tuple[str, str, str], least: set[str]) -> None:
    form = compiled(FELLEGI_HOLT)
    tables = to_tables(form, [*SOUND, dict(zip(("age", "marital", "relation"), record, strict=True))])
    found = mend(form, tables)
    assert found.outcomes == {"uuid:00006": "imputed"}
    if record == ("adult", "never", "spouse"):
        assert columns_of(found, 6) in ({"marital"}, {"relation"})
    else:
        assert columns_of(found, 6) == least
    assert not errors(form, found.tables)
    assert {row.instance_id for row in found.changes} == {"uuid:00006"}


NAMES = ("a", "b", "c", "d")
CODES = ("x", "y", "z")


def make_form(chance: random.Random) -> tuple[str, dict[str, tuple[str, frozenset[str]]]]:
    """A random form of four choices with skips, required questions and checks; and the skips."""
    skips: dict[str, tuple[str, frozenset[str]]] = {}
    survey, checks = [], []
    for at, name in enumerate(NAMES):
        relevant = ""
        if at and chance.random() < 0.4:
            above = chance.choice(NAMES[:at])
            codes = frozenset(chance.sample(CODES, chance.choice((1, 2))))
            skips[name] = (above, codes)
            relevant = " or ".join(f"${{{above}}} = '{code}'" for code in sorted(codes))
        survey.append(
            f"| | select_one list | {name} | {name} | {'yes' if chance.random() < 0.7 else ''} | {relevant} |"
        )
    for number in range(chance.randrange(1, 7)):
        names = chance.sample(NAMES, chance.choice((1, 2, 2, 3)))
        parts = " and ".join(
            f"${{{name}}} {chance.choice(('=', '=', '!='))} '{chance.choice(CODES)}'" for name in names
        )
        checks.append(f"| | r{number} | main | not({parts}) | error | No. |")
    sheets = [
        "| survey | | | | | |",
        "| | type | name | label | required | relevant |",
        *survey,
        "| choices | | | |",
        "| | list_name | name | label |",
        *(f"| | list | {code} | {code} |" for code in CODES),
        "| checks | | | | | |",
        "| | name | table | expression | severity | message::en |",
        *checks,
        "| settings | | |",
        "| | form_id | version |",
        "| | laws | 1 |",
    ]
    return "\n".join(sheets) + ON, skips


def is_asked(name: str, record: dict[str, str], skips: dict[str, tuple[str, frozenset[str]]]) -> bool:
    if name not in skips:
        return True
    above, codes = skips[name]
    return is_asked(above, record, skips) and record[above] in codes


def least_changes(
    record: dict[str, str],
    good: list[dict[str, str]],
    forced: set[str],
    skips: dict[str, tuple[str, frozenset[str]]],
) -> int | None:
    """By brute force: the size of the least set whose change can satisfy every rule.

    A question that wasn't asked before and is then isn't counted: its answer follows.
    """
    sizes = []
    opened = {name for name in NAMES if not record[name] and not is_asked(name, record, skips)}
    for other in good:
        changed = {name for name in NAMES if record[name] != other[name]} - opened | forced
        if all(other[name] or not is_asked(name, other, skips) for name in changed):
            sizes.append(len(changed))
    return min(sizes, default=None)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_all_rules_hold_afterwards_and_no_smaller_set_would_do(seed: int) -> None:
    sheets, skips = make_form(random.Random(seed))  # noqa: S311
    form = compiled(sheets)
    every = [dict(zip(NAMES, codes, strict=True)) for codes in itertools.product(("", *CODES), repeat=len(NAMES))]
    tables = to_tables(form, every)
    bad = errors(form, tables)
    good = [record for number, record in enumerate(every) if f"uuid:{number:05}" not in bad]
    found = mend(form, tables)
    still = errors(form, found.tables)
    assert set(found.outcomes) == set(bad)
    for name, outcome in found.outcomes.items():
        record = every[int(name[5:])]
        forced = {rule.rpartition("/")[2] for rule, _ in bad[name] if rule.startswith("required:")}
        least = least_changes(record, good, forced, skips)
        assert outcome in ({"not_localised"} if least is None else {"imputed", "no_donor"}), (record, least)
        assert (name in still) == (outcome != "imputed")
        if least is not None:
            assert len(found.localised[name]) == least, (record, found.localised[name])
    touched = {row.instance_id for row in found.changes}
    assert touched <= found.solved
