"""What an operator sees beside a conversation: always a little, everything after a yes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.domain.conversation import Conversation
from bot.domain.text import Text, text
from bot.engine.answers import answers_of
from bot.engine.assess import assess
from bot.engine.choices import choices_of
from bot.engine.draft import Draft
from bot.engine.graph import Graph, text_key
from bot.engine.received import Failed, Received


@dataclass(frozen=True, slots=True)
class AnswerGiven:
    """A question and what the person chose; skipped questions are not listed."""

    question: Text
    labels: tuple[Text, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignFound:
    """A sign, what it counted for, and the sentence that explains it."""

    code: str
    sentence: Text
    hits: tuple[tuple[str | None, str], ...]
    """Dimension and weight; without a dimension it is a form of exploitation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The answers and what the rule made of them, for whoever has to explain it."""

    answers: tuple[AnswerGiven, ...] = field(repr=False)
    outcome: str
    signs: tuple[SignFound, ...] = field(repr=False)
    positive: tuple[str, ...]
    grounds: tuple[str, ...]
    rule_version: str


def findings(graph: Graph, conversation: Conversation) -> Findings | None:
    """Everything that was answered; None without the person's yes."""
    if not conversation.show_answers:
        return None
    found = assess(graph.indicators, answers_of(graph, conversation))
    return Findings(
        answers=tuple(_given(graph, conversation)),
        outcome=found.outcome.value,
        signs=tuple(
            SignFound(
                reason.code,
                text(f"reasons.{reason.code}"),
                tuple(
                    (hit.dimension.value if hit.dimension else None, hit.weight.value)
                    for hit in reason.hits
                ),
            )
            for reason in found.reasons
        ),
        positive=tuple(dimension.value for dimension in found.positive),
        grounds=tuple(ground.code for ground in found.grounds),
        rule_version=found.rule_version,
    )


def _given(graph: Graph, conversation: Conversation) -> Iterator[AnswerGiven]:
    draft = Draft(graph, Received(what=Failed(), nonce=""), conversation)
    for answer in conversation.answers:
        node = graph.node(answer.place)
        if node is None or node.asks is None or not answer.choices:
            continue
        labels = {choice.id: choice.label for choice in choices_of(draft, node.asks)}
        chosen = tuple(labels[choice] for choice in answer.choices if choice in labels)
        if chosen:
            yield AnswerGiven(text_key(answer.place, "ask"), chosen)
