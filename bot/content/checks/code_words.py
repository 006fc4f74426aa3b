"""Words that are agreed on with a return code: enough of them, and each easy to type."""

from collections.abc import Iterator

from bot.content.checks.subject import Sentence, Subject, quoted
from bot.content.problems import Problem
from bot.content.release import CODE_WORDS, SOURCE_LANGUAGE
from nlu.normal import normal

FEWEST_WORDS = 60
"""Who guesses has ten tries, so with fewer words one in six would get in."""


def code_words(subject: Subject) -> Iterator[Problem]:
    """Words that are none, and languages with too few different ones."""
    found = [s for s in subject.sentences if s.source.key.startswith(CODE_WORDS)]
    for sentence in found:
        yield from _form(sentence)
    for language in subject.release.languages:
        different = {normal(s.words) for s in found if s.language == language}
        if len(different) < FEWEST_WORDS:
            english = language == SOURCE_LANGUAGE
            yield Problem(
                "flows/code_words.yaml" if english else f"locales/{language}/code_words.po",
                1,
                "code_word:too-few",
                f"`{language}` has {len(different)} different words to agree on; "
                f"{FEWEST_WORDS} are the fewest.",
                "Add words. Accents, capitals and doubled letters make no difference.",
            )


def _form(sentence: Sentence) -> Iterator[Problem]:
    if not normal(sentence.words).isalpha():
        yield sentence.problem(
            "code_word:form",
            f"{quoted(sentence.words)} is not a single word made of letters.",
            "Write one word without spaces and digits.",
        )
