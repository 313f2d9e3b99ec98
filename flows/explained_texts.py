"""What `comunal explain` says of an interview's rules, in Spanish, Kreyòl and English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from expressions.sentences.rules import RuleSentence, explain_form
from schemas.fields import Node, walk
from validation.disagreement import NAMES
from validation.reasons import say_reason
from validation.rules import rule_path
from validation.sentences import quote_label, type_name

if TYPE_CHECKING:
    from flows.explaining import Explanation
    from schemas.findings import Finding
    from validation.explaining import Explained, ShownValue

_TEXTS: Final[Mapping[str, tuple[str, str, str]]] = {
    # key: (es, ht, en)
    "interview": ("Encuesta {}", "Ankèt {}", "Interview {}"),
    "edited_once": (
        "  Corregida 1 vez; cuenta {1}",
        "  Yo korije l 1 fwa; sa ki konte a se {1}",
        "  Edited once; what counts is {1}",
    ),
    "edited": (
        "  Corregida {} veces; cuenta {}",
        "  Yo korije l {} fwa; sa ki konte a se {}",
        "  Edited {} times; what counts is {}",
    ),
    "corrections": (
        "  Respuestas cambiadas por decisiones: {}; se juzgan como quedaron",
        "  Repons desizyon yo chanje: {}; nou jije yo jan yo ye kounye a",
        "  Answers changed by decisions: {}; they are judged as they are now",
    ),
    "excluded": (
        "  Excluida por decisión: no cuenta en revisiones ni cifras",
        "  Yon desizyon mete l deyò: li pa konte nan verifikasyon ni chif yo",
        "  Excluded by decision: it counts in no check or figure",
    ),
    "form": (
        "  Formulario {}, versión {}; recibida el {}; juzgada como la entiende {}",
        "  Fòm {}, vèsyon {}; nou resevwa l {}; nou jije l jan {} konprann li",
        "  Form {}, version {}; received {}; judged as {} understands it",
    ),
    "counts": (
        "  Reglas: {} no se cumplen, {} sin revisar, {} se cumplen, {} sin nada que juzgar aquí",
        "  Règ: {} pa respekte, {} nou pa verifye, {} respekte, {} san anyen pou jije isit la",
        "  Rules: {} broken, {} not checked, {} hold, {} with nothing to judge here",
    ),
    "names_only": (
        "  Sin las respuestas: para verlas, --person ID --reason TEXTO.",
        "  San repons yo: pou wè yo, --person ID --reason TÈKS.",
        "  Without the answers: to see them, --person ID --reason TEXT.",
    ),
    "no_personal": (
        "  Sin las respuestas personales: esa persona no tiene derecho a verlas.",
        "  San repons pèsonèl yo: moun sa a pa gen dwa wè yo.",
        "  Without personal answers: that person has no right to see them.",
    ),
    "broken": ("NO SE CUMPLE", "PA RESPEKTE", "BROKEN"),
    "not_checked": ("SIN REVISAR", "PA VERIFYE", "NOT CHECKED"),
    "holds": ("SE CUMPLE", "RESPEKTE", "HOLDS"),
    "not_applicable": ("NADA QUE JUZGAR", "ANYEN POU JIJE", "NOTHING TO JUDGE"),
    "rows": ("({} filas)", "({} ranje)", "({} rows)"),
    "rule": ("Regla: {}", "Règ: {}", "Rule: {}"),
    "why": ("Por qué: {}", "Poukisa: {}", "Why: {}"),
    "finding": ("Hallazgo: {}", "Sa nou jwenn: {}", "Finding: {}"),
    "advice": ("Qué hacer: {}", "Sa pou fè: {}", "What to do: {}"),
    "engines": ("Según el programa: {}", "Selon pwogram nan: {}", "By program: {}"),
    "fails": ("{}: no se cumple", "{}: pa respekte", "{}: broken"),
    "passes": ("{}: se acepta", "{}: aksepte", "{}: accepted"),
    "answers": ("Respuestas:", "Repons:", "Answers:"),
    "depends": ("Depende de: {}", "Depann de: {}", "Depends on: {}"),
    "blank": ("(sin respuesta)", "(san repons)", "(no answer)"),
    "unreadable": ("(no se puede leer)", "(nou pa ka li l)", "(can't be read)"),
    "personal": ("(personal: no se muestra)", "(pèsonèl: nou pa montre l)", "(personal: not shown)"),
    "irrelevant": (
        "(no correspondía preguntarla: cuenta como sin respuesta)",
        "(yo pa t dwe poze l: li konte tankou san repons)",
        "(it should not have been asked: counts as no answer)",
    ),
    "recalculated": ("recalculado: {}", "rekalkile: {}", "recalculated: {}"),
    "type": ("La respuesta se lee como {}.", "Repons lan li kòm {}.", "The answer reads as {}."),
    "choice": (
        "La respuesta es una de las opciones de la lista.",
        "Repons lan se youn nan opsyon ki nan lis la.",
        "The answer is one of the choices in the list.",
    ),
    "relevant": (
        "Si no corresponde preguntarla, queda sin respuesta. {}",
        "Si kesyon an pa dwe poze, li rete san repons. {}",
        "If it should not be asked, it has no answer. {}",
    ),
    "group": ("Su sección {}: {}", "Seksyon li {}: {}", "Its section {}: {}"),
}

_KINDS: Final = {
    "required": "required",
    "constraint": "constraint",
    "calculation": "calculation",
    "choice_filter": "choice_filter",
    "repeat": "repeat_count",
}


class Words:
    """The sentences of one explanation in one language."""

    def __init__(self, found: Explanation, language: str) -> None:
        self.language = language
        self._at = ("es", "ht", "en").index(language)
        self._found = found
        form = found.compiled.form
        self._nodes: dict[str, Node] = {node.path: node for node in walk(form.root)}
        self._sentences: dict[tuple[str, str, str], RuleSentence] = {}
        for one in explain_form(form, found.compiled.specs, language):
            self._sentences.setdefault((one.kind, one.name, one.expression), one)

    def _say(self, key: str, *parts: object) -> str:
        return _TEXTS[key][self._at].format(*parts)

    def heading(self) -> str:
        """Which interview it is, how many rules it breaks, and what is not shown."""
        found, row = self._found, self._found.interview
        lines = [self._say("interview", row.instance_id)]
        if row.edits:
            lines.append(self._say("edited" if row.edits > 1 else "edited_once", row.edits, row.current_id))
        at = (row.updated_at or row.received_at).strftime("%Y-%m-%d %H:%M UTC")
        lines.append(self._say("form", found.form_id, row.version, at, NAMES[found.profile]))
        states = [one.state for one in found.rules]
        broken = len({one.rule.rule_id for one in found.rules if one.state == "broken"} | self._other_rules())
        others = (states.count(state) for state in ("not_checked", "holds", "not_applicable"))
        lines.append(self._say("counts", broken, *others))
        if found.corrections:
            lines.append(self._say("corrections", found.corrections))
        if found.is_excluded:
            lines.append(self._say("excluded"))
        if not found.answers:
            lines.append(self._say("names_only"))
        elif not found.personal:
            lines.append(self._say("no_personal"))
        return "\n".join(lines)

    def _other_rules(self) -> set[str]:
        return {one.rule_id for one in self._found.others}

    def rule(self, one: Explained) -> Iterator[str]:
        """A rule: how it fares, where, what it demands, and the answers that decided it."""
        rows = self._say("rows", one.rows) if one.state == "holds" and one.rows > 1 else ""
        where = one.row_id or rows
        yield "  ".join(filter(None, (self._say(one.state), one.rule.rule_id, where)))
        sentence = self.sentence(one)
        label = self._label(one)
        if sentence or label:
            yield f"    {self._say('rule', f'{label}: {sentence}' if label and sentence else label or sentence)}"
        if one.reason:
            yield f"    {self._say('why', say_reason(one.reason, self.language))}"
        if one.finding is not None:
            yield f"    {self._say('finding', one.finding.message[self.language])}"
            if one.finding.advice.get(self.language):
                yield f"    {self._say('advice', one.finding.advice[self.language])}"
        if one.engines and len(set(one.engines.values())) > 1:
            said = (self._say("fails" if fails else "passes", NAMES[engine]) for engine, fails in one.engines.items())
            yield f"    {self._say('engines', '; '.join(said))}"
        yield from self._values(one)

    def other(self, finding: Finding) -> Iterator[str]:
        """A finding of another kind of rule: structure, files, field work."""
        yield "  ".join(filter(None, (self._say("broken"), finding.rule_id, finding.row_id)))
        yield f"    {self._say('finding', finding.message[self.language])}"
        if finding.advice.get(self.language):
            yield f"    {self._say('advice', finding.advice[self.language])}"
        if finding.variables:
            yield f"    {self._say('depends', ', '.join(finding.variables))}"

    def sentence(self, one: Explained) -> str:
        """What a rule demands, in words; "" if there are none for it."""
        kind, _, name = one.rule.rule_id.partition(":")
        node = self._nodes.get(rule_path(one.rule))
        if kind == "check":
            found = self._sentences.get(("expression", name, one.rule.expression))
            return found.sentence if found else ""
        if node is None:
            return ""
        if kind == "type":
            return self._say("type", type_name(getattr(node, "type", ""), self.language))
        if kind == "choice":
            return self._say("choice")
        if kind == "relevant":
            return self._say("relevant", " ".join(self._conditions(node)))
        found = self._sentences.get((_KINDS.get(kind, kind), node.name, one.rule.expression))
        asked = self._conditions(node) if kind == "required" else ()
        return " ".join((found.sentence, *asked)) if found else ""

    def _conditions(self, node: Node) -> Iterator[str]:
        """When a question is asked: by its own condition, and those of the sections around it."""
        above = [one for path, one in self._nodes.items() if node.path.startswith(f"{path}/") and one.relevant]
        for one in (node, *reversed(above)):
            found = self._sentences.get(("relevant", one.name, one.relevant or ""))
            if found is not None:
                own = found.sentence
                label = quote_label(one.label, one.name, self.language)
                yield own if one is node else self._say("group", label, own[:1].lower() + own[1:])

    def _label(self, one: Explained) -> str:
        node = self._nodes.get(rule_path(one.rule))
        return "" if node is None else quote_label(node.label, node.name, self.language)

    def _values(self, one: Explained) -> Iterator[str]:
        if one.values and all(value.kind == "hidden" for value in one.values):
            names = (f"{value.question} {value.label}".strip() for value in one.values)
            yield f"    {self._say('depends', ', '.join(names))}"
        elif one.values:
            yield f"    {self._say('answers')}"
            for value in one.values:
                yield f"      {self._value(value)}"

    def _value(self, value: ShownValue) -> str:
        match value.kind:
            case "answer":
                shown = f"{value.value} ({value.choice})" if value.choice else value.value
                shown += "" if value.counts else f" {self._say('irrelevant')}"
            case "recalculated":
                shown = self._say("recalculated", value.value or self._say("blank"))
            case "hidden":
                shown = ""
            case kind:
                shown = self._say(kind)
        place = f" [{value.row_id}]" if value.row_id else ""
        label = f"  {value.label}" if value.label else ""
        return f"{value.question}{place} = {shown}{label}"
