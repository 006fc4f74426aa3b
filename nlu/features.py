"""What models see of a text: parts of words, words, and concepts, each as a number.

The numbers are hashes, so no list of known words has to be kept: a word that nobody wrote in
training still has parts that somebody wrote. Of a text `MOST_WORDS` words are looked at.
"""

import math
import zlib
from collections.abc import Iterable, Iterator

from nlu.concepts import ROMANISED, Concepts, Word

SIZE = 1 << 19
"""How many different numbers there are."""

MOST_WORDS = 200
_MASK = SIZE - 1
_PARTS = (2, 3, 4, 5)
_NEAR = 5
"""Words between two concepts that still belong together."""


def features(words: list[Word], concepts: Concepts, languages: Iterable[str]) -> dict[int, float]:
    """The features of a text with their weights; each kind has the length 1 together."""
    words, likely = words[:MOST_WORDS], tuple(languages)
    romanised = not ROMANISED.isdisjoint(likely[:1])
    forms = [word.key if romanised else word.plain for word in words]
    kinds = (
        _of_parts(forms),
        _of_words(forms, likely[0] if likely else ""),
        _of_concepts(concepts.found(words, likely)),
    )
    weights: dict[int, float] = {}
    for names in kinds:
        numbers = {zlib.crc32(name.encode()) & _MASK for name in names}
        if numbers:
            weight = 1.0 / math.sqrt(len(numbers))
            for number in numbers:
                weights[number] = weights.get(number, 0.0) + weight
    return weights


def _of_parts(forms: list[str]) -> Iterator[str]:
    for form in forms:
        padded = f" {form} "
        for size in _PARTS:
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]


def _of_words(forms: list[str], language: str) -> Iterator[str]:
    before = "^"
    for form in forms:
        yield "w " + form
        yield f"l {language} {form}"
        yield f"w {before} {form}"
        before = form
    yield f"w {before} $"


def _of_concepts(found: list[tuple[int, str]]) -> Iterator[str]:
    for number, (place, concept) in enumerate(found):
        yield "c " + concept
        for other_place, other in found[number + 1 :]:
            if other_place - place > _NEAR:
                break
            if other_place > place:
                yield f"c {concept} {other}"
