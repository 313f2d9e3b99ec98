r"""How names sound to Spanish and Haitian ears, so that one name written in two ways is one.

The key of a word is its consonants by sound; vowels count only where a word begins with one. It is made for names as
they are met in Chile: `Yanet`, `Janeth`; `Wilson`, `Vilson`; `Jéan`, `Jean`; `Phanor`, `Fanor`; `González`, `Gonsales`.
"""

from __future__ import annotations

import polars as pl

_RULES: tuple[tuple[str, str], ...] = (
    (r"ph", "f"),
    (r"pt", "t"),
    (r"elle$", "el"),  # French: Michelle
    (r"(qu|c|g)u?([ei])", "$1$2"),  # the u of que, gui is mute
    (r"q", "k"),
    (r"sch|sh|tch|ch", "x"),
    (r"[sc]c?([ei])", "s$1"),
    (r"g([ei])", "j$1"),
    (r"[cq]", "k"),
    (r"ck", "k"),
    (r"[zç]|x$", "s"),
    (r"ll|y", "j"),
    (r"[vw]", "b"),
    (r"h", ""),
    (r"gn", "n"),
    (r"m([bp])", "n$1"),
    (r"[aeiou]+$", ""),
    (r"[dt]s?$|s$", ""),  # mute or dropped at the end
)


def sound_key(words: pl.Expr) -> pl.Expr:
    """The key of one word; null for null.

    Args:
        words: one word each, without accents, in lower case.
    """
    key = words
    for pattern, sound in _RULES:
        key = key.str.replace_all(pattern, sound)
    first = key.str.slice(0, 1).str.replace(r"[aeiou]", "a")
    rest = key.str.slice(1).str.replace_all(r"[aeiou]", "")
    # Two of a letter sound as one; the regular expressions at hand know no back references.
    joined = first + rest
    for letter in "bdfgjklmnprstx":
        joined = joined.str.replace_all(letter + "{2,}", letter)
    return pl.when(joined == "").then(words).otherwise(joined)


def sound_keys(names: pl.Series) -> pl.Series:
    """The keys of whole names, word by word, sorted and joined by spaces: names are given in either order."""
    words = names.unique().drop_nulls().to_frame("name").with_columns(pl.col("name").str.split(" ").alias("word"))
    keyed = words.explode("word").with_columns(sound_key(pl.col("word")).alias("key"))
    joined = keyed.group_by("name").agg(pl.col("key").sort().str.join(" "))
    return names.to_frame("name").join(joined, on="name", how="left", maintain_order="left")["key"]
