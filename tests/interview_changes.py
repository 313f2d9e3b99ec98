"""One change at random in an interview: what an editing hand, a stale draft or another client could have done."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta

from lxml import etree

from forms.compile import CompiledForm
from schemas.fields import Field, Group, Node, Repeat

Place = tuple[Node, etree._Element]


class Changer:
    """Changes interviews of one form.

    Args:
        compiled: the form.
        chance: decides everything.
    """

    def __init__(self, compiled: CompiledForm, chance: random.Random) -> None:
        self.compiled, self.chance = compiled, chance
        self.kinds: dict[str, Callable[[etree._Element], bool]] = {
            "other choice": self._other_choice,
            "unlisted choice": self._unlisted_choice,
            "choice added": self._choice_added,
            "text in a number": self._text_in_number,
            "decimal in an integer": self._decimal_in_integer,
            "integer beyond 32 bits": self._huge_integer,
            "number out of range": self._odd_number,
            "other number": self._other_number,
            "blanked": self._blanked,
            "white space": self._white_space,
            "absent": self._absent,
            "group absent": self._group_absent,
            "answer where none was asked": self._unasked,
            "stale calculation": self._stale_calculation,
            "calculation blanked": self._blank_calculation,
            "date moved": self._date_moved,
            "no date": self._bad_date,
            "moment moved": self._moment_moved,
            "impossible position": self._bad_position,
            "other text": self._other_text,
            "row doubled": self._row_doubled,
            "row missing": self._row_missing,
            "unknown node": self._unknown_node,
        }

    def change(self, xml: bytes) -> tuple[str, bytes]:
        """The kind of change made, and the changed interview."""
        names = list(self.kinds)
        self.chance.shuffle(names)
        for name in names:
            root = etree.fromstring(xml)
            if self.kinds[name](root):
                changed = etree.tostring(root, encoding="utf-8")
                if changed != etree.tostring(etree.fromstring(xml), encoding="utf-8"):
                    return name, changed
        raise AssertionError("nothing can be changed")

    # -- places ----------------------------------------------------------------------------------------------------
    def _places(self, root: etree._Element) -> Iterator[Place]:
        def visit(node: Node, element: etree._Element) -> Iterator[Place]:
            yield node, element
            for child in () if isinstance(node, Field) else node.children:
                for below in element:
                    if etree.QName(below).localname == child.name:
                        yield from visit(child, below)

        yield from visit(self.compiled.form.root, root)

    def _pick(self, root: etree._Element, wanted: Callable[[Field], bool]) -> tuple[Field, etree._Element] | None:
        """One answered question of that kind."""
        found = [
            (node, place)
            for node, place in self._places(root)
            if isinstance(node, Field) and node.column and (place.text or "").strip() and wanted(node)
        ]
        return self.chance.choice(found) if found else None

    def _set(self, root: etree._Element, wanted: Callable[[Field], bool], make: Callable[[Field, str], str]) -> bool:
        found = self._pick(root, wanted)
        if found is None:
            return False
        node, place = found
        place.text = make(node, place.text or "")
        return True

    def _codes(self, field: Field) -> list[str]:
        items = self.compiled.form.instances[field.list_name].items if field.list_name else ()
        return [choice.value for choice in field.choices] or [item.get(field.value_ref, "") for item in items] or ["x"]

    # -- changes ---------------------------------------------------------------------------------------------------
    def _other_choice(self, root: etree._Element) -> bool:
        return self._set(root, lambda q: q.is_select, lambda q, _: self.chance.choice(self._codes(q)))

    def _unlisted_choice(self, root: etree._Element) -> bool:
        def make(q: Field, text: str) -> str:
            return f"{text} nowhere" if q.is_multiple and self.chance.random() < 0.5 else "nowhere"

        return self._set(root, lambda q: q.is_select, make)

    def _choice_added(self, root: etree._Element) -> bool:
        return self._set(root, lambda q: q.is_multiple, lambda q, text: f"{text} {self.chance.choice(self._codes(q))}")

    def _text_in_number(self, root: etree._Element) -> bool:
        texts = ("doce", "12a", "1 2", "1,5", "--", "NaN", "1e", "0x1F", "∞", "１２")
        return self._set(root, lambda q: q.type in {"int", "decimal"}, lambda q, _: self.chance.choice(texts))

    def _decimal_in_integer(self, root: etree._Element) -> bool:
        return self._set(root, lambda q: q.type == "int", lambda q, text: f"{text}.7")

    def _huge_integer(self, root: etree._Element) -> bool:
        return self._set(
            root, lambda q: q.type == "int", lambda q, text: self.chance.choice(("2147483648", "99999999999"))
        )

    def _odd_number(self, root: etree._Element) -> bool:
        numbers = ("-1", "0", "1", "99", "130", "1800", "2027", "2147483647")
        return self._set(root, lambda q: q.type in {"int", "decimal"}, lambda q, _: self.chance.choice(numbers))

    def _other_number(self, root: etree._Element) -> bool:
        def make(q: Field, text: str) -> str:
            with suppress(ValueError):
                return str(int(float(text)) + self.chance.randint(-12, 12))
            return "7"

        return self._set(root, lambda q: q.type in {"int", "decimal"}, make)

    def _blanked(self, root: etree._Element) -> bool:
        return self._set(root, lambda q: not q.calculation, lambda q, _: "")

    def _white_space(self, root: etree._Element) -> bool:
        def make(q: Field, text: str) -> str:
            return self.chance.choice((" ", "\n  ", f" {text}", f"{text}\n"))

        return self._set(root, lambda q: not q.calculation, make)

    def _absent(self, root: etree._Element) -> bool:
        found = self._pick(root, lambda q: not q.calculation)
        if found is None:
            return False
        found[1].getparent().remove(found[1])
        return True

    def _group_absent(self, root: etree._Element) -> bool:
        found = [
            place
            for node, place in self._places(root)
            if isinstance(node, Group) and place is not root and node.name != "meta"
        ]
        if found:
            place = self.chance.choice(found)
            place.getparent().remove(place)
        return bool(found)

    def _unasked(self, root: etree._Element) -> bool:
        """An answer to a question that has none: mostly since it wasn't asked."""
        ways = [
            way
            for way in self._ways(self.compiled.form.root, [])
            if isinstance(way[-1], Field) and way[-1].column and not way[-1].calculation and not way[-1].preload
        ]
        self.chance.shuffle(ways)
        for way in ways:
            place = root
            for node in way:
                found = [below for below in place if etree.QName(below).localname == node.name]
                place = self.chance.choice(found) if found else self._insert(place, node)
            question = way[-1]
            if not (place.text or "").strip() and isinstance(question, Field):
                place.text = self._some_answer(question)
                return True
        return False

    def _ways(self, node: Node, above: list[Node]) -> Iterator[list[Node]]:
        for child in () if isinstance(node, Field) else node.children:
            way = [*above, child]
            yield way
            yield from self._ways(child, way)

    def _insert(self, place: etree._Element, node: Node) -> etree._Element:
        """A new node, where the form has it: before the first of the children that come after it."""
        path = node.path.rpartition("/")[0]
        above = next(other for other in self._all() if other.path == path)
        names = [] if isinstance(above, Field) else [child.name for child in above.children]
        later = set(names[names.index(node.name) + 1 :])
        namespace = etree.QName(place).namespace
        made = etree.Element(f"{{{namespace}}}{node.name}" if namespace else node.name)
        at = next((at for at, below in enumerate(place) if etree.QName(below).localname in later), len(place))
        place.insert(at, made)
        return made

    def _all(self) -> Iterator[Node]:
        yield self.compiled.form.root
        yield from (way[-1] for way in self._ways(self.compiled.form.root, []))

    def _some_answer(self, question: Field) -> str:
        if question.is_select:
            return self.chance.choice(self._codes(question))
        day = date(2026, 11, 24) - timedelta(days=self.chance.randint(0, 9000))
        known = {"int": str(self.chance.randint(0, 99)), "decimal": "2.5", "date": day.isoformat()}
        known |= {"dateTime": f"{day}T10:00:00.000-03:00", "time": "10:00:00.000-03:00"}
        known |= {"geopoint": "-33.4 -70.6 0 0", "geotrace": "-33.4 -70.6 0 0;-33.5 -70.6 0 0"}
        return known.get(question.type, "algo")

    def _stale_calculation(self, root: etree._Element) -> bool:
        def make(q: Field, text: str) -> str:
            with suppress(ValueError):
                return str(int(float(text)) + self.chance.randint(1, 3))
            return self.chance.choice(("1", "no", "2020-02-02"))

        return self._set(root, lambda q: bool(q.calculation), make)

    def _blank_calculation(self, root: etree._Element) -> bool:
        return self._set(root, lambda q: bool(q.calculation), lambda q, _: "")

    def _date_moved(self, root: etree._Element) -> bool:
        def make(q: Field, text: str) -> str:
            days = self.chance.choice((-15000, -4000, -366, -31, -1, 1, 31, 366, 4000))
            with suppress(ValueError):
                return (date.fromisoformat(text) + timedelta(days=days)).isoformat()
            return "2026-01-01"

        return self._set(root, lambda q: q.type == "date", make)

    def _bad_date(self, root: etree._Element) -> bool:
        texts = ("2026-02-30", "2026-13-01", "24/11/2026", "2026-1-5", "ayer", "2026-11-24T10:00:00Z")
        return self._set(root, lambda q: q.type == "date", lambda q, _: self.chance.choice(texts))

    def _moment_moved(self, root: etree._Element) -> bool:
        def make(q: Field, text: str) -> str:
            return f"{2026 - self.chance.choice((1, 3, 20))}{text[4:]}"

        return self._set(root, lambda q: q.type == "dateTime", make)

    def _bad_position(self, root: etree._Element) -> bool:
        return self._set(root, lambda q: q.type == "geopoint", lambda q, _: "-133.4 -70.7 0 0")

    def _other_text(self, root: etree._Element) -> bool:
        texts = ("a", "Ana María", "5", "12345678", "x@y.cl", "<&>'\"", "á" * 300)
        wanted = lambda q: q.type == "string" and not q.is_select and not q.calculation  # noqa: E731
        return self._set(root, wanted, lambda q, _: self.chance.choice(texts))

    def _row_doubled(self, root: etree._Element) -> bool:
        found = [place for node, place in self._places(root) if isinstance(node, Repeat)]
        if found:
            place = self.chance.choice(found)
            place.addnext(copy.deepcopy(place))
        return bool(found)

    def _row_missing(self, root: etree._Element) -> bool:
        found = [place for node, place in self._places(root) if isinstance(node, Repeat)]
        if found:
            place = self.chance.choice(found)
            place.getparent().remove(place)
        return bool(found)

    def _unknown_node(self, root: etree._Element) -> bool:
        etree.SubElement(root, "nobody_knows").text = "1"
        return True
