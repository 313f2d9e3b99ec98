"""Charts to take along: a picture that stands alone, and a piece of HTML for somebody else's page.

Both carry the name of the indicator, the source and the licence, their own colours and no script, and ask nothing of
another host.
"""

from __future__ import annotations

import re
from html import escape
from importlib.resources import files
from typing import Final

from reports.charts import Chart, letter_shapes
from reports.results import Result
from reports.sentences import tell
from reports.views import chart_words, tell_line
from reports.wording import Wording

_MARGIN: Final = 14
_TITLE: Final = 22
_NOTE: Final = 15
_WIDE: Final = 34
"""Characters of a title's line."""

_NOTE_WIDE: Final = 56


def chart_path(result: Result, kind: str) -> str:
    """Path of a chart that stands alone, within the pages of a language.

    Args:
        result: what is drawn.
        kind: "svg" or "html".
    """
    return f"graficos/{result.indicator.name}.{kind}"


def draw_picture(result: Result, chart: Chart, source: str, licence: str, wording: Wording) -> str:
    """The chart as an SVG file: title above, source and licence below.

    Args:
        result: what is drawn.
        chart: its shapes.
        source, licence: lines below the chart.
        wording: the language.
    """
    _, _, width, height = (float(part) for part in chart.view_box.split())
    label = wording.pick(result.indicator.label)
    title = _wrap(label, _WIDE)
    hatched = wording.text("result.hatched") if 'class="c-void"' in chart.shapes else ""
    told = [tell_line(result, wording), hatched, source, licence]
    notes = [line for text in told if text for line in _wrap(text, _NOTE_WIDE)]
    top = _MARGIN + _TITLE * len(title) + 6
    bottom = top + height + _NOTE * len(notes) + 12
    identity = f"p-{result.indicator.name}"
    full = width + 2 * _MARGIN
    heads = "".join(
        f'<text class="p-title" x="{_MARGIN}" y="{_MARGIN + _TITLE * (at + 0.6):.0f}">{escape(line)}</text>'
        for at, line in enumerate(title)
    )
    feet = "".join(
        f'<text class="p-note" x="{_MARGIN}" y="{top + height + _NOTE * (at + 1):.0f}">{escape(line)}</text>'
        for at, line in enumerate(notes)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cml" viewBox="0 0 {full:.0f} {bottom:.0f}" '
        f'width="{full:.0f}" height="{bottom:.0f}" role="img" lang="{wording.language}" '
        f'aria-labelledby="{identity}-t {identity}-d"><title id="{identity}-t">{escape(label)}</title>'
        f'<desc id="{identity}-d">{escape(" ".join([*tell(result, wording), source]))}</desc>'
        f"<style>{_style()}</style>"
        f'<rect class="p-paper" width="{full:.0f}" height="{bottom:.0f}"/>{heads}'
        f'<g transform="translate({_MARGIN},{top})">{letter_shapes(chart, chart_words(result, wording), identity)}</g>'
        f"{feet}</svg>"
    )


def embed(picture: str, source: str, licence: str, wording: Wording) -> str:
    """The picture within a figure, to be pasted into another page.

    Args:
        picture: by `draw_picture`.
        source, licence: what whoever embeds it must say.
        wording: the language.
    """
    scaled = re.sub(r' width="\d+" height="\d+"', "", picture, count=1)
    return (
        f'<figure class="comunal" lang="{wording.language}" style="margin:0;max-width:30rem">\n{scaled}\n'
        f'<figcaption style="font:0.85rem/1.4 sans-serif">{escape(source)} {escape(licence)}'
        "</figcaption>\n</figure>\n"
    )


def _style() -> str:
    return files("reports").joinpath("static", "chart.css").read_text(encoding="utf-8").strip()


def _wrap(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width) or [""]
