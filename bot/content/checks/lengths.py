"""Sentences that are too long to be read by somebody who is tired, afraid, or on a small phone."""

from collections.abc import Iterator

from bot.content.checks.subject import Sentence, Subject, quoted
from bot.content.problems import Problem
from bot.content.release import SOURCE_LANGUAGE
from bot.engine.texts import OFFERED_TEXTS

MOST_WORDS_OF_A_QUESTION = 12
"""Counted in English only: other languages write words together, or apart."""

MOST_CHARACTERS = {"sentence": 300, "label": 40}
MOST_CHARACTERS_TRANSLATED = {"sentence": 400, "label": 60}
"""Most languages need more letters than English for the same."""

_BUTTONS = frozenset(
    f"interface.{name}"
    for name in (
        *("yes", "sometimes", "no", "dont_know", "skip", "done", "other_country"),
        *OFFERED_TEXTS,
    )
)


def lengths(subject: Subject) -> Iterator[Problem]:
    """Questions, sentences and labels that are too long."""
    for sentence in subject.sentences:
        yield from _too_long(sentence)
        words = len(sentence.words.split())
        asked = sentence.source.key.endswith(".ask")
        english = sentence.language == SOURCE_LANGUAGE
        if asked and english and words > MOST_WORDS_OF_A_QUESTION:
            yield sentence.problem(
                "question:too-long",
                f"This question has {words} words; {MOST_WORDS_OF_A_QUESTION} are the most.",
                "Ask one thing, and say the rest before it with `say`.",
            )


def _too_long(sentence: Sentence) -> Iterator[Problem]:
    kind = "label" if sentence.is_label or sentence.source.key in _BUTTONS else "sentence"
    english = sentence.language == SOURCE_LANGUAGE
    most = (MOST_CHARACTERS if english else MOST_CHARACTERS_TRANSLATED)[kind]
    if len(sentence.words) > most:
        remedy = {
            "label": "Shorten it: a longer label is cut off on small phones.",
            "sentence": "Split it into several messages, one idea each.",
        }[kind]
        yield sentence.problem(
            "label:too-long" if kind == "label" else "text:too-long",
            f"{quoted(sentence.words)} has {len(sentence.words)} characters; {most} are the most.",
            remedy if english or kind == "label" else "Shorten the translation.",
        )
