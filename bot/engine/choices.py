"""The buttons of a question, and what a press of them means."""

from collections.abc import Iterator
from functools import reduce

from bot.domain.conversation import Place, Prompt
from bot.domain.messages import Choice, ChoiceId, Pick
from bot.domain.text import Text, text
from bot.engine.consents import take_back_choices
from bot.engine.draft import Draft
from bot.engine.facts import holds
from bot.engine.graph import DONT_KNOW, NO, SKIP, Question, Source, text_key

OFFERED_LANGUAGE = "offered_language"
"""The fact that holds the languages that were offered, the newest last."""

OTHER_COUNTRY = ChoiceId("other")


def choices_of(draft: Draft, question: Question) -> Iterator[Choice]:
    """The buttons of a question for this person now."""
    match question.source:
        case Source.LANGUAGES:
            for language in draft.graph.languages:
                yield Choice(ChoiceId(language), text(f"language.{language}"))
        case Source.COUNTRIES:
            for country in draft.graph.countries:
                yield Choice(ChoiceId(country), text(f"country.{country}.name"))
            yield Choice(OTHER_COUNTRY, text("interface.other_country"))
            yield Choice(SKIP, _label(SKIP))
        case Source.ANSWERED:
            yield from _answered_choices(draft)
        case Source.OFFERED_LANGUAGE:
            for offered in draft.conversation.facts.get(OFFERED_LANGUAGE, ())[-1:]:
                yield Choice(ChoiceId(offered), text(f"language.{offered}"))
                yield Choice(NO, text("interface.no"))
        case Source.AGREED:
            yield from take_back_choices(draft.conversation)
        case None:
            yield from _written_choices(question)


def _written_choices(question: Question) -> Iterator[Choice]:
    yield from (Choice(option.id, option.label) for option in question.options)
    yield from (Choice(choice, _label(choice)) for choice in question.added())


def _label(choice: ChoiceId) -> Text:
    return text(f"interface.{choice}")


def _answered_choices(draft: Draft) -> Iterator[Choice]:
    """The questions with an answer that still fit the person, never those that were skipped."""
    for given in draft.conversation.answers:
        node = draft.graph.node(given.place)
        if not given.choices or node is None or node.asks is None:
            continue
        if not holds(draft, node.only_if):
            continue
        labels = {choice.id: choice.label for choice in _written_choices(node.asks)}
        picked = [labels[choice] for choice in given.choices if choice in labels]
        if not picked:
            continue
        answer = reduce(_and, picked)
        label = text("interface.answered", question=text_key(given.place, "ask"), answer=answer)
        yield Choice(ChoiceId(f"{given.place.flow}.{given.place.node}"), label)


def _and(picked: Text, more: Text) -> Text:
    return text("interface.picked_and", picked=picked, more=more)


def labels_of(draft: Draft, prompt: Prompt, chosen: tuple[ChoiceId, ...]) -> tuple[Text, ...]:
    """The labels of the buttons that were pressed."""
    node = draft.graph.node(prompt.spot.place)
    if node is None or node.asks is None:
        return ()
    labels = {choice.id: choice.label for choice in choices_of(draft, node.asks)}
    return tuple(labels[choice] for choice in chosen if choice in labels)


def place_of(choice: ChoiceId) -> Place:
    """The question that a choice of an answered question names."""
    flow, _, node = choice.partition(".")
    return Place(flow, node)


def exclusive(choice: ChoiceId) -> bool:
    """Whether a choice cannot be picked together with others."""
    return choice in (DONT_KNOW, SKIP)


def fits(prompt: Prompt, chosen: tuple[ChoiceId, ...]) -> bool:
    """Whether a press names choices of the question that waits."""
    if not chosen or len(set(chosen)) != len(chosen) or not set(chosen) <= set(prompt.choices):
        return False
    if len(chosen) == 1:
        return True
    return prompt.pick is Pick.MANY and not any(exclusive(choice) for choice in chosen)
