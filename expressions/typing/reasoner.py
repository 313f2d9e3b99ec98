"""What can be proved of a form's conditions: that they never hold, or always do.

Proved means for every interview that ODK Collect lets an enumerator make: answers fit their types, lists and own
constraints, and a question that has an answer is relevant. Where a proof isn't found nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from expressions.grammar import parse
from expressions.syntax import Expr
from expressions.targets import Place
from expressions.typing.cases import Case, Cases, all_of, is_possible
from expressions.typing.conditions import Conditions
from expressions.typing.domains import Domain
from expressions.typing.questions import Variable, absolute, type_domain
from schemas.errors import ExpressionError
from schemas.fields import MAIN_TABLE, Field, Form, Node, Repeat

_MOST_STEPS = 400


@dataclass(frozen=True, slots=True)
class Demand:
    """A condition at its place, and the truth it is to have.

    Attributes:
        tree: the condition.
        place: where it stands.
        wanted: whether it must hold, or must not.
    """

    tree: Expr
    place: Place
    wanted: bool = True


class Reasoner:
    """Proves things about one form.

    Args:
        form: the form.
        with_constraints: whether answers are taken to meet their questions' constraints and relevance, as on the
            phone. Data that came another way may not.
    """

    def __init__(self, form: Form, with_constraints: bool = True) -> None:
        self.form = form
        self._with_constraints = with_constraints
        self._domains: dict[str, Domain] = {}
        self._implied: dict[str, Cases] = {}

    # -- what stands in the form -----------------------------------------------------------------------------------
    @cached_property
    def relevance(self) -> dict[str, tuple[Demand, ...]]:
        """Path of a node -> the conditions under which it is asked: those of its groups from the outside, its own."""
        found: dict[str, tuple[Demand, ...]] = {}

        def visit(node: Node, above: tuple[Demand, ...], table: str) -> None:
            own = node.table if isinstance(node, Repeat) else table
            demand = self.demand(node.relevant, stand_in(node, own))
            found[node.path] = (*above, demand) if demand else above
            if not isinstance(node, Field):
                for child in node.children:
                    visit(child, found[node.path], own)

        visit(self.form.root, (), MAIN_TABLE)
        return found

    @cached_property
    def questions(self) -> dict[str, Field]:
        """Path -> question."""
        return {field.path: field for field in self.form.fields()}

    def demand(self, text: str | None, field: Field, wanted: bool = True) -> Demand | None:
        """A condition at a question; null if there is none or it can't be read."""
        tree = read(text)
        return Demand(tree, Place(self.form, field.table, field), wanted) if tree is not None else None

    # -- proofs ----------------------------------------------------------------------------------------------------
    def is_impossible(
        self, demands: Iterable[Demand], given: Case | None = None, free: frozenset[str] = frozenset()
    ) -> bool:
        """Whether the conditions can't have their wanted truths at once.

        Args:
            given: what is known besides.
            free: paths of questions whose own constraint is not taken for granted.
        """
        parts = [(given or Case(),), *(self._cases(demand, free) for demand in demands)]
        steps = [_MOST_STEPS]
        return not any(self._can_be(case, frozenset(), free, steps) for case in all_of(parts))

    def answered(self, field: Field) -> Case:
        """The case in which a question has an answer of its type."""
        return Case({field.path: self.type_domain(field).answered()})

    def type_domain(self, field: Field) -> Domain:
        """What a question may hold by its type."""
        return type_domain(Variable(field.path, field), read(field.calculation))

    def domain(self, field: Field) -> Domain:
        """What a question may hold by its type and its own constraint."""
        if field.path not in self._domains:
            self._domains[field.path] = self._constrained(field)
        return self._domains[field.path]

    def _constrained(self, field: Field) -> Domain:
        top = self.type_domain(field)
        demand = self.demand(field.constraint, field)
        if demand is None or not self._with_constraints or not _is_typed_in(field):
            return top
        conditions = Conditions(demand.place, {field.path: top.answered()})
        answered = Case({field.path: top.answered()})
        found: Domain | None = None
        for case in all_of(((answered,), conditions.cases(demand.tree))):
            one = case.domains[field.path]
            found = found.join(one) if found is not None else one
        if found is None:
            return top.meet(replace(top, answers=top.answers.only(frozenset())))
        return Domain(True, found.answers)

    def _cases(self, demand: Demand, free: frozenset[str]) -> Cases:
        _, variables, _ = absolute(demand.tree, demand.place)
        bounds = {key: self._bound(key, free) for key in variables}
        return Conditions(demand.place, bounds).cases(demand.tree, demand.wanted)

    def _bound(self, key: str, free: frozenset[str]) -> Domain:
        field = self.questions[key]
        return self.type_domain(field) if key in free else self.domain(field)

    def _can_be(self, case: Case, done: frozenset[str], free: frozenset[str], steps: list[int]) -> bool:
        """Whether the case may come about, its questions' own relevance included. True if in doubt."""
        steps[0] -= 1
        if steps[0] < 0:
            return True
        bounded = case.meet(Case({key: self._bound(key, free) for key in case.domains if key in self.questions}))
        if bounded is None or not is_possible(bounded):
            return False
        if not self._with_constraints:
            return True
        for key, domain in bounded.domains.items():
            path = key.removeprefix("#")
            if domain.may_be_blank or path in done or path not in self.questions:
                continue
            return any(
                self._can_be(one, done | {path}, free, steps) for one in all_of(((bounded,), self._implied_by(path)))
            )
        return True

    def _implied_by(self, path: str) -> Cases:
        """The cases in which a question may have an answer: it is relevant."""
        if path not in self._implied:
            parts = [self._cases(demand, frozenset()) for demand in self.relevance.get(path, ())]
            self._implied[path] = all_of(parts)
        return self._implied[path]


def stand_in(node: Node, table: str) -> Field:
    """The node itself if it is a question; for a group, a question at its place, since conditions stand there too."""
    return node if isinstance(node, Field) else Field(node.name, node.path, table=table)


def read(text: str | None) -> Expr | None:
    """The tree of an expression, null if there is none or it can't be read (which is reported elsewhere)."""
    if not text:
        return None
    try:
        return parse(text)
    except ExpressionError:
        return None


def _is_typed_in(field: Field) -> bool:
    """Whether every answer comes from the enumerator, so that the constraint is enforced."""
    given = field.default or field.set_on_load or field.calculation or field.preload
    return field.control not in {"", "trigger"} and not given and (field.readonly or "false()") == "false()"
