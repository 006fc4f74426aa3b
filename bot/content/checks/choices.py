"""Choices that cannot be told apart: a person who types a label must mean one of them."""

from collections.abc import Iterator, Sequence

from bot.content.checks.first_help import needed_in
from bot.content.checks.subject import Subject, quoted
from bot.content.problems import Problem
from bot.content.release import SOURCE_LANGUAGE
from bot.domain.text import Language, Text, text
from bot.engine.graph import SKIP, Question, Source
from nlu.normal import normal


def choices(subject: Subject) -> Iterator[Problem]:
    """Two choices of one question with the same label, in any language that shows it."""
    graph = subject.release.graph
    for language in subject.release.languages:
        needed = needed_in(subject.release, language)
        for written in subject.nodes():
            node = graph.node(written.place)
            if node is None or node.asks is None:
                continue
            labels = _labels(subject, node.asks)
            if language != SOURCE_LANGUAGE and not any(label.key in needed for label in labels):
                continue
            for one, other in _same(subject, labels, language):
                yield written.problem(
                    ("choices",),
                    "choice:same-label",
                    f"Two choices read {quoted(one)} and {quoted(other)} in `{language}`.",
                    "Give each a label of its own, in this language too.",
                )


def _labels(subject: Subject, question: Question) -> Sequence[Text]:
    match question.source:
        case Source.LANGUAGES:
            return [text(f"language.{language}") for language in subject.release.languages]
        case Source.COUNTRIES:
            names = [f"country.{country}.name" for country in subject.release.countries]
            return [*map(text, names), text("interface.other_country"), _standard(SKIP)]
        case Source.ANSWERED | Source.AGREED | Source.OFFERED_LANGUAGE:
            return []
        case None:
            return _listed(question)


def _listed(question: Question) -> Sequence[Text]:
    return [
        *(option.label for option in question.options),
        *map(_standard, question.added()),
    ]


def _standard(choice: str) -> Text:
    return text(f"interface.{choice}")


def _same(
    subject: Subject, labels: Sequence[Text], language: Language
) -> Iterator[tuple[str, str]]:
    """Labels that are the same to a rule that compares typed words."""
    seen: dict[str, str] = {}
    for label in labels:
        words = subject.release.words(label, language).words
        key = normal(words) or words
        if key in seen:
            yield seen[key], words
        seen[key] = words
