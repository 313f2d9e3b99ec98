"""Random expressions for differential tests: every function of the language, mixed as authors mix them, and worse.

A grammar is a list of shapes per kind. In a shape `<N>` stands for a number, `<S>` a text, `<T>` a truth, `<D>` a date,
`<V>` nodes with values, `<R>` rows, `<A>` anything that is one value; between « and » stand alternatives, in bars.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Mapping

CI_SEED = 20260401
_MARK = re.compile(r"<([A-Z])>|«([^»]*)»")

Part = str | tuple[str, ...]
Shape = tuple[Part, ...]


def differential_size(usual: int) -> tuple[int, int]:
    """How many cases to try, and the seed: `COMUNAL_DIFFERENTIAL` raises the number; in CI the seed is fixed.

    Args:
        usual: number of cases where the variable isn't set; else that number's share of it (100 % is 20,000).
    """
    wanted = os.environ.get("COMUNAL_DIFFERENTIAL")
    count = usual if not wanted else max(1, int(wanted) * usual // 20_000)
    fixed = os.environ.get("COMUNAL_SEED")
    seed = int(fixed) if fixed else CI_SEED if os.environ.get("CI") else random.SystemRandom().randrange(10**9)
    return count, seed


class Generator:
    """Draws expressions.

    Args:
        leaves: kind -> expressions without parts.
        shapes: kind -> shapes, one a line.
        depth: deepest nesting.
    """

    def __init__(self, seed: int, leaves: Mapping[str, str], shapes: Mapping[str, str], depth: int = 3) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - not for secrets
        self.depth = depth
        self.leaves = {kind: [line.strip() for line in text.strip().splitlines()] for kind, text in leaves.items()}
        self.shapes = {kind: [_read(line) for line in text.strip().splitlines()] for kind, text in shapes.items()}

    def draw(self, kind: str = "A") -> str:
        """An expression of a kind, of random depth."""
        return self._draw(kind, self.chance.randrange(1, self.depth + 1))

    def _draw(self, kind: str, depth: int) -> str:
        if kind == "A":
            kind = self.chance.choice("NNNSSSTTD")
        shapes = self.shapes.get(kind)
        if depth <= 0 or not shapes:
            leaf = self.chance.choice(self.leaves[kind])
            return self._fill(_read(leaf), depth) if "<" in leaf and depth > 0 else _MARK.sub("1", leaf)
        return self._fill(self.chance.choice(shapes), depth - 1)

    def _fill(self, shape: Shape, depth: int) -> str:
        written = []
        for part in shape:
            if isinstance(part, str):
                written.append(part)
            elif len(part) == 1:
                written.append(self._draw(part[0], depth))
            else:
                written.append(self.chance.choice(part))
        return "".join(written)


def _read(line: str) -> Shape:
    """`(<N> «+|-» 1)` as its parts."""
    parts: list[Part] = []
    start = 0
    line = line.strip()
    for found in _MARK.finditer(line):
        if found.start() > start:
            parts.append(line[start : found.start()])
        kind, choices = found.groups()
        parts.append((kind,) if kind else tuple(choices.split("|")))
        start = found.end()
    if start < len(line):
        parts.append(line[start:])
    return tuple(parts)


# -- for JavaRosa: paths, on the form of test_expressions_javarosa -----------------------------------------------------
JAVA_LEAVES = {
    "N": """/data/n
        /data/x
        /data/blank
        ../age
        3
        0
        2.5
        1.005
        100
        -1
        0.5
        number('1,5')
        position(..)
        /data/missing
        .
        /data/irr/x
        pi()
        true()
        ../../age
        /data/inner/person/age
        count(/data/inner/person)
        indexed-repeat(/data/inner/person/age, /data/inner/person, 2)
        instance('letters')/root/item[name = 'b']/low
        1 div 0
        0 div 0""",
    "S": """/data/a
        /data/m
        /data/blank
        /data/irr/x
        .
        'x'
        ''
        'b'
        'a b c'
        '12'
        ' pad '
        '2024-01-31'
        'true'
        'Ñandú'
        '-3,5'
        'c2VudGlkbw=='
        ../name
        instance('letters')/root/item[name = /data/a]/kind
        instance('letters')/root/item[low > 5]/name""",
    "T": """true()
        false()
        /data/b
        /data/n = 5
        /data/blank = ''""",
    "D": """/data/d
        /data/dt
        date('2024-02-29')
        date('1999-12-31')
        date(/data/n)
        date(10.7)
        today()
        date-time('2024-01-31T23:30:00.250-03:00')
        date-time('2024-07-01T03:30:00Z')
        date(/data/dt)""",
    "R": """/data/inner/person
        /data/inner/person/child
        ../child
        ../../person
        /data/inner/person[age > 3]
        /data/inner/person[position() = 2]/child
        /data/inner/person[count(child) > 0]
        /data/inner/person[name = 'B']
        instance('letters')/root/item
        instance('letters')/root/item[kind = '1']
        /data/irr
        /data/missing""",
    "V": """/data/inner/person/age
        /data/inner/person/name
        /data/inner/person/child/c
        ../child/c
        ../../person/age
        /data/inner/person[age > 3]/age
        /data/inner/person[position() = 2]/child/c
        /data/inner/person[child/c = 7]/name
        /data/inner/person/child[c > 1]/c
        /data/inner/person[name = 'B' and age > 3]/child[position() = 1]/c
        /data/inner/person[age = max(/data/inner/person/age)]/name
        instance('letters')/root/item/low
        instance('letters')/root/item[kind = '1']/name
        instance('letters')/root/item[low < /data/n]/name
        instance('letters')/root/item[selected(/data/m, name)]/low
        instance('letters')/root/item[kind = '1'][low > 0]/name
        randomize(instance('letters')/root/item/name, 42)
        randomize(/data/inner/person/name, '7')
        /data/missing
        /data/irr/x
        /data/n""",
}
JAVA_SHAPES = {
    "N": """(<N> «+|-|*|div|mod» <N>)
        (<N> «+|-|*» <A>)
        (<D> - <D>)
        (<D> «+|-» <N>)
        -<N>
        round(<N>, «0|1|2|-1|-2»)
        round(<A>)
        «int|number|string-length|abs»(<A>)
        «sqrt|exp|log|log10|sin|cos|tan|atan|asin|acos|exp10»(<N>)
        pow(<N>, «0|1|2|-1|0.5|3»)
        atan2(<N>, <N>)
        count-selected(<S>)
        count(<R>)
        count-non-empty(<V>)
        «sum|max|min»(<V>)
        «max|min»(<N>, <A>)
        «max|min»(<N>, <N>, <S>)
        if(<T>, <N>, <A>)
        coalesce(<A>, <N>)
        position(«..|../..|/data/inner/person[position() = 2]»)
        decimal-date-time(<D>)
        decimal-time(<D>)
        indexed-repeat(/data/inner/person/age, /data/inner/person, <N>)
        indexed-repeat(/data/inner/person/child/c, /data/inner/person, «1|2», /data/inner/person/child, <N>)
        sum(/data/inner/person[<N> «>|<|=» <N>]/age)
        count(/data/inner/person[<T>])
        count(instance('letters')/root/item[<N> «>|<=» low])
        distance(/data/shape)
        string-length(digest(<S>, «'MD5'|'SHA-1'|'SHA-512'», «'hex'|'base64'»))""",
    "S": """concat(<A>, <A>)
        concat(<V>)
        substr(<S>, <N>, <N>)
        substr(<S>, «-2|-1|0|1|2»)
        string(<A>)
        selected-at(<S>, <N>)
        «substring-before|substring-after»(<S>, <S>)
        translate(<S>, <S>, <S>)
        join(«'-'|', '|''», <V>)
        join('/', <A>, <A>, <S>)
        format-date(<D>, «'%Y-%m-%d'|'%b %e %n %y'|'%a %d %W'|'%H:%M'|'%%%Y'»)
        format-date-time(<D>, «'%Y-%m-%d %H:%M:%S'|'%h:%M %3'»)
        normalize-space(<S>)
        digest(<S>, «'MD5'|'SHA-1'|'SHA-256'|'SHA-384'|'SHA-512'», «'hex'|'base64'»)
        base64-decode(«'aG9sYQ=='|/data/a|'w7FhbmTDug=='»)
        if(<T>, <S>, <A>)
        coalesce(<S>, <A>)
        once(<A>)
        string(<D>)
        instance('letters')/root/item[name = <S>]/kind
        jr:choice-name(<S>, '/data/sel')
        indexed-repeat(/data/inner/person/name, /data/inner/person, <N>)""",
    "T": """<A> «=|!=|<|<=|>|>=» <A>
        <N> «=|!=|<|<=|>|>=» <N>
        <D> «=|!=|<|<=|>|>=» <D>
        <S> «=|!=» <S>
        <S> = <D>
        (<T> «and|or» <T>)
        (<T> and <T> and <T>)
        «not|boolean|boolean-from-string»(<A>)
        selected(«/data/m|/data/a|'a b c'|/data/blank», <S>)
        is-selected(/data/m, <S>)
        «contains|starts-with|ends-with»(<S>, <S>)
        regex(<S>, «'[a-z0-9 ]*'|'.+'|'[^a]b?'|'\\d+'|'[A-Za-zÑñú]{2,5}'»)
        checklist(«-1|0|1|2», «-1|1|2|3», <T>, <T>, <A>)
        weighted-checklist(«0|1|2», «3|5», <T>, <N>, <T>, <N>)
        <V> = <A>""",
    "D": """date(<A>)
        date-time(<S>)
        date(<D> + <N>)
        if(<T>, <D>, <D>)
        coalesce(<S>, <D>)""",
}
