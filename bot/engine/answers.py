"""From the answers of a conversation to the outcome: the bridge to the rule."""

from collections.abc import Iterable, Iterator

from bot.domain.conversation import Answer, Conversation
from bot.domain.indicators import MOST_DEPENDENT, AgeAnswer, Answers, IndicatorCode, Presence
from bot.domain.messages import ChoiceId
from bot.engine.assess import assess
from bot.engine.graph import DONT_KNOW, NO, SKIP, SOMETIMES, YES, Graph, Question

# When two questions ask about one sign, the clearer answer counts.
_RANK = {Presence.UNKNOWN: 0, Presence.NO: 1, Presence.SOMETIMES: 2, Presence.YES: 3}
_PLAIN = {YES: Presence.YES, SOMETIMES: Presence.SOMETIMES, NO: Presence.NO}
_TURNED = {YES: Presence.NO, SOMETIMES: Presence.SOMETIMES, NO: Presence.YES}
_AGES = {"child": AgeAnswer.CHILD, "adult": AgeAnswer.ADULT, "not_sure": AgeAnswer.NOT_SURE}


def answers_of(graph: Graph, conversation: Conversation) -> Answers:
    """What the rule needs to know, from stored choices only."""
    presence: dict[IndicatorCode, Presence] = {}
    dependent = 0
    for question, answer in _answered(graph, conversation.answers):
        for code, found in _signs(question, answer):
            presence[code] = max(found, presence.get(code, found), key=_RANK.__getitem__)
        if question.sign_count:
            dependent = max(dependent, len(_picked(answer)))
    facts = conversation.facts
    age = facts.get("age", ())
    return Answers(
        age=_AGES.get(age[0], AgeAnswer.SKIPPED) if age else AgeAnswer.SKIPPED,
        presence=presence,
        dependent=min(MOST_DEPENDENT, dependent),
        purpose_topic=not graph.indicators.child_purpose_topics.isdisjoint(
            facts.get("topics", ())
        ),
        danger_now=not {"yes", "doctor"}.isdisjoint(facts.get("danger", ())),
        pregnancy_or_illness="doctor" in facts.get("danger", ()),
    )


def signs_present(graph: Graph, conversation: Conversation) -> tuple[IndicatorCode, ...]:
    """The codes that the person said are present, in the order of the table."""
    return assess(graph.indicators, answers_of(graph, conversation)).codes


def _answered(graph: Graph, answers: Iterable[Answer]) -> Iterator[tuple[Question, Answer]]:
    for answer in answers:
        node = graph.node(answer.place)
        if node is not None and node.asks is not None:
            yield node.asks, answer


def _picked(answer: Answer) -> tuple[ChoiceId, ...]:
    return tuple(choice for choice in answer.choices if choice not in (DONT_KNOW, SKIP))


def _signs(question: Question, answer: Answer) -> Iterator[tuple[IndicatorCode, Presence]]:
    """What one answer says about each code; a skipped question says nothing."""
    if SKIP in answer.choices or not answer.choices:
        return
    if question.sign:
        read = _TURNED if question.reversed else _PLAIN
        found = read.get(answer.choices[0], Presence.UNKNOWN)
        yield from ((IndicatorCode(code), found) for code in question.sign)
        return
    chosen = {
        code for option in question.options if option.id in answer.choices for code in option.signs
    }
    rest = Presence.UNKNOWN if DONT_KNOW in answer.choices else Presence.NO
    for option in question.options:
        for code in option.signs:
            yield IndicatorCode(code), Presence.YES if code in chosen else rest
