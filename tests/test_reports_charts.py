"""Charts and the map: drawn once without words, then lettered; lengths stand for figures."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from lxml import etree

from reports.charts import Bar, BarGroup, draw_bars, letter
from reports.drawings import clean_drawing
from reports.maps import draw_map, letter_map
from reports.wording import Wording

GROUPS = (
    BarGroup("sex", (Bar("f", 10.0), Bar("m", 20.0, 15.0, 24.0))),
    BarGroup("", (Bar("few", None, is_hidden=True), Bar("long", 5.0, is_long=True))),
)
WORDS = {
    "sex": "Sexo",
    "f": "Mujeres & niñas",
    "=f": "10 %",
    "m": "Hombres",
    "=m": "20 %",
    "few": "Pocos",
    "long": "Barrio industrial\ny borde rural",
    "=few": "oculto",
}


@pytest.fixture(scope="module")
def drawing() -> etree._Element:
    return etree.fromstring(letter(draw_bars(GROUPS, 12.0, True), WORDS, "A < B", "Sexo.", "c"))


def widths(drawing: etree._Element) -> list[float]:
    return [
        float(re.match(r"M148,[\d.]+h([\d.]+)v", bar.get("d", ""))[1])
        for bar in drawing.findall("path[@class='c-bar']")
    ]  # type: ignore[index]


def test_bars_are_as_long_as_their_figures(drawing: etree._Element) -> None:
    """The scale ends at 25 per cent, the next step above 24, over 130 points."""
    assert widths(drawing) == pytest.approx([52, 104, 26], abs=0.1)


def test_a_withheld_figure_has_a_word_and_a_hatched_box_and_no_bar(drawing: etree._Element) -> None:
    (void,) = drawing.findall("path[@class='c-void']")
    assert void.get("fill") == f"url(#{drawing.find('pattern').get('id')})"  # type: ignore[union-attr]
    assert "h58v11h-58" in void.get("d", "")
    assert [text.text for text in drawing.findall("text[@class='c-hidden']")] == ["oculto"]
    assert len(widths(drawing)) == 3


def test_intervals_and_the_total_are_lines(drawing: etree._Element) -> None:
    assert len(drawing.findall("line[@class='c-range']")) == 1
    assert len(drawing.findall("line[@class='c-total']")) == 1


def test_words_stand_where_their_marks_stood(drawing: etree._Element) -> None:
    assert [text.text for text in drawing.findall("text[@class='c-text']")] == [
        "Mujeres & niñas",
        "Hombres",
        "Pocos",
        None,
    ]
    assert [text.text for text in drawing.findall("text[@class='c-head']")] == ["Sexo"]
    assert drawing.findtext("title") == "A < B" and drawing.get("aria-labelledby") == "c-t c-d"


def test_a_long_label_has_room_for_two_lines_beside_its_bar(drawing: etree._Element) -> None:
    labels = [float(text.get("y", "")) for text in drawing.findall("text[@class='c-text']")]
    values = [float(text.get("y", "")) for text in drawing.findall("text[@class='c-value']")]
    assert values[0] == labels[0] and values[-1] == labels[-1]
    assert [round(below - above, 1) for above, below in pairwise(labels)] == [23, 23, 29.5]
    (long,) = [text for text in drawing.findall("text[@class='c-text']") if len(text)]
    assert [(line.text, line.get("x")) for line in long] == [("Barrio industrial", "1"), ("y borde rural", "1")]


def test_a_figure_that_is_not_reliable_is_drawn_pale() -> None:
    weak = draw_bars((BarGroup("", (Bar("a", 5.0, is_weak=True), Bar("b", 5.0))),), None, True)
    assert [weak.shapes.count(f'class="{name}"') for name in ("c-weak", "c-bar")] == [1, 1]


def test_a_drawing_brings_no_colour_font_or_role_of_its_own(drawing: etree._Element) -> None:
    names = {str(name) for element in drawing.iter() for name in element.attrib}
    assert names <= {"class", "viewBox", "role", "aria-labelledby", "id", "d", "x", "y", "x2", "y2", "transform"} | {
        *("dy", "fill", "width", "height", "patternUnits"),
    }
    assert {element.get("fill") for element in drawing.iter() if element.get("fill")} == {"url(#c-h)"}


def test_shapes_of_unknown_colours_are_dropped() -> None:
    shapes = '<rect fill="red"/><path fill="#000009" d="M0,0"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">{shapes}</svg>'
    assert clean_drawing(svg, {"#000009": "c"}, {}) == ("0 0 1 1", '<path class="c" d="M0,0"/>')


def test_the_map_shows_the_commune_among_its_neighbours() -> None:
    found = draw_map("13125")
    assert found is not None
    neighbours = {shape.name for shape in found.shapes if shape.is_neighbour}
    assert neighbours == {"Colina", "Conchalí", "Huechuraba", "Lampa", "Pudahuel", "Renca"}
    drawing = etree.fromstring(letter_map(found, Wording("ht")))
    assert [shape.get("class") for shape in drawing.findall("path")].count("m-here") == 1
    figures = {text.text: text.findtext("tspan") for text in drawing.findall("text")}
    assert figures["Quilicura"] == "28\u202f453" and figures["Renca"] == "p/d" and figures["Colina"] == "17\u202f645"


def test_there_is_no_map_of_a_place_without_boundary() -> None:
    assert draw_map("") is None and draw_map("99999") is None
