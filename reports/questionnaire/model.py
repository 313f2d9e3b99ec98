"""A form as the parts of its paper: questions in order, numbered, with the sentences that explain each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from expressions.sentences.rules import explain_form
from schemas.fields import Choice, Field, Form, Node, Repeat

LONGEST_LIST: Final = 24
"""Choices that stand with their question; a longer list stands once, at the end."""

_AUTOMATIC: Final = {
    "timestamp/start": "start",
    "timestamp/end": "end",
    "date/today": "today",
    "property/deviceid": "deviceid",
    "property/username": "username",
    "property/phonenumber": "phonenumber",
    "property/email": "email",
}
_MEDIA: Final = {"image": "image", "audio": "audio", "video": "video"}
_TYPES: Final = {
    "int": "number",
    "decimal": "decimal",
    "date": "date",
    "time": "time",
    "dateTime": "datetime",
    "geopoint": "position",
    "geotrace": "line",
    "geoshape": "area",
    "barcode": "barcode",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that stands on the paper.

    Attributes:
        kind: "question", "note", "section" (a group with a label), "group" (one without) or "repeat".
        node: of the form.
        number: of a question from "1", "" for the others.
        answer: key of what is answered: "one", "many", "rank", "number", "text", "date", ...; "" if nothing is.
        choices: that stand with the question.
        letter: of the list at the end that has them instead, "" if they stand here.
        open_list: whether its choices come from a file or from answers.
        when, accepts, offered: sentences: when it is asked, what it accepts, which choices it offers.
        required: "" if it may stay blank, else a sentence.
        count: of a repeat, how many entries it has, "" if as many as there are.
        items: within a section, group or repeat.
    """

    kind: str
    node: Node
    number: str = ""
    answer: str = ""
    choices: tuple[Choice, ...] = ()
    letter: str = ""
    open_list: bool = False
    when: str = ""
    accepts: str = ""
    offered: str = ""
    required: str = ""
    count: str = ""
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Calculation:
    """What a form computes: name and a sentence."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """All of a form that a reader wants on paper, in one language.

    Attributes:
        items: in form order.
        lists: letter -> choices of a long list, in order of their first question.
        calculations: in form order.
        automatic: keys of what the phone notes by itself.
        numbers: name of a question -> its number.
    """

    form: Form
    language: str
    items: tuple[Item, ...]
    lists: Mapping[str, tuple[Choice, ...]]
    calculations: tuple[Calculation, ...]
    automatic: tuple[str, ...]
    numbers: Mapping[str, str]


def draw_up(form: Form, language: str) -> Questionnaire:
    """The questionnaire of a form.

    Args:
        form: of any workbook, with the languages it has.
        language: "es", "ht" or "en": of the sentences, and of labels where the form has them.
    """
    sentences: dict[str, dict[str, str]] = {}
    for said in explain_form(form, None, language):
        sentences.setdefault(_key(said.row, said.name), {})[said.kind] = said.sentence
    drawer = _Drawer(form, sentences)
    items = tuple(drawer.draw(form.root.children))
    computed = tuple(
        Calculation(each.name, sentences[key]["calculation"])
        for each in form.fields()
        if not each.control and "calculation" in sentences.get(key := _key(each.row, each.name), {})
    )
    noted = [_AUTOMATIC[each.preload] for each in form.fields() if each.preload in _AUTOMATIC]
    automatic = tuple(dict.fromkeys([*noted, *(["audit"] if form.audit else [])]))
    return Questionnaire(form, language, items, drawer.lists, computed, automatic, drawer.numbers)


def count_questions(items: tuple[Item, ...]) -> int:
    """Questions among the items and within them."""
    return sum((item.kind == "question") + count_questions(item.items) for item in items)


def _key(row: int | None, name: str) -> str:
    return f"{row or ''} {name}"


@dataclass(slots=True)
class _Drawer:
    form: Form
    sentences: Mapping[str, Mapping[str, str]]
    lists: dict[str, tuple[Choice, ...]] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    def draw(self, nodes: tuple[Node, ...]) -> Iterator[Item]:
        for node in nodes:
            if isinstance(node, Field):
                if node.control:
                    yield self._draw_field(node)
                continue
            items = tuple(self.draw(node.children))
            if items:
                said = self.sentences.get(_key(node.row, node.name), {})
                kind = "repeat" if isinstance(node, Repeat) else "section" if node.label else "group"
                when, count = said.get("relevant", ""), said.get("repeat_count", "")
                yield Item(kind, node, when=when, count=count, items=items)

    def _draw_field(self, node: Field) -> Item:
        said = self.sentences.get(_key(node.row, node.name), {})
        when = said.get("relevant", "")
        if node.control == "input" and (node.readonly or "").strip() == "true()":
            return Item("note", node, when=when)
        number = str(len(self.numbers) + 1)
        self.numbers.setdefault(node.name, number)
        long = len(node.choices) > LONGEST_LIST
        return Item(
            "question",
            node,
            number=number,
            answer=_answer(node),
            choices=() if long else node.choices,
            letter=self._letter(node.choices) if long else "",
            open_list=node.is_select and not node.choices,
            when=when,
            accepts=said.get("constraint", ""),
            offered=said.get("choice_filter", ""),
            required=said.get("required", ""),
        )

    def _letter(self, choices: tuple[Choice, ...]) -> str:
        for letter, known in self.lists.items():
            if known == choices:
                return letter
        letter = _letters(len(self.lists))
        self.lists[letter] = choices
        return letter


def _letters(number: int) -> str:
    first, last = divmod(number, 26)
    return (chr(64 + first) if first else "") + chr(65 + last)


def _answer(node: Field) -> str:
    match node.control:
        case "select1":
            return "one"
        case "select":
            return "many"
        case "rank":
            return "rank"
        case "trigger":
            return "acknowledge"
        case "range":
            return "range"
        case "upload":
            return _MEDIA.get(node.media_type.partition("/")[0], "file")
    words = node.appearance.split()
    if node.type == "date" and ("year" in words or "month-year" in words):
        return "year" if "year" in words else "month"
    return _TYPES.get(node.type, "text")
