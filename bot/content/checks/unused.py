"""Sentences that the program never says: whoever translates them does it for nobody."""

from collections.abc import Collection, Iterator, Mapping

from bot.content.checks.block_texts import BLOCK_TEXTS
from bot.content.checks.channel_texts import CHANNEL_TEXTS
from bot.content.checks.staff_texts import (
    CONSOLE_FAMILIES,
    CONSOLE_TEXTS,
    FORM_FAMILIES,
    FORM_TEXTS,
)
from bot.content.checks.subject import Subject
from bot.content.problems import Problem
from bot.engine.texts import ENGINE_TEXTS, OFFERED_TEXTS, REFERRAL_TEXTS

SAID: Mapping[str, Collection[str]] = {
    "interface": frozenset({*ENGINE_TEXTS, *OFFERED_TEXTS, *CHANNEL_TEXTS}),
    "facts": BLOCK_TEXTS,
    "referral": REFERRAL_TEXTS,
    "console": CONSOLE_TEXTS,
    "referral_form": FORM_TEXTS,
}
"""The names that the program knows, by file."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "console": CONSOLE_FAMILIES,
    "referral_form": FORM_FAMILIES,
}


def unused(subject: Subject) -> Iterator[Problem]:
    """Sentences of the files in `SAID` that nothing says.

    This harms nobody, and a new version of the program may say less than the one before: only
    authors are told, content with such a sentence is published all the same.
    """
    for source in subject.release.sources.values():
        file, _, name = source.key.partition(".")
        said = name in SAID.get(file, {name}) or name.startswith(FAMILIES.get(file, ()))
        if not said:
            yield Problem(
                source.file,
                source.line,
                "text:unused",
                f"The program never says `{name}`.",
                "Remove it, then run `firstpoint translate`.",
            )
