"""`python -m nlu.check`: every problem in the phrases at once, with file and line.

`rasa data validate` looks for the same, and compares every phrase with every other: with these
60 000 it did not end within ten minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from nlu.fingerprint import FOLDER
from nlu.normal import normal
from nlu.phrases import MIXED, TRANSLITERATED, Phrase, read_phrases
from nlu.tags import INDICATORS, INTENTS, SECTIONS, TAGS, intent_of

_KNOWN = frozenset((*SECTIONS, *TAGS, *INTENTS, TRANSLITERATED, MIXED))


def problems(phrases: Iterable[Phrase]) -> Iterator[str]:
    """What is wrong with training phrases, a line each."""
    seen: dict[tuple[str, str], Phrase] = {}
    for phrase in phrases:
        where = f"{phrase.file}:{phrase.line}:"
        for label in sorted(phrase.labels - _KNOWN):
            yield f"{where} there is no label or section `{label}`. Correct it; see nlu/README.md."
        if phrase.section == "tell" and not phrase.labels & frozenset(INDICATORS):
            yield f"{where} a phrase of `tell` names no sign. Put a code before ` | `."
        intent = intent_of(phrase)
        first = seen.setdefault((phrase.language, normal(phrase.text)), phrase)
        if intent is not None and normal(phrase.text) and intent_of(first) not in (None, intent):
            yield (
                f"{where} “{phrase.text}” stands under `{first.section}` in {first.file}, line "
                f"{first.line}, too. Decide what it is."
            )


def main() -> int:
    """Print what is wrong; the exit code."""
    try:
        phrases = read_phrases(FOLDER / "phrases" / "train")
    except ValueError as error:
        print(error)
        return 2
    found = list(problems(phrases))
    for line in found:
        print(line)
    if found:
        return 2
    print(f"No problems. Checked: {len(phrases)} phrases.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
